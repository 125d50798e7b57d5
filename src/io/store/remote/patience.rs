//! How often a request is repeated, and how long in all.

use std::time::{Duration, Instant};

use crate::io::store::StorageOptions;

/// How often a request that failed for a passing reason is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// So many times at the most.
    pub most: u32,
    /// Not any more when so much time has gone by.
    pub within: Duration,
    /// The pause before the first repetition; each is twice as long as the one before.
    pub pause: Duration,
}

/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(15);

impl Patience {
    /// What the options say: 6 times within 3 minutes, after 100 ms first, if nothing.
    pub fn of(options: &StorageOptions) -> Patience {
        Patience {
            most: options.count("max_retries").unwrap_or(6),
            within: options.time("retry_timeout").unwrap_or(Duration::from_secs(180)),
            pause: options.time("retry_pause").unwrap_or(Duration::from_millis(100)),
        }
    }
}

/// How often something was tried.
#[derive(Debug)]
pub struct Attempts {
    patience: Patience,
    since: Instant,
    /// Requests made.
    pub made: u32,
    /// Requests in a row that failed.
    failed: u32,
}

impl Attempts {
    /// Before the first.
    pub fn new(patience: Patience) -> Attempts {
        Attempts { patience, since: Instant::now(), made: 0, failed: 0 }
    }

    /// One brought us further: patience begins anew.
    pub fn forget(&mut self) {
        self.failed = 0;
        self.since = Instant::now();
    }

    /// How long to wait before the next one, after one that failed; `None` when that was the last. `asked` is how long the
    /// server asks us to wait.
    pub fn pause(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let pause = self.patience.pause.saturating_mul(1 << self.failed.min(20)).min(LONGEST);
        // requests that failed together are not repeated together
        let apart = 0.75 + 0.5 * f64::from(self.since.elapsed().subsec_nanos() % 1024) / 1024.0;
        let pause = pause.mul_f64(apart).max(asked.unwrap_or_default().min(2 * LONGEST));
        self.failed += 1;
        (self.failed <= self.patience.most && self.since.elapsed() + pause < self.patience.within).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let patience = Patience { pause: Duration::from_secs(1), ..Patience::of(&StorageOptions::new()) };
        let mut attempts = Attempts::new(patience);
        let pauses: Vec<_> = std::iter::from_fn(|| attempts.pause(None)).map(|p| p.as_secs_f64()).collect();
        let expected = [1.0, 2.0, 4.0, 8.0, 15.0, 15.0];
        assert_eq!(pauses.len(), expected.len());
        assert!(pauses.iter().zip(expected).all(|(p, e)| (0.75 * e..=1.25 * e).contains(p)), "{pauses:?}");
        attempts.forget();
        assert!(attempts.pause(Some(Duration::from_secs(7))).unwrap() >= Duration::from_secs(7));
        let short = Patience { within: Duration::ZERO, ..patience };
        assert_eq!(Attempts::new(short).pause(None), None);
    }
}
