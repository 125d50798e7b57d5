//! Counts, weights and losses added up without an error until they are rounded once: the same for any cut of the rows.

use num_bigint::BigInt;

use crate::base::{Error, Result};
use crate::expr::folds::{Accumulator, Exact, FloatSums, Sums};

/// The exact sum of numbers; NaN if one of them is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Total {
    sums: FloatSums<false>,
    nan: bool,
}

impl Total {
    /// Adds a number.
    pub fn add(&mut self, value: f64) {
        self.add_all(&[value]);
    }

    /// Adds numbers.
    pub fn add_all(&mut self, values: &[f64]) {
        self.nan |= values.iter().any(|v| v.is_nan());
        self.sums.add_all(values);
    }

    /// Adds a number `times` times.
    pub fn add_times(&mut self, value: f64, times: u64) {
        self.nan |= value.is_nan();
        if !value.is_nan() {
            self.sums.add_times(value, times);
        }
    }

    /// Adds a·b without an error (but for what is smaller than the smallest number).
    pub fn add_product(&mut self, a: f64, b: f64) {
        let (product, lost) = product(a, b);
        self.add_all(&[product, lost]);
    }

    /// Adds another sum.
    pub fn merge(&mut self, later: Total) {
        self.nan |= later.nan;
        self.sums.merge(later.sums);
    }

    /// The sum, rounded once.
    pub fn value(&self) -> f64 {
        if self.nan { f64::NAN } else { self.sums.exact().sum() }
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.sums.bytes()
    }

    fn dyadic(&self) -> Option<Dyadic> {
        let exact = self.sums.exact();
        (!self.nan && exact.infinite == (false, false)).then_some(Dyadic { whole: exact.sum, exponent: exact.exponent })
    }
}

/// A product and what rounding took from it; nothing if that is not finite.
fn product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let lost = a.mul_add(b, -product);
    (product, if lost.is_finite() { lost } else { 0.0 })
}

/// A number of rows, or the exact sum of their weights once some have weights; rows without one weigh 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    rows: u64,
    weights: Option<Box<Total>>,
}

impl Tally {
    /// Counts rows without weights.
    #[inline]
    pub fn count(&mut self, rows: u64) {
        self.rows += rows;
        if let Some(weights) = &mut self.weights {
            weights.add_times(1.0, rows);
        }
    }

    /// Counts a row with a weight.
    pub fn weigh(&mut self, weight: f64) {
        self.weighted().add(weight);
        self.rows += 1;
    }

    /// Counts rows with weights.
    pub fn weigh_all(&mut self, weights: &[f64]) {
        self.weighted().add_all(weights);
        self.rows += weights.len() as u64;
    }

    /// Counts the rows of another tally.
    pub fn merge(&mut self, later: Tally) {
        match later.weights {
            Some(weights) => {
                self.weighted().merge(*weights);
                self.rows += later.rows;
            }
            None => self.count(later.rows),
        }
    }

    /// Rows, whatever they weigh.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Their weight.
    pub fn value(&self) -> f64 {
        self.weights.as_ref().map_or(self.rows as f64, |weights| weights.value())
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.weights.as_ref().map_or(0, |weights| size_of::<Total>() + weights.bytes())
    }

    fn weighted(&mut self) -> &mut Total {
        let rows = self.rows;
        self.weights.get_or_insert_with(|| {
            let mut weights = Box::new(Total::default());
            weights.add_times(1.0, rows);
            weights
        })
    }

    fn dyadic(&self) -> Option<Dyadic> {
        match &self.weights {
            Some(weights) => weights.dyadic(),
            None => Some(Dyadic { whole: self.rows.into(), exponent: 0 }),
        }
    }
}

/// The weighted mean of numbers in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mean {
    weight: Tally,
    sum: Total,
}

