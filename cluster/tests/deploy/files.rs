//! A scheduler and workers that find each other by a file.

use std::time::Duration;

use partita::ErrorKind;
use partita_cluster::Client;
use partita_cluster::deploy::SchedulerFile;

use crate::{PATIENCE, TRIPS, names, program, same, terminate, until};

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
