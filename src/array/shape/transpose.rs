//! The same axes in another order.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::region::Span;
use super::axis::axis_of;
use super::view::From;
use crate::base::{Error, Result};

impl<T: Element> Array<T> {
    /// With its axes in reverse order (numpy's `T`).
    #[must_use]
    pub fn t(&self) -> Array<T> {
        let axes: Vec<usize> = (0..self.ndim()).rev().collect();
        self.permuted(&axes)
    }

    /// With its axes in this order (numpy's `transpose`).
    ///
    /// # Errors
    /// `Invalid` when these are not all axes, each once.
    pub fn transpose(&self, axes: &[usize]) -> Result<Array<T>> {
        self.check()?;
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if sorted != (0..self.ndim()).collect::<Vec<_>>() {
            let what = format!("{axes:?} are not the axes 0 to {}, each once", self.ndim().saturating_sub(1));
            return Err(Error::invalid(what).doing("transpose"));
        }
        Ok(self.permuted(axes))
    }

    fn permuted(&self, axes: &[usize]) -> Array<T> {
        let chunks = axes.iter().map(|&axis| self.chunks.axis(axis).to_vec()).collect();
        let spans = axes.iter().map(|&axis| From::Axis(axis, Span::new(0, self.shape()[axis]))).collect();
        self.view("transpose", spans, vec![0; self.ndim()], chunks)
    }

    /// With two axes exchanged (numpy's `swapaxes`).
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there.
    pub fn swapaxes(&self, first: isize, second: isize) -> Result<Array<T>> {
        let mut axes: Vec<usize> = (0..self.ndim()).collect();
        axes.swap(axis_of(first, self.ndim())?, axis_of(second, self.ndim())?);
        Ok(self.permuted(&axes))
    }

    /// With an axis at another place, the others in their order (numpy's `moveaxis`).
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there.
    pub fn moveaxis(&self, from: isize, to: isize) -> Result<Array<T>> {
        let (from, to) = (axis_of(from, self.ndim())?, axis_of(to, self.ndim())?);
        let mut axes: Vec<usize> = (0..self.ndim()).filter(|&axis| axis != from).collect();
        axes.insert(to, from);
        Ok(self.permuted(&axes))
    }
}
