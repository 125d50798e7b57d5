//! Tasks whose states are merged as a tree.

use std::fmt::{self, Debug};
use std::sync::Arc;

use super::super::block::{Block, Shelf};
use super::super::element::Element;
use super::super::lazy::{Barrier, Lazy, Lowering, Needs};
use super::super::region::Region;
use super::super::tile::Tile;
use super::grid::{Grid, Spot};
use crate::base::{Error, Result, Token};
use crate::exec::TaskContext;
use crate::graph::{Held, Key, Payload, TaskId};

/// How many states one task merges.
const SPLIT_EVERY: usize = 16;

/// What is reduced, how it is cut, and the identity of the result.
pub(super) struct Subject<T> {
    pub input: Arc<dyn Lazy<T>>,
    pub grid: Grid,
    pub token: Token,
}

impl<T: Element> Subject<T> {
    /// Gives the rows of a region: see [`Grid::rows`].
    pub fn rows(
        &self,
        region: &Region,
        tile: &mut Tile<'_>,
        ctx: &TaskContext,
        take: impl FnMut(Spot, &[T]),
    ) -> Result<()> {
        self.grid.rows(self.input.as_ref(), region, tile, ctx, take)
    }
}

/// What is known of parts of an array, and how it is put together.
pub(super) trait Tree: Debug + Send + Sync + 'static {
    /// What is known of some elements.
    type State: Held;
    /// The elements that are reduced.
    type Input: Element;
    /// The elements of the result.
    type Output: Element;

    fn name(&self) -> &'static str;

    fn subject(&self) -> &Subject<Self::Input>;

    fn token(&self) -> Token {
        self.subject().token
    }

    fn grid(&self) -> &Grid {
        &self.subject().grid
    }

    /// The held blocks that a part needs.
    fn needs(&self, region: &Region, needs: &mut Needs) {
        self.subject().input.needs(region, needs);
    }

    /// How many operations a region of it is made of.
    fn operations(&self) -> usize {
        self.subject().input.operations().fused
    }

    fn split_every(&self) -> Option<usize> {
        None
    }

    /// What is known of a region.
    fn part(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Self::State>;

    /// Takes in what is known of later elements.
    fn merge(&self, state: &mut Self::State, later: Self::State, ctx: &TaskContext) -> Result<()>;

    /// The block of the result that these lanes make.
    fn finish(&self, state: Self::State, lanes: &[(usize, usize)], ctx: &TaskContext) -> Result<Vec<Self::Output>>;
}

/// The blocks of a [`Tree`].
pub(super) struct Grown<R: Tree>(pub Arc<R>);

impl<R: Tree> Debug for Grown<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<R: Tree> Barrier for Grown<R> {
    fn token(&self) -> Token {
        self.0.token()
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let (name, merging): (Arc<str>, Arc<str>) = (self.0.name().into(), "merge".into());
        let (token, shelf) = (self.0.token(), Shelf::default());
        let step = |what: &str| {
            Token::of(|t| {
                t.token(token);
                t.str(what);
            })
        };
        let (parts, merges) = (step("part"), step("merge"));
        let split = 1 << self.0.split_every().unwrap_or(SPLIT_EVERY).max(2).ilog2();
        let blocks = self.0.grid().blocks();
        let operations = 1 + self.0.operations();
        let (mut next, mut merged) = (0, 0);
        let mut done = Vec::with_capacity(blocks.count());
        for number in 0..blocks.count() {
            let lanes = blocks.range(&blocks.place(number));
            let mut level: Vec<TaskId> = Vec::new();
            for region in self.0.grid().parts(&lanes) {
                let mut needs = Needs::default();
                self.0.needs(&region, &mut needs);
                let tree = self.0.clone();
                let work =
                    move |tile: &mut Tile<'_>, ctx: &TaskContext| Ok(Payload::new(tree.part(&region, tile, ctx)?));
                level.push(lowering.reading(Key::new(parts, next), &name, operations, needs, work)?);
                next += 1;
            }
            while level.len() > split {
                let merge = |some: &[TaskId]| {
                    let tree = self.0.clone();
                    merged += 1;
                    let work = move |inputs: Vec<Payload>, ctx: &TaskContext| {
                        Ok(Payload::new(together(tree.as_ref(), inputs, ctx)?))
                    };
                    lowering.joining(Key::new(merges, merged - 1), &merging, some, Box::new(work))
                };
                level = level.chunks(split).map(merge).collect();
            }
            let (tree, shelf) = (self.0.clone(), shelf.clone());
            let work = move |inputs: Vec<Payload>, ctx: &TaskContext| {
                let state = together(tree.as_ref(), inputs, ctx)?;
                let block = Block::of(tree.finish(state, &lanes, ctx)?, ctx)?;
                Ok(block.hold(&shelf, ctx))
            };
            done.push(lowering.joining(Key::new(token, number), &merging, &level, Box::new(work)));
        }
        Ok(done)
    }
}

/// Merges neighbours pair by pair. With as many states a task as a power of two, the pairs are the same for any number,
/// and so are the results.
fn together<R: Tree>(tree: &R, inputs: Vec<Payload>, ctx: &TaskContext) -> Result<R::State> {
    let own = |payload: Payload| {
        payload.take::<R::State>().map_err(|_| Error::invalid("a task gave no state of a reduction"))
    };
    let mut level = inputs.into_iter().map(own).collect::<Result<Vec<R::State>>>()?;
    while level.len() > 1 {
        let mut states = level.into_iter();
        let mut pairs = Vec::with_capacity(states.len().div_ceil(2));
        while let Some(mut first) = states.next() {
            if let Some(second) = states.next() {
                tree.merge(&mut first, second, ctx)?;
            }
            pairs.push(first);
        }
        level = pairs;
    }
    level.pop().ok_or_else(|| Error::invalid("there is nothing to merge"))
}
