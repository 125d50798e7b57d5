//! What rolling windows know of their rows.

use super::slide::Piece;

/// How many values, and their sum with what was rounded off.
#[derive(Clone, Copy, Debug)]
pub struct FloatSum {
    pub n: u64,
    high: f64,
    low: f64,
}

impl FloatSum {
    pub fn of(value: Option<f64>) -> FloatSum {
        FloatSum { n: value.is_some().into(), high: value.unwrap_or(0.0), low: 0.0 }
    }

    pub fn sum(&self) -> f64 {
        self.high + self.low
    }
}

impl Piece for FloatSum {
    const NOTHING: FloatSum = FloatSum { n: 0, high: 0.0, low: 0.0 };

    #[inline]
    fn join(self, later: FloatSum) -> FloatSum {
        let n = self.n + later.n;
        let sum = self.high + later.high;
        if !sum.is_finite() {
            return FloatSum { n, high: sum, low: 0.0 };
        }
        let from_later = sum - self.high;
        let rest = (self.high - (sum - from_later)) + (later.high - from_later);
        FloatSum { n, high: sum, low: rest + (self.low + later.low) }
    }
}

/// How many values, and their exact sum.
#[derive(Clone, Copy, Debug)]
pub struct WholeSum {
    pub n: u64,
    pub sum: i128,
}

impl WholeSum {
    pub fn of(value: Option<impl Into<i128>>) -> WholeSum {
        WholeSum { n: value.is_some().into(), sum: value.map_or(0, Into::into) }
    }
}

impl Piece for WholeSum {
    const NOTHING: WholeSum = WholeSum { n: 0, sum: 0 };

    #[inline]
    fn join(self, later: WholeSum) -> WholeSum {
        WholeSum { n: self.n + later.n, sum: self.sum + later.sum }
    }
}

/// How many values, their mean, and the sum of the squares of their distances from it. (T. Chan, G. Golub, R. LeVeque,
/// *Updating formulae and a pairwise algorithm for computing sample variances*, 1979.)
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    pub n: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    pub fn of(value: Option<f64>) -> Moments {
        Moments { n: value.is_some().into(), mean: value.unwrap_or(0.0), squares: 0.0 }
    }

    /// The variance: squares divided by n − `ddof`.
    pub fn var(&self, ddof: u64) -> Option<f64> {
        let freedom = self.n.checked_sub(ddof).filter(|f| *f > 0)?;
        Some(self.squares / freedom as f64)
    }
}

impl Piece for Moments {
    const NOTHING: Moments = Moments { n: 0, mean: 0.0, squares: 0.0 };

    #[inline]
    fn join(self, later: Moments) -> Moments {
        if self.n == 0 || later.n == 0 {
            return if self.n == 0 { later } else { self };
        }
        let n = self.n + later.n;
        let apart = later.mean - self.mean;
        let part = later.n as f64 / n as f64;
        Moments {
            n,
            mean: self.mean + apart * part,
            squares: self.squares + later.squares + apart * apart * (self.n as f64 * part),
        }
    }
}

/// How many values, and the key of the best.
#[derive(Clone, Copy, Debug)]
pub struct Best<const MAX: bool> {
    pub n: u64,
    key: u64,
}

impl<const MAX: bool> Best<MAX> {
    pub fn of(key: Option<u64>) -> Best<MAX> {
        Best { n: key.is_some().into(), key: key.unwrap_or(Self::NOTHING.key) }
    }

    pub fn key(&self) -> Option<u64> {
        (self.n > 0).then_some(self.key)
    }
}

impl<const MAX: bool> Piece for Best<MAX> {
    const NOTHING: Best<MAX> = Best { n: 0, key: if MAX { 0 } else { u64::MAX } };

    #[inline]
    fn join(self, later: Best<MAX>) -> Best<MAX> {
        let key = if MAX { self.key.max(later.key) } else { self.key.min(later.key) };
        Best { n: self.n + later.n, key }
    }
}
