//! What is said of a cluster of processes on this machine.

use std::fmt;

use partita::ByteSize;
use partita::base::shown::card;

use crate::client::Job;
use crate::local::LocalCluster;

/// How a [`LocalCluster`] is at a moment.
#[derive(Clone, Debug)]
pub struct ClusterStatus {
    /// Where the scheduler listens.
    pub address: String,
    /// Its workers, in the order in which they were started.
    pub workers: Vec<WorkerStatus>,
    /// What the scheduler runs or has run lately.
    pub jobs: Vec<Job>,
}

/// How a worker is at a moment.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    /// Its name.
    pub name: String,
    /// The number of its process.
    pub process: u32,
    /// Whether the scheduler gives it tasks.
    pub state: WorkerState,
    /// How many tasks it runs at once.
    pub threads: usize,
    /// What of it is in physical memory; 0 where the system does not say.
    pub memory: ByteSize,
    /// The most that was, so far.
    pub peak: ByteSize,
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerState {
    /// The scheduler does not know it yet.
    Starting,
    /// It is there.
    Ready,
    /// Its process has ended, though nobody told it to.
    Ended,
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            WorkerState::Starting => "starting",
            WorkerState::Ready => "ready",
            WorkerState::Ended => "ended",
        })
    }
}

impl fmt::Display for ClusterStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.jobs.iter().filter(|job| job.is_open()).count();
        writeln!(f, "scheduler at {}: {} jobs, {running} of them run or wait", self.address, self.jobs.len())?;
        writeln!(
            f,
            "{:<12} {:>8} {:<8} {:>7} {:>12} {:>12}",
            "worker", "process", "state", "threads", "memory", "peak"
        )?;
        for WorkerStatus { name, process, state, threads, memory, peak } in &self.workers {
            let (memory, peak) = (memory.to_string(), peak.to_string());
            writeln!(f, "{name:<12} {process:>8} {state:<8} {threads:>7} {memory:>12} {peak:>12}")?;
        }
        Ok(())
    }
}

impl LocalCluster {
    /// It as a table in HTML.
    pub fn to_html(&self) -> String {
        let (workers, each) = (self.n_workers(), self.memory_limit());
        card(
            "LocalCluster",
            &[
                ("Scheduler", self.address().to_string()),
                ("Jobs", self.link()),
                ("Workers", workers.to_string()),
                ("Threads", (workers * self.threads_per_worker()).to_string()),
                ("Memory", ByteSize(each.0.saturating_mul(workers as u64)).to_string()),
                ("Memory of a worker", each.to_string()),
            ],
        )
    }
}

impl fmt::Display for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (workers, threads) = (self.n_workers(), self.n_workers() * self.threads_per_worker());
        let memory = ByteSize(self.memory_limit().0.saturating_mul(workers as u64));
        write!(f, "LocalCluster('{}', jobs='{}', ", self.address(), self.link())?;
        write!(f, "workers={workers}, threads={threads}, memory={memory})")
    }
}

impl fmt::Debug for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
