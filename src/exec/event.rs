//! What observers are told.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::base::{Error, Token};
pub use crate::graph::{Key, Label};

/// Something that happened while a graph ran.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A run begins, or somebody begins to watch one that goes on.
    RunStarted {
        /// Tells runs apart.
        run: u64,
        /// How many tasks it has yet to run; one without any may grow by [`TaskAdded`](Event::TaskAdded).
        tasks: usize,
        /// Them, and what they need: to be looked at now, while the event is told.
        graph: &'a dyn GraphView,
    },
    /// A run has one task more. It ends by one [`TaskFinished`](Event::TaskFinished) that is its last, or by
    /// [`TaskDropped`](Event::TaskDropped).
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
    /// A task has ended, or an attempt at it.
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
        /// Whether this is its end: not when it will be tried again, or was dropped while it ran.
        last: bool,
    },
    /// A task that was added has ended without having run to its end: it was cancelled, nobody needs it any more, or one that
    /// it needs has failed. Should it be running, its [`TaskFinished`](Event::TaskFinished) is still to come.
    TaskDropped {
        /// The run.
        run: u64,
        /// What it would have computed.
        key: Key,
        /// How it is called.
        label: &'a Label,
    },
    /// A run has ended.
    RunFinished {
        /// The run.
        run: u64,
        /// Whether it failed or was cancelled.
        failed: bool,
    },
}

/// Somebody who watches: progress, traces, dashboards, tests. Called from many threads; must be quick, and must not ask what it
/// watches for anything: that may wait until it has been told.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn notice(&self, event: &Event<'_>);
}

/// An observer, with the number of its coming.
type Known = (u64, Arc<dyn Observer>);

/// Who watches a session now. Clones are handles to the same list.
#[derive(Clone, Default)]
pub struct Observers(Arc<Watching>);

#[derive(Default)]
struct Watching {
    /// In the order in which they came.
    list: RwLock<Arc<[Known]>>,
    /// Whether there is any: to be asked without the lock.
    any: AtomicBool,
    came: AtomicU64,
}

impl Observers {
    /// These.
    pub fn new(observers: impl IntoIterator<Item = Arc<dyn Observer>>) -> Observers {
        let all = Observers::default();
        observers.into_iter().for_each(|observer| all.add(observer));
        all
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Known>)) {
        let mut list = self.0.list.write().unwrap_or_else(PoisonError::into_inner);
        let mut all = list.to_vec();
        change(&mut all);
        self.0.any.store(!all.is_empty(), Ordering::Release);
        *list = all.into();
    }

    /// One more.
    pub fn add(&self, observer: Arc<dyn Observer>) {
        self.change(|all| all.push((self.0.came.fetch_add(1, Ordering::Relaxed), observer)));
    }

    /// This one no longer.
    pub fn remove(&self, observer: &Arc<dyn Observer>) {
        self.change(|all| {
            if let Some(at) = all.iter().position(|(_, known)| Arc::ptr_eq(known, observer)) {
                all.remove(at);
            }
        });
    }

    /// Whether nobody watches.
    pub fn is_empty(&self) -> bool {
        !self.0.any.load(Ordering::Acquire)
    }

    /// Those who watch at this moment.
    pub(super) fn audience(&self) -> Audience {
        if self.is_empty() {
            return Audience::default();
        }
        let list = self.0.list.read().unwrap_or_else(PoisonError::into_inner).clone();
        Audience { until: list.last().map_or(0, |(number, _)| number + 1), from: 0, list: Some(list) }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = self.0.list.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Observers({})", list.len())
    }
}

/// Those who are told something.
#[derive(Clone, Default)]
pub(super) struct Audience {
    list: Option<Arc<[Known]>>,
    /// Of the list, those with these numbers.
    from: u64,
    until: u64,
}

impl Audience {
    /// The number after that of the last of them.
    pub fn until(&self) -> u64 {
        self.until
    }

    /// Those of them who came before this number.
    pub fn before(self, number: u64) -> Audience {
        Audience { until: self.until.min(number), ..self }
    }

    /// Those of them who came with this number, or later.
    pub fn since(&self, number: u64) -> Audience {
        Audience { from: self.from.max(number), ..self.clone() }
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.told().next().is_none()
    }

    fn told(&self) -> impl Iterator<Item = &Arc<dyn Observer>> {
        let is_told = |(number, _): &&Known| (self.from..self.until).contains(number);
        self.list.iter().flat_map(|list| list.iter()).filter(is_told).map(|(_, observer)| observer)
    }

    /// Tells all of them. One that panics does not take the run with it.
    pub fn tell(&self, event: &Event<'_>) {
        for observer in self.told() {
            let _ = catch_unwind(AssertUnwindSafe(|| observer.notice(event)));
        }
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

    /// Whether it has run already: for somebody who begins to watch while the run goes on.
    fn has_run(&self, _task: u32) -> bool {
        false
    }
}

impl fmt::Debug for dyn GraphView + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks", self.len())
    }
}

/// A graph at its beginning, for observers.
pub(super) struct Nothing;

impl GraphView for Nothing {
    fn len(&self) -> usize {
        0
    }

    fn is_needed(&self, _task: u32) -> bool {
        false
    }

    fn key(&self, _task: u32) -> Key {
        Key::new(Token(0), 0)
    }

    fn label(&self, _task: u32) -> &Label {
        static NOTHING: OnceLock<Label> = OnceLock::new();
        NOTHING.get_or_init(|| Label { name: "".into(), partition: 0 })
    }

    fn needs(&self, _task: u32) -> &[u32] {
        &[]
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
