//! Sums, means, extremes: many elements to one, along axes.

use std::fmt;
use std::sync::Arc;

use super::chunked::Array;
use super::chunks::Chunks;
use super::element::Element;
use super::held::{Block, Held};
use super::lazy::{Barrier, Lazy, Lowering, Needs};
use super::region::{Region, Span};
use super::tile::{Tile, tiles};
use crate::base::{Error, Identity, Result, Token, Tokenizer};
use crate::exec::TaskContext;
use crate::graph::{Held as HeldResult, Key, Payload, TaskId};

/// What is made of many elements. Elements come in an order that depends on the shape of the array alone.
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
    fn fold_lanes(&self, accs: &mut [Self::Acc], values: &[T], at: u64);

    /// Takes in what is known of later elements.
    fn merge(&self, acc: &mut Self::Acc, later: &Self::Acc);

    /// The result of so many elements.
    ///
    /// # Errors
    /// When there is none: the smallest of nothing, a sum that is too large.
    fn finish(&self, acc: Self::Acc, count: u64) -> Result<Self::Output>;
}

/// Along which axes to reduce, and whether they stay, with one element each.
///
/// ```
/// use partita::array::{ones, reduce::Axes};
/// let x = ones([4, 3, 2], "auto")?;
/// assert_eq!(x.sum_axis([0, -1])?.shape(), [3]);
/// assert_eq!(x.sum_axis(Axes::from(1).keepdims())?.shape(), [4, 1, 2]);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Axes {
    /// Absent: all.
    axes: Option<Vec<isize>>,
    keepdims: bool,
}

impl Axes {
    /// All axes.
    pub fn all() -> Axes {
        Axes::default()
    }

    /// The axes stay, with one element each, so that the result can be broadcast against the array.
    #[must_use]
    pub fn keepdims(mut self) -> Axes {
        self.keepdims = true;
        self
    }

    /// Which axes are reduced.
    fn mask(&self, ndim: usize) -> Result<Vec<bool>> {
        let Some(axes) = &self.axes else { return Ok(vec![true; ndim]) };
        let mut mask = vec![false; ndim];
        for &axis in axes {
            let at = if axis < 0 { axis + ndim as isize } else { axis };
            let Some(place) = usize::try_from(at).ok().and_then(|at| mask.get_mut(at)) else {
                return Err(Error::invalid(format!("axis {axis} is out of bounds for array of dimension {ndim}")));
            };
            if std::mem::replace(place, true) {
                return Err(Error::invalid(format!("axis {axis} is named twice")));
            }
        }
        Ok(mask)
    }
}

impl From<isize> for Axes {
    fn from(axis: isize) -> Axes {
        Axes { axes: Some(vec![axis]), keepdims: false }
    }
}

impl From<i32> for Axes {
    fn from(axis: i32) -> Axes {
        Axes::from(axis as isize)
    }
}

impl From<usize> for Axes {
    fn from(axis: usize) -> Axes {
        Axes::from(isize::try_from(axis).unwrap_or(isize::MAX))
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Axes {
        Axes { axes: Some(axes.to_vec()), keepdims: false }
    }
}

impl<const N: usize> From<[i32; N]> for Axes {
    fn from(axes: [i32; N]) -> Axes {
        Axes { axes: Some(axes.iter().map(|&axis| axis as isize).collect()), keepdims: false }
    }
}

/// A task takes in about so many elements, for so many results at the most.
const TASK: usize = 1 << 22;
const LANES: usize = 1 << 14;
/// How many states one task merges.
const SPLIT_EVERY: usize = 16;

/// The blocks of a reduction. How the elements are divided among tasks depends on the shape alone, so results do not
/// depend on chunks.
struct Reduced<T: Element, R: Reduction<T>> {
    input: Arc<dyn Lazy<T>>,
    reduction: R,
    mask: Vec<bool>,
    /// How many elements a task takes along each axis.
    panel: Vec<usize>,
    token: Token,
}

impl<T: Element, R: Reduction<T>> fmt::Debug for Reduced<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {:?}", self.reduction.name(), self.input)
    }
}

/// What tasks know of several results.
struct Lanes<A>(Vec<A>);

