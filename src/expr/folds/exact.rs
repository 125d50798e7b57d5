//! Sums without an error: every bit of Σx and Σx² is kept, and rounded once at the end. So they are the same for any
//! order and any partitioning of the values.
//!
//! A finite `f64` is ±m·2^(e−1075) with a whole m < 2⁵³. [`FloatSums`] keeps Σ±m and Σm² for each exponent e that
//! occurs, as integers; a batch costs one multiplication and two additions of 128 bits a value. (The idea of one accumulator per
//! exponent is that of Neal's "large" superaccumulator: R. M. Neal, *Fast exact summation using small and large
//! superaccumulators*, 2015.)

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
    sum: BigInt,
    squares: BigUint,
    exponent: i64,
    /// Whether +∞ is among the values, and whether −∞ is.
    infinite: (bool, bool),
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
struct Wide {
    low: u128,
    high: u64,
}

impl Wide {
    #[inline]
    fn add(&mut self, value: u128) {
        let (low, carry) = self.low.overflowing_add(value);
        self.low = low;
        self.high += u64::from(carry);
    }

    fn add_wide(&mut self, other: Wide) {
        self.add(other.low);
        self.high += other.high;
    }

    /// Adds `value · times`.
    fn add_product(&mut self, value: u128, times: u64) {
        let times = u128::from(times);
        let (low, high) = (value & u128::from(u64::MAX), value >> 64);
        self.add(low * times);
        let high = high * times;
        self.add(high << 64);
        self.high += (high >> 64) as u64;
    }

    fn big(self) -> BigUint {
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
    fn add(&mut self, value: N) {
        self.n += 1;
        self.one(value.into());
    }

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

/// Exact sums of floating numbers. `SQUARES` says whether Σx² is wanted too.
#[derive(Clone, Debug, Default)]
pub struct FloatSums<const SQUARES: bool> {
    n: u64,
    infinite: (bool, bool),
    /// The exponent of the first cell. Cells cover the exponents that have occurred, and those between.
    lowest: usize,
    cells: Vec<[Cell; 2]>,
    settled: Vec<Settled>,
    /// Values in the cells since they were last settled.
    unsettled: usize,
}

/// Sums of the signed mantissas of one exponent. There are two for each exponent, used in turn, so that an addition
/// need not wait for the one before it.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    sum: i128,
    squares: u128,
}

#[derive(Clone, Copy, Debug, Default)]
struct Settled {
    sum: i128,
    squares: Wide,
}

const FRACTION: u64 = (1 << 52) - 1;
const HIDDEN: u64 = 1 << 52;
/// 2²⁰ squares of 106 bits fit into 128 bits.
const SETTLE_AFTER: usize = 1 << 20;

/// Exponent (at least 1) and signed mantissa of a finite number.
#[inline]
fn parts(value: f64) -> (usize, i64) {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as usize;
    let mantissa = (bits & FRACTION) | if exponent == 0 { 0 } else { HIDDEN };
    let signed = if value < 0.0 { -(mantissa as i64) } else { mantissa as i64 };
    (exponent.max(1), signed)
}

/// Adds `values` to `cells`, until one does not belong there; returns how many were added. Zeros are added to the
/// first cell, where they change nothing.
#[inline]
fn add_run<const SQUARES: bool>(cells: &mut [[Cell; 2]], lowest: usize, values: &[f64]) -> usize {
    for (i, value) in values.iter().enumerate() {
        let bits = value.to_bits();
        // all ones but for zeros; no branch on data
        let some = (u64::from(bits << 1 == 0)).wrapping_sub(1);
        let place = (bits >> 52 & 0x7ff).wrapping_sub(lowest as u64) & some;
        let Some(pair) = cells.get_mut(place as usize) else { return i };
        let mantissa = ((bits & FRACTION) | HIDDEN) & some;
        let sign = bits as i64 >> 63;
        let signed = (mantissa as i64 ^ sign) - sign;
        let cell = &mut pair[i & 1];
        cell.sum += i128::from(signed);
        if SQUARES {
            cell.squares += u128::from(mantissa) * u128::from(mantissa);
        }
    }
    values.len()
}

impl<const SQUARES: bool> FloatSums<SQUARES> {
    /// A value that `add_run` has no cell for.
    #[cold]
    fn add_rare(&mut self, value: f64) {
        if !value.is_nan() {
            self.add_times(value, 1);
        }
    }

