//! The memory of a session. Whoever is about to hold memory reserves it first; the reservation gives it back.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::Tally;
use crate::base::{Error, ErrorKind, Result};

/// The memory that a session's runs share. Clones are handles to the same budget.
#[derive(Clone, Debug)]
pub struct Budget {
    account: Arc<Account>,
    /// How many holders inside a task keep to its share together.
    parts: u64,
    /// Who counts what is reserved through this handle, for runs that are analysed.
    tally: Option<Arc<Tally>>,
}

struct Account {
    limit: u64,
    /// Among how many the limit is shared.
    sharers: u64,
    held: AtomicU64,
    peak: AtomicU64,
    holders: Mutex<Vec<Weak<dyn Reclaim>>>,
    /// How many tasks are running.
    tasks: AtomicUsize,
    /// Who of them waits for memory, the last to come last.
    waiting: Mutex<Vec<u64>>,
    tickets: AtomicU64,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes held", self.held.load(Ordering::Relaxed), self.limit)
    }
}

/// Somebody who holds memory and can do without it: a held partition, the store of an exchange.
pub trait Reclaim: Send + Sync {
    /// Gives back about `bytes` bytes if it can, by moving what it holds to disk, and says how many it gave back. `None`
    /// when it is busy: it may be the very one who asks, so it must not wait for its own locks.
    fn reclaim(&self, bytes: u64) -> Option<u64>;
}

/// For how long a reservation waits for others at the most: a task may itself wait for the one that asks.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it asks.
const PAUSE: Duration = Duration::from_millis(1);

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Budget::shared(limit, 1)
    }

    /// A budget of `limit` bytes for tasks of which `tasks` run at once.
    pub fn shared(limit: u64, tasks: usize) -> Self {
        let account = Arc::new(Account {
            limit,
            sharers: tasks.max(1) as u64,
            held: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            holders: Mutex::default(),
            tasks: AtomicUsize::new(0),
            waiting: Mutex::default(),
            tickets: AtomicU64::new(0),
        });
        Budget { account, parts: 1, tally: None }
    }

    /// The same budget for one of `parts` holders inside a task, which keep to the task's share together.
    #[must_use]
    pub fn divided(&self, parts: usize) -> Budget {
        Budget { parts: self.parts * parts.max(1) as u64, ..self.clone() }
    }

    /// A handle to the same budget; what is reserved through it is counted by `tally` too.
    pub(super) fn counted(&self, tally: &Arc<Tally>) -> Budget {
        Budget { tally: Some(tally.clone()), ..self.clone() }
    }

    /// A budget that never refuses, for tests and tools.
    pub fn unlimited() -> Self {
        Budget::new(u64::MAX)
    }

    /// The limit in bytes.
    pub fn limit(&self) -> u64 {
        self.account.limit
    }

    /// What one task should keep to: half of its part of the limit, so that the other half is left for what lies between
    /// tasks.
    pub fn share(&self) -> u64 {
        self.account.limit / self.account.sharers / 2 / self.parts
    }

    /// Bytes reserved now.
    pub fn held(&self) -> u64 {
        self.account.held.load(Ordering::Relaxed)
    }

    /// Bytes that could still be reserved.
    pub fn free(&self) -> u64 {
        self.account.limit.saturating_sub(self.held())
    }

    /// The most bytes that were reserved at once.
    pub fn peak(&self) -> u64 {
        self.account.peak.load(Ordering::Relaxed)
    }

    /// Reserves `bytes` for `what`.
    ///
    /// # Errors
    /// `Memory`, naming `what`, when the limit does not leave that much and nobody can give it back.
    pub fn reserve(&self, what: &str, bytes: u64) -> Result<Reservation> {
        let mut reservation = self.nothing();
        reservation.grow(what, bytes)?;
        Ok(reservation)
    }

    /// A reservation of nothing, to grow.
    pub fn nothing(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    /// Whether both speak of the same memory.
    pub(crate) fn is_same(&self, other: &Budget) -> bool {
        Arc::ptr_eq(&self.account, &other.account)
    }

    /// From now on this holder is asked for memory when the limit is reached, for as long as it lives.
    pub fn register(&self, holder: Weak<dyn Reclaim>) {
        let mut holders = self.account.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if holders.len() == holders.capacity() {
            holders.retain(|h| h.strong_count() > 0);
        }
        holders.push(holder);
    }

    /// A task is running on this thread until this is dropped: others that need memory wait for it to end.
    pub(super) fn task(&self) -> Active<'_> {
        // a task that computes runs other tasks: they are one when it comes to waiting
        if TASKS_HERE.replace(TASKS_HERE.get() + 1) == 0 {
            self.account.tasks.fetch_add(1, Ordering::Relaxed);
        }
        Active(self)
    }

    fn take(&self, bytes: u64) -> Result<(), u64> {
        let Account { limit, held, peak, .. } = &*self.account;
        let taken = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            now.checked_add(bytes).filter(|total| total <= limit)
        });
        peak.fetch_max(taken? + bytes, Ordering::Relaxed);
        if let Some(tally) = &self.tally {
            tally.hold(bytes);
        }
        Ok(())
    }

    /// Asks the holders, first come first asked, to make room for `bytes`. Says whether to ask again if that was not enough:
    /// one of them was busy, or gave something that another has taken meanwhile.
    fn reclaim(&self, bytes: u64) -> bool {
        let holders: Vec<_> = {
            let mut holders = self.account.holders.lock().unwrap_or_else(PoisonError::into_inner);
            holders.retain(|h| h.strong_count() > 0);
            holders.iter().filter_map(Weak::upgrade).collect()
        };
        let mut again = false;
        for holder in holders {
            let missing = bytes.saturating_sub(self.free());
            if missing == 0 {
                return true;
            }
            again |= holder.reclaim(missing).is_none_or(|given| given > 0);
        }
        again
    }
}

