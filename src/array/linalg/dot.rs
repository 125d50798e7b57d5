//! numpy's `dot` and `vdot`.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::elementwise::{Additive, Promote};
use super::super::reduce::Number;
use super::multiply::Multiply;
use crate::base::Result;

impl<T: Element> Array<T> {
    /// The sum of the products of all elements of two arrays, compensated for floating numbers (numpy's `vdot`). Types promote
    /// as with `*`.
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when they do not fit.
    pub fn vdot<U: Element>(&self, other: &Array<U>) -> Result<Array<<T::Promoted as Number>::Sum>>
    where
        T: Promote<U, Promoted: Additive + Number>,
    {
        (self.ravel()? * other.ravel()?).sum()
    }

    /// Products summed along the last axis of this array and the second last one of the other, or its only one (numpy's
    /// `dot`); of two matrices their [`matmul`](Array::matmul), and where one has no axes the product with each element of
    /// the other. Types promote as with `*`.
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when they do not fit.
    pub fn dot<U: Element>(&self, other: &Array<U>) -> Result<Array<T::Promoted>>
    where
        T: Promote<U, Promoted: Multiply>,
    {
        match (self.ndim(), other.ndim()) {
            (0, _) | (_, 0) => (self * other).checked(),
            (1..=2, 1..=2) => self.matmul(other),
            (_, columns) => self.tensordot(other, ([-1], [columns.saturating_sub(2) as isize])),
        }
    }
}