impl<A: Send + Sync + 'static> HeldResult for Lanes<A> {
    fn bytes(&self) -> u64 {
        (self.0.len() * size_of::<A>()) as u64
    }
}

fn panels(shape: &[usize], mask: &[bool]) -> Vec<usize> {
    let mut panel = vec![1; shape.len()];
    let (mut lanes, mut all) = (LANES, TASK);
    for axis in (0..shape.len()).rev().filter(|&axis| !mask[axis]) {
        panel[axis] = shape[axis].clamp(1, lanes);
        lanes = (lanes / panel[axis]).max(1);
        all = (all / panel[axis]).max(1);
    }
    for axis in (0..shape.len()).rev().filter(|&axis| mask[axis]) {
        panel[axis] = shape[axis].clamp(1, all);
        all = (all / panel[axis]).max(1);
    }
    panel
}

/// The ranges of an axis, panel by panel.
fn cuts(len: usize, panel: usize) -> Vec<(usize, usize)> {
    (0..len.div_ceil(panel)).map(|i| (i * panel, panel.min(len - i * panel))).collect()
}

impl<T: Element, R: Reduction<T>> Reduced<T, R> {
    fn count(&self) -> u64 {
        self.input.shape().iter().zip(&self.mask).filter(|(_, reduced)| **reduced).map(|(&len, _)| len as u64).product()
    }

    /// The sizes of the blocks of the result along each axis, those that are reduced having one element.
    fn blocks(&self) -> Chunks {
        let axes = self.input.shape().iter().zip(&self.mask).zip(&self.panel).map(|((&len, &reduced), &panel)| {
            let sizes: Vec<usize> = cuts(len, panel).into_iter().map(|(_, size)| size).collect();
            if reduced {
                vec![1]
            } else if sizes.is_empty() {
                vec![0]
            } else {
                sizes
            }
        });
        Chunks::new(axes.collect::<Vec<_>>())
    }

    /// The regions that make the block at these ranges, in order.
    fn parts(&self, block: &[(usize, usize)]) -> Vec<Region> {
        let axes: Vec<Vec<(usize, usize)>> = (0..block.len())
            .map(|axis| match self.mask[axis] {
                true => cuts(self.input.shape()[axis], self.panel[axis]),
                false => vec![block[axis]],
            })
            .collect();
        let grid = Region(axes.iter().map(|cuts| Span::new(0, cuts.len())).chain([Span::new(0, 1)]).collect());
        let mut parts = Vec::new();
        grid.rows(|at| {
            let ranges: Vec<(usize, usize)> = axes.iter().zip(at).map(|(cuts, &i)| cuts[i]).collect();
            parts.push(Region::block(&ranges));
        });
        parts
    }
}

/// Takes in a region, tile by tile.
fn fold<T: Element, R: Reduction<T>>(
    of: &Reduced<T, R>,
    region: &Region,
    tile: &mut Tile<'_>,
    ctx: &TaskContext,
) -> Result<Vec<R::Acc>> {
    let (shape, mask) = (region.shape(), &of.mask);
    // how far apart neighbours along an axis are among the results, and among what is reduced to one
    let (mut strides, mut numbers) = (vec![0; shape.len()], vec![0u64; shape.len()]);
    let (mut lanes, mut count) = (1, 1u64);
    for axis in (0..shape.len()).rev() {
        match mask[axis] {
            true => {
                numbers[axis] = count;
                count *= of.input.shape()[axis] as u64;
            }
            false => {
                strides[axis] = lanes;
                lanes *= shape[axis];
            }
        }
    }
    let mut accs = vec![of.reduction.start(); lanes];
    let last_kept = mask.last().is_some_and(|reduced| !reduced);
    tiles(&shape, |spans| {
        ctx.cancel.check()?;
        let part = Region(region.0.iter().zip(spans).map(|(whole, part)| whole.of(*part)).collect());
        tile.with(of.input.as_ref(), &part, |values, _| {
            let inside = Region(spans.to_vec());
            let len = inside.last().len;
            let mut rows = values.chunks(len.max(1));
            inside.rows(|index| {
                let Some(row) = rows.next() else { return };
                let lane: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
                let places = index.iter().zip(&region.0).zip(&numbers);
                let at: u64 = places.map(|((&i, whole), by)| whole.at(i) as u64 * by).sum();
                match last_kept {
                    true => of.reduction.fold_lanes(&mut accs[lane..lane + len], row, at),
                    false => of.reduction.fold_row(&mut accs[lane], row, at),
                }
            });
            Ok(())
        })
    })?;
    Ok(accs)
}

