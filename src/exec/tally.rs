//! What one part of a run uses: time, memory, room on disk. Nobody pays for it but runs that are analysed.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::TaskContext;

/// What one part of a run uses. Time is counted for one part at a time on each thread, so that the times of all parts add
/// up to that of the tasks.
#[derive(Default)]
pub struct Tally {
    nanoseconds: AtomicU64,
    held: AtomicU64,
    peak: AtomicU64,
    spilled: AtomicU64,
}

thread_local! {
    /// For what part this thread works, and since when.
    static NOW: RefCell<Option<(Arc<Tally>, Instant)>> = const { RefCell::new(None) };
}

/// A thread works for a part until this is dropped; then for the one before.
pub struct Working(Option<Arc<Tally>>);

impl Tally {
    /// From now on this thread works for this part.
    #[must_use = "the part before goes on when this is dropped"]
    pub fn work(self: &Arc<Self>) -> Working {
        Working(switch(Some(self.clone())))
    }

    /// The same surroundings for this part: what is reserved and spilled is counted here too.
    pub fn context(self: &Arc<Self>, ctx: &TaskContext) -> TaskContext {
        TaskContext { budget: ctx.budget.counted(self), spill: ctx.spill.counted(self), ..ctx.clone() }
    }

    /// How long threads have worked for it, summed.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed))
    }

    /// The most bytes of memory that it had reserved at once.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Bytes that it has written to disk because memory was short.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    pub(super) fn hold(&self, bytes: u64) {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(held, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn spill(&self, bytes: u64) {
        self.spilled.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Ends the work for one part and begins that for another.
fn switch(next: Option<Arc<Tally>>) -> Option<Arc<Tally>> {
    let now = Instant::now();
    // a thread that ends has nothing more to count
    let before = NOW.try_with(|place| place.replace(next.map(|part| (part, now))));
    before.ok().flatten().map(|(part, since)| {
        let spent = now.saturating_duration_since(since).as_nanos() as u64;
        part.nanoseconds.fetch_add(spent, Ordering::Relaxed);
        part
    })
}

impl Drop for Working {
    fn drop(&mut self) {
        drop(switch(self.0.take()));
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tally({:?}, {} bytes)", self.time(), self.peak())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Budget;

    #[test]
    fn time_goes_to_one_part_at_a_time() {
        let [outer, inner] = [(); 2].map(|()| Arc::new(Tally::default()));
        let pause = || std::thread::sleep(Duration::from_millis(5));
        let begun = Instant::now();
        {
            let _outer = outer.work();
            pause();
            {
                let _inner = inner.work();
                pause();
                pause();
            }
            pause();
        }
        let took = begun.elapsed();
        let sum = outer.time() + inner.time();
        assert!(sum <= took && outer.time() >= Duration::from_millis(10), "{sum:?} of {took:?}");
        assert!(inner.time() >= Duration::from_millis(10));
        let before = outer.time();
        pause();
        assert_eq!(outer.time(), before, "nobody is worked for any more");
    }

    #[test]
    fn what_is_reserved_is_counted_twice_and_given_back_twice() {
        let budget = Budget::new(100);
        let tally = Arc::new(Tally::default());
        let counted = budget.counted(&tally);
        let mut mine = counted.reserve("a", 60).unwrap();
        let mut other = budget.reserve("b", 10).unwrap();
        let part = mine.split(20);
        other.join(part);
        assert_eq!((budget.held(), tally.peak(), tally.held.load(Ordering::Relaxed)), (70, 60, 40));
        mine.join(other);
        assert_eq!(tally.held.load(Ordering::Relaxed), 70);
        drop(mine);
        assert_eq!((budget.held(), tally.held.load(Ordering::Relaxed)), (0, 0));
    }
}
