//! Broadcasting: one element for many.

use super::super::chunked::Array;
use super::super::element::Element;
use super::super::region::Span;
use super::view::From;
use crate::base::{Error, Result};

/// The shape that two arrays have together: axes are matched from the last on, and one of a single element is repeated
/// (numpy's rule).
///
/// # Errors
/// `Invalid`, naming both shapes, when they do not match.
pub fn broadcast_shape(left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
    let ndim = left.len().max(right.len());
    let axis = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(ndim).map_or(1, |at| shape[at]);
    let matched = (0..ndim).map(|i| match (axis(left, i), axis(right, i)) {
        (a, b) if a == b => Some(a),
        (1, b) => Some(b),
        (a, 1) => Some(a),
        _ => None,
    });
    let matched: Option<Vec<usize>> = matched.collect();
    matched.ok_or_else(|| {
        Error::invalid(format!("arrays of the shapes {left:?} and {right:?} cannot be broadcast together"))
    })
}

impl<T: Element> Array<T> {
    /// Repeated to this shape (numpy's `broadcast_to`): axes are matched from the last on.
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when it cannot be.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Array<T>> {
        self.check()?;
        if self.shape() == shape {
            return Ok(self.clone());
        }
        if broadcast_shape(self.shape(), shape)? != shape {
            let what = format!("an array of shape {:?} cannot be broadcast to {shape:?}", self.shape());
            return Err(Error::invalid(what));
        }
        let more = shape.len() - self.ndim();
        let (mut axes, mut chunks) = (vec![From::New; more], Vec::new());
        shape[..more].iter().for_each(|&len| chunks.push(vec![len]));
        for (axis, &len) in self.shape().iter().enumerate() {
            let wanted = shape[more + axis];
            let span = Span { start: 0, step: isize::from(len == wanted), len: wanted };
            chunks.push(if len == wanted { self.chunks.axis(axis).to_vec() } else { vec![wanted] });
            axes.push(From::Axis(axis, span));
        }
        Ok(self.view("broadcast", axes, vec![0; self.ndim()], chunks))
    }
}
