//! What observers are told.

use std::time::Duration;

use crate::graph::{Key, Label};

/// Something that happened while a graph ran.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A run begins.
    RunStarted {
        /// Tells runs apart.
        run: u64,
        /// How many tasks it has.
        tasks: usize,
    },
    /// A task begins.
    TaskStarted {
        /// The run.
        run: u64,
        /// What it computes.
        key: Key,
        /// How it is called.
        label: &'a Label,
        /// The thread it runs on, from 0; absent on a thread that is not of the pool.
        worker: Option<usize>,
    },
    /// A task has ended.
    TaskFinished {
        /// The run.
        run: u64,
        /// What it computed.
        key: Key,
        /// How it is called.
        label: &'a Label,
        /// The thread it ran on, from 0; absent on a thread that is not of the pool.
        worker: Option<usize>,
        /// How long it took.
        took: Duration,
        /// Bytes of its result.
        bytes: u64,
        /// Whether it failed.
        failed: bool,
    },
    /// A run has ended.
    RunFinished {
        /// The run.
        run: u64,
        /// Whether it failed or was cancelled.
        failed: bool,
    },
}

/// Somebody who watches: progress, traces, dashboards, tests. Called from many threads; must be quick.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn notice(&self, event: &Event<'_>);
}
