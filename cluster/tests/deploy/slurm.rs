//! A real SLURM of two nodes, which `slurm.sh` starts.

use std::process::Command;
use std::time::Duration;

use partita_cluster::SlurmCluster;

use crate::{PATIENCE, PROGRAM, TRIPS, names, same, until, used};

fn queue() -> String {
    let told = Command::new("squeue").args(["-h", "-o", "%i %T"]).output().expect("SLURM is there");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

/// Nodes have three cores: a job of two on each, and no room for a third.
#[test]
#[ignore = "needs SLURM: tests/slurm.sh starts one"]
fn slurm_from_start_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let (file, place) = (folder.path().join("scheduler.json"), folder.path().join("place"));
    let builder = SlurmCluster::builder().queue("multiple").cores(2).memory("300MB");
    let builder = builder.walltime(Duration::from_secs(600)).interface("lo").scheduler_file(&file).program(PROGRAM);
    let builder = builder.local_directory(&place).log_directory(folder.path().join("logs")).env("RUST_BACKTRACE", "1");
    let mut cluster = builder.start().unwrap();
    println!("{cluster}\n{}", cluster.job_script().unwrap());
    cluster.scale(2).unwrap();
    let client = cluster.client().unwrap();
    client.wait_for_workers(2, PATIENCE).unwrap();
    let status = cluster.status().unwrap();
    println!("{cluster}");
    status.iter().for_each(|job| println!("  {job}"));
    assert!(status.iter().all(|job| job.state == "RUNNING" && job.log.exists()), "{status:?}");
    assert_eq!(status.iter().map(|job| job.nodes.as_deref().unwrap()).collect::<Vec<_>>(), ["n1", "n2"]);
    same(&client, TRIPS.as_ref());
    // there is no room for a third one, and the queue says so
    cluster.scale(3).unwrap();
    until("a job waits for its turn", || {
        let job = cluster.status().unwrap().pop().unwrap();
        job.state == "PENDING" && job.reason.is_some_and(|why| why == "Resources")
    });
    println!("  {}", cluster.status().unwrap()[2]);
    cluster.scale(2).unwrap();
    until("it is taken back", || cluster.status().unwrap()[2].state == "CANCELLED");
    // a smaller one has room, and nobody here has to know of it
    let words = ["slurm", "--submit", "--queue", "multiple", "--cores", "1", "--memory", "300MB", "--interface", "lo"];
    let late = Command::new(PROGRAM)
        .args(words)
        .args(["--scheduler-file".as_ref(), file.as_os_str(), "--local-directory".as_ref(), place.as_os_str()])
        .args(["--log-directory".as_ref(), folder.path().as_os_str()])
        .output()
        .unwrap();
    assert!(late.status.success(), "{}", String::from_utf8_lossy(&late.stderr));
    let late = format!("partita-worker-{}-0-1", String::from_utf8_lossy(&late.stdout).trim());
    client.wait_for_workers(3, PATIENCE).unwrap();
    assert!(names(&client).contains(&late), "{late}: {:?}", names(&client));
    // it is used: what it computed lies in its folder
    assert!(!used(&place.join(&late)));
    same(&client, TRIPS.as_ref());
    assert!(used(&place.join(&late)));
    cluster.close().unwrap();
    assert!(!file.exists());
    until("the queue is empty", || queue().is_empty());
    until("workers take their files with them", || std::fs::read_dir(&place).unwrap().count() == 0);
}

/// One job over both nodes, the scheduler in it, the program and the data on its disks.
#[test]
#[ignore = "needs SLURM: tests/slurm.sh starts one"]
fn slurm_one_job_over_two_nodes() {
    let folder = tempfile::tempdir().unwrap();
    let (file, place) = (folder.path().join("scheduler.json"), folder.path().join("place"));
    let builder = SlurmCluster::builder().queue("multiple").nodes(2).cores(2).processes(2).interface("lo");
    let builder = builder.scheduler_file(&file).scheduler_in_job(true).program(PROGRAM).local_directory(&place);
    let cluster = builder.log_directory(folder.path().join("logs")).stage([TRIPS]).start().unwrap();
    println!("{}", cluster.job_script().unwrap());
    let client = cluster.wait_for_scheduler(PATIENCE).unwrap();
    client.wait_for_workers(cluster.workers(), PATIENCE).unwrap();
    let job = &cluster.jobs()[0];
    let expected = ["0-1", "0-2", "1-1", "1-2"].map(|place| format!("partita-worker-{job}-{place}"));
    assert_eq!(names(&client), expected);
    assert_eq!(cluster.status().unwrap()[0].nodes.as_deref(), Some("n[1-2]"));
    println!("{cluster}\n  {}", cluster.status().unwrap()[0]);
    let staged = place.join("partita-stage");
    assert!(staged.join("partita-cluster").exists());
    same(&client, &staged.join("trips.parquet"));
    drop(cluster);
    until("the queue is empty", || queue().is_empty());
    until("the scheduler takes its file with it", || !file.exists());
}
