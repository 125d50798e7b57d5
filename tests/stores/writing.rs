//! What is written to a store appears whole or not at all.

use partita::{CsvWriteOptions, ErrorKind, ParquetWriteOptions, Session, WriteMode, col};

use super::reading::{csv, session, shown};
use super::server::{Faults, Server};

/// A frame of several partitions.
fn trips(session: &Session, folder: &tempfile::TempDir) -> partita::DataFrame {
    let path = folder.path().join("trips.csv");
    std::fs::write(&path, csv(0..3_000)).unwrap();
    session.read_csv_with(&path, partita::CsvOptions::new().block_size(10_000u64)).unwrap()
}

fn clean(server: &Server) {
    let world = server.world();
    assert!(world.uploads.is_empty(), "{:?}", world.uploads.keys());
}

#[test]
fn folders_are_written_and_read_back() {
    let (server, folder) = (Server::new(), tempfile::tempdir().unwrap());
    let session = session(&server);
    let frame = trips(&session, &folder).with_column("kind", col("id") % 3).unwrap();
    let receipts = frame.to_parquet("s3://bucket/out").unwrap();
    assert_eq!(receipts.len(), frame.npartitions().unwrap());
    assert_eq!(receipts[0].path.to_string_lossy(), "s3://bucket/out/part-00000.parquet");
    let size = server.world().objects["bucket/out/part-00000.parquet"].0.len() as u64;
    assert_eq!(receipts[0].bytes, size);
    let expected = shown(&frame);
    let whole = |frame: partita::DataFrame| frame.compute().unwrap().num_rows();
    assert_eq!(shown(&session.read_parquet("s3://bucket/out").unwrap()), expected);

    let by = ParquetWriteOptions::new().partition_by(["kind"]);
    frame.to_parquet_with("s3://bucket/by", by.clone()).unwrap();
    assert!(server.world().objects.contains_key("bucket/by/kind=2/part-00000.parquet"));
    let two = session.read_parquet("s3://bucket/by").unwrap().filter(col("kind").eq(2)).unwrap();
    assert_eq!(whole(two), 1_000);
    frame.to_parquet_with("s3://bucket/by", by.mode(WriteMode::Append)).unwrap();
    assert_eq!(session.read_parquet("s3://bucket/by").unwrap().len().unwrap(), 6_000);

    let csv = frame.write_file("s3://bucket/one.csv", &CsvWriteOptions::new()).unwrap();
    assert_eq!(csv.rows, 3_000);
    assert_eq!(session.read_csv("s3://bucket/one.csv").unwrap().len().unwrap(), 3_000);
    clean(&server);
}

#[test]
fn modes_say_what_becomes_of_what_is_there() {
    let (server, folder) = (Server::new(), tempfile::tempdir().unwrap());
    let session = session(&server);
    let frame = trips(&session, &folder);
    frame.to_parquet("s3://bucket/out").unwrap();
    let error = frame.to_parquet("s3://bucket/out").unwrap_err().to_string();
    assert!(error.contains("s3://bucket/out") && error.contains("something at this place"), "{error}");

    // it may be what is read
    let read = session.read_parquet("s3://bucket/out").unwrap();
    let few = read.filter(col("id").lt(100)).unwrap().repartition(2).unwrap();
    let overwrite = || ParquetWriteOptions::new().mode(WriteMode::Overwrite);
    few.to_parquet_with("s3://bucket/out", overwrite()).unwrap();
    // what is replaced stays until the new files are there, which so have other names
    let world = server.world();
    assert!(
        world.names().len() == 2 && !world.objects.contains_key("bucket/out/part-00000.parquet"),
        "{:?}",
        world.names()
    );
    drop(world);
    assert_eq!(session.read_parquet("s3://bucket/out").unwrap().len().unwrap(), 100);

    server.put("bucket/out/notes.txt", "mine");
    let error = few.to_parquet_with("s3://bucket/out", overwrite()).unwrap_err().to_string();
    assert!(error.contains("notes.txt"), "{error}");
    let other = few.rename([("fare", "price")]).unwrap();
    let append = ParquetWriteOptions::new().mode(WriteMode::Append);
    let error = other.to_parquet_with("s3://bucket/out", append).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Schema { .. }), "{error}");
    let one = |mode| frame.write_file("s3://bucket/one.parquet", &ParquetWriteOptions::new().mode(mode));
    one(WriteMode::Error).unwrap();
    assert!(one(WriteMode::Error).is_err() && one(WriteMode::Overwrite).is_ok());
    let error = few.to_parquet(server.http("bucket/x")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
    clean(&server);
}

#[test]
fn nothing_is_left_of_what_fails() {
    let (server, folder) = (Server::new(), tempfile::tempdir().unwrap());
    let session = session(&server);
    let frame = trips(&session, &folder);
    server.fail(Faults { bad_parts: 3, ..Faults::default() });
    frame.to_parquet("s3://bucket/passing").unwrap();
    server.fail(Faults { bad_parts: usize::MAX, ..Faults::default() });
    let error = frame.to_parquet("s3://bucket/out").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Store { attempts: 5, .. }), "{error}");
    assert!(error.to_string().contains("s3://bucket/out/part-0"), "{error}");
    server.fail(Faults::default());
    // a row that fails in the last partition
    std::fs::write(folder.path().join("bad.csv"), csv(0..3_000) + "x,y,z\n").unwrap();
    let options = partita::CsvOptions::new().block_size(10_000u64).dtype("id", arrow::datatypes::DataType::Int64);
    let bad = session.read_csv_with(folder.path().join("bad.csv"), options).unwrap();
    assert!(bad.to_parquet("s3://bucket/bad").is_err());
    assert!(bad.write_file("s3://bucket/bad.csv", &CsvWriteOptions::new()).is_err());
    let world = server.world();
    assert!(world.names().iter().all(|name| name.starts_with("bucket/passing/")), "{:?}", world.names());
    drop(world);
    clean(&server);
}

#[test]
fn a_commit_that_fails_loses_nothing_that_was_there() {
    let (server, folder) = (Server::new(), tempfile::tempdir().unwrap());
    let session = session(&server);
    let frame = trips(&session, &folder);
    let overwrite = ParquetWriteOptions::new().mode(WriteMode::Overwrite);
    frame.to_parquet("s3://bucket/out").unwrap();
    frame.write_file("s3://bucket/one.parquet", &overwrite).unwrap();
    let before = server.world().objects.clone();
    let few = frame.filter(col("id").lt(100)).unwrap();
    // some files appear, one of them does not; and the file that is there is not the one that was written
    let last = format!("part-{:05}.parquet", 2 * frame.npartitions().unwrap() - 1);
    server.fail(Faults { lost: Some(last), ..Faults::default() });
    assert!(few.to_parquet_with("s3://bucket/out", overwrite.clone()).is_err());
    server.fail(Faults { lost: Some("one.parquet".into()), ..Faults::default() });
    assert!(few.write_file("s3://bucket/one.parquet", &overwrite).is_err());
    assert_eq!(server.world().objects, before);
    // a yes that is lost on its way is a yes
    server.fail(Faults { denied: true, ..Faults::default() });
    few.to_parquet_with("s3://bucket/out", overwrite.clone()).unwrap();
    few.write_file("s3://bucket/one.parquet", &overwrite).unwrap();
    server.fail(Faults::default());
    assert_eq!(session.read_parquet("s3://bucket/out").unwrap().len().unwrap(), 100);
    assert_eq!(session.read_parquet("s3://bucket/one.parquet").unwrap().len().unwrap(), 100);
    clean(&server);
}
