//! Clusters of several machines: what scheduler files say, what queues do, what `mpirun` starts. Queues that are no more
//! than shell scripts run jobs on this machine; a real SLURM and a real `mpirun` are for `slurm.sh` and `mpi.sh`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod files;
mod mpi;
mod queues;
mod slurm;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use partita::arrow::array::RecordBatch;
use partita::arrow::compute::concat_batches;
use partita::{Result, Session, col, size};
use partita_cluster::Client;

const PROGRAM: &str = env!("CARGO_BIN_EXE_partita-cluster");
const TRIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/trips.parquet");
const TRIPS_CSV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/trips.csv");
/// How long things of other programs may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that ends with the test, and what it started with it.
struct Ended(Child);

impl Ended {
    fn start(command: &mut Command) -> Ended {
        Ended(command.process_group(0).spawn().unwrap())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

fn program(words: &[&str]) -> Ended {
    Ended::start(Command::new(PROGRAM).args(words))
}

fn terminate(process: u32) {
    assert!(Command::new("kill").args(["-TERM", &process.to_string()]).status().unwrap().success());
}

/// Waits until it holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A query over one file.
fn by_zone(session: &Session, path: &Path) -> Result<RecordBatch> {
    let trips = session.read_parquet(path.to_str().unwrap())?.filter(col("fare_amount").gt(0))?;
    let all = [size(), col("fare_amount").sum().alias("fares"), col("tip_amount").mean().alias("tip")];
    rows(&trips.groupby("PULocationID")?.agg(all)?.compute()?)
}

/// A query of so many tasks that each worker gets some.
fn of_many_tasks(session: &Session) -> Result<RecordBatch> {
    let trips = session.read_csv([TRIPS_CSV; 24])?;
    assert!(trips.npartitions()? > 20);
    rows(&trips.groupby("PULocationID")?.agg([size(), col("fare_amount").mean().alias("fare")])?.compute()?)
}

fn rows(table: &partita::Table) -> Result<RecordBatch> {
    Ok(concat_batches(table.schema(), table.batches()).unwrap())
}

/// Both queries give what they give here.
fn same(client: &Client, path: &Path) {
    let here = Session::builder().threads(2).build().unwrap();
    let there = here.engine(client.engine());
    let begun = Instant::now();
    assert_eq!(by_zone(&here, Path::new(TRIPS)).unwrap(), by_zone(&there, path).unwrap());
    assert_eq!(of_many_tasks(&here).unwrap(), of_many_tasks(&there).unwrap());
    println!("{client}: as here, {:?}", begun.elapsed());
}

/// Whether a worker has computed something: what others fetch from it lies in its folder.
fn used(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| if path.is_dir() { used(&path) } else { path.extension().is_some_and(|kind| kind == "arrow") })
}

/// The names of the workers, in order.
fn names(client: &Client) -> Vec<String> {
    let mut names: Vec<String> = client.workers().unwrap().into_iter().map(|worker| worker.id).collect();
    names.sort();
    names
}