    /// The cell of an exponent; new ones come with a few neighbours.
    fn make_room(&mut self, exponent: usize) -> usize {
        const SLACK: usize = 4;
        if self.cells.is_empty() {
            self.lowest = exponent;
        }
        if exponent < self.lowest {
            let lowest = exponent.saturating_sub(SLACK).max(1);
            let more = self.lowest - lowest;
            self.cells.splice(0..0, std::iter::repeat_n(Default::default(), more));
            self.settled.splice(0..0, std::iter::repeat_n(Default::default(), more));
            self.lowest = lowest;
        }
        let place = exponent - self.lowest;
        if place >= self.cells.len() {
            let cells = (place + 1 + SLACK).min(2047 - self.lowest);
            self.cells.resize(cells, Default::default());
            self.settled.resize(cells, Default::default());
        }
        place
    }

    fn settle(&mut self) {
        for (pair, settled) in self.cells.iter_mut().zip(&mut self.settled) {
            for cell in pair {
                settled.sum += cell.sum;
                settled.squares.add(cell.squares);
                *cell = Cell::default();
            }
        }
        self.unsettled = 0;
    }
}

impl<const SQUARES: bool> Accumulator<f64> for FloatSums<SQUARES> {
    fn add(&mut self, value: f64) {
        self.add_rare(value);
    }

    fn add_all(&mut self, mut values: &[f64]) {
        while !values.is_empty() {
            if self.unsettled >= SETTLE_AFTER {
                self.settle();
            }
            let room = values.len().min(SETTLE_AFTER - self.unsettled);
            let added = add_run::<SQUARES>(&mut self.cells, self.lowest, &values[..room]);
            self.unsettled += added;
            self.n += added as u64;
            if added < room {
                self.add_rare(values[added]);
                values = &values[added + 1..];
            } else {
                values = &values[added..];
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.infinite.0 |= other.infinite.0;
        self.infinite.1 |= other.infinite.1;
        if other.cells.is_empty() {
            return;
        }
        self.make_room(other.lowest);
        self.make_room(other.lowest + other.cells.len() - 1);
        let start = other.lowest - self.lowest;
        for (ours, (pair, settled)) in self.settled[start..].iter_mut().zip(other.cells.iter().zip(&other.settled)) {
            ours.sum += settled.sum;
            ours.squares.add_wide(settled.squares);
            for cell in pair {
                ours.sum += cell.sum;
                ours.squares.add(cell.squares);
            }
        }
    }

    fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<[Cell; 2]>() + self.settled.capacity() * size_of::<Settled>()
    }
}

impl<const SQUARES: bool> Sums<f64> for FloatSums<SQUARES> {
    fn add_times(&mut self, value: f64, times: u64) {
        self.n += times;
        if value.is_infinite() {
            self.infinite.0 |= value > 0.0;
            self.infinite.1 |= value < 0.0;
        } else if value != 0.0 && times > 0 {
            let (exponent, mantissa) = parts(value);
            let place = self.make_room(exponent);
            let cell = &mut self.settled[place];
            cell.sum += i128::from(mantissa) * i128::from(times);
            if SQUARES {
                let mantissa = u128::from(mantissa.unsigned_abs());
                cell.squares.add_product(mantissa * mantissa, times);
            }
        }
    }

