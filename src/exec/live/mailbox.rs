//! Where waiting threads are told what has ended.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Numbers of tasks that have ended, in the order in which they did. Clones are handles to the same box.
#[derive(Clone, Debug, Default)]
pub struct Mailbox(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queue: Mutex<VecDeque<usize>>,
    changed: Condvar,
    /// The length of the queue, for a look without the lock.
    there: AtomicUsize,
}

/// How often a waiting thread looks before it lets itself be put to sleep: waking up costs more than a short task.
const LOOKS: usize = 256;

impl Mailbox {
    /// An empty one.
    pub fn new() -> Mailbox {
        Mailbox::default()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether both are handles to the same box.
    pub(super) fn is_same(&self, other: &Mailbox) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Puts a number in.
    pub(super) fn put(&self, number: usize) {
        let mut queue = self.lock();
        queue.push_back(number);
        self.0.there.store(queue.len(), Ordering::Release);
        drop(queue);
        self.0.changed.notify_one();
    }

    /// Takes the next number out, waiting for it until then; absent: for ever. Nothing when the time is over.
    pub fn take(&self, until: Option<Instant>) -> Option<usize> {
        for look in 0..LOOKS {
            if self.0.there.load(Ordering::Acquire) > 0 {
                break;
            }
            if look % 8 == 7 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        let mut queue = self.lock();
        loop {
            if let Some(number) = queue.pop_front() {
                self.0.there.store(queue.len(), Ordering::Release);
                return Some(number);
            }
            queue = match until {
                None => self.0.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.0.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
