//! The work of one task: panics caught, counted among what runs, told to who watches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::event::Audience;
use super::{Event, TaskContext};
use crate::base::{Result, caught};
use crate::graph::{Key, Label, Payload};

/// What observers are told of a task that runs.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub run: u64,
    pub key: Key,
    pub label: &'a Label,
    pub worker: Option<usize>,
}

impl Seen<'_> {
    /// Tells that it begins.
    pub fn begins(&self, audience: &Audience, at: Instant) {
        let Seen { run, key, label, worker } = *self;
        audience.tell(&Event::TaskStarted { run, key, label, worker, at });
    }

    /// Tells that it has ended, or with `last` false an attempt at it.
    pub fn ends(&self, audience: &Audience, begun: Instant, result: &Result<Payload>, last: bool) {
        let Seen { run, key, label, worker } = *self;
        let at = Instant::now();
        let (bytes, rows) = result.as_ref().map_or((0, None), |payload| (payload.bytes(), payload.rows()));
        let (took, error) = (at.saturating_duration_since(begun), result.as_ref().err());
        audience.tell(&Event::TaskFinished { run, key, label, worker, at, took, bytes, rows, error, last });
    }
}

/// Calls `work`, unless the task was cancelled before.
pub(super) fn attempt(task: &TaskContext, work: impl FnOnce(&TaskContext) -> Result<Payload>) -> Result<Payload> {
    let _active = task.budget.task();
    task.cancel.check()?;
    caught(|| work(task))
}

/// Drops values of users. One that panics when it is dropped does not take the thread with it.
pub(super) fn discard<T>(values: Vec<T>) {
    for value in values {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
}