impl Mean {
    /// Takes in numbers and their weights; with weights, `values` is spoilt.
    pub fn add_all(&mut self, values: &mut [f64], weights: Option<&[f64]>) {
        match weights {
            None => self.weight.count(values.len() as u64),
            Some(weights) => {
                self.weight.weigh_all(weights);
                values.iter_mut().zip(weights).for_each(|(value, weight)| *value *= weight);
            }
        }
        self.sum.add_all(values);
    }

    /// Takes in another mean.
    pub fn merge(&mut self, later: Mean) {
        self.weight.merge(later.weight);
        self.sum.merge(later.sum);
    }

    /// The mean; NaN of no rows, or if all weigh nothing.
    pub fn value(&self) -> f64 {
        self.sum.value() / self.weight.value()
    }

    /// The weighted sum.
    pub fn sum(&self) -> f64 {
        self.sum.value()
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.weight.bytes() + self.sum.bytes()
    }
}

/// What Σ w·(x − x̄)² is made from, without an error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spread {
    plain: FloatSums<true>,
    nan: bool,
    weight: Tally,
    /// Σ w·x and Σ w·x² of rows with weights.
    weighted: [Total; 2],
}

impl Spread {
    /// Takes in numbers and their weights.
    pub fn add_all(&mut self, values: &[f64], weights: Option<&[f64]>) {
        let Some(weights) = weights else {
            self.nan |= values.iter().any(|v| v.is_nan());
            self.plain.add_all(values);
            self.weight.count(values.len() as u64);
            return;
        };
        self.weight.weigh_all(weights);
        let [sum, squares] = &mut self.weighted;
        for (&value, &weight) in values.iter().zip(weights) {
            sum.add_product(weight, value);
            let (square, lost) = product(value, value);
            squares.add_product(weight, square);
            squares.add_product(weight, lost);
        }
    }

    /// Takes in another.
    pub fn merge(&mut self, later: Spread) {
        self.plain.merge(later.plain);
        self.nan |= later.nan;
        self.weight.merge(later.weight);
        for (ours, theirs) in self.weighted.iter_mut().zip(later.weighted) {
            ours.merge(theirs);
        }
    }

    /// Rows seen.
    pub fn rows(&self) -> u64 {
        self.weight.rows()
    }

    /// Σ w·(x − x̄)², where x̄ is the weighted mean; NaN if something is not finite or nothing weighs anything.
    pub fn value(&self) -> f64 {
        self.exact().unwrap_or(f64::NAN)
    }

    fn exact(&self) -> Option<f64> {
        let plain = self.plain.exact();
        if self.nan || plain.infinite != (false, false) {
            return None;
        }
        let [sum, squares] = &self.weighted;
        let sum = sum.dyadic()?.plus(Dyadic { whole: plain.sum, exponent: plain.exponent });
        let squares = squares.dyadic()?.plus(Dyadic { whole: plain.squares.into(), exponent: 2 * plain.exponent });
        let weight = self.weight.dyadic()?;
        // (W·Σwx² − (Σwx)²) / W
        let above = weight.times(&squares).plus(sum.times(&sum).negative());
        Some((above.value() / weight.value()).max(0.0)).filter(|_| weight.value() != 0.0)
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.plain.bytes() + self.weight.bytes() + self.weighted.iter().map(Total::bytes).sum::<usize>()
    }
}

/// `whole`·2^`exponent`.
#[derive(Clone, Debug)]
struct Dyadic {
    whole: BigInt,
    exponent: i64,
}

impl Dyadic {
    fn plus(self, other: Dyadic) -> Dyadic {
        let exponent = self.exponent.min(other.exponent);
        let scaled = |d: Dyadic| d.whole << (d.exponent - exponent) as u64;
        Dyadic { whole: scaled(self) + scaled(other), exponent }
    }

    fn times(&self, other: &Dyadic) -> Dyadic {
        Dyadic { whole: &self.whole * &other.whole, exponent: self.exponent + other.exponent }
    }

