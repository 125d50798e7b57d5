//! Compensated sums for groups: a sum and what its roundings have lost (A. Neumaier, 1974). They take 16 bytes where exact ones take
//! some kilobytes, and depend on the order of the rows only in their last bits.

use super::state::Accumulator;

/// A compensated sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Twofold {
    sum: f64,
    lost: f64,
}

impl Twofold {
    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        // Knuth's two-sum: the exact error of the addition, whichever is larger
        let part = sum - self.sum;
        let lost = (self.sum - (sum - part)) + (value - part);
        self.lost += lost;
        self.sum = sum;
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Twofold) {
        self.add(other.sum);
        self.lost += other.lost;
    }

    /// The sum. Once it is infinite or NaN, as IEEE has it, nothing compensates it.
    pub fn total(&self) -> f64 {
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// Count and compensated sum of a group.
#[derive(Debug, Default)]
pub struct GroupSum {
    /// Values.
    pub n: u64,
    sum: Twofold,
}

impl GroupSum {
    /// The sum.
    pub fn sum(&self) -> f64 {
        self.sum.total()
    }

    /// The mean; `None` for no values.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum.total() / self.n as f64)
    }
}

impl Accumulator<f64> for GroupSum {
    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.n += 1;
            self.sum.add(value);
        }
    }

    fn add_all(&mut self, values: &[f64]) {
        values.iter().for_each(|value| self.add(*value));
    }

    fn merge(&mut self, later: Self) {
        self.n += later.n;
        self.sum.merge(later.sum);
    }
}

/// Count, Σ(x − s) and Σ(x − s)² of a group, where s is its first value: near the others, if they are near each other, so that
/// little cancels in the variance.
#[derive(Debug, Default)]
pub struct GroupSpread {
    n: u64,
    first: f64,
    sum: Twofold,
    squares: Twofold,
}

impl GroupSpread {
    /// The variance; `None` for n ≤ ddof, NaN with infinities.
    pub fn var(&self, ddof: u64) -> Option<f64> {
        let freedom = self.n.checked_sub(ddof).filter(|freedom| *freedom > 0)?;
        let sum = self.sum.total();
        let var = (self.squares.total() - sum * (sum / self.n as f64)) / freedom as f64;
        Some(if var < 0.0 { 0.0 } else { var })
    }
}

impl Accumulator<f64> for GroupSpread {
    fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        if self.n == 0 {
            self.first = value;
        }
        self.n += 1;
        let off = value - self.first;
        self.sum.add(off);
        self.squares.add(off * off);
    }

    fn add_all(&mut self, values: &[f64]) {
        values.iter().for_each(|value| self.add(*value));
    }

    fn merge(&mut self, later: Self) {
        if self.n == 0 {
            *self = later;
        } else if later.n > 0 {
            // Σ(d + δ) = Σd + nδ, Σ(d + δ)² = Σd² + δ(2Σd + nδ)
            let (delta, n) = (later.first - self.first, later.n as f64);
            self.n += later.n;
            self.squares.add(delta * (2.0 * later.sum.total() + n * delta));
            self.squares.merge(later.squares);
            self.sum.add(n * delta);
            self.sum.merge(later.sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_found_again() {
        let mut sum = GroupSum::default();
        sum.add_all(&[1e16, 1.0, f64::NAN, 1.0, -1e16]);
        assert_eq!((sum.n, sum.sum(), sum.mean()), (4, 2.0, Some(0.5)));
        sum.add_all(&[f64::INFINITY, 1.0]);
        assert_eq!(sum.sum(), f64::INFINITY);
        sum.add(f64::NEG_INFINITY);
        assert!(sum.sum().is_nan());
    }

    #[test]
    fn spreads_meet() {
        let values: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i * 37 % 101)).collect();
        let mut whole = GroupSpread::default();
        whole.add_all(&values);
        let mut parts = GroupSpread::default();
        for part in values.chunks(77) {
            let mut next = GroupSpread::default();
            next.add_all(part);
            parts.merge(next);
        }
        let mean = values.iter().map(|v| v - 1e9).sum::<f64>() / 1000.0;
        let var = values.iter().map(|v| (v - 1e9 - mean).powi(2)).sum::<f64>() / 999.0;
        for found in [whole.var(1).unwrap(), parts.var(1).unwrap()] {
            assert!((found - var).abs() < 1e-12 * var, "{found} {var}");
        }
        assert_eq!(GroupSpread::default().var(0), None);
        let mut same = GroupSpread::default();
        same.add_all(&[0.1; 9]);
        assert_eq!(same.var(1), Some(0.0));
    }
}
