//! More elements around an array.

use super::super::chunked::Array;
use super::super::chunks::{ChunkSpec, MOST_CHUNKS, fits};
use super::super::create::full;
use super::super::element::Element;
use super::super::region::Span;
use super::concatenate::concatenate;
use super::pieces::runs;
use crate::base::{Error, Result};

/// What is put around an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pad<T> {
    /// This element everywhere.
    Constant(T),
    /// The first, and the last element.
    Edge,
    /// The elements mirrored; the first and the last one are not repeated.
    Reflect,
    /// The elements mirrored; the first and the last one come twice.
    Symmetric,
    /// The elements of the other end, as if the axis were a ring.
    Wrap,
}

impl<T: Element> Array<T> {
    /// With so many more elements before and after, along each axis (numpy's `pad`); one pair is for all axes.
    ///
    /// # Errors
    /// `Invalid` when there are neither one pair nor as many as axes, and for a mirror of nothing.
    pub fn pad(&self, widths: &[(usize, usize)], with: Pad<T>) -> Result<Array<T>> {
        if widths.len() != 1 && widths.len() != self.ndim() {
            let what = format!("widths are given for {} axes, the array has {}", widths.len(), self.ndim());
            return Err(Error::invalid(what).doing("pad"));
        }
        (0..self.ndim()).try_fold(self.clone(), |padded, axis| {
            let (before, after) = widths[if widths.len() == 1 { 0 } else { axis }];
            padded.padded(axis, before, after, with)
        })
    }

    fn padded(&self, axis: usize, before: usize, after: usize, with: Pad<T>) -> Result<Array<T>> {
        let len = self.shape()[axis];
        if (before, after) == (0, 0) {
            return Ok(self.clone());
        }
        let mut shape = self.shape().to_vec();
        shape[axis] = len.saturating_add(before).saturating_add(after);
        fits(&shape, size_of::<T>()).map_err(|error| error.doing("pad"))?;
        let constant = match with {
            Pad::Constant(value) => Some(value),
            _ if len == 0 => {
                let what = format!("can't extend empty axis {axis} using modes other than 'constant' or 'empty'");
                return Err(Error::invalid(what).doing("pad"));
            }
            _ => None,
        };
        if let Some(value) = constant {
            let around = |many: usize| {
                let mut shape = self.shape().to_vec();
                shape[axis] = many;
                full(shape, value, ChunkSpec::Auto).map(|array| array.in_session(&self.session))
            };
            return concatenate(&[around(before)?, self.clone(), around(after)?], axis as isize);
        }
        // each element of the border is written down
        if before.max(after) > MOST_CHUNKS {
            let what = format!("the widths ({before}, {after}) of axis {axis} are larger than {MOST_CHUNKS}");
            return Err(Error::invalid(what).doing("pad"));
        }
        let element = |at: isize| source(with, at, len);
        let front: Vec<usize> = (0..before as isize).map(|i| element(i - before as isize)).collect();
        let back: Vec<usize> = (0..after as isize).map(|i| element(len as isize + i)).collect();
        let mut spans = runs(&front);
        spans.push(Span::new(0, len));
        spans.extend(runs(&back));
        let mut sizes = self.chunks.axis(axis).to_vec();
        if let Some(first) = sizes.first_mut() {
            *first += before;
        }
        if let Some(last) = sizes.last_mut() {
            *last += after;
        }
        Ok(self.rearranged("pad", axis, spans, sizes))
    }
}

/// The element of an axis of `len` elements that stands at a place beyond its ends.
fn source<T>(with: Pad<T>, at: isize, len: usize) -> usize {
    let len = len as isize;
    let element = match with {
        Pad::Wrap => at.rem_euclid(len),
        Pad::Reflect if len > 1 => {
            let round = at.rem_euclid(2 * (len - 1));
            round.min(2 * (len - 1) - round)
        }
        Pad::Symmetric => {
            let round = at.rem_euclid(2 * len);
            round.min(2 * len - 1 - round)
        }
        _ => at.clamp(0, len - 1),
    };
    element as usize
}
