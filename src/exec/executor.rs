//! Where graphs run: on the calling thread, or on a pool.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::workers::Workers;
use super::{LiveGraph, Observers, Run, RunContext, TaskContext, Work};
use crate::base::{Error, Result};
use crate::graph::{TaskGraph, TaskId};

/// Runs graphs. Every executor gives the same results.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Starts a graph for the wanted results.
    fn submit(&self, graph: TaskGraph<Work>, wanted: Vec<TaskId>, context: RunContext) -> Run;

    /// Starts a graph that grows while it runs.
    fn live(&self, task: TaskContext, observers: Observers) -> LiveGraph;

    /// How many threads work at once.
    fn threads(&self) -> usize;

    /// Whether work goes on while nobody waits for it.
    fn works_in_background(&self) -> bool;

    /// Calls `work`, with parallel iterators inside it on the threads of this executor.
    fn install(&self, work: &mut (dyn FnMut() + Send));
}

/// One task after the other, on the thread that asks for results: for debugging.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Executor for Serial {
    fn submit(&self, graph: TaskGraph<Work>, wanted: Vec<TaskId>, context: RunContext) -> Run {
        Run::start(graph, wanted, context, None)
    }

    fn live(&self, task: TaskContext, observers: Observers) -> LiveGraph {
        LiveGraph::new(task, observers, None)
    }

    fn threads(&self) -> usize {
        1
    }

    fn works_in_background(&self) -> bool {
        false
    }

    fn install(&self, work: &mut (dyn FnMut() + Send)) {
        static ALONE: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
        let pool = || rayon::ThreadPoolBuilder::new().num_threads(1).build().ok();
        match ALONE.get_or_init(pool) {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// A pool of threads that all runs of a session share.
#[derive(Clone)]
pub struct Pool {
    workers: Arc<Workers>,
    /// For parallel iterators, which need threads of another kind (see `workers`).
    parallel: Arc<OnceLock<Option<rayon::ThreadPool>>>,
}

/// More threads than this are a mistake.
const MOST_THREADS: usize = 4096;

impl Pool {
    /// A pool of `threads` threads; they are started when there is work for them.
    ///
    /// # Errors
    /// `Invalid` for no threads, or thousands.
    pub fn new(threads: usize) -> Result<Pool> {
        if !(1..=MOST_THREADS).contains(&threads) {
            return Err(Error::invalid(format!("a pool cannot have {threads} threads"))
                .help(format!("give a number from 1 to {MOST_THREADS}; as many as there are cores is best")));
        }
        Ok(Pool { workers: Arc::new(Workers::new(threads)), parallel: Arc::default() })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

impl Executor for Pool {
    fn submit(&self, graph: TaskGraph<Work>, wanted: Vec<TaskId>, context: RunContext) -> Run {
        Run::start(graph, wanted, context, Some(self.workers.clone()))
    }

    fn live(&self, task: TaskContext, observers: Observers) -> LiveGraph {
        LiveGraph::new(task, observers, Some(self.workers.clone()))
    }

    fn threads(&self) -> usize {
        self.workers.most()
    }

    fn works_in_background(&self) -> bool {
        true
    }

    fn install(&self, work: &mut (dyn FnMut() + Send)) {
        let pool = self.parallel.get_or_init(|| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(self.threads());
            builder.thread_name(|i| format!("partita-install-{i}")).build().ok()
        });
        match pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}
