//! Variance and standard deviation.

use super::super::chunked::Array;
use super::super::element::{DType, Float};
use super::axes::Axes;
use super::compensated::{Compensated, row_sum};
use super::number::Number;
use super::reduction::Reduction;
use super::skip::Skip;
use crate::base::{Identity, Result, Tokenizer};

/// The variance; the sum of squares is divided by the number of elements less `ddof`.
#[derive(Clone, Copy, Debug)]
pub struct Var {
    /// How much less than the number of elements is divided by.
    pub ddof: usize,
}

/// The square root of the variance.
#[derive(Clone, Copy, Debug)]
pub struct Std {
    /// As for [`Var`].
    pub ddof: usize,
}

/// The variance of what is not NaN.
#[derive(Clone, Copy, Debug)]
struct NanVar {
    ddof: usize,
}

/// The square root of it.
#[derive(Clone, Copy, Debug)]
struct NanStd {
    ddof: usize,
}

/// The mean of elements, as its distance from the first one, and the sum of squares about it. A row is looked at twice while
/// it is in the cache, and nothing is subtracted from sums of squares (Chan, Golub & LeVeque 1983).
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread<T> {
    count: u64,
    first: T,
    mean: f64,
    about: Compensated,
}

impl<T: Number> Spread<T> {
    fn row(&mut self, values: &[T]) {
        let Some(&first) = values.first() else { return };
        if self.count == 0 {
            self.first = first;
        }
        let (shift, count) = (self.first, values.len() as f64);
        let near = row_sum(values, |value: T| value.minus(shift)) / count;
        // what rounding has left of the mean
        let rest = row_sum(values, |value: T| value.minus(shift) - near);
        let about = row_sum(values, |value: T| {
            let off = value.minus(shift) - near;
            off * off
        });
        self.join(values.len() as u64, near + rest / count, about - rest * (rest / count));
    }

    #[inline]
    fn one(&mut self, value: T) {
        if self.count == 0 {
            self.first = value;
        }
        self.join(1, value.minus(self.first), 0.0);
    }

    /// Takes in so many elements with this mean and sum of squares.
    #[inline]
    fn join(&mut self, count: u64, mean: f64, about: f64) {
        let (before, more) = (self.count as f64, count as f64);
        self.count += count;
        let (apart, part) = (mean - self.mean, more / (before + more));
        self.mean += apart * part;
        self.about.add(about);
        self.about.add(apart * apart * (before * part));
    }

    fn merge(&mut self, later: &Spread<T>) {
        if self.count == 0 {
            *self = *later;
        } else if later.count > 0 {
            self.join(later.count, later.mean + later.first.minus(self.first), later.about.value());
        }
    }

    /// By numpy's rule a count that is too small divides as zero.
    fn variance(&self, ddof: usize) -> f64 {
        // how far an infinite one is from the mean nobody knows
        if !self.mean.is_finite() {
            return f64::NAN;
        }
        let about = self.about.value();
        (if about < 0.0 { 0.0 } else { about }) / self.count.saturating_sub(ddof as u64) as f64
    }

    /// By numpy's rule there is none of floating numbers that are too few without NaN.
    fn variance_of_some(&self, ddof: usize) -> f64 {
        let floating = matches!(T::DTYPE, DType::Float64 | DType::Float32);
        if floating && self.count <= ddof as u64 { f64::NAN } else { self.variance(ddof) }
    }
}

macro_rules! reductions {
    ($($reduction:ident $name:literal |$acc:ident, $ddof:ident| $result:expr;)*) => {$(
        impl Identity for $reduction {
            fn token(&self, t: &mut Tokenizer) {
                t.str($name);
                t.u64(self.ddof as u64);
            }
        }

        impl<T: Number> Reduction<T> for $reduction {
            type Acc = Spread<T>;
            type Output = T::Real;

            fn name(&self) -> &'static str {
                $name
            }

            fn start(&self) -> Spread<T> {
                Spread::default()
            }

            fn fold_row(&self, acc: &mut Spread<T>, values: &[T], _at: u64) {
                acc.row(values);
            }

            fn fold_lanes(&self, accs: &mut [Spread<T>], values: &[T], _at: u64) {
                accs.iter_mut().zip(values).for_each(|(acc, &value)| acc.one(value));
            }

            fn merge(&self, acc: &mut Spread<T>, later: &Spread<T>) {
                acc.merge(later);
            }

            fn finish(&self, acc: Spread<T>, _count: u64) -> Result<T::Real> {
                let ($acc, $ddof) = (acc, self.ddof);
                Ok(T::Real::from_f64($result))
            }
        }
    )*};
}

reductions! {
    Var "var" |acc, ddof| acc.variance(ddof);
    Std "std" |acc, ddof| acc.variance(ddof).sqrt();
    NanVar "nanvar" |acc, ddof| acc.variance_of_some(ddof);
    NanStd "nanstd" |acc, ddof| acc.variance_of_some(ddof).sqrt();
}

impl<T: Number> Array<T> {
    /// The variance; the sum of squares is divided by the number of elements less `ddof` (numpy's default is 0). NaN of
    /// nothing.
    ///
    /// ```
    /// use partita::array::arange;
    /// let x = arange(1e9, 1e9 + 4.0, 1.0, 2)?;
    /// assert_eq!((x.var(0)?.item()?, x.var(1)?.item()?), (1.25, 5.0 / 3.0));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// None.
    pub fn var(&self, ddof: usize) -> Result<Array<T::Real>> {
        self.reduce(Var { ddof }, Axes::all())
    }

    /// The variance along some axes: see [`Axes`].
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn var_axis(&self, axes: impl Into<Axes>, ddof: usize) -> Result<Array<T::Real>> {
        self.reduce(Var { ddof }, axes)
    }

    /// The variance of what is not NaN (numpy's `nanvar`); NaN where that is not more than `ddof` elements.
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn nanvar(&self, axes: impl Into<Axes>, ddof: usize) -> Result<Array<T::Real>> {
        self.reduce(Skip::new(NanVar { ddof }, "nanvar"), axes)
    }

    /// The standard deviation: the square root of [`var`](Self::var).
    ///
    /// # Errors
    /// None.
    pub fn std(&self, ddof: usize) -> Result<Array<T::Real>> {
        self.reduce(Std { ddof }, Axes::all())
    }

    /// The standard deviation along some axes: see [`Axes`].
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn std_axis(&self, axes: impl Into<Axes>, ddof: usize) -> Result<Array<T::Real>> {
        self.reduce(Std { ddof }, axes)
    }

    /// The standard deviation of what is not NaN (numpy's `nanstd`).
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn nanstd(&self, axes: impl Into<Axes>, ddof: usize) -> Result<Array<T::Real>> {
        self.reduce(Skip::new(NanStd { ddof }, "nanstd"), axes)
    }
}
