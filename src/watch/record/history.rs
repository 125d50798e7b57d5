//! What a [`Recorder`](super::Recorder) can be asked for. Times count from when it was made.

use std::sync::Arc;
use std::time::Duration;

use crate::exec::event::{Key, Usage};

/// A task that has ended.
#[derive(Clone, Debug)]
pub struct TaskSpan {
    /// Its number among all that have ended.
    pub number: u64,
    /// The run.
    pub run: u64,
    /// What it computed.
    pub key: Key,
    /// What it did.
    pub operation: Arc<str>,
    /// For which partition.
    pub partition: u32,
    /// The thread of the pool, from 0; absent on another thread.
    pub worker: Option<usize>,
    /// Tells threads apart, those of several pools too.
    pub thread: u32,
    /// Inside how many other tasks of this thread it ran: a task may compute something itself.
    pub depth: u32,
    /// When it began.
    pub start: Duration,
    /// When it ended.
    pub end: Duration,
    /// Bytes of its result.
    pub bytes: u64,
    /// Rows of its result, where it is rows.
    pub rows: Option<u64>,
    /// Whether it failed.
    pub failed: bool,
}

/// A task that is running.
#[derive(Clone, Debug)]
pub struct RunningTask {
    /// The run.
    pub run: u64,
    /// What it computes.
    pub key: Key,
    /// What it does.
    pub operation: Arc<str>,
    /// For which partition.
    pub partition: u32,
    /// The thread of the pool, from 0; absent on another thread.
    pub worker: Option<usize>,
    /// Tells threads apart, those of several pools too.
    pub thread: u32,
    /// When it began.
    pub start: Duration,
}

/// The tasks of one operation, summed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationTotals {
    /// What they do.
    pub operation: Arc<str>,
    /// How many there are to be run, those that have been included; of a run that has ended: those that were started. A task
    /// that is cancelled, that nobody needs any more, or that needs one that has failed, is not there to be run any more.
    pub planned: u64,
    /// How many are running.
    pub running: u64,
    /// How many have ended well.
    pub done: u64,
    /// How many have failed; one that was tried again and went well then has not.
    pub failed: u64,
    /// How long they took, summed over threads; what ran inside them as tasks of its own is not counted again.
    pub busy: Duration,
    /// How long the longest took.
    pub longest: Duration,
    /// Bytes of their results.
    pub bytes: u64,
    /// Rows of their results, where those are rows.
    pub rows: u64,
}

impl OperationTotals {
    /// Adds the tasks of another to these.
    pub fn add(&mut self, other: &OperationTotals) {
        self.planned += other.planned;
        self.running += other.running;
        self.done += other.done;
        self.failed += other.failed;
        self.busy += other.busy;
        self.longest = self.longest.max(other.longest);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.rows = self.rows.saturating_add(other.rows);
    }
}

/// A run: one graph.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Tells runs apart.
    pub run: u64,
    /// When it began.
    pub start: Duration,
    /// When it ended.
    pub end: Option<Duration>,
    /// What has become of it.
    pub state: RunState,
    /// Its operations, in the order of their first task.
    pub operations: Vec<OperationTotals>,
    /// How many results pass from the first operation to the second; both are places in `operations`.
    pub edges: Vec<(usize, usize, u64)>,
}

impl RunRecord {
    /// How many tasks it has.
    pub fn planned(&self) -> u64 {
        self.operations.iter().map(|o| o.planned).sum()
    }

    /// How many have ended, well or not.
    pub fn ended(&self) -> u64 {
        self.operations.iter().map(|o| o.done + o.failed).sum()
    }
}

/// What has become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It goes on.
    Running,
    /// All its tasks have ended well.
    Finished,
    /// A task has failed, or it was cancelled.
    Failed,
}

/// The tasks of a run and what they need. Of large graphs only the first tasks are kept.
#[derive(Clone, Debug)]
pub struct RunGraph {
    /// The tasks; what one needs comes before it.
    pub nodes: Vec<GraphNode>,
    /// How many tasks are left out.
    pub left_out: u64,
}

/// A task in a graph.
#[derive(Clone, Debug)]
pub struct GraphNode {
    /// What it computes.
    pub key: Key,
    /// What it does.
    pub operation: Arc<str>,
    /// For which partition.
    pub partition: u32,
    /// The nodes whose results it needs.
    pub needs: Vec<u32>,
    /// How long it took, as far as that is remembered.
    pub took: Option<Duration>,
    /// What has become of it.
    pub state: TaskState,
}

/// What has become of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It has not begun.
    Waiting,
    /// It is running.
    Running,
    /// It has ended well.
    Done,
    /// It has failed.
    Failed,
    /// It was cancelled, nobody needs it any more, or one that it needs has failed.
    Dropped,
}

/// A task that has failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When.
    pub at: Duration,
    /// The run.
    pub run: u64,
    /// What it did.
    pub operation: Arc<str>,
    /// For which partition.
    pub partition: u32,
    /// Why.
    pub error: String,
}

/// What was in use at a moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// When.
    pub at: Duration,
    /// What the session used.
    pub usage: Usage,
    /// Processor time of the whole process so far, user and system; absent where it cannot be told.
    pub cpu: Option<Duration>,
    /// Bytes of memory that the whole process has; absent where it cannot be told.
    pub resident: Option<u64>,
}
