//! Where the smallest and the largest element are.

use super::super::chunked::Array;
use super::axes::Axes;
use super::extreme::Extreme;
use super::number::Number;
use super::reduction::Reduction;
use crate::base::{Error, Identity, Result, Tokenizer};

/// The place of the smallest or the largest element: the first one of equals, the first NaN if there is one, or if NaN is
/// skipped the place among the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arg<const LARGEST: bool, const SKIP: bool>;

impl<const LARGEST: bool, const SKIP: bool> Identity for Arg<LARGEST, SKIP> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("arg");
        t.debug(&(LARGEST, SKIP));
    }
}

fn same<T: Number>(a: T, b: T) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

impl<T: Number, const LARGEST: bool, const SKIP: bool> Reduction<T> for Arg<LARGEST, SKIP> {
    /// The element and its place.
    type Acc = Option<(T, u64)>;
    type Output = i64;

    fn name(&self) -> &'static str {
        match (LARGEST, SKIP) {
            (false, false) => "argmin",
            (true, false) => "argmax",
            (false, true) => "nanargmin",
            (true, true) => "nanargmax",
        }
    }

    fn start(&self) -> Self::Acc {
        None
    }

    fn fold_row(&self, acc: &mut Self::Acc, values: &[T], at: u64) {
        let Some(best) = Extreme::<LARGEST, SKIP>::row(values) else { return };
        let loses = |(known, _)| Extreme::<LARGEST, SKIP>::wins(known, best);
        if acc.is_some_and(loses) {
            return;
        }
        let first = values.iter().position(|&value| same(value, best)).unwrap_or(0);
        self.merge(acc, &Some((best, at + first as u64)));
    }

    fn fold_lanes(&self, accs: &mut [Self::Acc], values: &[T], at: u64) {
        accs.iter_mut().zip(values).for_each(|(acc, &value)| self.merge(acc, &Some((value, at))));
    }

    #[inline]
    fn merge(&self, acc: &mut Self::Acc, later: &Self::Acc) {
        let Some((value, at)) = *later else { return };
        // tiles are not in the order of places
        let wins = |(known, place)| Extreme::<LARGEST, SKIP>::wins(value, known) || at < place && same(value, known);
        if acc.is_none_or(wins) {
            *acc = Some((value, at));
        }
    }

    fn finish(&self, acc: Self::Acc, _count: u64) -> Result<i64> {
        let name = if LARGEST { "argmax" } else { "argmin" };
        match acc {
            None => Err(Error::invalid(format!("attempt to get {name} of an empty sequence"))),
            Some((value, _)) if SKIP && value.is_nan() => Err(Error::value("All-NaN slice encountered")),
            Some((_, place)) => Ok(place as i64),
        }
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $all:ident $along:ident $largest:literal $skip:literal;)*) => {
        impl<T: Number> Array<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// `Invalid` of no elements.
            pub fn $all(&self) -> Result<Array<i64>> {
                self.reduce(Arg::<$largest, $skip>, Axes::all())
            }

            /// The same along an axis: see [`Axes`].
            ///
            /// # Errors
            /// As [`reduce`](Self::reduce); `Invalid` for several axes.
            pub fn $along(&self, axis: impl Into<Axes>) -> Result<Array<i64>> {
                let axis = axis.into();
                let named = axis.named(self.ndim())?.len();
                if named != 1 && named != self.ndim() {
                    let what = format!("a place is one along one axis or in the whole array, not along {named} axes");
                    return Err(Error::invalid(what).doing(stringify!($all)));
                }
                self.reduce(Arg::<$largest, $skip>, axis)
            }
        )*}
    };
}

methods! {
    /// Where the smallest element is, counted with the last axis running fastest: the first of equals, the first NaN if
    /// there is one.
    argmin argmin_axis false false;
    /// Where the largest element is, counted with the last axis running fastest: the first of equals, the first NaN if
    /// there is one.
    argmax argmax_axis true false;
    /// Where the smallest element that is not NaN is. Computing it is an error of kind `Value` where there is nothing
    /// else.
    nanargmin nanargmin_axis false true;
    /// Where the largest element that is not NaN is. Computing it is an error of kind `Value` where there is nothing
    /// else.
    nanargmax nanargmax_axis true true;
}
