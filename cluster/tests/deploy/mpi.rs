//! What `mpirun` starts.

use std::path::Path;
use std::process::Command;

use partita_cluster::Client;
use partita_cluster::deploy::SchedulerFile;

use crate::{Ended, PATIENCE, PROGRAM, TRIPS, names, same, terminate};

/// A scheduler and two workers, started by `words`.
fn whole_life(words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scheduler.json");
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .args([PROGRAM, "mpi", "--name", "trips", "--threads", "1", "--scheduler-file"])
        .arg(&path);
    let mut started = Ended::start(&mut command);
    let file = SchedulerFile::wait(&path, PATIENCE).unwrap();
    let client = Client::from_scheduler_file(&path).unwrap();
    client.wait_for_workers(2, PATIENCE).unwrap();
    assert_eq!(names(&client), ["trips-1", "trips-2"]);
    same(&client, TRIPS.as_ref());
    terminate(file.pid);
    assert!(started.0.wait().unwrap().success());
    assert!(!path.exists());
}

#[test]
#[ignore = "needs mpirun: .ci/cluster runs it"]
fn mpirun() {
    let as_root = if Path::new("/root").read_dir().is_ok() { "--allow-run-as-root" } else { "--oversubscribe" };
    whole_life(&["mpirun", as_root, "--oversubscribe", "-n", "3"]);
}

#[test]
fn variables_are_enough() {
    let script = r#"for rank in 0 1 2; do PMI_RANK=$rank PMI_SIZE=3 MPI_LOCALNRANKS=3 "$@" & done; wait"#;
    whole_life(&["bash", "-c", script, "start"]);
}
