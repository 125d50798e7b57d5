//! The same elements in another shape: slices, transposes, broadcasting.

use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeTo};
use std::sync::Arc;

use super::chunked::Array;
use super::chunks::Chunks;
use super::element::Element;
use super::lazy::{Lazy, Needs};
use super::region::{Region, Span};
use super::tile::Tile;
use crate::base::{Error, Identity, Result, Tokenizer};

/// Where an axis of a view comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
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

    fn operations(&self) -> usize {
        1 + self.input.operations()
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

/// The shape that two arrays have together: axes are matched from the last on, and one of a single element is repeated
/// (numpy's rule).
///
/// # Errors
/// `Invalid`, naming both shapes, when they do not match.
pub fn broadcast_shape(left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
    let ndim = left.len().max(right.len());
    let axis = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(ndim).map_or(1, |at| shape[at]);
    let matched = (0..ndim).map(|i| match (axis(left, i), axis(right, i)) {
        (a, b) if a == b => Some(a),
        (1, b) => Some(b),
        (a, 1) => Some(a),
        _ => None,
    });
    let matched: Option<Vec<usize>> = matched.collect();
    matched.ok_or_else(|| {
        Error::invalid(format!("arrays of the shapes {left:?} and {right:?} cannot be broadcast together"))
    })
}

/// Which elements of an axis: an index, or a slice with Python's rules. Negative numbers count from the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// One element; the axis goes.
    At(isize),
    /// From `start` to `stop`, without it, in steps.
    Slice {
        /// The first; the beginning, or the end for a negative step.
        start: Option<isize>,
        /// Where to stop; the end, or the beginning for a negative step.
        stop: Option<isize>,
        /// From one to the next; may be negative, not 0.
        step: isize,
    },
    /// A new axis of one element (numpy's `newaxis`).
    NewAxis,
    /// All axes that are not named (Python's `...`).
    Ellipsis,
}

/// The elements that a slice of an axis of `len` elements means: Python's `slice.indices`.
///
/// # Errors
/// `Invalid` for a step of zero, in Python's words.
pub fn slice_span(start: Option<isize>, stop: Option<isize>, step: isize, len: usize) -> Result<Span> {
    if step == 0 {
        return Err(Error::invalid("slice step cannot be zero"));
    }
    let len = len as isize;
    let (lowest, highest) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let bound = |at: Option<isize>, default: isize| match at {
        None => default,
        Some(at) if at < 0 => at.saturating_add(len).max(lowest),
        Some(at) => at.min(highest),
    };
    let (start, stop) = match step > 0 {
        true => (bound(start, 0), bound(stop, len)),
        false => (bound(start, len - 1), bound(stop, -1)),
    };
    let count = match step > 0 {
        true if start < stop => (stop - start - 1) / step + 1,
        false if stop < start => (start - stop - 1) / step.saturating_neg() + 1,
        _ => 0,
    };
    Ok(Span { start: start.max(0) as usize, step, len: count as usize })
}

/// The chunks of a slice: as many elements as it takes of each chunk it passes, in its order.
fn sliced_chunks(sizes: &[usize], span: Span) -> Vec<usize> {
    let mut chunks = Vec::new();
    let mut begin = 0;
    for &size in sizes {
        let end = begin + size;
        let count = count_within(span, begin, end);
        if count > 0 {
            chunks.push(count);
        }
        begin = end;
    }
    if span.step < 0 {
        chunks.reverse();
    }
    if chunks.is_empty() { vec![0] } else { chunks }
}

/// How many elements of a span lie in `begin..end`.
fn count_within(span: Span, begin: usize, end: usize) -> usize {
    let below = |bound: usize| -> usize {
        // how many of the elements are smaller
        let Some((low, high)) = span.bounds() else { return 0 };
        let step = span.step.unsigned_abs().max(1);
        if bound <= low {
            0
        } else if bound > high {
            span.len
        } else {
            (bound - low).div_ceil(step)
        }
    };
    below(end) - below(begin)
}

impl<T: Element> Array<T> {
    fn view(&self, name: &'static str, axes: Vec<From>, fixed: Vec<usize>, chunks: Vec<Vec<usize>>) -> Array<T> {
        let shape = chunks.iter().map(|sizes| sizes.iter().sum()).collect();
        self.then(View { input: self.lazy.clone(), name, shape, axes, fixed }, Chunks::new(chunks))
    }

    /// Some of the elements, with Python's rules for each axis: `x.slice((2, .., Index::NewAxis))`, `x.slice(step(-1))`.
    /// Axes that are not named are taken whole.
    ///
    /// ```
    /// use partita::array::{arange, shape::{Index, step}};
    /// let x = arange(0.0, 10.0, 1.0, ([3, 3, 3, 1],))?;
    /// assert_eq!(x.slice((step(-1),))?.chunks().axis(0), [1, 3, 3, 3]);
    /// let part = x.slice((Index::Slice { start: Some(7), stop: Some(1), step: -2 },))?;
    /// assert_eq!(part.compute()?.as_slice(), Some(&[7.0, 5.0, 3.0][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for an index out of range, a step of zero, or more indices than axes.
    pub fn slice(&self, indices: impl IntoIndices) -> Result<Array<T>> {
        self.check()?;
        let indices = indices.into_indices();
        let named = indices.iter().filter(|i| !matches!(i, Index::NewAxis | Index::Ellipsis)).count();
        let dots = indices.iter().filter(|i| matches!(i, Index::Ellipsis)).count();
        if named > self.ndim() || dots > 1 {
            let what = match dots {
                0 | 1 => format!("too many indices: the array has {} axes, {named} were indexed", self.ndim()),
                _ => "an index can have only one ellipsis".to_string(),
            };
            return Err(Error::invalid(what));
        }
        let all = Index::Slice { start: None, stop: None, step: 1 };
        let rest = std::iter::repeat_n(all, self.ndim() - named);
        let at = indices.iter().position(|i| matches!(i, Index::Ellipsis)).unwrap_or(indices.len());
        let after = indices.get(at + 1..).unwrap_or_default();
        let whole: Vec<Index> = indices[..at].iter().copied().chain(rest).chain(after.iter().copied()).collect();
        let (mut axes, mut chunks, mut fixed) = (Vec::new(), Vec::new(), vec![0; self.ndim()]);
        let mut axis = 0;
        for index in whole {
            match index {
                Index::NewAxis => {
                    axes.push(From::New);
                    chunks.push(vec![1]);
                    continue;
                }
                Index::At(at) => fixed[axis] = self.element(axis, at)?,
                Index::Slice { start, stop, step } => {
                    let span = slice_span(start, stop, step, self.shape()[axis])?;
                    chunks.push(sliced_chunks(self.chunks.axis(axis), span));
                    axes.push(From::Axis(axis, span));
                }
                Index::Ellipsis => continue,
            }
            axis += 1;
        }
        Ok(self.view("slice", axes, fixed, chunks))
    }

