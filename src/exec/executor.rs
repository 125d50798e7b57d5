//! Where graphs run: on the calling thread, or on a pool.

use std::fmt;
use std::sync::Arc;

use super::{Run, RunContext, Work};
use crate::base::{Error, Result};
use crate::graph::{TaskGraph, TaskId};

/// Runs graphs. Every executor gives the same results.
pub trait Executor: fmt::Debug + Send + Sync {
    /// Starts a graph for the wanted results.
    fn submit(&self, graph: TaskGraph<Work>, wanted: Vec<TaskId>, context: RunContext) -> Run;

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

    fn threads(&self) -> usize {
        1
    }

    fn works_in_background(&self) -> bool {
        false
    }

    fn install(&self, work: &mut (dyn FnMut() + Send)) {
        work();
    }
}

/// A pool of threads that all runs of a session share.
#[derive(Clone)]
pub struct Pool(Arc<rayon::ThreadPool>);

impl Pool {
    /// A pool of `threads` threads.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(threads: usize) -> Result<Pool> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.max(1))
            .thread_name(|i| format!("partita-{i}"))
            .build()
            .map_err(|e| Error::invalid(format!("cannot start {threads} threads: {e}")))?;
        Ok(Pool(Arc::new(pool)))
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

impl Executor for Pool {
    fn submit(&self, graph: TaskGraph<Work>, wanted: Vec<TaskId>, context: RunContext) -> Run {
        Run::start(graph, wanted, context, Some(self.0.clone()))
    }

    fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    fn works_in_background(&self) -> bool {
        true
    }

    fn install(&self, work: &mut (dyn FnMut() + Send)) {
        self.0.install(work);
    }
}
