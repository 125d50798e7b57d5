//! Every product of two elements.

use std::ops::Mul;

use super::super::chunked::Array;
use super::super::element::Element;
use crate::base::Result;

impl<T: Element + Mul<Output = T>> Array<T> {
    /// The product of each element of this array with each of the other, both along one axis (numpy's `outer`).
    ///
    /// # Errors
    /// None that is known.
    pub fn outer(&self, other: &Array<T>) -> Result<Array<T>> {
        &self.ravel()?.expand_dims(1)? * &other.ravel()?
    }
}
