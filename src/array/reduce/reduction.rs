//! What makes one element of many.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::create::full;
use super::super::element::Element;
use super::super::held::Held;
use super::super::region::Region;
use super::super::shape::{Index, step};
use super::super::tile::Tile;
use super::axes::Axes;
use super::grid::Grid;
use super::tree::{Grown, Subject, Tree};
use crate::base::{Identity, Result, Token};
use crate::exec::TaskContext;
use crate::graph::Held as HeldResult;

/// What is made of many elements. Elements come in an order that depends on the shape of the array alone, so the result
/// is the same for any chunks and threads.
///
/// ```
/// use partita::array::{arange, reduce::Reduction};
/// use partita::{Error, Identity};
///
/// /// From the smallest to the largest.
/// #[derive(Clone)]
/// struct Range;
///
/// impl Identity for Range {
///     fn token(&self, t: &mut partita::base::Tokenizer) {
///         t.str("range");
///     }
/// }
///
/// impl Reduction<f64> for Range {
///     type Acc = (f64, f64);
///     type Output = f64;
///
///     fn name(&self) -> &'static str {
///         "range"
///     }
///     fn start(&self) -> (f64, f64) {
///         (f64::INFINITY, f64::NEG_INFINITY)
///     }
///     fn fold_row(&self, acc: &mut (f64, f64), values: &[f64], _at: u64) {
///         values.iter().for_each(|v| *acc = (acc.0.min(*v), acc.1.max(*v)));
///     }
///     fn merge(&self, acc: &mut (f64, f64), later: &(f64, f64)) {
///         *acc = (acc.0.min(later.0), acc.1.max(later.1));
///     }
///     fn finish(&self, acc: (f64, f64), _count: u64) -> Result<f64, Error> {
///         Ok(acc.1 - acc.0)
///     }
/// }
///
/// let x = arange(0.0, 10.0, 1.0, 3)?;
/// assert_eq!(x.reduce(Range, 0)?.item()?, 9.0);
/// # Ok::<(), Error>(())
/// ```
///
/// For a few closures instead, see [`Folded`](super::Folded).
pub trait Reduction<T: Element>: Identity + Clone + Send + Sync + 'static {
    /// What is known of the elements so far.
    type Acc: Clone + Send + Sync + 'static;
    /// What comes of it.
    type Output: Element;

    /// One word.
    fn name(&self) -> &'static str;

    /// Nothing seen yet.
    fn start(&self) -> Self::Acc;

    /// Takes in a row of elements, the first of which has this number among those that are reduced to one.
    fn fold_row(&self, acc: &mut Self::Acc, values: &[T], at: u64);

    /// Takes in one element for each of several, all with this number.
    fn fold_lanes(&self, accs: &mut [Self::Acc], values: &[T], at: u64) {
        accs.iter_mut().zip(values).for_each(|(acc, value)| self.fold_row(acc, std::slice::from_ref(value), at));
    }

    /// Takes in what is known of later elements.
    fn merge(&self, acc: &mut Self::Acc, later: &Self::Acc);

    /// The result of so many elements.
    ///
    /// # Errors
    /// When there is none: the smallest of nothing, a sum that is too large.
    fn finish(&self, acc: Self::Acc, count: u64) -> Result<Self::Output>;
}

/// A reduction along axes.
struct Reduced<T: Element, R: Reduction<T>> {
    subject: Subject<T>,
    reduction: R,
    split_every: Option<usize>,
}

impl<T: Element, R: Reduction<T>> fmt::Debug for Reduced<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {:?}", self.reduction.name(), self.subject.input)
    }
}

/// What tasks know of several lanes.
struct Lanes<A>(Vec<A>);

impl<A: Send + Sync + 'static> HeldResult for Lanes<A> {
    fn bytes(&self) -> u64 {
        (self.0.len() * size_of::<A>()) as u64
    }
}

impl<T: Element, R: Reduction<T>> Tree for Reduced<T, R> {
    type State = Lanes<R::Acc>;
    type Input = T;
    type Output = R::Output;

    fn name(&self) -> &'static str {
        self.reduction.name()
    }

    fn subject(&self) -> &Subject<T> {
        &self.subject
    }

    fn split_every(&self) -> Option<usize> {
        self.split_every
    }

    fn part(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Lanes<R::Acc>> {
        let mut accs = vec![self.reduction.start(); self.grid().lanes_of(region)];
        self.subject.rows(region, tile, ctx, |spot, row| match spot.along {
            true => self.reduction.fold_row(&mut accs[spot.lane], row, spot.at),
            false => self.reduction.fold_lanes(&mut accs[spot.lane..spot.lane + row.len()], row, spot.at),
        })?;
        Ok(Lanes(accs))
    }

    fn merge(&self, state: &mut Lanes<R::Acc>, later: Lanes<R::Acc>, _ctx: &TaskContext) -> Result<()> {
        state.0.iter_mut().zip(&later.0).for_each(|(acc, later)| self.reduction.merge(acc, later));
        Ok(())
    }

    fn finish(&self, state: Lanes<R::Acc>, _: &[(usize, usize)], _: &TaskContext) -> Result<Vec<R::Output>> {
        let count = self.grid().count();
        state.0.into_iter().map(|acc| self.reduction.finish(acc, count)).collect()
    }
}

impl<T: Element> Array<T> {
    /// What a reduction makes of the elements along some axes.
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there or named twice, and for a reduction of no elements that has no result.
    pub fn reduce<R: Reduction<T>>(&self, reduction: R, axes: impl Into<Axes>) -> Result<Array<R::Output>> {
        self.check()?;
        let axes = axes.into();
        let mask = axes.mask(self.ndim())?;
        let token = Token::of(|t| {
            t.str("reduce");
            t.identity(&reduction);
            t.debug(&mask);
            t.identity(self.lazy.as_ref());
        });
        let grid = Grid::new(self.shape(), &mask);
        let kept = self.kept(&mask);
        if grid.count() == 0 {
            // as numpy, also where there is no place for a result
            let value = reduction.finish(reduction.start(), 0)?;
            let whole = full(kept.shape(), value, kept)?.in_session(&self.session);
            return if axes.keeps_dims() { Ok(whole) } else { whole.without(&mask) };
        }
        let subject = Subject { input: self.lazy.clone(), grid, token };
        let split_every = axes.most_at_once();
        let blocks = subject.grid.blocks();
        let whole = self.grown(Reduced { subject, reduction, split_every }, blocks, kept);
        if axes.keeps_dims() { Ok(whole) } else { whole.without(&mask) }
    }

    /// The result of a tree that gives these blocks, cut so.
    pub(super) fn grown<R: Tree>(&self, tree: R, blocks: Chunks, chunks: Chunks) -> Array<R::Output> {
        let (name, operations) = (tree.name(), 1 + self.lazy.operations().all);
        self.then(Held::new(Arc::new(Grown(Arc::new(tree))), blocks, name, operations), chunks)
    }

    /// The chunks of what is left, axes that are reduced having one element.
    pub(super) fn kept(&self, mask: &[bool]) -> Chunks {
        let kept = mask.iter().enumerate().map(|(axis, &reduced)| match reduced {
            true => vec![1],
            false => self.chunks.axis(axis).to_vec(),
        });
        Chunks::new(kept.collect::<Vec<_>>())
    }

    /// Without these axes, of which each has one element.
    pub(super) fn without(&self, mask: &[bool]) -> Result<Array<T>> {
        let indices: Vec<Index> = mask.iter().map(|&gone| if gone { Index::At(0) } else { step(1) }).collect();
        self.sliced(self.lazy.name(), &indices)
    }
}