/// A running task.
pub(super) struct Active<'a>(&'a Budget);

thread_local! {
    /// How many tasks run on this thread, one inside the other.
    static TASKS_HERE: Cell<usize> = const { Cell::new(0) };
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        if TASKS_HERE.replace(TASKS_HERE.get() - 1) == 1 {
            self.0.account.tasks.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A place in the queue of those who wait for memory.
struct Waiting<'a>(&'a Account, Option<u64>);

impl<'a> Waiting<'a> {
    fn new(account: &'a Account) -> Self {
        // who is no task gives nothing back when it fails
        let ticket = (TASKS_HERE.get() > 0).then(|| account.tickets.fetch_add(1, Ordering::Relaxed));
        account.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(ticket);
        Waiting(account, ticket)
    }

    /// Whether all running tasks wait, this one (if it is a task) as the last: then nothing will change by waiting.
    fn in_vain(&self) -> bool {
        let waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all = waiting.len() >= self.0.tasks.load(Ordering::Relaxed);
        all && self.1.is_none_or(|ticket| waiting.last() == Some(&ticket))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).retain(|t| Some(*t) != self.1);
    }
}

/// Memory that is spoken for, until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: u64,
}

impl Reservation {
    /// Bytes reserved.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reserves `more` bytes on top; holders are asked to make room, and tasks that may give some back are waited for.
    ///
    /// # Errors
    /// `Memory`, naming `what`, when the limit does not leave that much and nobody can give it back.
    pub fn grow(&mut self, what: &str, more: u64) -> Result<()> {
        if self.try_take(more) {
            return Ok(());
        }
        let budget = self.budget.clone();
        let (begun, waiting) = (Instant::now(), Waiting::new(&budget.account));
        loop {
            let again = budget.reclaim(more);
            if self.try_take(more) {
                return Ok(());
            }
            if more > budget.limit() || !again && waiting.in_vain() || begun.elapsed() > PATIENCE {
                let error = ErrorKind::Memory { what: what.to_string(), needed: more, limit: budget.free() };
                let step = "raise the memory limit, make the partitions smaller, or take results with batches()";
                return Err(Error::new(error).help(step));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Reserves `more` bytes on top if they are there, or if holders give them back at once. For somebody who can spill
    /// instead.
    #[must_use]
    pub fn try_grow(&mut self, more: u64) -> bool {
        self.try_take(more) || {
            self.budget.reclaim(more);
            self.try_take(more)
        }
    }

    /// Reserves `more` bytes on top if they are there, without asking anybody for them.
    #[must_use]
    pub fn try_take(&mut self, more: u64) -> bool {
        let taken = self.budget.take(more).is_ok();
        if taken {
            self.bytes += more;
        }
        taken
    }

    /// Grows or shrinks to `bytes`.
    ///
    /// # Errors
    /// As [`grow`](Self::grow).
    pub fn resize(&mut self, what: &str, bytes: u64) -> Result<()> {
        if bytes > self.bytes {
            return self.grow(what, bytes - self.bytes);
        }
        self.shrink_to(bytes);
        Ok(())
    }

    /// Gives back all but `bytes`.
    pub fn shrink_to(&mut self, bytes: u64) {
        let back = self.bytes.saturating_sub(bytes);
        self.budget.account.held.fetch_sub(back, Ordering::Relaxed);
        if let Some(tally) = &self.budget.tally {
            tally.give_back(back);
        }
        self.bytes -= back;
    }

    /// A part of it as a reservation of its own.
    #[must_use]
    pub fn split(&mut self, bytes: u64) -> Reservation {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Reservation { budget: self.budget.clone(), bytes }
    }

    /// Takes in another reservation of the same budget.
    pub fn join(&mut self, mut other: Reservation) {
        let bytes = std::mem::take(&mut other.bytes);
        if let Some(tally) = &other.budget.tally {
            tally.give_back(bytes);
        }
        if let Some(tally) = &self.budget.tally {
            tally.hold(bytes);
        }
        self.bytes += bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_returned_and_the_limit_holds() {
        let budget = Budget::new(100);
        let mut first = budget.reserve("a", 60).unwrap();
        assert!(matches!(budget.reserve("b", 50).unwrap_err().kind(), ErrorKind::Memory { needed: 50, limit: 40, .. }));
        first.resize("a", 20).unwrap();
        let second = budget.reserve("b", 50).unwrap();
        assert_eq!((budget.held(), budget.peak()), (70, 70));
        let part = first.split(5);
        assert_eq!((first.bytes(), part.bytes(), budget.held()), (15, 5, 70));
        first.join(part);
        drop((first, second));
        assert_eq!((budget.held(), budget.peak()), (0, 70));
    }

    struct Lender(Mutex<Reservation>);

    impl Reclaim for Lender {
        fn reclaim(&self, _bytes: u64) -> Option<u64> {
            let mut held = self.0.try_lock().ok()?;
            let given = held.bytes();
            held.shrink_to(0);
            Some(given)
        }
    }

    #[test]
    fn a_task_waits_for_another_and_only_one_gives_up() {
        let budget = Budget::new(100);
        let grow = |gate: &std::sync::Barrier| {
            let _task = budget.task();
            let mut held = budget.reserve("first half", 50).unwrap();
            gate.wait();
            let got = held.grow("second half", 50).is_ok();
            (got, held.bytes())
        };
        let gate = std::sync::Barrier::new(2);
        let mut ends = std::thread::scope(|threads| {
            let ends = [threads.spawn(|| grow(&gate)), threads.spawn(|| grow(&gate))];
            ends.map(|end| end.join().unwrap())
        });
        ends.sort();
        assert_eq!(ends, [(false, 50), (true, 100)]);
    }

    #[test]
    fn holders_make_room_and_busy_ones_are_waited_for() {
        let budget = Budget::new(100);
        let lender = Arc::new(Lender(Mutex::new(budget.reserve("lent", 80).unwrap())));
        let weak: Weak<Lender> = Arc::downgrade(&lender);
        budget.register(weak);
        let mut mine = budget.reserve("mine", 50).unwrap();
        assert_eq!((budget.held(), lender.0.lock().unwrap().bytes()), (50, 0));
        assert!(lender.0.lock().unwrap().try_take(50));

        let busy = lender.0.lock().unwrap();
        assert!(!mine.try_grow(10), "who can spill does not wait");
        std::thread::scope(|threads| {
            let waits = threads.spawn(|| mine.grow("mine", 10));
            std::thread::sleep(Duration::from_millis(20));
            drop(busy);
            waits.join().unwrap().unwrap();
        });
        assert_eq!(budget.held(), 60);
    }
}
