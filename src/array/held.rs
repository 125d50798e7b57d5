//! Arrays whose blocks are computed by tasks and held: results of reductions, persisted arrays.

use std::fmt;
use std::sync::Arc;

use super::block::{HeldBlock, Pinned};
use super::chunks::Chunks;
use super::element::Element;
use super::lazy::{Barrier, Lazy, Needs, Operations};
use super::region::{Region, Span};
use super::tile::Tile;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::graph::Payload;

/// So many blocks are looked at at once.
const MOST_PINNED: usize = 64;
/// Regions of up to so many elements are parts of others.
const SMALL: usize = 1 << 14;
/// Of a block that lies on disk, less than this part is read alone.
const LITTLE: f64 = 0.25;

/// An array that is held as blocks.
pub struct Held<T> {
    blocks: Arc<dyn Barrier>,
    chunks: Chunks,
    shape: Vec<usize>,
    /// The first element of each block, along each axis.
    starts: Vec<Vec<usize>>,
    name: &'static str,
    operations: usize,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Element> Held<T> {
    /// The array whose blocks are these, cut so.
    pub fn new(blocks: Arc<dyn Barrier>, chunks: Chunks, name: &'static str, operations: usize) -> Held<T> {
        let starts = (0..chunks.ndim()).map(|axis| {
            let sums = chunks.axis(axis).iter().scan(0, |sum, size| Some(std::mem::replace(sum, *sum + size)));
            sums.collect()
        });
        let of = std::marker::PhantomData;
        Held { shape: chunks.shape(), starts: starts.collect(), blocks, chunks, name, operations, of }
    }

    /// How it is cut into blocks.
    pub(super) fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// What its blocks are made by.
    pub(super) fn barrier(&self) -> &dyn Barrier {
        self.blocks.as_ref()
    }

    /// The block along an axis that has this element.
    fn block_at(&self, axis: usize, element: usize) -> usize {
        let starts = self.starts.get(axis).map_or(&[][..], Vec::as_slice);
        // empty blocks begin where the next one does
        starts.partition_point(|&start| start <= element).saturating_sub(1)
    }

    /// Whether so little is wanted of a block that the rest of it need not come from disk. Small regions are read one
    /// after the other, and may want the rest next.
    fn wants_little(&self, region: &Region, place: &[usize]) -> bool {
        if region.len() <= SMALL {
            return false;
        }
        let along = |(axis, span): (usize, &Span)| {
            let at = place.get(axis).copied().unwrap_or(0);
            let (begin, size) = (self.starts[axis][at], self.chunks.axis(axis)[at]);
            let (low, high) = span.bounds().unwrap_or((0, 0));
            let (first, last) = (low.max(begin), high.min((begin + size).saturating_sub(1)));
            let wanted = last.saturating_sub(first) / span.step.unsigned_abs().max(1) + 1;
            wanted as f64 / size.max(1) as f64
        };
        region.0.iter().enumerate().map(along).product::<f64>() < LITTLE
    }

    /// The elements of a block, which stay in memory while a region is read.
    fn pinned<'a, 'b>(
        &self,
        number: usize,
        whole: impl FnOnce() -> bool,
        pinned: &'b mut Vec<(usize, Pinned<'a, T>)>,
        tile: &Tile<'a>,
    ) -> Result<&'b Pinned<'a, T>> {
        // neighbours are in the same few blocks
        let at = match pinned.iter().rposition(|(known, _)| *known == number) {
            Some(at) => at,
            None => {
                let block = tile.block(self.blocks.token(), number).and_then(Payload::get::<HeldBlock<T>>);
                let block = block.ok_or_else(|| Error::invalid(format!("a block of {} is missing", self.name)))?;
                if pinned.len() == MOST_PINNED {
                    pinned.remove(0);
                }
                pinned.push((number, if whole() { block.pin()? } else { block.pin_part()? }));
                pinned.len() - 1
            }
        };
        pinned.get(at).map(|(_, block)| block).ok_or_else(|| Error::invalid("a block was let go"))
    }
}

impl<T> Identity for Held<T>
where
    T: Element,
{
    fn token(&self, t: &mut Tokenizer) {
        t.str("held");
        t.token(self.blocks.token());
    }
}

impl<T: Element> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {} blocks", self.name, self.chunks.count())
    }
}

impl<T: Element> Lazy<T> for Held<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations { all: self.operations, fused: 1 }
    }

    fn is_held(&self) -> bool {
        true
    }

    fn needs(&self, region: &Region, needs: &mut Needs) {
        let bounds: Option<Vec<_>> = region.0.iter().map(Span::bounds).collect();
        let Some(bounds) = bounds else { return };
        let ranges = bounds.iter().enumerate().map(|(axis, &(low, high))| {
            let (first, last) = (self.block_at(axis, low), self.block_at(axis, high));
            Span::new(first, last + 1 - first)
        });
        let places = Region(ranges.collect());
        let last = places.last().len;
        places.rows(|place| {
            let first = self.chunks.number(place);
            (0..last).for_each(|i| needs.block(&self.blocks, first + i));
        });
    }

    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()> {
        let (ndim, last) = (self.chunks.ndim(), region.last());
        let mut rows = out.chunks_mut(last.len.max(1));
        let mut failed = None;
        let mut place = vec![0; ndim];
        let mut pinned: Vec<(usize, Pinned<'_, T>)> = Vec::new();
        region.rows(|index| {
            let Some(row) = rows.next() else { return };
            let outer = ndim.saturating_sub(1);
            for axis in 0..outer {
                place[axis] = self.block_at(axis, index[axis]);
            }
            let mut done = 0;
            while done < last.len {
                // as many of the row as lie in one block
                let (mut begin, mut many) = (0, last.len - done);
                if ndim > 0 {
                    let element = last.at(done);
                    place[outer] = self.block_at(outer, element);
                    begin = self.starts[outer][place[outer]];
                    let end = begin + self.chunks.axis(outer)[place[outer]];
                    many = many.min(within(element, last.step, begin, end));
                }
                let mut at = 0;
                for axis in 0..outer {
                    at = at * self.chunks.axis(axis)[place[axis]] + (index[axis] - self.starts[axis][place[axis]]);
                }
                if ndim > 0 {
                    at = at * self.chunks.axis(outer)[place[outer]] + (last.at(done) - begin);
                }
                let number = self.chunks.number(&place);
                let read = self.pinned(number, || !self.wants_little(region, &place), &mut pinned, tile);
                if let Err(error) = read.and_then(|block| block.copy(at, last.step, &mut row[done..done + many])) {
                    failed = Some(error);
                    return;
                }
                done += many;
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// How many steps from `element` on stay within `begin..end`.
pub(super) fn within(element: usize, step: isize, begin: usize, end: usize) -> usize {
    match step {
        0 => usize::MAX,
        step if step > 0 => (end - element).div_ceil(step.unsigned_abs()),
        step => (element - begin) / step.unsigned_abs() + 1,
    }
}

/// Copies elements that lie `step` apart.
pub(super) fn copy<T: Copy>(values: &[T], at: usize, step: isize, out: &mut [T]) {
    match step {
        1 => out.copy_from_slice(&values[at..at + out.len()]),
        0 => out.fill(values[at]),
        step => {
            let mut at = at;
            for value in out {
                *value = values[at];
                at = at.wrapping_add_signed(step);
            }
        }
    }
}
