//! What observers are told.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use crate::base::Error;
pub use crate::graph::{Key, Label};

/// Something that happened while a graph ran.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A run begins.
    RunStarted {
        /// Tells runs apart.
        run: u64,
        /// How many tasks it has; a run may grow by [`TaskAdded`](Event::TaskAdded).
        tasks: usize,
        /// Them, and what they need: to be looked at now, while the event is told.
        graph: &'a dyn GraphView,
    },
    /// A run has one task more.
    TaskAdded {
        /// The run.
        run: u64,
        /// What it will compute.
        key: Key,
        /// How it is called.
        label: &'a Label,
        /// The tasks whose results it needs.
        needs: &'a [Key],
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
        /// When.
        at: Instant,
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
        /// When.
        at: Instant,
        /// How long it took.
        took: Duration,
        /// Bytes of its result.
        bytes: u64,
        /// Rows of its result, where it is rows.
        rows: Option<u64>,
        /// Why it failed, if it did.
        error: Option<&'a Error>,
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

/// Tells all of them. One that panics does not take the run with it.
pub(super) fn tell(observers: &[Arc<dyn Observer>], event: &Event<'_>) {
    for observer in observers {
        let _ = catch_unwind(AssertUnwindSafe(|| observer.notice(event)));
    }
}

/// Who watches a session now. Clones are handles to the same list.
#[derive(Clone, Default)]
pub struct Observers(Arc<Watching>);

#[derive(Default)]
struct Watching {
    /// Each with the number of its coming.
    list: RwLock<Vec<(u64, Arc<dyn Observer>)>>,
    came: AtomicU64,
}

impl Observers {
    /// These.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Observers {
        let all = Observers::default();
        observers.into_iter().for_each(|observer| all.add(observer));
        all
    }

    fn list(&self) -> RwLockReadGuard<'_, Vec<(u64, Arc<dyn Observer>)>> {
        self.0.list.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more.
    pub fn add(&self, observer: Arc<dyn Observer>) {
        let mut list = self.0.list.write().unwrap_or_else(PoisonError::into_inner);
        list.push((self.0.came.fetch_add(1, Ordering::Relaxed), observer));
    }

    /// This one no longer.
    pub fn remove(&self, observer: &Arc<dyn Observer>) {
        let mut list = self.0.list.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = list.iter().position(|(_, o)| Arc::ptr_eq(o, observer)) {
            list.remove(at);
        }
    }

    /// Those who watch at this moment.
    pub fn now(&self) -> Vec<Arc<dyn Observer>> {
        self.list().iter().map(|(_, observer)| observer.clone()).collect()
    }

    /// Whether nobody watches.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// How many have ever come.
    pub(super) fn came(&self) -> u64 {
        self.0.came.load(Ordering::Relaxed)
    }

    /// Those who came after the first `came`.
    pub(super) fn since(&self, came: u64) -> Vec<Arc<dyn Observer>> {
        self.list().iter().filter(|(number, _)| *number >= came).map(|(_, observer)| observer.clone()).collect()
    }
}

/// The tasks of a run, as observers see them. A task is a number below [`len`](Self::len); what it needs comes before it.
pub trait GraphView {
    /// How many tasks there are, those included that nobody needs.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the task will run: some result that is wanted needs it.
    fn is_needed(&self, task: u32) -> bool;

    /// What it computes.
    fn key(&self, task: u32) -> Key;

    /// How it is called.
    fn label(&self, task: u32) -> &Label;

    /// The tasks whose results it needs.
    fn needs(&self, task: u32) -> &[u32];
}

impl fmt::Debug for dyn GraphView + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks", self.len())
    }
}

/// What a session uses at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory reserved.
    pub held: u64,
    /// The most bytes that were reserved at once, so far.
    pub peak: u64,
    /// The memory limit in bytes.
    pub limit: u64,
    /// Bytes written to disk because memory was short, so far.
    pub spilled: u64,
    /// Bytes of them read back, so far.
    pub read_back: u64,
}

/// Tells what a session uses now: who samples it need not know the session.
pub type Gauge = Arc<dyn Fn() -> Usage + Send + Sync>;
