//! numpy's `dot` and `vdot`.

use super::super::chunked::Array;
use super::super::elementwise::Promote;
use super::super::reduce::Number;
use super::multiply::Multiply;
use crate::base::Result;

impl<T: Multiply + Number + Promote<T, Promoted = T>> Array<T> {
    /// The sum of the products of all elements of two arrays, compensated for floating numbers (numpy's `vdot`).
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when they do not fit.
    pub fn vdot(&self, other: &Array<T>) -> Result<Array<<T as Number>::Sum>> {
        (self.ravel()? * other.ravel()?).sum()
    }
}

impl<T: Multiply> Array<T> {
    /// Products summed along the last axis of this array and the second last one of the other, or its only one (numpy's `dot`);
    /// of two matrices their [`matmul`](Array::matmul).
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when they do not fit.
    pub fn dot(&self, other: &Array<T>) -> Result<Array<T>> {
        if self.ndim() <= 2 && other.ndim() <= 2 {
            return self.matmul(other);
        }
        let with = other.ndim().saturating_sub(2) as isize;
        self.tensordot(other, &[-1], &[with])
    }
}
