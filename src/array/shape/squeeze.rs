//! Axes of one element, out and in.

use super::super::chunked::Array;
use super::super::element::Element;
use super::axis::axis_of;
use super::index::{Index, step};
use crate::base::{Error, Result};

impl<T: Element> Array<T> {
    /// Without its axes of one element (numpy's `squeeze`).
    ///
    /// # Errors
    /// None that is known.
    pub fn squeeze(&self) -> Result<Array<T>> {
        let one = |&len: &usize| if len == 1 { Index::At(0) } else { step(1) };
        self.sliced("squeeze", &self.shape().iter().map(one).collect::<Vec<Index>>())
    }

    /// Without this axis of one element.
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there or has not one element.
    pub fn squeeze_axis(&self, axis: isize) -> Result<Array<T>> {
        let at = axis_of(axis, self.ndim())?;
        if self.shape()[at] != 1 {
            let what = format!("cannot squeeze axis {axis} of the shape {:?}: it has not one element", self.shape());
            return Err(Error::invalid(what));
        }
        let indices: Vec<Index> = (0..=at).map(|i| if i == at { Index::At(0) } else { step(1) }).collect();
        self.sliced("squeeze", &indices)
    }

    /// With a new axis of one element at this place of the result (numpy's `expand_dims`).
    ///
    /// # Errors
    /// `Invalid` for a place that the result does not have.
    pub fn expand_dims(&self, axis: isize) -> Result<Array<T>> {
        let at = axis_of(axis, self.ndim() + 1)?;
        let indices: Vec<Index> = (0..=at).map(|i| if i == at { Index::NewAxis } else { step(1) }).collect();
        self.sliced("expand_dims", &indices)
    }
}
