//! Exact sums of floating numbers.
//!
//! A finite `f64` is ±m·2^(e−1075) with a whole m < 2⁵³. [`FloatSums`] keeps Σ±m and Σm² for each exponent e that
//! occurs, as integers; a value costs one multiplication and two additions of 128 bits. (One accumulator per exponent is the idea of
//! Neal's "large" superaccumulator: R. M. Neal, *Fast exact summation using small and large superaccumulators*, 2015.)

use super::exact::{Exact, Sums, Wide};
use super::state::Accumulator;

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
    use num_bigint::BigInt;
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
                    front.iter().filter(|v| !v.is_nan()).for_each(|v| part.add_times(*v, 1));
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