impl<T: Element, R: Reduction<T>> Barrier for Arc<Reduced<T, R>> {
    fn token(&self) -> Token {
        self.token
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let (name, merged): (Arc<str>, Arc<str>) = (self.reduction.name().into(), "merge".into());
        let step = |what: &str, level: usize| {
            Token::of(|t| {
                t.token(self.token);
                t.str(what);
                t.u64(level as u64);
            })
        };
        let blocks = self.blocks();
        let (mut next, mut merges) = (0, 0);
        let mut done = Vec::with_capacity(blocks.count());
        for number in 0..blocks.count() {
            let mut level: Vec<TaskId> = Vec::new();
            for region in self.parts(&blocks.range(&blocks.place(number))) {
                let mut needs = Needs::default();
                self.input.needs(&region, &mut needs);
                let of = self.clone();
                let work = move |tile: &mut Tile<'_>, ctx: &TaskContext| {
                    Ok(Payload::new(Lanes(fold(of.as_ref(), &region, tile, ctx)?)))
                };
                level.push(lowering.reading(Key::new(step("part", 0), next), &name, needs, work)?);
                next += 1;
            }
            while level.len() > SPLIT_EVERY {
                let merge = |part: &[TaskId]| {
                    let of = self.clone();
                    merges += 1;
                    lowering.joining(
                        Key::new(step("merge", 0), merges),
                        &merged,
                        part,
                        Box::new(move |inputs, _| Ok(Payload::new(Lanes(merge(of.as_ref(), &inputs)?)))),
                    )
                };
                level = level.chunks(SPLIT_EVERY).map(merge).collect();
            }
            let (of, count) = (self.clone(), self.count());
            done.push(lowering.joining(
                Key::new(self.token, number),
                &merged,
                &level,
                Box::new(move |inputs, ctx| {
                    let accs = merge(of.as_ref(), &inputs)?;
                    let values =
                        accs.into_iter().map(|acc| of.reduction.finish(acc, count)).collect::<Result<Vec<_>>>()?;
                    Ok(Payload::new(Block::of(values, ctx)?))
                }),
            ));
        }
        Ok(done)
    }
}

/// States of the same results, merged in their order.
fn merge<T: Element, R: Reduction<T>>(of: &Reduced<T, R>, inputs: &[Payload]) -> Result<Vec<R::Acc>> {
    let mut states = inputs.iter().map(|payload| {
        let lanes = payload.get::<Lanes<R::Acc>>();
        lanes.ok_or_else(|| Error::invalid("a task gave no state of a reduction"))
    });
    let Some(first) = states.next() else { return Ok(Vec::new()) };
    let mut all = first?.0.clone();
    for later in states {
        all.iter_mut().zip(&later?.0).for_each(|(acc, later)| of.reduction.merge(acc, later));
    }
    Ok(all)
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
        let panel = panels(self.shape(), &mask);
        let reduced = Arc::new(Reduced { input: self.lazy.clone(), reduction, mask: mask.clone(), panel, token });
        if reduced.count() == 0 {
            let value = reduced.reduction.finish(reduced.reduction.start(), 0)?;
            let shape: Vec<usize> = self
                .shape()
                .iter()
                .zip(&mask)
                .filter(|(_, m)| !**m || axes.keepdims)
                .map(|(&len, &m)| if m { 1 } else { len })
                .collect();
            return super::create::full(shape, value, "auto");
        }
        let (name, operations) = (reduced.reduction.name(), 1 + self.lazy.operations());
        let held = Held::<R::Output>::new(Arc::new(reduced.clone()), reduced.blocks(), name, operations);
        let kept = (0..self.ndim()).map(|axis| match mask[axis] {
            true => vec![1],
            false => self.chunks.axis(axis).to_vec(),
        });
        let whole = self.then(held, Chunks::new(kept.collect::<Vec<_>>()));
        if axes.keepdims {
            return Ok(whole);
        }
        let all = super::shape::Index::Slice { start: None, stop: None, step: 1 };
        let squeeze = mask.iter().map(|&reduced| if reduced { super::shape::Index::At(0) } else { all });
        whole.slice(squeeze.collect::<Vec<_>>())
    }
}