    fn exact(&self) -> Exact {
        let mut exact = Exact {
            n: self.n,
            infinite: self.infinite,
            exponent: self.lowest.max(1) as i64 - 1075,
            ..Exact::default()
        };
        for (pair, settled) in self.cells.iter().zip(&self.settled).rev() {
            exact.sum <<= 1u32;
            exact.squares <<= 2u32;
            let mut total = *settled;
            for cell in pair {
                total.sum += cell.sum;
                total.squares.add(cell.squares);
            }
            exact.sum += total.sum;
            exact.squares += total.squares.big();
        }
        exact
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The obvious way: everything over the smallest unit there is, 2⁻¹⁰⁷⁴.
    fn slow(values: &[f64]) -> Exact {
        let mut exact = Exact { exponent: -1074, ..Exact::default() };
        for value in values.iter().filter(|v| !v.is_nan()) {
            exact.n += 1;
            exact.infinite.0 |= *value == f64::INFINITY;
            exact.infinite.1 |= *value == f64::NEG_INFINITY;
            if value.is_finite() {
                let (exponent, mantissa) = parts(*value);
                let units = BigInt::from(mantissa) << (exponent - 1);
                exact.squares += units.magnitude() * units.magnitude();
                exact.sum += units;
            }
        }
        exact
    }

    fn bits(value: Option<f64>) -> Option<u64> {
        value.map(|v| if v.is_nan() { 1 } else { v.to_bits() })
    }

    fn assert_same(a: &Exact, b: &Exact) {
        assert_eq!(a.n, b.n);
        assert_eq!(bits(Some(a.sum())), bits(Some(b.sum())));
        assert_eq!(bits(a.mean()), bits(b.mean()));
        for ddof in [0, 1, 3] {
            assert_eq!(bits(a.var(ddof)), bits(b.var(ddof)));
            assert_eq!(bits(a.std(ddof)), bits(b.std(ddof)));
        }
    }

    #[test]
    fn nothing_is_lost() {
        let mut sums = FloatSums::<true>::default();
        let values = [1e308, 1e-308, 1.0, 5e-324, -1e308, f64::NAN, -0.0, 0.0, 1e308, 1e308, 5e-324];
        sums.add_all(&values);
        assert_same(&sums.exact(), &slow(&values));
        assert_eq!(sums.exact().mean(), Some(2e307));
        assert_eq!(sums.exact().sum(), f64::INFINITY);
        assert_eq!(FloatSums::<true>::default().exact().sum(), 0.0);
        assert_eq!(FloatSums::<true>::default().exact().mean(), None);
    }

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

    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => -1e3..1e3f64,
            2 => any::<f64>(),
            1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, 5e-324, -1e-310, f64::MAX, f64::MIN, 1e-300]),
        ]
    }

    proptest! {
        #[test]
        fn any_split_has_the_bits_of_the_slow_way(
            values in prop::collection::vec(any_value(), 0..60),
            cuts in prop::collection::vec(0usize..60, 0..4),
            infinities in prop::collection::vec(prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY]), 0..2),
            weights in any::<bool>(),
        ) {
            let mut values = values;
            if values.len() % 5 == 0 { values.extend(infinities); }
            let mut whole = FloatSums::<true>::default();
            let mut rest = values.as_slice();
            for cut in cuts {
                let (front, back) = rest.split_at(cut.min(rest.len()));
                let mut part = FloatSums::<true>::default();
                if weights {
                    front.iter().filter(|v| !v.is_nan()).for_each(|v| part.add(*v));
                } else {
                    part.add_all(front);
                }
                whole.merge(part);
                rest = back;
            }
            whole.add_all(rest);
            assert_same(&whole.exact(), &slow(&values));
        }

        #[test]
        fn a_weight_is_that_many_additions(value in any_value(), times in 0u64..40) {
            prop_assume!(!value.is_nan());
            let (mut once, mut often) = (FloatSums::<true>::default(), FloatSums::<true>::default());
            once.add_times(value, times);
            often.add_all(&vec![value; times as usize]);
            assert_same(&once.exact(), &often.exact());
        }
    }
}
