//! Norms of vectors and matrices.

use super::super::chunked::Array;
use super::super::element::Float;
use super::axes::Axes;
use super::compensated::{Compensated, row_sum};
use super::number::Number;
use super::reduction::Reduction;
use crate::base::{Error, Identity, Result, Tokenizer};

/// The order of a norm (numpy's `linalg.norm`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// Of vectors the sum of sizes, of matrices the largest sum of a column.
    One,
    /// Of vectors the length; of matrices, whose largest singular value it would be, not supported.
    Two,
    /// Of vectors the largest size, of matrices the largest sum of a row.
    Inf,
    /// Of vectors the smallest size, of matrices the smallest sum of a row.
    NegInf,
    /// Of matrices the root of the sum of squares (Frobenius).
    Fro,
    /// Of vectors the p-th root of the sum of p-th powers; how many are not zero for 0.
    P(f64),
}

/// A norm of vectors.
#[derive(Clone, Copy, Debug)]
struct Length(Norm);

impl Identity for Length {
    fn token(&self, t: &mut Tokenizer) {
        t.str("norm");
        t.debug(&self.0);
    }
}

impl Length {
    /// What is added up of a size.
    fn power(self, size: f64) -> f64 {
        match self.0 {
            Norm::P(0.0) => f64::from(u8::from(size != 0.0)),
            Norm::P(p) => size.powf(p),
            _ => size,
        }
    }

    fn extreme(self, known: f64, size: f64) -> f64 {
        let wins = match self.0 {
            Norm::Inf => size > known,
            _ => size < known,
        };
        if !known.is_nan() && (wins || size.is_nan()) { size } else { known }
    }

    fn is_extreme(self) -> bool {
        matches!(self.0, Norm::Inf | Norm::NegInf)
    }
}

impl<T: Number> Reduction<T> for Length {
    type Acc = Compensated;
    type Output = T::Real;

    fn name(&self) -> &'static str {
        "norm"
    }

    fn start(&self) -> Compensated {
        let sum = if self.0 == Norm::NegInf { f64::INFINITY } else { 0.0 };
        Compensated { sum, lost: 0.0 }
    }

    fn fold_row(&self, acc: &mut Compensated, values: &[T], _at: u64) {
        if self.is_extreme() {
            acc.sum = values.iter().fold(acc.sum, |known, value| self.extreme(known, value.as_f64().abs()));
            return;
        }
        match self.0 {
            Norm::One => acc.add(row_sum(values, |value: T| value.as_f64().abs())),
            Norm::Two | Norm::Fro => acc.add(row_sum(values, |value: T| value.as_f64() * value.as_f64())),
            _ => acc.add(row_sum(values, |value: T| self.power(value.as_f64().abs()))),
        }
    }

    fn fold_lanes(&self, accs: &mut [Compensated], values: &[T], at: u64) {
        match self.0 {
            Norm::One => accs.iter_mut().zip(values).for_each(|(acc, value)| acc.add(value.as_f64().abs())),
            Norm::Two | Norm::Fro => accs.iter_mut().zip(values).for_each(|(acc, value)| {
                let size = value.as_f64();
                acc.add(size * size);
            }),
            _ => {
                accs.iter_mut().zip(values).for_each(|(acc, value)| self.fold_row(acc, std::slice::from_ref(value), at))
            }
        }
    }

    fn merge(&self, acc: &mut Compensated, later: &Compensated) {
        match self.is_extreme() {
            true => acc.sum = self.extreme(acc.sum, later.sum),
            false => acc.merge(later),
        }
    }

    fn finish(&self, acc: Compensated, count: u64) -> Result<T::Real> {
        if count == 0 && self.0 == Norm::NegInf {
            return Err(Error::invalid("zero-size array to reduction operation minimum which has no identity"));
        }
        let sum = acc.value();
        Ok(T::Real::from_f64(match self.0 {
            Norm::Two | Norm::Fro => sum.sqrt(),
            Norm::P(p) if p != 0.0 => sum.powf(1.0 / p),
            _ => sum,
        }))
    }
}

impl<T: Number> Array<T> {
    /// The root of the sum of the squares of all elements (numpy's `linalg.norm`).
    ///
    /// # Errors
    /// None.
    pub fn norm(&self) -> Result<Array<T::Real>> {
        self.reduce(Length(Norm::Two), Axes::all())
    }

    /// The norm of vectors, along one axis, or of matrices, along two: their rows and their columns (numpy's
    /// `linalg.norm` with `ord` and `axis`).
    ///
    /// ```
    /// use partita::array::{from_ndarray, reduce::Norm};
    /// let x = from_ndarray(ndarray::array![[3.0f64, -4.0], [0.0, 2.0]], 1)?;
    /// assert_eq!(x.norm_axis(Norm::Two, 1)?.compute()?.as_slice(), Some(&[5.0, 2.0][..]));
    /// assert_eq!(x.norm_axis(Norm::One, [0, 1])?.item()?, 6.0); // the second column
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for an order that there is not for vectors, or more than two axes; `Unsupported` for the singular values
    /// of matrices.
    pub fn norm_axis(&self, order: Norm, axes: impl Into<Axes>) -> Result<Array<T::Real>> {
        let axes = axes.into();
        let (rows, columns) = match *axes.named(self.ndim())?.as_slice() {
            [_] if order == Norm::Fro => return Err(Error::invalid("invalid norm order 'fro' for vectors")),
            [_] => return self.reduce(Length(order), axes),
            [rows, columns] => (rows, columns),
            _ => return Err(Error::invalid("a norm is one of vectors, along one axis, or of matrices, along two")),
        };
        let (sums, over) = match order {
            Norm::Fro => return self.reduce(Length(order), axes),
            Norm::One => (rows, columns),
            Norm::Inf | Norm::NegInf => (columns, rows),
            Norm::Two | Norm::P(_) => {
                let what = "norms of matrices by their singular values";
                return Err(
                    Error::unsupported(what).help("take Norm::Fro, or compute() and a library of linear algebra")
                );
            }
        };
        let extreme = if order == Norm::One { Norm::Inf } else { order };
        let sums = self.reduce(Length(Norm::One), Axes::from(sums).keepdims())?;
        let whole = sums.reduce(Length(extreme), Axes::from(over).keepdims())?;
        if axes.keeps_dims() { Ok(whole) } else { whole.without(&axes.mask(self.ndim())?) }
    }
}
