//! Sums and means.

use super::super::chunked::Array;
use super::super::element::Float;
use super::axes::Axes;
use super::number::{Number, Total};
use super::reduction::Reduction;
use super::skip::Skip;
use crate::base::{Error, Identity, Result, Tokenizer};

/// The sum of elements.
#[derive(Clone, Copy, Debug)]
pub struct Sum;

/// Their mean.
#[derive(Clone, Copy, Debug)]
pub struct Mean;

/// An exact sum of whole numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole(i128);

macro_rules! wholes {
    ($($whole:ty: |$row:ident| $sum:expr;)*) => {$(
        impl Total<$whole> for Whole {
            #[inline]
            fn add(&mut self, value: $whole) {
                self.0 += i128::from(value);
            }

            fn add_row(&mut self, $row: &[$whole]) {
                self.0 += $sum;
            }

            fn merge(&mut self, later: &Whole) {
                self.0 += later.0;
            }

            fn value(&self) -> Result<i64> {
                i64::try_from(self.0).map_err(|_| {
                    Error::value(format!("the sum {} is no int64", self.0)).help("convert to float64 first: astype()")
                })
            }

            fn as_f64(&self) -> f64 {
                self.0 as f64
            }

            fn carry(&self) -> [i64; 2] {
                [self.0 as i64, (self.0 >> 64) as i64]
            }

            fn of(carry: [i64; 2]) -> Whole {
                Whole(i128::from(carry[0] as u64) | i128::from(carry[1]) << 64)
            }
        }
    )*};
}

/// Whole numbers of few bits, of which no row is too long for 64.
fn narrow<T: Copy>(row: &[T], whole: impl Fn(T) -> i64) -> i128 {
    row.chunks(1 << 20).map(|part| i128::from(part.iter().map(|&value| whole(value)).sum::<i64>())).sum()
}

/// The halves of 64-bit numbers, each by itself.
fn wide(row: &[i64]) -> i128 {
    let parts = row.chunks(1 << 20).map(|part| {
        let high: i64 = part.iter().map(|value| value >> 32).sum();
        let low: u64 = part.iter().map(|value| *value as u64 & 0xffff_ffff).sum();
        (i128::from(high) << 32) + i128::from(low)
    });
    parts.sum()
}

wholes! {
    i64: |row| wide(row);
    i32: |row| narrow(row, i64::from);
    u8: |row| narrow(row, i64::from);
    bool: |row| narrow(row, i64::from);
}

/// A reduction that a total answers.
macro_rules! totals {
    ($($reduction:ident $name:literal $output:ident |$acc:ident, $count:pat_param| $finish:expr;)*) => {$(
        impl Identity for $reduction {
            fn token(&self, t: &mut Tokenizer) {
                t.str($name);
            }
        }

        impl<T: Number> Reduction<T> for $reduction {
            type Acc = T::Total;
            type Output = T::$output;

            fn name(&self) -> &'static str {
                $name
            }

            fn start(&self) -> T::Total {
                T::Total::default()
            }

            fn fold_row(&self, acc: &mut T::Total, values: &[T], _at: u64) {
                acc.add_row(values);
            }

            fn fold_lanes(&self, accs: &mut [T::Total], values: &[T], _at: u64) {
                accs.iter_mut().zip(values).for_each(|(acc, &value)| acc.add(value));
            }

            fn merge(&self, acc: &mut T::Total, later: &T::Total) {
                acc.merge(later);
            }

            fn finish(&self, $acc: T::Total, $count: u64) -> Result<T::$output> {
                $finish
            }
        }
    )*};
}

totals! {
    Sum "sum" Sum |acc, _| acc.value();
    Mean "mean" Real |acc, count| Ok(T::Real::from_f64(acc.as_f64() / count as f64));
}

impl<T: Number> Array<T> {
    /// The sum: exact for whole numbers, compensated for floating ones. Sums of whole numbers are `i64`, also those of `u8`,
    /// which numpy makes `uint64`: there are no arrays of these here, and a sum that is no `i64` is an error.
    ///
    /// # Errors
    /// Computing it is an error of kind `Value` where a sum of whole numbers is no `i64`.
    pub fn sum(&self) -> Result<Array<T::Sum>> {
        self.reduce(Sum, Axes::all())
    }

    /// The sum along some axes: see [`Axes`].
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce) and [`sum`](Self::sum).
    pub fn sum_axis(&self, axes: impl Into<Axes>) -> Result<Array<T::Sum>> {
        self.reduce(Sum, axes)
    }

    /// The sum of what is not NaN (numpy's `nansum`).
    ///
    /// # Errors
    /// As [`sum_axis`](Self::sum_axis).
    pub fn nansum(&self, axes: impl Into<Axes>) -> Result<Array<T::Sum>> {
        self.reduce(Skip::new(Sum, "nansum"), axes)
    }

    /// The arithmetic mean; NaN of nothing.
    ///
    /// # Errors
    /// None.
    pub fn mean(&self) -> Result<Array<T::Real>> {
        self.reduce(Mean, Axes::all())
    }

    /// The mean along some axes: see [`Axes`].
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn mean_axis(&self, axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        self.reduce(Mean, axes)
    }

    /// The mean of what is not NaN (numpy's `nanmean`); NaN where there is nothing else.
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn nanmean(&self, axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        self.reduce(Skip::new(Mean, "nanmean"), axes)
    }
}
