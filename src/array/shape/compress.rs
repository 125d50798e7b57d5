//! The elements that a mask marks.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::{ChunkSpec, Chunks};
use super::super::element::Element;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use super::axis::axis_of;
use super::concatenate::concatenate;
use super::pieces::{like, runs};
use crate::base::{Error, Identity, Result, Tokenizer};

/// Elements of a mask that are counted together.
const PANEL: usize = 8192;

/// The marked elements of an array of one axis.
struct Masked<T> {
    input: Arc<dyn Lazy<T>>,
    mask: Arc<dyn Lazy<bool>>,
    /// How many are marked up to the end of each panel.
    ends: Vec<usize>,
    shape: [usize; 1],
}

impl<T: Element> Masked<T> {
    fn panel(&self, of: usize) -> usize {
        self.ends.partition_point(|&end| end <= of)
    }

    fn elements(&self, panels: std::ops::Range<usize>) -> Region {
        let first = panels.start * PANEL;
        Region(vec![Span::new(first, (panels.end * PANEL).min(self.mask.shape()[0]) - first)])
    }
}

impl<T: Element> Identity for Masked<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("mask");
        t.identity(self.input.as_ref());
        t.identity(self.mask.as_ref());
    }
}

impl<T> fmt::Debug for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mask to {:?}", self.shape)
    }
}

impl<T: Element> Lazy<T> for Masked<T> {
    fn name(&self) -> &'static str {
        "mask"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations() + self.mask.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        let Some((low, high)) = region.last().bounds() else { return };
        let below = self.elements(self.panel(low)..self.panel(high) + 1);
        self.input.needs(&below, needs);
        self.mask.needs(&below, needs);
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        let span = region.last();
        let mut done = 0;
        while done < span.len {
            let panel = self.panel(span.at(done));
            let begin = panel.checked_sub(1).map_or(0, |before| self.ends[before]);
            let below = self.elements(panel..panel + 1);
            tile.with(self.mask.as_ref(), &below, |marks, tile| {
                tile.with(self.input.as_ref(), &below, |values, tile| {
                    let mut marked = tile.take::<T>(0);
                    marked.extend(values.iter().zip(marks).filter(|(_, marked)| **marked).map(|(value, _)| *value));
                    // as many as lie in this panel
                    while let Some(place) = out.get_mut(done) {
                        let value = span.at(done).checked_sub(begin).and_then(|at| marked.get(at));
                        let Some(value) = value else { break };
                        *place = *value;
                        done += 1;
                    }
                    tile.give(marked);
                    Ok(())
                })
            })?;
        }
        Ok(())
    }
}

impl<T: Element> Array<T> {
    /// The elements where the mask is true, along one axis in the order of the last axis (numpy's `x[mask]`). How many there
    /// are decides the shape, so the mask is **computed now**, once, to count. Elements are taken when they are asked for,
    /// and computed then, as is the mask once more: [`persist`](Array::persist) what is expensive before.
    ///
    /// ```
    /// use partita::array::from_ndarray;
    /// let x = from_ndarray(ndarray::array![[5, 2], [7, 1]], 1)?;
    /// let large = from_ndarray(ndarray::array![[true, false], [true, false]], 1)?;
    /// assert_eq!(x.mask(&large)?.compute()?.as_slice(), Some(&[5, 7][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when the mask has another shape; the first error of computing it.
    pub fn mask(&self, mask: &Array<bool>) -> Result<Array<T>> {
        if mask.shape() != self.shape() {
            let what = format!(
                "boolean index did not match indexed array: the array has shape {:?}, the mask {:?}",
                self.shape(),
                mask.shape()
            );
            return Err(Error::invalid(what));
        }
        let (values, mask) = (self.ravel()?, mask.ravel()?.in_session(&self.session));
        let mut sum = 0;
        let ends: Vec<usize> = counts(&mask)?
            .into_iter()
            .map(|count| {
                sum += count as usize;
                sum
            })
            .collect();
        let largest = self.chunks.largest().iter().product();
        let chunks = Chunks::new([like(&[largest], sum)]);
        Ok(self.then(Masked { input: values.lazy, mask: mask.lazy, ends, shape: [sum] }, chunks))
    }

    /// The elements along an axis where the mask, which has one axis, is true (numpy's `compress`, and its `x[:, mask]`). The
    /// mask is **computed now**: how many are marked decides the shape.
    ///
    /// # Errors
    /// `Invalid` when the mask has not one axis as long as this one; the first error of computing it.
    pub fn compress(&self, mask: &Array<bool>, axis: isize) -> Result<Array<T>> {
        let axis = axis_of(axis, self.ndim())?;
        let len = self.shape()[axis];
        if mask.shape() != [len] {
            let what = format!("a mask of shape {:?} cannot mark the {len} elements of axis {axis}", mask.shape());
            return Err(Error::invalid(what));
        }
        let marks = mask.in_session(&self.session).compute()?;
        let elements: Vec<usize> = marks.iter().enumerate().filter(|(_, marked)| **marked).map(|(i, _)| i).collect();
        let sizes = like(self.chunks.axis(axis), elements.len());
        Ok(self.rearranged("compress", axis, runs(&elements), sizes))
    }
}

/// How many are marked in each panel.
fn counts(mask: &Array<bool>) -> Result<Vec<i64>> {
    let (len, panels) = (mask.size(), mask.size() / PANEL);
    let (full, rest) = ((panels * PANEL) as isize, mask.size() % PANEL);
    let mut parts = Vec::new();
    if panels > 0 {
        let table = mask.slice((0..full,))?.reshape([-1, PANEL as isize])?;
        parts.push(table.sum_axis(1)?);
    }
    if rest > 0 {
        let table = mask.slice((full..len as isize,))?.reshape([1, -1])?;
        parts.push(table.sum_axis(1)?);
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    Ok(concatenate(&parts, 0)?.rechunk(ChunkSpec::Auto)?.compute()?.into_iter().collect())
}
