//! What is large, what is many, and what changes between planning and running.

use std::sync::Arc;
use std::time::{Duration, Instant};

use partita::arrow::array::{ArrayRef, Int64Array, RecordBatch};
use partita::{CsvOptions, DataFrame, ErrorKind, Join, Keep, Result, Session, col, size};
use partita_cluster::LocalCluster;

use crate::{TRIPS_CSV, alike, cluster, same, session};

/// The sample, in many partitions.
fn many(session: &Session) -> Result<DataFrame> {
    session.read_csv_with(TRIPS_CSV, CsvOptions::new().block_size(10_000u64))?.select(["PULocationID", "fare_amount"])
}

/// Zones with a number each, and so many more that the table has 6 MB.
fn zones(session: &Session) -> Result<DataFrame> {
    let column = |of: &dyn Fn(i64) -> i64| Arc::new(Int64Array::from_iter_values((0..400_000).map(of))) as ArrayRef;
    let columns = [("PULocationID", column(&|i| i)), ("zone", column(&|i| i * 3))];
    session.from_batches([RecordBatch::try_from_iter(columns)?])
}

#[test]
fn frames_in_memory_travel_to_all_threads_at_once() {
    let program = env!("CARGO_BIN_EXE_partita-cluster");
    let cluster = LocalCluster::builder().n_workers(1).threads_per_worker(4).program(program).start().unwrap();
    let here = session();
    let there = here.engine(cluster.client().engine());
    same("beside files", |s| many(s)?.join(&zones(s)?, Join::left("PULocationID")), &here, &there);
    let exchanged = |s: &Session| many(s)?.join(&zones(s)?, Join::inner("PULocationID").broadcast(false));
    alike("exchanged", exchanged, &here, &there);
}

#[test]
fn joins_in_joins_are_planned_once() {
    let (cluster, here) = (cluster(), session());
    let there = here.engine(cluster.client().engine());
    let begun = Instant::now();
    let nested = |s: &Session| {
        let mut frame = many(s)?.groupby("PULocationID")?.agg([size()])?;
        for i in 0..8 {
            let zones = many(s)?.select(["PULocationID"])?.drop_duplicates(["PULocationID"], Keep::Any)?;
            let zones = zones.with_column(format!("c{i}"), col("PULocationID") + i)?;
            // the side that every task would have to read is made of joins itself
            frame = zones.join(&frame, Join::inner("PULocationID").broadcast(true))?;
        }
        Ok(frame)
    };
    alike("joins in joins", nested, &here, &there);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_file_that_has_changed_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some trips.csv");
    std::fs::copy(TRIPS_CSV, &path).unwrap();
    let cluster = cluster();
    let there = session().engine(cluster.client().engine());
    let trips = there.read_csv(path.to_str().unwrap()).unwrap();
    trips.select(["fare_amount"]).unwrap().sum().unwrap().compute().unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(1);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    let error = trips.select(["fare_amount"]).unwrap().sum().unwrap().compute().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(error.to_string().contains("some trips.csv"), "{error}");
}
