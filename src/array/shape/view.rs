//! The same elements seen otherwise: what slices, transposes and broadcasts are made of.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::{Region, Span};
use super::super::tile::Tile;
use crate::base::{Identity, Result, Tokenizer};

/// Where an axis of a view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// These elements of that axis of the input.
    Axis(usize, Span),
    /// A new one, along which everything is the same.
    New,
}

/// The same elements seen otherwise: axes left out, reversed, repeated, in another order.
struct View<T> {
    input: Arc<dyn Lazy<T>>,
    name: &'static str,
    shape: Vec<usize>,
    axes: Vec<From>,
    /// The element of each axis of the input that no axis of the view runs along.
    fixed: Vec<usize>,
}

impl<T: Element> Identity for View<T> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("view");
        t.debug(&(&self.shape, &self.axes, &self.fixed));
        t.identity(self.input.as_ref());
    }
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {:?}", self.name, self.shape)
    }
}

impl<T: Element> View<T> {
    /// The region of the input, and for each of its axes that of the view that runs along it.
    fn below(&self, region: &Region) -> (Region, Vec<Option<usize>>) {
        let mut spans: Vec<Span> = self.fixed.iter().map(|&at| Span::new(at, 1)).collect();
        let mut along = vec![None; spans.len()];
        for (axis, (from, part)) in self.axes.iter().zip(&region.0).enumerate() {
            if let From::Axis(input, span) = *from {
                // what is the same everywhere is read once
                let part = if span.step == 0 { Span::new(0, part.len.min(1)) } else { *part };
                spans[input] = span.of(part);
                along[input] = Some(axis);
            }
        }
        (Region(spans), along)
    }
}

impl<T: Element> Lazy<T> for View<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE + self.input.operations()
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.input.needs(&self.below(region).0, needs);
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        let (below, along) = self.below(region);
        let in_order = along.iter().flatten().is_sorted();
        if in_order && below.len() == region.len() {
            return self.input.read(&below, out, tile);
        }
        // how far apart neighbours along each axis of the view are in what is read
        let mut strides = vec![0; region.0.len()];
        let mut stride = 1;
        for (input, span) in below.0.iter().enumerate().rev() {
            if let (Some(axis), true) = (along[input], span.len > 1) {
                strides[axis] = stride;
            }
            stride *= span.len;
        }
        tile.with(self.input.as_ref(), &below, |values, _| {
            spread(values, &region.shape(), &strides, out);
            Ok(())
        })
    }
}

/// Writes elements in the order of `shape`, neighbours along an axis being `strides` apart in `values`.
fn spread<T: Copy>(values: &[T], shape: &[usize], strides: &[usize], out: &mut [T]) {
    let Some((&len, outer)) = shape.split_last() else {
        out.copy_from_slice(&values[..out.len()]);
        return;
    };
    let step = strides.last().copied().unwrap_or(0);
    if let (Some((&count, [])), true) = (outer.split_last(), step > 1 && strides.first() == Some(&1)) {
        return turn(values, step, count, len, out);
    }
    let counts = Region::whole(&[outer, &[1]].concat());
    let mut rows = out.chunks_mut(len.max(1));
    counts.rows(|index| {
        let at: usize = index.iter().zip(strides).take(outer.len()).map(|(i, stride)| i * stride).sum();
        let Some(row) = rows.next() else { return };
        match step {
            0 => row.fill(values[at]),
            1 => row.copy_from_slice(&values[at..at + row.len()]),
            step => row.iter_mut().zip(values[at..].iter().step_by(step)).for_each(|(out, value)| *out = *value),
        }
    });
}

/// A table turned around, in squares that are read and written by whole lines of the cache.
fn turn<T: Copy>(values: &[T], step: usize, rows: usize, columns: usize, out: &mut [T]) {
    const SIDE: usize = 8;
    for top in (0..rows).step_by(SIDE) {
        let bottom = rows.min(top + SIDE);
        for left in (0..columns).step_by(SIDE) {
            let right = columns.min(left + SIDE);
            for row in top..bottom {
                let line = &mut out[row * columns + left..row * columns + right];
                for (place, column) in line.iter_mut().zip(left..right) {
                    *place = values[column * step + row];
                }
            }
        }
    }
}

impl<T: Element> Array<T> {
    pub(super) fn view(
        &self,
        name: &'static str,
        axes: Vec<From>,
        fixed: Vec<usize>,
        chunks: Vec<Vec<usize>>,
    ) -> Array<T> {
        let shape = chunks.iter().map(|sizes| sizes.iter().sum()).collect();
        self.then(View { input: self.lazy.clone(), name, shape, axes, fixed }, Chunks::new(chunks))
    }
}
