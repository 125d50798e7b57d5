//! What is said, as JSON. Times are microseconds since the dashboard was opened, sizes are bytes. Fields are only added to:
//! one that means something else gets another name, or the address another version.

use std::time::Duration;

use serde::Serialize;

use super::journal::{Entry, Level};
use super::subject::waiting;
use crate::watch::record::{OperationTotals, RunningTask, Sample, TaskSpan};

/// Microseconds, with tenths.
pub(super) fn micros(d: Duration) -> f64 {
    (d.as_nanos() as f64 / 100.0).round() / 10.0
}

/// What does not change while a dashboard is open.
#[derive(Clone, Debug, Serialize)]
pub(super) struct About {
    /// Tells this dashboard from the one that was at this address before.
    pub server: String,
    pub title: String,
    pub version: &'static str,
    pub process: u32,
    /// When it was opened, in seconds since 1970.
    pub began: f64,
    pub threads: usize,
    pub cores: usize,
    pub limit: u64,
}

/// Tasks by what has become of them, and how many runs there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    pub done: u64,
    pub failed: u64,
    pub running: u64,
    pub planned: u64,
    pub runs: u64,
}

/// The tasks of one operation. `planned` are those that have not begun.
#[derive(Clone, Debug, Serialize)]
pub(super) struct OperationLine {
    pub id: u32,
    pub name: String,
    pub done: u64,
    pub failed: u64,
    pub running: u64,
    pub planned: u64,
    pub busy: f64,
    pub longest: f64,
    pub bytes: u64,
    pub rows: u64,
}

impl OperationLine {
    pub fn new(id: u32, o: &OperationTotals) -> OperationLine {
        OperationLine {
            id,
            name: o.operation.to_string(),
            done: o.done,
            failed: o.failed,
            running: o.running,
            planned: waiting(o),
            busy: micros(o.busy),
            longest: micros(o.longest),
            bytes: o.bytes,
            rows: o.rows,
        }
    }
}

/// A run. `state` is running, done, failed or stopped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct RunLine {
    pub id: u64,
    pub tasks: u64,
    pub done: u64,
    pub failed: u64,
    pub begun: f64,
    pub ended: Option<f64>,
    pub state: &'static str,
}

/// A task that has ended, by itself.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TaskLine {
    pub number: u64,
    pub run: u64,
    pub key: String,
    pub operation: String,
    pub partition: u32,
    pub worker: Option<usize>,
    pub thread: u32,
    pub depth: u32,
    pub begun: f64,
    pub took: f64,
    pub bytes: u64,
    pub rows: Option<u64>,
    pub failed: bool,
}

impl TaskLine {
    pub fn new(t: &TaskSpan) -> TaskLine {
        TaskLine {
            number: t.number,
            run: t.run,
            key: t.key.to_string(),
            operation: t.operation.to_string(),
            partition: t.partition,
            worker: t.worker,
            thread: t.thread,
            depth: t.depth,
            begun: micros(t.start),
            took: micros(t.end.saturating_sub(t.start)),
            bytes: t.bytes,
            rows: t.rows,
            failed: t.failed,
        }
    }
}

/// A box of the task stream: thread, operation, begin, length, how many tasks, partition, bytes, rows, depth, failed, run, the
/// number of its first task. Where tasks come faster than anybody could look at them, neighbours share a box.
pub(super) type BoxLine = (u32, u32, f64, f64, u32, u32, u64, Option<u64>, u32, u8, u64, u64);

/// A task that is running: thread, operation, begin, partition, depth, run.
pub(super) type RunningLine = (u32, u32, f64, u32, u32, u64);

pub(super) fn running_line(t: &RunningTask, operation: u32, depth: u32) -> RunningLine {
    (t.thread, operation, micros(t.start), t.partition, depth, t.run)
}

/// What was in use: when, bytes held, bytes spilled so far, processor time so far, bytes of the whole process.
pub(super) type SampleLine = (f64, u64, u64, Option<f64>, Option<u64>);

pub(super) fn sample_line(s: &Sample) -> SampleLine {
    (micros(s.at), s.usage.held, s.usage.spilled, s.cpu.map(micros), s.resident)
}

/// Something that happened: when, how bad, what.
pub(super) type LogLine = (f64, Level, String);

pub(super) fn log_line(e: &Entry) -> LogLine {
    (micros(e.at), e.level, e.text.clone())
}

/// What has changed since a page looked last.
#[derive(Debug, Default, Serialize)]
pub(super) struct Changes {
    pub server: String,
    pub now: f64,
    /// Where to go on: what to ask with next.
    pub next: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
    pub totals: Totals,
    /// Threads: number, place in its pool (none: not of a pool).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<(u32, Option<usize>)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<BoxLine>,
    /// The numbers of the tasks that are not all told of one by one: where they begin, and the one after them. `boxes` tells
    /// more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coarse: Option<(u64, u64)>,
    pub running: Vec<RunningLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RunLine>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}
