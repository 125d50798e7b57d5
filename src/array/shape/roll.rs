//! Around an axis.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::reduce::Axes;
use super::super::region::Span;
use crate::base::Result;

impl<T: Element> Array<T> {
    /// So many places further along an axis, or along each of several; what leaves at the end comes in at the beginning. Along
    /// [`Axes::all`] as if the elements lay in one row, the last axis running fastest (numpy's `roll`).
    ///
    /// ```
    /// use partita::array::{arange, reduce::Axes};
    /// let x = arange(0, 6, 1, 4)?.reshape([2, 3])?;
    /// assert_eq!(x.roll(1, 1)?.compute()?, ndarray::array![[2, 0, 1], [5, 3, 4]].into_dyn());
    /// assert_eq!(x.roll(1, Axes::all())?.compute()?, ndarray::array![[5, 0, 1], [2, 3, 4]].into_dyn());
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there, or named twice.
    pub fn roll(&self, shift: isize, axes: impl Into<Axes>) -> Result<Array<T>> {
        self.check()?;
        let axes = axes.into();
        if axes.is_all() && self.ndim() != 1 {
            let shape: Vec<isize> = self.shape().iter().map(|&len| len as isize).collect();
            return self.ravel()?.rolled(shift, 0).reshape(shape)?.rechunk(self.chunks.clone());
        }
        Ok(axes.named(self.ndim())?.into_iter().fold(self.clone(), |rolled, axis| rolled.rolled(shift, axis)))
    }

    fn rolled(&self, shift: isize, axis: usize) -> Array<T> {
        let len = self.shape()[axis];
        let shift = shift.rem_euclid(len.max(1) as isize) as usize;
        let spans = vec![Span::new(len - shift, shift), Span::new(0, len - shift)];
        self.rearranged("roll", axis, spans, self.chunks.axis(axis).to_vec())
    }
}