macro_rules! named {
    ($($(#[$doc:meta])* $all:ident $along:ident $reduction:ident;)*) => {$(
        impl<T: Element> Array<T>
        where
            $reduction: Reduction<T>,
        {
            $(#[$doc])*
            ///
            /// # Errors
            /// Of no elements, where there is no result.
            pub fn $all(&self) -> Result<Array<<$reduction as Reduction<T>>::Output>> {
                self.reduce($reduction, Axes::all())
            }

            /// The same along some axes: see [`Axes`].
            ///
            /// # Errors
            /// As [`reduce`](Self::reduce).
            pub fn $along(&self, axes: impl Into<Axes>) -> Result<Array<<$reduction as Reduction<T>>::Output>> {
                self.reduce($reduction, axes)
            }
        }
    )*};
}

named! {
    /// The sum: exact for whole numbers, compensated for floating ones.
    sum sum_axis Sum;
    /// The arithmetic mean; NaN of nothing.
    mean mean_axis Mean;
    /// The smallest element; NaN if there is one.
    min min_axis Min;
    /// The largest element; NaN if there is one.
    max max_axis Max;
}

/// The sum of elements.
#[derive(Clone, Copy, Debug)]
pub struct Sum;
/// Their mean.
#[derive(Clone, Copy, Debug)]
pub struct Mean;
/// The smallest.
#[derive(Clone, Copy, Debug)]
pub struct Min;
/// The largest.
#[derive(Clone, Copy, Debug)]
pub struct Max;

macro_rules! identities {
    ($($name:ident $text:literal;)*) => {$(
        impl Identity for $name {
            fn token(&self, t: &mut Tokenizer) {
                t.str($text);
            }
        }
    )*};
}

identities! {
    Sum "sum";
    Mean "mean";
    Min "min";
    Max "max";
}

/// A sum and what was rounded off so far (Knuth's TwoSum; Ogita, Rump & Oishi 2005).
#[derive(Clone, Copy, Debug, Default)]
pub struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    #[inline]
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        let own = sum - value;
        self.lost += (self.sum - own) + (value - (sum - own));
        self.sum = sum;
    }

    fn value(self) -> f64 {
        // where the sum is not finite, what was lost is no number
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// The sum of a short row, in eight lanes whose order never changes.
#[inline]
fn row_sum<T: Copy>(values: &[T], as_f64: impl Fn(T) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let mut eights = values.chunks_exact(8);
    for eight in &mut eights {
        for (lane, &value) in lanes.iter_mut().zip(eight) {
            *lane += as_f64(value);
        }
    }
    let rest: f64 = eights.remainder().iter().map(|&value| as_f64(value)).sum();
    ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7])) + rest
}

macro_rules! float_sums {
    ($($float:ty)*) => {$(
        impl Reduction<$float> for Sum {
            type Acc = Compensated;
            type Output = $float;

            fn name(&self) -> &'static str {
                "sum"
            }

            fn start(&self) -> Compensated {
                Compensated::default()
            }

            fn fold_row(&self, acc: &mut Compensated, values: &[$float], _at: u64) {
                acc.add(row_sum(values, f64::from));
            }

            fn fold_lanes(&self, accs: &mut [Compensated], values: &[$float], _at: u64) {
                accs.iter_mut().zip(values).for_each(|(acc, &value)| acc.add(f64::from(value)));
            }

            fn merge(&self, acc: &mut Compensated, later: &Compensated) {
                acc.add(later.sum);
                acc.lost += later.lost;
            }

            fn finish(&self, acc: Compensated, _count: u64) -> Result<$float> {
                Ok(acc.value() as $float)
            }
        }

        impl Reduction<$float> for Mean {
            type Acc = Compensated;
            type Output = $float;

            fn name(&self) -> &'static str {
                "mean"
            }

            fn start(&self) -> Compensated {
                Compensated::default()
            }

            fn fold_row(&self, acc: &mut Compensated, values: &[$float], at: u64) {
                Sum.fold_row(acc, values, at);
            }

            fn fold_lanes(&self, accs: &mut [Compensated], values: &[$float], at: u64) {
                Sum.fold_lanes(accs, values, at);
            }

            fn merge(&self, acc: &mut Compensated, later: &Compensated) {
                Reduction::<$float>::merge(&Sum, acc, later);
            }

            fn finish(&self, acc: Compensated, count: u64) -> Result<$float> {
                Ok((acc.value() / count as f64) as $float)
            }
        }
    )*};
}

