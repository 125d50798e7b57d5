//! Sums without an error: every bit of Σx and Σx² is kept, and rounded once at the end. So they are the same for any
//! order and any partitioning of the values.

use std::fmt::Debug;

use num_bigint::{BigInt, BigUint};

use super::number::Number;
use super::rounding::{ratio, ratio_sqrt};
use super::state::Accumulator;

/// What adds numbers up without an error.
pub trait Sums<N>: Accumulator<N> + Default + Debug {
    /// Adds `value`, which is not NaN, `times` times.
    fn add_times(&mut self, value: N, times: u64);
    /// The exact sums.
    fn exact(&self) -> Exact;
}

/// Exact sums of `n` values: Σx = `sum`·2^`exponent`, Σx² = `squares`·2^(2·`exponent`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exact {
    /// Values, infinities included.
    pub n: u64,
    /// Σx in units.
    pub sum: BigInt,
    /// Σx² in squares of units.
    pub squares: BigUint,
    /// The unit: a power of two.
    pub exponent: i64,
    /// Whether +∞ is among the values, and whether −∞ is.
    pub infinite: (bool, bool),
}

impl Exact {
    /// A count, without sums.
    pub fn of_count(n: u64) -> Exact {
        Exact { n, ..Exact::default() }
    }

    /// Σx as an integer; only for sums of integers.
    pub fn whole(&self) -> &BigInt {
        &self.sum
    }

    /// What infinities make of a sum: ±∞, or NaN for both.
    fn infinity(&self) -> Option<f64> {
        match self.infinite {
            (false, false) => None,
            (true, false) => Some(f64::INFINITY),
            (false, true) => Some(f64::NEG_INFINITY),
            (true, true) => Some(f64::NAN),
        }
    }

    /// Σx, correctly rounded; 0 for no values.
    pub fn sum(&self) -> f64 {
        self.infinity().unwrap_or_else(|| ratio(&self.sum, &BigUint::from(1u8), self.exponent))
    }

    /// Σx/n, correctly rounded; `None` for no values.
    pub fn mean(&self) -> Option<f64> {
        if self.n == 0 {
            return None;
        }
        Some(self.infinity().unwrap_or_else(|| ratio(&self.sum, &BigUint::from(self.n), self.exponent)))
    }

    /// Σx/n of integers, without its fraction; `None` for no values.
    pub fn mean_whole(&self) -> Option<i64> {
        if self.n == 0 { None } else { i64::try_from(&self.sum / BigInt::from(self.n)).ok() }
    }

    /// The variance (n·Σx² − (Σx)²) / (n·(n − ddof)), correctly rounded; `None` for n ≤ ddof, NaN with infinities.
    pub fn var(&self, ddof: u64) -> Option<f64> {
        let (numerator, denominator) = self.spread(ddof)?;
        if self.infinity().is_some() {
            return Some(f64::NAN);
        }
        Some(ratio(&BigInt::from(numerator), &denominator, 2 * self.exponent))
    }

    /// The square root of the exact variance, correctly rounded; `None` for n ≤ ddof, NaN with infinities.
    pub fn std(&self, ddof: u64) -> Option<f64> {
        let (numerator, denominator) = self.spread(ddof)?;
        if self.infinity().is_some() {
            return Some(f64::NAN);
        }
        Some(ratio_sqrt(&numerator, &denominator, 2 * self.exponent))
    }

    fn spread(&self, ddof: u64) -> Option<(BigUint, BigUint)> {
        let freedom = self.n.checked_sub(ddof).filter(|freedom| *freedom > 0)?;
        let total = &self.squares * self.n;
        let of_mean = self.sum.magnitude() * self.sum.magnitude();
        // never negative (Cauchy–Schwarz), the sums being exact
        let numerator = if total > of_mean { total - of_mean } else { BigUint::default() };
        Some((numerator, BigUint::from(self.n) * freedom))
    }
}

/// An unsigned integer of 192 bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wide {
    low: u128,
    high: u64,
}

impl Wide {
    #[inline]
    /// Adds a number.
    pub fn add(&mut self, value: u128) {
        let (low, carry) = self.low.overflowing_add(value);
        self.low = low;
        self.high += u64::from(carry);
    }

    /// Adds another.
    pub fn add_wide(&mut self, other: Wide) {
        self.add(other.low);
        self.high += other.high;
    }

    /// Adds `value · times`.
    pub fn add_product(&mut self, value: u128, times: u64) {
        let times = u128::from(times);
        let (low, high) = (value & u128::from(u64::MAX), value >> 64);
        self.add(low * times);
        let high = high * times;
        self.add(high << 64);
        self.high += (high >> 64) as u64;
    }

    /// As a big integer.
    pub fn big(self) -> BigUint {
        (BigUint::from(self.high) << 128u32) + BigUint::from(self.low)
    }
}

/// Exact sums of integers. `SQUARES` says whether Σx² is wanted too.
#[derive(Clone, Debug, Default)]
pub struct IntSums<const SQUARES: bool> {
    n: u64,
    sum: i128,
    squares: Wide,
}

impl<const SQUARES: bool> IntSums<SQUARES> {
    #[inline]
    fn one(&mut self, value: i128) {
        self.sum += value;
        if SQUARES {
            self.squares.add(value.unsigned_abs().wrapping_mul(value.unsigned_abs()));
        }
    }
}

impl<N: Number + Into<i128>, const SQUARES: bool> Accumulator<N> for IntSums<SQUARES> {
    fn add_all(&mut self, values: &[N]) {
        self.n += values.len() as u64;
        for value in values {
            self.one((*value).into());
        }
    }

    fn merge(&mut self, later: Self) {
        self.n += later.n;
        self.sum += later.sum;
        self.squares.add_wide(later.squares);
    }
}

impl<N: Number + Into<i128>, const SQUARES: bool> Sums<N> for IntSums<SQUARES> {
    fn add_times(&mut self, value: N, times: u64) {
        let value: i128 = value.into();
        self.n += times;
        self.sum += value * i128::from(times);
        if SQUARES {
            self.squares.add_product(value.unsigned_abs().wrapping_mul(value.unsigned_abs()), times);
        }
    }

    fn exact(&self) -> Exact {
        Exact { n: self.n, sum: BigInt::from(self.sum), squares: self.squares.big(), ..Exact::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_spreads() {
        let mut sums = IntSums::<true>::default();
        Accumulator::<i64>::add_all(&mut sums, &[2, 4, 4, 4, 5, 5, 7, 9]);
        let exact = Sums::<i64>::exact(&sums);
        assert_eq!((exact.mean(), exact.var(0), exact.std(0)), (Some(5.0), Some(4.0), Some(2.0)));
        assert_eq!(exact.var(1), Some(32.0 / 7.0));
        assert_eq!(exact.std(8), None);
    }

    #[test]
    fn the_widest_integers_do_not_overflow() {
        let mut sums = IntSums::<true>::default();
        Sums::<u64>::add_times(&mut sums, u64::MAX, 1 << 40);
        Accumulator::<u64>::add_all(&mut sums, &[u64::MAX; 9]);
        let exact = Sums::<u64>::exact(&sums);
        assert_eq!((exact.mean(), exact.var(0)), (Some(u64::MAX as f64), Some(0.0)));
        let mut sums = IntSums::<true>::default();
        Accumulator::<i64>::add_all(&mut sums, &[i64::MIN, i64::MAX, i64::MIN]);
        assert_eq!(Sums::<i64>::exact(&sums).sum(), i64::MIN as f64);
    }
}
