//! The memory of a session. Whoever is about to hold memory reserves it first; the reservation gives it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::{Error, ErrorKind, Result};

/// The memory that a session's runs share. Clones are handles to the same budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: u64,
    held: AtomicU64,
    peak: AtomicU64,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Budget(Arc::new(Account { limit, held: AtomicU64::new(0), peak: AtomicU64::new(0) }))
    }

    /// A budget that never refuses, for tests and tools.
    pub fn unlimited() -> Self {
        Budget::new(u64::MAX)
    }

    /// The limit in bytes.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// Bytes reserved now.
    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }

    /// The most bytes that were reserved at once.
    pub fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// Reserves `bytes` for `what`.
    ///
    /// # Errors
    /// `Memory`, naming `what`, when the limit does not leave that much.
    pub fn reserve(&self, what: &str, bytes: u64) -> Result<Reservation> {
        let mut reservation = Reservation { budget: self.clone(), bytes: 0 };
        reservation.grow(what, bytes)?;
        Ok(reservation)
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

    /// Reserves `more` bytes on top.
    ///
    /// # Errors
    /// `Memory`, naming `what`, when the limit does not leave that much.
    pub fn grow(&mut self, what: &str, more: u64) -> Result<()> {
        let Account { limit, held, peak } = &*self.budget.0;
        let taken = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            now.checked_add(more).filter(|total| total <= limit)
        });
        match taken {
            Ok(before) => {
                peak.fetch_max(before + more, Ordering::Relaxed);
                self.bytes += more;
                Ok(())
            }
            Err(now) => Err(Error::new(ErrorKind::Memory {
                what: what.to_string(),
                needed: more,
                limit: limit.saturating_sub(now),
            })
            .help("raise the memory limit, or make the partitions smaller")),
        }
    }

    /// Grows or shrinks to `bytes`.
    ///
    /// # Errors
    /// As [`grow`](Self::grow).
    pub fn resize(&mut self, what: &str, bytes: u64) -> Result<()> {
        if bytes > self.bytes {
            return self.grow(what, bytes - self.bytes);
        }
        self.budget.0.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.held.fetch_sub(self.bytes, Ordering::Relaxed);
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
        drop((first, second));
        assert_eq!((budget.held(), budget.peak()), (0, 70));
    }
}
