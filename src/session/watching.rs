//! Who watches a session, and for how long.

use std::sync::Arc;

use super::Session;
use crate::exec::{Gauge, Observer, Usage};

impl Session {
    /// Adds somebody who watches: all runs that start from now on, and what is left of those that go on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.0.observers.add(observer);
    }

    /// Adds somebody who watches, as [`observe`](Self::observe), until the returned guard is dropped.
    #[must_use = "who watches is gone when this is dropped"]
    pub fn watch(&self, observer: Arc<dyn Observer>) -> Watching {
        self.observe(observer.clone());
        Watching { session: self.clone(), observer }
    }

    /// Tells, whenever it is called, what memory this session uses and what it has spilled. It keeps the account alive,
    /// not the session.
    pub fn gauge(&self) -> Gauge {
        let (budget, spill) = (self.0.task.budget.clone(), self.0.task.spill.clone());
        // what people have set: a part of it is left to allocators
        let limit = self.memory_limit().0;
        Arc::new(move || Usage {
            held: budget.held(),
            peak: budget.peak(),
            limit,
            spilled: spill.written().0,
            read_back: spill.read().0,
        })
    }
}

/// Somebody watches a session until this is dropped.
pub struct Watching {
    session: Session,
    observer: Arc<dyn Observer>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.session.0.observers.remove(&self.observer);
    }
}

impl std::fmt::Debug for Watching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watching({})", self.session)
    }
}