float_sums!(f64 f32);

macro_rules! whole_sums {
    ($($whole:ty)*) => {$(
        impl Reduction<$whole> for Sum {
            type Acc = i128;
            type Output = i64;

            fn name(&self) -> &'static str {
                "sum"
            }

            fn start(&self) -> i128 {
                0
            }

            fn fold_row(&self, acc: &mut i128, values: &[$whole], _at: u64) {
                *acc += values.iter().map(|&value| i128::from(value)).sum::<i128>();
            }

            fn fold_lanes(&self, accs: &mut [i128], values: &[$whole], _at: u64) {
                accs.iter_mut().zip(values).for_each(|(acc, &value)| *acc += i128::from(value));
            }

            fn merge(&self, acc: &mut i128, later: &i128) {
                *acc += later;
            }

            fn finish(&self, acc: i128, _count: u64) -> Result<i64> {
                i64::try_from(acc).map_err(|_| {
                    Error::value(format!("the sum {acc} is no int64")).help("convert to float64 first: astype()")
                })
            }
        }

        impl Reduction<$whole> for Mean {
            type Acc = i128;
            type Output = f64;

            fn name(&self) -> &'static str {
                "mean"
            }

            fn start(&self) -> i128 {
                0
            }

            fn fold_row(&self, acc: &mut i128, values: &[$whole], at: u64) {
                Sum.fold_row(acc, values, at);
            }

            fn fold_lanes(&self, accs: &mut [i128], values: &[$whole], at: u64) {
                Sum.fold_lanes(accs, values, at);
            }

            fn merge(&self, acc: &mut i128, later: &i128) {
                *acc += later;
            }

            fn finish(&self, acc: i128, count: u64) -> Result<f64> {
                Ok(acc as f64 / count as f64)
            }
        }
    )*};
}

whole_sums!(i64 i32 u8 bool);

macro_rules! extremes {
    ($($reduction:ident $name:literal $numpy:literal $better:tt;)*) => {$(
        impl<T: Element> Reduction<T> for $reduction {
            type Acc = Option<T>;
            type Output = T;

            fn name(&self) -> &'static str {
                $name
            }

            fn start(&self) -> Option<T> {
                None
            }

            fn fold_row(&self, acc: &mut Option<T>, values: &[T], _at: u64) {
                values.iter().for_each(|value| self.merge(acc, &Some(*value)));
            }

            fn fold_lanes(&self, accs: &mut [Option<T>], values: &[T], _at: u64) {
                accs.iter_mut().zip(values).for_each(|(acc, value)| self.merge(acc, &Some(*value)));
            }

            fn merge(&self, acc: &mut Option<T>, later: &Option<T>) {
                let Some(later) = *later else { return };
                // what is not equal to itself is NaN: it wins, and stays
                let wins = |known: T| later $better known || later.partial_cmp(&later).is_none();
                if acc.is_none_or(|known| known.partial_cmp(&known).is_some() && wins(known)) {
                    *acc = Some(later);
                }
            }

            fn finish(&self, acc: Option<T>, _count: u64) -> Result<T> {
                let what = concat!("zero-size array to reduction operation ", $numpy, " which has no identity");
                acc.ok_or_else(|| Error::invalid(what))
            }
        }
    )*};
}

extremes! {
    Min "min" "minimum" <;
    Max "max" "maximum" >;
}
