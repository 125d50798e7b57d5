//! Around an axis.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::region::Span;
use super::axis::axis_of;
use crate::base::Result;

impl<T: Element> Array<T> {
    /// So many places further along an axis; what leaves at the end comes in at the beginning (numpy's `roll`).
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there.
    pub fn roll(&self, shift: isize, axis: isize) -> Result<Array<T>> {
        let axis = axis_of(axis, self.ndim())?;
        let len = self.shape()[axis];
        let shift = shift.rem_euclid(len.max(1) as isize) as usize;
        let spans = vec![Span::new(len - shift, shift), Span::new(0, len - shift)];
        Ok(self.rearranged("roll", axis, spans, self.chunks.axis(axis).to_vec()))
    }
}
