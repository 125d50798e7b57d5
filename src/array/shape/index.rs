//! What a slice means: Python's rule, as functions of values.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use super::super::region::Span;
use crate::base::{Error, Result};

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
pub(super) fn sliced_chunks(sizes: &[usize], span: Span) -> Vec<usize> {
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

/// Every `step`-th element, from the end for a negative step: Python's `[::step]`.
pub fn step(step: isize) -> Index {
    Index::Slice { start: None, stop: None, step }
}

/// Indices for some axes: a number, a range or an [`Index`] for the first one, or a tuple of them. Numbers may have any whole
/// type. A range with `=` includes its last element: `..=-1` is all.
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

impl From<RangeFull> for Index {
    fn from(_: RangeFull) -> Index {
        step(1)
    }
}

/// Where a slice begins or ends; beyond all elements for a number that is too large for them.
fn bound<N: TryInto<isize> + PartialOrd + Default>(at: N) -> Option<isize> {
    let beyond = if at < N::default() { isize::MIN } else { isize::MAX };
    Some(at.try_into().unwrap_or(beyond))
}

/// Behind the last element of a slice that includes it; none behind -1, which is the last of all.
fn behind(last: Option<isize>) -> Option<isize> {
    last.filter(|&last| last != -1).map(|last| last.saturating_add(1))
}

macro_rules! ranges {
    ($($range:ident $name:ident => $start:expr, $stop:expr;)*) => {$(
        impl<N: TryInto<isize> + PartialOrd + Default> From<$range<N>> for Index {
            fn from($name: $range<N>) -> Index {
                Index::Slice { start: $start, stop: $stop, step: 1 }
            }
        }

        impl<N: TryInto<isize> + PartialOrd + Default> IntoIndices for $range<N> {
            fn into_indices(self) -> Vec<Index> {
                vec![self.into()]
            }
        }
    )*};
}

ranges! {
    Range range => bound(range.start), bound(range.end);
    RangeFrom range => bound(range.start), None;
    RangeTo range => None, bound(range.end);
    RangeToInclusive range => None, behind(bound(range.end));
}

impl<N: TryInto<isize> + PartialOrd + Default + Copy> From<RangeInclusive<N>> for Index {
    fn from(range: RangeInclusive<N>) -> Index {
        Index::Slice { start: bound(*range.start()), stop: behind(bound(*range.end())), step: 1 }
    }
}

impl<N: TryInto<isize> + PartialOrd + Default + Copy> IntoIndices for RangeInclusive<N> {
    fn into_indices(self) -> Vec<Index> {
        vec![self.into()]
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Index {
            fn from(at: $number) -> Index {
                Index::At(bound(at).unwrap_or_default())
            }
        }

        impl IntoIndices for $number {
            fn into_indices(self) -> Vec<Index> {
                vec![self.into()]
            }
        }
    )*};
}

numbers!(isize i64 i32 i16 i8 usize u64 u32 u16 u8);

impl IntoIndices for RangeFull {
    fn into_indices(self) -> Vec<Index> {
        vec![self.into()]
    }
}

impl IntoIndices for Index {
    fn into_indices(self) -> Vec<Index> {
        vec![self]
    }
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
