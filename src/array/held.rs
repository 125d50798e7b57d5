//! Arrays whose blocks are computed by tasks and held: results of reductions, persisted arrays.

use std::fmt;
use std::sync::Arc;

use super::chunks::Chunks;
use super::element::Element;
use super::lazy::{Barrier, Lazy, Needs};
use super::region::{Region, Span};
use super::tile::Tile;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::graph::{Held as HeldResult, Payload};

/// A block of elements, and the memory that is spoken for by it.
#[derive(Debug)]
pub struct Block<T> {
    /// The elements, the last axis running fastest.
    pub values: Vec<T>,
    _reservation: Reservation,
}

impl<T: Element> HeldResult for Block<T> {
    fn bytes(&self) -> u64 {
        (self.values.len() * size_of::<T>()) as u64
    }
}

impl<T: Element> Block<T> {
    /// Memory for a block of so many elements.
    ///
    /// # Errors
    /// `Memory` when the limit does not leave that much.
    pub fn filled(len: usize, ctx: &TaskContext) -> Result<Block<T>> {
        let reservation = ctx.budget.reserve("a block of an array", (len * size_of::<T>()) as u64)?;
        Ok(Block { values: vec![T::default(); len], _reservation: reservation })
    }

    /// These elements as a block.
    ///
    /// # Errors
    /// As [`filled`](Self::filled).
    pub fn of(values: Vec<T>, ctx: &TaskContext) -> Result<Block<T>> {
        let reservation = ctx.budget.reserve("a block of an array", (values.len() * size_of::<T>()) as u64)?;
        Ok(Block { values, _reservation: reservation })
    }
}

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

    /// The block along an axis that has this element.
    fn block_at(&self, axis: usize, element: usize) -> usize {
        let starts = self.starts.get(axis).map_or(&[][..], Vec::as_slice);
        // empty blocks begin where the next one does
        starts.partition_point(|&start| start <= element).saturating_sub(1)
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

    fn operations(&self) -> usize {
        self.operations
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
        let token = self.blocks.token();
        let (ndim, last) = (self.chunks.ndim(), region.last());
        let mut rows = out.chunks_mut(last.len.max(1));
        let mut failed = None;
        let mut place = vec![0; ndim];
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
                let block = tile.block(token, self.chunks.number(&place)).and_then(Payload::get::<Block<T>>);
                let Some(block) = block else {
                    failed = Some(Error::invalid(format!("a block of {} is missing", self.name)));
                    return;
                };
                let mut at = 0;
                for axis in 0..outer {
                    at = at * self.chunks.axis(axis)[place[axis]] + (index[axis] - self.starts[axis][place[axis]]);
                }
                if ndim > 0 {
                    at = at * self.chunks.axis(outer)[place[outer]] + (last.at(done) - begin);
                }
                copy(&block.values, at, last.step, &mut row[done..done + many]);
                done += many;
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// How many steps from `element` on stay within `begin..end`.
fn within(element: usize, step: isize, begin: usize, end: usize) -> usize {
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
