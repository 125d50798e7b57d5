//! Every product of two elements.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::elementwise::{Additive, Promote};
use crate::base::Result;

impl<T: Element> Array<T> {
    /// The product of each element of this array with each of the other, both along one axis (numpy's `outer`).
    ///
    /// # Errors
    /// What an operator found wrong before.
    pub fn outer<U: Element>(&self, other: &Array<U>) -> Result<Array<T::Promoted>>
    where
        T: Promote<U, Promoted: Additive>,
    {
        Ok(self.ravel()?.expand_dims(1)? * other.ravel()?)
    }
}
