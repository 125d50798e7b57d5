//! A handle to a task of a graph that grows.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::books::{Id, Search, Status};
use super::graph::{LiveGraph, Patience};
use super::mailbox::Mailbox;
use crate::base::{Error, Result};
use crate::exec::Cancel;
use crate::graph::{Key, Payload};

/// A handle to a task. Its result is kept as long as there is one; a task without handles that nobody else needs is
/// cancelled and forgotten.
pub struct LiveTask {
    pub(super) graph: LiveGraph,
    pub(super) id: Id,
    key: Key,
    name: Arc<str>,
}

/// A key as people read it: `name-hash`.
pub(super) fn key_text(name: &str, key: Key) -> String {
    format!("{name}-{}", key.token)
}

impl LiveTask {
    /// A handle that the books have counted.
    pub(super) fn counted(graph: &LiveGraph, id: Id, key: Key, name: &Arc<str>) -> LiveTask {
        LiveTask { graph: graph.clone(), id, key, name: name.clone() }
    }

    /// What it computes.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Its key as people read it: `name-hash`.
    pub fn key_text(&self) -> String {
        key_text(&self.name, self.key)
    }

    /// What its function is called.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The graph it belongs to.
    pub fn graph(&self) -> &LiveGraph {
        &self.graph
    }

    /// How far it is.
    pub fn status(&self) -> Status {
        self.graph.heed();
        self.graph.lock().status(self.id)
    }

    /// How it has ended, if it has.
    pub fn outcome(&self) -> Option<Result<Payload>> {
        self.graph.lock().outcome(self.id)
    }

    /// Its result, waiting for it until then (absent: for ever). A thread of the pool that waits works on what is
    /// needed meanwhile.
    ///
    /// # Errors
    /// The error of the task or of one that it needs; `Cancelled`; `Timeout`; `Invalid` when the result cannot come
    /// because it needs the task that asks.
    pub fn wait(&self, until: Option<Instant>) -> Result<Payload> {
        if let Some(outcome) = self.outcome() {
            return outcome;
        }
        self.graph.wait_for(self.id, Patience { until, cancel: None })?.unwrap_or_else(|| self.late())
    }

    /// Its result, waiting for it until this is cancelled.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_unless(&self, cancel: &Cancel) -> Result<Payload> {
        if let Some(outcome) = self.outcome() {
            return outcome;
        }
        self.graph.wait_for(self.id, Patience { until: None, cancel: Some(cancel) })?.unwrap_or_else(|| self.late())
    }

    fn late(&self) -> Result<Payload> {
        let what = format!("{} has not ended in time", self.key_text());
        Err(Error::new(crate::base::ErrorKind::Timeout { what }))
    }

    /// To run on this thread what it needs.
    ///
    /// # Errors
    /// `Invalid` when its result cannot come because it needs the task that asks.
    pub fn helping(&self) -> Result<Helping> {
        let search = self.graph.helping(self.id)?;
        Ok(Helping { task: self.clone(), search })
    }

    /// Cancels it, and all that need it.
    pub fn cancel(&self) {
        self.graph.with_books(|books| books.cancel(self.id));
    }

    /// Puts `number` into the mailbox when it has ended, or now if it has.
    pub fn listen(&self, mailbox: &Mailbox, number: usize) {
        self.graph.lock().listen(self.id, mailbox, number);
    }

    /// Nobody waits at this mailbox any more.
    pub fn unlisten(&self, mailbox: &Mailbox) {
        self.graph.lock().unlisten(self.id, mailbox);
    }
}

/// Runs what a task needs, one after the other, on threads of the pool that would wait otherwise.
pub struct Helping {
    task: LiveTask,
    search: Search,
}

impl Helping {
    /// Runs one task, if there is one that could start.
    ///
    /// # Errors
    /// `Invalid` when something is needed that cannot come.
    pub fn step(&mut self) -> Result<bool> {
        self.task.graph.help(&mut self.search)
    }
}

impl Clone for LiveTask {
    fn clone(&self) -> LiveTask {
        self.graph.lock().retain(self.id);
        LiveTask::counted(&self.graph, self.id, self.key, &self.name)
    }
}

impl Drop for LiveTask {
    fn drop(&mut self) {
        self.graph.with_books(|books| books.release(self.id));
    }
}

impl fmt::Debug for LiveTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveTask({}, {})", self.key_text(), self.status())
    }
}
