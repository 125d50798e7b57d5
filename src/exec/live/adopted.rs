//! Tasks of one graph that are needed in another: no thread waits for them, the other graph is told when they have ended.

use std::sync::Weak;

use super::books::Id;
use super::graph::{Core, LiveGraph};
use super::task::LiveTask;

/// A place in a graph that waits for a task of another: held by nobody, so that neither graph keeps the other.
#[derive(Clone)]
pub(super) struct Arrival {
    pub graph: Weak<Core>,
    pub id: Id,
    pub turn: u64,
}

impl Arrival {
    /// Tells the graph that what it waits for has ended. Must be called without any lock.
    pub fn tell(self) {
        if let Some(core) = self.graph.upgrade() {
            LiveGraph(core).arrived(self.id, self.turn);
        }
    }
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Arrival) -> bool {
        Weak::ptr_eq(&self.graph, &other.graph) && (self.id, self.turn) == (other.id, other.turn)
    }
}

/// The task of another graph that is waited for. Dropping it takes a lock of that graph.
pub(super) struct Outside {
    pub task: LiveTask,
    pub arrival: std::sync::OnceLock<Arrival>,
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(arrival) = self.arrival.get() {
            self.task.graph.lock().unlisten_for(self.task.id, arrival);
        }
    }
}