    fn negative(self) -> Dyadic {
        Dyadic { whole: -self.whole, ..self }
    }

    fn value(&self) -> f64 {
        Exact { sum: self.whole.clone(), exponent: self.exponent, ..Exact::default() }.sum()
    }
}

/// Succeeds if there are as many predictions and weights as rows, and all weights can be weights.
///
/// # Errors
/// `Model`.
pub(crate) fn expect_rows(rows: usize, predicted: usize, weights: Option<&[f64]>) -> Result<()> {
    if predicted != rows {
        return Err(Error::model(format!("{predicted} predictions for {rows} rows")).doing("score"));
    }
    let Some(weights) = weights else { return Ok(()) };
    if weights.len() != rows {
        return Err(Error::model(format!("{} weights for {rows} rows", weights.len())).doing("score"));
    }
    match weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
        Some(row) => Err(Error::model(format!("the weight {} in row {row}", weights[row]))
            .doing("score")
            .help("weights have to be finite and not negative")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_without_weight_weigh_one() {
        let mut tally = Tally::default();
        tally.count(3);
        tally.weigh(0.5);
        tally.count(2);
        assert_eq!((tally.rows(), tally.value()), (6, 5.5));
        let mut other = Tally::default();
        other.count(1);
        other.merge(tally);
        assert_eq!(other.value(), 6.5);
        assert!(Mean::default().value().is_nan() && Spread::default().value().is_nan());
    }

    #[test]
    fn nothing_is_lost_far_from_zero() {
        let values = [1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0];
        let of = |weights: Option<&[f64]>| {
            let mut spread = Spread::default();
            spread.add_all(&values, weights);
            spread.value()
        };
        assert_eq!(of(None), 2.0);
        assert_eq!(of(Some(&[1.0; 3])), 2.0);
        assert_eq!(of(Some(&[0.5, 0.0, 0.5])), 1.0);
        assert!(of(Some(&[0.0; 3])).is_nan());
    }

    proptest! {
        #[test]
        fn cuts_change_no_bit(
            rows in prop::collection::vec((-1e6..1e6f64, 0.0..9f64), 1..50),
            cut in 0..50usize,
            weighted in any::<[bool; 2]>(),
        ) {
            let cut = cut.min(rows.len());
            let (values, weights): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
            let add = |spread: &mut Spread, mean: &mut Mean, from: usize, to: usize, with: bool| {
                let weights = with.then_some(&weights[from..to]);
                spread.add_all(&values[from..to], weights);
                mean.add_all(&mut values[from..to].to_vec(), weights);
            };
            let (mut spread, mut mean) = (Spread::default(), Mean::default());
            add(&mut spread, &mut mean, 0, cut, weighted[0]);
            add(&mut spread, &mut mean, cut, values.len(), weighted[1]);
            let (mut first, mut second) = ((Spread::default(), Mean::default()), (Spread::default(), Mean::default()));
            add(&mut first.0, &mut first.1, 0, cut, weighted[0]);
            add(&mut second.0, &mut second.1, cut, values.len(), weighted[1]);
            first.0.merge(second.0);
            first.1.merge(second.1);
            prop_assert_eq!(first.0.value().to_bits(), spread.value().to_bits());
            prop_assert_eq!(first.1.value().to_bits(), mean.value().to_bits());

            let weight = |i: usize| if weighted[usize::from(i >= cut)] { weights[i] } else { 1.0 };
            let n: f64 = (0..values.len()).map(weight).sum();
            let average = (0..values.len()).map(|i| weight(i) * values[i]).sum::<f64>() / n;
            let slow: f64 = (0..values.len()).map(|i| weight(i) * (values[i] - average).powi(2)).sum();
            prop_assume!(n > 1e-3);
            prop_assert!((spread.value() - slow).abs() <= 1e-9 * (1.0 + slow));
            prop_assert!((mean.value() - average).abs() <= 1e-9 * (1.0 + average.abs()));
        }
    }
}
