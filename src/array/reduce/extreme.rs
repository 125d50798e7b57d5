//! The smallest and the largest element.

use super::super::chunked::Array;
use super::axes::Axes;
use super::number::Number;
use super::reduction::Reduction;
use crate::base::{Error, Identity, Result, Tokenizer};

/// The smallest or the largest element. NaN wins over all others, or where it is skipped over none; among equal ones it is
/// the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extreme<const LARGEST: bool, const SKIP: bool>;

/// The smallest.
pub type Min = Extreme<false, false>;
/// The largest.
pub type Max = Extreme<true, false>;
/// The smallest without NaN.
pub type NanMin = Extreme<false, true>;
/// The largest without NaN.
pub type NanMax = Extreme<true, true>;

impl<const LARGEST: bool, const SKIP: bool> Extreme<LARGEST, SKIP> {
    /// Whether one takes the place of an earlier one. Only NaN is not equal to itself.
    #[inline]
    pub(super) fn wins<T: Number>(value: T, known: T) -> bool {
        let beats = if LARGEST { value > known } else { value < known };
        match (value.is_nan(), known.is_nan()) {
            (false, false) => beats,
            (nan, known) => nan != known && nan != SKIP,
        }
    }

    /// The extreme of a row.
    #[inline]
    pub(super) fn row<T: Number>(values: &[T]) -> Option<T> {
        let (eights, rest) = values.as_chunks::<8>();
        let Some((&first, eights)) = eights.split_first() else {
            return rest.iter().copied().reduce(|known, value| if Self::wins(value, known) { value } else { known });
        };
        let mut lanes = first;
        let mut nan = first.iter().any(|value| value.is_nan());
        for eight in eights {
            for (lane, &value) in lanes.iter_mut().zip(eight) {
                let beats = if LARGEST { value > *lane } else { value < *lane };
                *lane = if beats { value } else { *lane };
                nan |= value.is_nan();
            }
        }
        let some: &[T] = if nan { values } else { &lanes };
        let all = some.iter().chain(if nan { &[] } else { rest }).copied();
        all.reduce(|known, value| if Self::wins(value, known) { value } else { known })
    }
}

impl<const LARGEST: bool, const SKIP: bool> Identity for Extreme<LARGEST, SKIP> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("extreme");
        t.debug(&(LARGEST, SKIP));
    }
}

impl<T: Number, const LARGEST: bool, const SKIP: bool> Reduction<T> for Extreme<LARGEST, SKIP> {
    type Acc = Option<T>;
    type Output = T;

    fn name(&self) -> &'static str {
        match (LARGEST, SKIP) {
            (false, false) => "min",
            (true, false) => "max",
            (false, true) => "nanmin",
            (true, true) => "nanmax",
        }
    }

    fn start(&self) -> Option<T> {
        None
    }

    fn fold_row(&self, acc: &mut Option<T>, values: &[T], _at: u64) {
        self.merge(acc, &Self::row(values));
    }

    fn fold_lanes(&self, accs: &mut [Option<T>], values: &[T], _at: u64) {
        accs.iter_mut().zip(values).for_each(|(acc, value)| self.merge(acc, &Some(*value)));
    }

    #[inline]
    fn merge(&self, acc: &mut Option<T>, later: &Option<T>) {
        let Some(later) = *later else { return };
        if acc.is_none_or(|known| Self::wins(later, known)) {
            *acc = Some(later);
        }
    }

    fn finish(&self, acc: Option<T>, _count: u64) -> Result<T> {
        let numpy = if LARGEST { "maximum" } else { "minimum" };
        let what = || format!("zero-size array to reduction operation {numpy} which has no identity");
        acc.ok_or_else(|| Error::invalid(what()))
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $all:ident $along:ident $extreme:ident;)*) => {
        impl<T: Number> Array<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// `Invalid` of no elements.
            pub fn $all(&self) -> Result<Array<T>> {
                self.reduce($extreme::default(), Axes::all())
            }

            /// The same along some axes: see [`Axes`].
            ///
            /// # Errors
            /// As [`reduce`](Self::reduce).
            pub fn $along(&self, axes: impl Into<Axes>) -> Result<Array<T>> {
                self.reduce($extreme::default(), axes)
            }
        )*}
    };
}

methods! {
    /// The smallest element; NaN if there is one.
    min min_axis Min;
    /// The largest element; NaN if there is one.
    max max_axis Max;
}

impl<T: Number> Array<T> {
    /// The smallest element that is not NaN (numpy's `nanmin`); NaN where there is nothing else.
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn nanmin(&self, axes: impl Into<Axes>) -> Result<Array<T>> {
        self.reduce(NanMin::default(), axes)
    }

    /// The largest element that is not NaN (numpy's `nanmax`); NaN where there is nothing else.
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce).
    pub fn nanmax(&self, axes: impl Into<Axes>) -> Result<Array<T>> {
        self.reduce(NanMax::default(), axes)
    }
}
