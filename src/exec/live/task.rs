//! A handle to a task of a graph that grows.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::books::{Id, Status};
use super::graph::LiveGraph;
use super::mailbox::Mailbox;
use crate::base::{Error, Result};
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
        self.graph.wait_for(self.id, until)?.unwrap_or_else(|| {
            let what = format!("{} has not ended in time", self.key_text());
            Err(Error::new(crate::base::ErrorKind::Timeout { what }))
        })
    }

    /// Cancels it, and all that need it.
    pub fn cancel(&self) {
        self.graph.with_books(|books| books.cancel(self.id));
    }

    /// Puts `number` into the mailbox when it has ended, or now if it has.
    pub fn listen(&self, mailbox: &Mailbox, number: usize) {
        self.graph.lock().listen(self.id, mailbox, number);
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
