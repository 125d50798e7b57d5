//! A scheduler and workers that find each other by a file.

use std::time::{Duration, Instant};

use partita::arrow::array::RecordBatch;
use partita::{CsvOptions, ErrorKind, Result, Session, col, size};
use partita_cluster::Client;
use partita_cluster::deploy::SchedulerFile;

use crate::{PATIENCE, TRIPS, TRIPS_CSV, names, program, rows, same, terminate, until, used};

#[test]
fn a_scheduler_is_found_by_its_file_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scheduler.json");
    let file = path.to_str().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let error = Client::from_scheduler_file(&path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    // workers may be there first
    let worker = |name: &str| {
        program(&[
            "worker",
            "--scheduler-file",
            file,
            "--name",
            name,
            "--folder",
            &place(name),
            "--threads",
            "1",
            "--end-with-scheduler",
        ])
    };
    let mut first = worker("w-1");
    let mut scheduler = program(&["scheduler", "--scheduler-file", file, "--interface", "lo"]);
    let known = SchedulerFile::wait(&path, PATIENCE).unwrap();
    assert_eq!(known.pid, scheduler.0.id());
    let client = Client::from_scheduler_file(&path).unwrap();
    client.wait_for_workers(1, PATIENCE).unwrap();
    let mut second = worker("w-2");
    client.wait_for_workers(2, PATIENCE).unwrap();
    same(&client, TRIPS.as_ref());
    assert_eq!(names(&client), ["w-1", "w-2"]);
    // there is one scheduler a file
    assert!(!program(&["scheduler", "--scheduler-file", file]).0.wait().unwrap().success());
    // a worker that ends in order is gone at once, with what it wrote
    terminate(second.0.id());
    assert!(second.0.wait().unwrap().success());
    until("a worker takes its leave", || names(&client) == ["w-1"]);
    assert!(!folder.path().join("w-2").exists());
    same(&client, TRIPS.as_ref());
    terminate(scheduler.0.id());
    assert!(scheduler.0.wait().unwrap().success());
    assert!(!path.exists());
    // and the other one goes after its scheduler
    assert!(first.0.wait().unwrap().success());
    assert!(!folder.path().join("w-1").exists());
    std::fs::write(&path, serde_json::to_string(&known).unwrap()).unwrap();
    let error = Client::from_scheduler_file(&path).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(error.to_string().contains("nobody answers"), "{error}");
    assert!(SchedulerFile::wait(&path, Duration::from_millis(300)).is_err());
}

/// Workers come and go while a query runs; its answer stays what it is.
#[test]
fn workers_come_and_go_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scheduler.json");
    let text = std::fs::read_to_string(TRIPS_CSV).unwrap();
    let (header, body) = text.split_once('\n').unwrap();
    let long = folder.path().join("long.csv");
    std::fs::write(&long, format!("{header}\n{}", body.repeat(300))).unwrap();
    let query = |session: &Session| -> Result<RecordBatch> {
        let trips = session.read_csv_with(long.to_str().unwrap(), CsvOptions::new().block_size(1_000_000u64))?;
        let all = [col("fare_amount").sum().alias("fares"), col("tip_amount").mean().alias("tip"), size()];
        rows(&trips.groupby("PULocationID")?.agg(all)?.compute()?)
    };
    // a scheduler of all addresses of this machine, and workers that are told none
    let _scheduler = program(&["scheduler", "--listen", "0.0.0.0:0", "--scheduler-file", path.to_str().unwrap()]);
    let address = SchedulerFile::wait(&path, PATIENCE).unwrap().address;
    let port = address.rsplit(':').next().unwrap();
    let place = |name: &str| folder.path().join(name);
    let worker = |name: &str| {
        let (scheduler, place) = (format!("localhost:{port}"), place(name));
        let place = place.to_str().unwrap();
        program(&[
            "worker",
            "--scheduler",
            &scheduler,
            "--name",
            name,
            "--folder",
            place,
            "--threads",
            "1",
            "--host",
            "auto",
        ])
    };
    let mut first = worker("first");
    let client = Client::connect(&address).unwrap();
    client.wait_for_workers(1, PATIENCE).unwrap();
    let here = Session::builder().threads(2).build().unwrap();
    let there = here.engine(client.engine());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| query(&there));
        until("the first one has begun", || used(&place("first")));
        let _second = worker("second");
        until("the second one is used", || used(&place("second")));
        assert!(!answer.is_finished());
        terminate(first.0.id());
        assert!(first.0.wait().unwrap().success());
        let (gone, late) = (begun.elapsed(), answer.is_finished());
        let answer = answer.join().unwrap().unwrap();
        println!("one has gone after {gone:?} (too late: {late}), the answer came after {:?}", begun.elapsed());
        assert_eq!(answer, query(&here).unwrap());
    });
}