    fn element(&self, axis: usize, at: isize) -> Result<usize> {
        let len = self.shape()[axis];
        let element = if at < 0 { at + len as isize } else { at };
        if (0..len as isize).contains(&element) {
            return Ok(element as usize);
        }
        Err(Error::invalid(format!("index {at} is out of bounds for axis {axis} with size {len}")))
    }

    /// With its axes in reverse order (numpy's `T`).
    #[must_use]
    pub fn t(&self) -> Array<T> {
        let axes: Vec<usize> = (0..self.ndim()).rev().collect();
        self.permuted(&axes)
    }

    /// With its axes in this order (numpy's `transpose`).
    ///
    /// # Errors
    /// `Invalid` when these are not all axes, each once.
    pub fn transpose(&self, axes: &[usize]) -> Result<Array<T>> {
        self.check()?;
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        if sorted != (0..self.ndim()).collect::<Vec<_>>() {
            let what = format!("{axes:?} are not the axes 0 to {}, each once", self.ndim().saturating_sub(1));
            return Err(Error::invalid(what).doing("transpose"));
        }
        Ok(self.permuted(axes))
    }

    fn permuted(&self, axes: &[usize]) -> Array<T> {
        let chunks = axes.iter().map(|&axis| self.chunks.axis(axis).to_vec()).collect();
        let spans = axes.iter().map(|&axis| From::Axis(axis, Span::new(0, self.shape()[axis]))).collect();
        self.view("transpose", spans, vec![0; self.ndim()], chunks)
    }

    /// Repeated to this shape (numpy's `broadcast_to`): axes are matched from the last on.
    ///
    /// # Errors
    /// `Invalid`, naming both shapes, when it cannot be.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Array<T>> {
        self.check()?;
        if self.shape() == shape {
            return Ok(self.clone());
        }
        if broadcast_shape(self.shape(), shape)? != shape {
            let what = format!("an array of shape {:?} cannot be broadcast to {shape:?}", self.shape());
            return Err(Error::invalid(what));
        }
        let more = shape.len() - self.ndim();
        let (mut axes, mut chunks) = (vec![From::New; more], Vec::new());
        shape[..more].iter().for_each(|&len| chunks.push(vec![len]));
        for (axis, &len) in self.shape().iter().enumerate() {
            let wanted = shape[more + axis];
            let span = Span { start: 0, step: isize::from(len == wanted), len: wanted };
            chunks.push(if len == wanted { self.chunks.axis(axis).to_vec() } else { vec![wanted] });
            axes.push(From::Axis(axis, span));
        }
        Ok(self.view("broadcast", axes, vec![0; self.ndim()], chunks))
    }
}

/// Every `step`-th element, from the end for a negative step: Python's `[::step]`.
pub fn step(step: isize) -> Index {
    Index::Slice { start: None, stop: None, step }
}

/// Indices for some axes: a tuple of numbers, ranges and [`Index`]es.
pub trait IntoIndices {
    /// The indices.
    fn into_indices(self) -> Vec<Index>;
}

impl IntoIndices for &[Index] {
    fn into_indices(self) -> Vec<Index> {
        self.to_vec()
    }
}

impl IntoIndices for Vec<Index> {
    fn into_indices(self) -> Vec<Index> {
        self
    }
}

macro_rules! indices {
    ($($from:ty, $value:ident => $index:expr;)*) => {$(
        impl std::convert::From<$from> for Index {
            fn from($value: $from) -> Index {
                $index
            }
        }
    )*};
}

indices! {
    isize, at => Index::At(at);
    i32, at => Index::At(at as isize);
    usize, at => Index::At(isize::try_from(at).unwrap_or(isize::MAX));
    RangeFull, _all => Index::Slice { start: None, stop: None, step: 1 };
    Range<isize>, range => Index::Slice { start: Some(range.start), stop: Some(range.end), step: 1 };
    Range<i32>, range => Index::Slice { start: Some(range.start as isize), stop: Some(range.end as isize), step: 1 };
    RangeFrom<i32>, range => Index::Slice { start: Some(range.start as isize), stop: None, step: 1 };
    RangeTo<i32>, range => Index::Slice { start: None, stop: Some(range.end as isize), step: 1 };
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Into<Index>),*> IntoIndices for ($($name,)*) {
            #[allow(non_snake_case)]
            fn into_indices(self) -> Vec<Index> {
                let ($($name,)*) = self;
                vec![$($name.into()),*]
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
