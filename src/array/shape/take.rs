//! Elements by their numbers.

use super::super::chunked::Array;
use super::super::element::Element;
use super::axis::{axis_of, element_of};
use super::pieces::{like, runs};
use crate::base::Result;

impl<T: Element> Array<T> {
    /// The elements with these numbers along an axis, in this order, as often as they are named; negative numbers count
    /// from the end (numpy's `take`, and its `x[:, [2, 0, -1]]`).
    ///
    /// ```
    /// use partita::array::arange;
    /// let x = arange(0.0, 10.0, 1.0, 4)?;
    /// assert_eq!(x.take([7, -1, 7, 0], 0)?.compute()?.as_slice(), Some(&[7.0, 9.0, 7.0, 0.0][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for a number out of range, and for an axis that is not there.
    pub fn take(&self, indices: impl AsRef<[isize]>, axis: isize) -> Result<Array<T>> {
        let axis = axis_of(axis, self.ndim())?;
        let len = self.shape()[axis];
        let elements = indices.as_ref().iter().map(|&at| element_of(at, axis, len)).collect::<Result<Vec<usize>>>()?;
        let sizes = like(self.chunks.axis(axis), elements.len());
        Ok(self.rearranged("take", axis, runs(&elements), sizes))
    }
}
