//! The work of one task: panics caught, counted among what runs, told to who watches.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::{Event, TaskContext};
use crate::base::{Error, ErrorKind, Result};
use crate::graph::{Key, Label, Payload};

/// What observers are told of a task that runs.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub run: u64,
    pub key: Key,
    pub label: &'a Label,
    pub worker: Option<usize>,
}

/// Calls `work`, unless the task was cancelled before. Where somebody watches, `seen` says what of it is told.
pub(super) fn attempt(
    task: &TaskContext,
    work: impl FnOnce(&TaskContext) -> Result<Payload>,
    seen: Option<Seen<'_>>,
    tell: impl Fn(&Event<'_>),
) -> Result<Payload> {
    let seen = seen.map(|seen| (seen, Instant::now()));
    if let Some((Seen { run, key, label, worker }, at)) = seen {
        tell(&Event::TaskStarted { run, key, label, worker, at });
    }
    let active = task.budget.task();
    let result = match task.cancel.check() {
        Err(cancelled) => Err(cancelled),
        Ok(()) => catch_unwind(AssertUnwindSafe(|| work(task))).unwrap_or_else(|panic| Err(panicked(panic.as_ref()))),
    };
    drop(active);
    if let Some((Seen { run, key, label, worker }, begun)) = seen {
        let at = Instant::now();
        tell(&Event::TaskFinished {
            run,
            key,
            label,
            worker,
            at,
            took: at.saturating_duration_since(begun),
            bytes: result.as_ref().map_or(0, Payload::bytes),
            rows: result.as_ref().map_or(None, Payload::rows),
            error: result.as_ref().err(),
        });
    }
    result
}

/// Drops values of users. One that panics when it is dropped does not take the thread with it.
pub(super) fn discard<T>(values: Vec<T>) {
    for value in values {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
    }
}

/// The error for a caught panic.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let message = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string());
    Error::new(ErrorKind::Panicked { message })
}
