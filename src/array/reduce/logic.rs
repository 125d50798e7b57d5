//! Whether any, whether all, and how many elements are not zero.

use super::super::chunked::Array;
use super::super::element::Element;
use super::axes::Axes;
use super::reduction::Reduction;
use crate::base::{Identity, Result, Tokenizer};

/// Whether any element is not zero; NaN is not.
#[derive(Clone, Copy, Debug)]
pub struct Any;

/// Whether no element is zero.
#[derive(Clone, Copy, Debug)]
pub struct All;

/// How many elements are not zero.
#[derive(Clone, Copy, Debug)]
pub struct CountNonzero;

macro_rules! reductions {
    ($($reduction:ident $name:literal $acc:ty => $output:ty, $start:expr,
       |$known:ident, $row:ident| $fold:expr, |$a:ident, $b:ident| $merge:expr, |$end:ident| $finish:expr;)*) => {$(
        impl Identity for $reduction {
            fn token(&self, t: &mut Tokenizer) {
                t.str($name);
            }
        }

        impl<T: Element> Reduction<T> for $reduction {
            type Acc = $acc;
            type Output = $output;

            fn name(&self) -> &'static str {
                $name
            }

            fn start(&self) -> $acc {
                $start
            }

            fn fold_row(&self, acc: &mut $acc, $row: &[T], _at: u64) {
                let $known = *acc;
                *acc = $fold;
            }

            fn merge(&self, acc: &mut $acc, later: &$acc) {
                let ($a, $b) = (*acc, *later);
                *acc = $merge;
            }

            fn finish(&self, $end: $acc, _count: u64) -> Result<$output> {
                Ok($finish)
            }
        }
    )*};
}

/// How many of a short row are not zero.
fn count<T: Element>(row: &[T]) -> u64 {
    row.iter().map(|&value| u64::from(value != T::default())).sum()
}

reductions! {
    Any "any" bool => bool, false, |known, row| known || row.iter().any(|&v| v != T::default()), |a, b| a || b, |end| end;
    All "all" bool => bool, true, |known, row| known && row.iter().all(|&v| v != T::default()), |a, b| a && b, |end| end;
    CountNonzero "count_nonzero" u64 => i64, 0, |known, row| known + count(row), |a, b| a + b, |end| end as i64;
}

macro_rules! methods {
    ($($(#[$doc:meta])* $all:ident $along:ident $reduction:ident $output:ty;)*) => {
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// None.
            pub fn $all(&self) -> Result<Array<$output>> {
                self.reduce($reduction, Axes::all())
            }

            /// The same along some axes: see [`Axes`].
            ///
            /// # Errors
            /// As [`reduce`](Self::reduce).
            pub fn $along(&self, axes: impl Into<Axes>) -> Result<Array<$output>> {
                self.reduce($reduction, axes)
            }
        )*}
    };
}

methods! {
    /// Whether any element is not zero; NaN is not (numpy's `any`).
    any any_axis Any bool;
    /// Whether no element is zero (numpy's `all`).
    all all_axis All bool;
    /// How many elements are not zero (numpy's `count_nonzero`).
    count_nonzero count_nonzero_axis CountNonzero i64;
}
