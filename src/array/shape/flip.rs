//! The other way round.

use super::super::chunked::Array;
use super::super::element::Element;
use super::axis::axis_of;
use super::index::{Index, step};
use crate::base::{Error, Result};

impl<T: Element> Array<T> {
    /// The other way round along an axis (numpy's `flip`).
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there.
    pub fn flip(&self, axis: isize) -> Result<Array<T>> {
        let axis = axis_of(axis, self.ndim())?;
        self.slice((0..=axis).map(|at| if at == axis { step(-1) } else { step(1) }).collect::<Vec<Index>>())
    }

    /// Left to right: along the second axis (numpy's `fliplr`).
    ///
    /// # Errors
    /// `Invalid` when there is no second axis.
    pub fn fliplr(&self) -> Result<Array<T>> {
        if self.ndim() < 2 {
            return Err(Error::invalid("input must be >= 2-d").doing("fliplr"));
        }
        self.flip(1)
    }

    /// Upside down: along the first axis (numpy's `flipud`).
    ///
    /// # Errors
    /// `Invalid` when there is no axis.
    pub fn flipud(&self) -> Result<Array<T>> {
        self.flip(0)
    }
}
