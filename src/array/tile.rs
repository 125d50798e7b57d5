//! Regions small enough for the cache, and memory that is used again.

use std::any::Any;

use rustc_hash::FxHashMap;

use super::element::Element;
use super::lazy::Lazy;
use super::region::{Region, Span};
use crate::base::{Result, Token};
use crate::graph::Payload;

/// What a task reads regions with: the held blocks that it has got, and memory for what lies between operations.
pub struct Tile<'a> {
    seen: &'a FxHashMap<(Token, usize), usize>,
    inputs: &'a [Payload],
    free: Vec<Box<dyn Any>>,
}

impl<'a> Tile<'a> {
    pub(super) fn new(seen: &'a FxHashMap<(Token, usize), usize>, inputs: &'a [Payload]) -> Tile<'a> {
        Tile { seen, inputs, free: Vec::new() }
    }

    /// A held block.
    pub fn block(&self, of: Token, block: usize) -> Option<&'a Payload> {
        self.inputs.get(*self.seen.get(&(of, block))?)
    }

    /// Memory for so many elements, with anything in it; [`give`](Self::give) it back.
    pub fn take<T: Element>(&mut self, len: usize) -> Vec<T> {
        let at = self.free.iter().rposition(|memory| memory.is::<Vec<T>>());
        let known = at.map(|at| self.free.swap_remove(at)).and_then(|memory| memory.downcast::<Vec<T>>().ok());
        let mut memory = known.map(|memory| *memory).unwrap_or_default();
        memory.resize(len, T::default());
        memory
    }

    /// Takes memory back for the next who needs some.
    pub fn give<T: Element>(&mut self, memory: Vec<T>) {
        self.free.push(Box::new(memory));
    }

    /// The elements of a region, for as long as `then` looks at them.
    ///
    /// # Errors
    /// Of reading, and of `then`.
    pub fn with<T: Element, R>(
        &mut self,
        of: &dyn Lazy<T>,
        region: &Region,
        then: impl FnOnce(&[T], &mut Self) -> Result<R>,
    ) -> Result<R> {
        let mut values = self.take::<T>(region.len());
        of.read(region, &mut values, self)?;
        let result = then(&values, self);
        self.give(values);
        result
    }
}

/// Elements of a tile, and of a row in it: two of them stay in the first cache, and turned around they are as good.
const TILE: usize = 2048;
const ROW: usize = 128;

/// Cuts a region into tiles, and calls `each` with where in it each lies, the last axis running fastest. The tiles of a
/// region depend on its shape alone.
///
/// # Errors
/// Of `each`.
pub fn tiles(shape: &[usize], mut each: impl FnMut(&[Span]) -> Result<()>) -> Result<()> {
    let sizes = tile_shape(shape);
    let mut at: Vec<Span> = shape.iter().zip(&sizes).map(|(&len, &size)| Span::new(0, size.min(len))).collect();
    if shape.contains(&0) {
        return Ok(());
    }
    loop {
        each(&at)?;
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return Ok(());
            }
            axis -= 1;
            let next = at[axis].start + sizes[axis];
            if next < shape[axis] {
                at[axis] = Span::new(next, sizes[axis].min(shape[axis] - next));
                break;
            }
            at[axis] = Span::new(0, sizes[axis].min(shape[axis]));
        }
    }
}

/// The shape of the tiles of a region: the last two axes share a tile, more of the others where these are short.
fn tile_shape(shape: &[usize]) -> Vec<usize> {
    let mut sizes = vec![1; shape.len()];
    let mut left = TILE;
    for axis in (0..shape.len()).rev() {
        // a row is short only where there are others to fill the tile
        let others: usize = shape[..axis].iter().product::<usize>().min(TILE);
        let most = if axis + 1 == shape.len() { ROW.max(TILE / others.max(1)) } else { left };
        sizes[axis] = shape[axis].clamp(1, most.min(left).max(1));
        left = (left / sizes[axis]).max(1);
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_everything_once() {
        for shape in [
            vec![],
            vec![0, 3],
            vec![5],
            vec![20_000],
            vec![3, 20_000],
            vec![1000, 1000],
            vec![7, 90, 33, 2],
            vec![100_000, 2],
        ] {
            let mut seen = vec![0u8; shape.iter().product()];
            let mut count = 0;
            tiles(&shape, |spans| {
                count += 1;
                let region = Region(spans.to_vec());
                assert!(region.len() <= TILE);
                region.rows(|index| {
                    let first = index.iter().zip(&shape).fold(0, |at, (i, len)| at * len + i);
                    (0..region.last().len).for_each(|i| seen[first + i] += 1);
                });
                Ok(())
            })
            .unwrap();
            assert!(seen.iter().all(|&times| times == 1), "{shape:?}");
            assert!(count <= 2 + shape.iter().product::<usize>() / 500, "{shape:?} has {count} tiles");
        }
    }
}
