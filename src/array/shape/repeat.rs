//! The same elements again and again.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::region::Span;
use super::axis::axis_of;
use crate::base::Result;

impl<T: Element> Array<T> {
    /// Every element so many times in a row along an axis (numpy's `repeat`).
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there.
    pub fn repeat(&self, times: usize, axis: isize) -> Result<Array<T>> {
        let axis = axis_of(axis, self.ndim())?;
        let mut shape = self.shape().to_vec();
        shape.insert(axis + 1, times);
        let repeated = self.expand_dims(axis as isize + 1)?.broadcast_to(&shape)?;
        shape.remove(axis + 1);
        shape[axis] = shape[axis].saturating_mul(times);
        let mut chunks: Vec<Vec<usize>> = (0..self.ndim()).map(|axis| self.chunks.axis(axis).to_vec()).collect();
        chunks[axis].iter_mut().for_each(|size| *size = size.saturating_mul(times));
        Ok(repeated.reshaped(shape, chunks))
    }

    /// The whole so many times along each axis (numpy's `tile`); the last number is for the last axis.
    ///
    /// # Errors
    /// None that is known.
    pub fn tile(&self, times: &[usize]) -> Result<Array<T>> {
        let mut tiled = self.clone();
        while tiled.ndim() < times.len() {
            tiled = tiled.expand_dims(0)?;
        }
        let first = tiled.ndim() - times.len();
        for (axis, &times) in times.iter().enumerate().map(|(i, times)| (first + i, times)) {
            let len = tiled.shape()[axis];
            let spans = match len {
                1 => vec![Span { start: 0, step: 0, len: times }],
                len => vec![Span::new(0, len); times],
            };
            let sizes = match (times, len) {
                (0, _) | (_, 0) => vec![0],
                (times, 1) => vec![times],
                (times, _) => tiled.chunks.axis(axis).repeat(times),
            };
            tiled = tiled.rearranged("tile", axis, spans, sizes);
        }
        Ok(tiled)
    }
}
