//! The threads of a pool. They are our own, not rayon's: a thread of rayon's that waits inside a parallel iterator takes
//! up any other job, and a task that waits for another run could then lie on top of the very task it waits for.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// Threads that take jobs from one queue, first come first served. They are started when there is work for them and end
/// when the last handle is gone.
pub(super) struct Workers {
    shared: Arc<Shared>,
    most: usize,
}

struct Shared {
    id: u64,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    started: usize,
    idle: usize,
    closed: bool,
}

thread_local! {
    /// The pool that this thread belongs to, and its number in it.
    static PLACE: Cell<Option<(u64, usize)>> = const { Cell::new(None) };
}

impl Workers {
    pub(super) fn new(most: usize) -> Workers {
        static POOLS: AtomicU64 = AtomicU64::new(0);
        let id = POOLS.fetch_add(1, Ordering::Relaxed);
        let shared = Shared { id, queue: Mutex::new(Queue::default()), changed: Condvar::new() };
        Workers { shared: Arc::new(shared), most: most.max(1) }
    }

    /// How many threads there are at the most.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The number of the calling thread, if it is one of these.
    pub(super) fn current(&self) -> Option<usize> {
        PLACE.get().filter(|(pool, _)| *pool == self.shared.id).map(|(_, index)| index)
    }

    /// Queues a job.
    pub(super) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        let mut queue = self.shared.lock();
        queue.jobs.push_back(Box::new(job));
        if queue.idle < queue.jobs.len() && queue.started < self.most {
            let (index, shared) = (queue.started, self.shared.clone());
            let thread = std::thread::Builder::new().name(format!("partita-{index}"));
            // without another thread the job waits for one of those that are there
            if thread.spawn(move || shared.work(index)).is_ok() {
                queue.started += 1;
            }
        }
        drop(queue);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, index: usize) {
        PLACE.set(Some((self.id, index)));
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                // jobs catch what they call themselves; if something slips through, the thread is still there for others
                let _ = catch_unwind(AssertUnwindSafe(job));
                queue = self.lock();
            } else if queue.closed {
                return;
            } else {
                queue.idle += 1;
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}
