//! A task a block, whose result is held.

use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::super::block::{Block, Shelf};
use super::super::chunked::fill;
use super::super::chunks::Chunks;
use super::super::element::Element;
use super::super::lazy::{Barrier, Lazy, Lowering, Needs};
use super::super::region::Region;
use super::super::tile::Tile;
use crate::base::{Error, Result, Token};
use crate::exec::TaskContext;
use crate::graph::{Key, Payload, TaskId};

/// Which block a function is called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// Its number, the last axis running fastest.
    pub number: usize,
    /// Its number along each axis (Dask's `block_id`).
    pub place: Vec<usize>,
    /// Where its first element stands along each axis, without what lies around it (the beginning of Dask's
    /// `array-location`).
    pub start: Vec<usize>,
}

/// What a function makes of the elements of a block.
pub(super) type Function<T, U> = dyn Fn(ArrayViewD<'_, T>, &BlockInfo) -> ArrayD<U> + Send + Sync;

/// What a block is made of: the elements that the function sees, and the part of its result that is kept.
pub(super) struct Cut {
    pub(super) seen: Region,
    /// What is left out before and kept along each axis; absent: everything is kept.
    pub(super) kept: Option<Vec<(usize, usize)>>,
}

/// How a block is cut, from its first element and its length along each axis.
pub(super) type Cutting = dyn Fn(&[(usize, usize)]) -> Cut + Send + Sync;

/// Blocks that a function makes.
pub(super) struct Mapped<T, U> {
    pub(super) input: Arc<dyn Lazy<T>>,
    pub(super) name: &'static str,
    pub(super) function: Arc<Function<T, U>>,
    /// The blocks that the function gets, and those that it gives.
    pub(super) blocks: Chunks,
    pub(super) results: Chunks,
    pub(super) cut: Box<Cutting>,
    pub(super) token: Token,
}

impl<T, U> fmt::Debug for Mapped<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T: Element, U: Element> Mapped<T, U> {
    fn block(&self, info: &BlockInfo, cut: &Cut, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Block<U>> {
        let shape = cut.seen.shape();
        let mut seen = Block::filled(cut.seen.len(), ctx)?;
        fill(self.input.as_ref(), &cut.seen, &mut seen.values, tile, &ctx.cancel)?;
        let view = ArrayViewD::from_shape(IxDyn(&shape), &seen.values);
        let view = view.map_err(|error| Error::invalid(format!("a block has another shape: {error}")))?;
        let made = (self.function)(view, info);
        let expected: Vec<usize> = match &cut.kept {
            None => self.results.range(&self.results.place(info.number)).iter().map(|(_, len)| *len).collect(),
            Some(_) => shape,
        };
        if made.shape() != expected {
            let what = format!("the function gave a block of shape {:?}, not {expected:?}", made.shape());
            let help = "give the chunks of the result: map_blocks_to(chunks, function)";
            return Err(Error::invalid(what).doing(self.name).help(help));
        }
        let kept = match &cut.kept {
            None => made,
            Some(kept) => {
                let part = |axis: ndarray::AxisDescription| {
                    let (before, len) = kept[axis.axis.index()];
                    ndarray::Slice::from(before..before + len)
                };
                made.slice_each_axis(part).to_owned()
            }
        };
        let values = match kept.is_standard_layout() {
            true => kept.into_raw_vec_and_offset().0,
            false => kept.iter().copied().collect(),
        };
        Block::of(values, ctx)
    }
}

impl<T: Element, U: Element> Barrier for Arc<Mapped<T, U>> {
    fn token(&self) -> Token {
        self.token
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let (name, shelf): (Arc<str>, Shelf<U>) = (self.name.into(), Shelf::default());
        let task = |number: usize| {
            let place = self.blocks.place(number);
            let range = self.blocks.range(&place);
            let cut = (self.cut)(&range);
            let mut needs = Needs::default();
            self.input.needs(&cut.seen, &mut needs);
            let shelf = shelf.clone();
            let (of, info) = (self.clone(), BlockInfo { number, place, start: range.iter().map(|r| r.0).collect() });
            let work = move |tile: &mut Tile<'_>, ctx: &TaskContext| -> Result<Payload> {
                Ok(of.block(&info, &cut, tile, ctx)?.hold(&shelf, ctx))
            };
            lowering.reading(Key::new(self.token, number), &name, 1 + self.input.operations().fused, needs, work)
        };
        (0..self.blocks.count()).map(task).collect()
    }
}
