//! Reductions that leave NaN out.

use super::number::Number;
use super::reduction::Reduction;
use crate::base::{Identity, Result, Tokenizer};

/// A reduction of the elements that are not NaN.
#[derive(Clone, Copy, Debug)]
pub struct Skip<R> {
    reduction: R,
    name: &'static str,
}

impl<R> Skip<R> {
    /// This one, called so.
    pub fn new(reduction: R, name: &'static str) -> Skip<R> {
        Skip { reduction, name }
    }
}

impl<R: Identity> Identity for Skip<R> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("without NaN");
        self.reduction.token(t);
    }
}

/// So many elements are put together at once.
const TOGETHER: usize = 256;

impl<T: Number, R: Reduction<T>> Reduction<T> for Skip<R> {
    /// Of the others, and how many were left out.
    type Acc = (R::Acc, u64);
    type Output = R::Output;

    fn name(&self) -> &'static str {
        self.name
    }

    fn start(&self) -> Self::Acc {
        (self.reduction.start(), 0)
    }

    fn fold_row(&self, acc: &mut Self::Acc, values: &[T], at: u64) {
        if values.iter().all(|value| !value.is_nan()) {
            return self.reduction.fold_row(&mut acc.0, values, at);
        }
        let mut kept = [T::default(); TOGETHER];
        for some in values.chunks(TOGETHER) {
            let mut len = 0;
            for &value in some.iter().filter(|value| !value.is_nan()) {
                kept[len] = value;
                len += 1;
            }
            acc.1 += (some.len() - len) as u64;
            self.reduction.fold_row(&mut acc.0, &kept[..len], at);
        }
    }

    fn merge(&self, acc: &mut Self::Acc, later: &Self::Acc) {
        self.reduction.merge(&mut acc.0, &later.0);
        acc.1 += later.1;
    }

    fn finish(&self, acc: Self::Acc, count: u64) -> Result<R::Output> {
        self.reduction.finish(acc.0, count - acc.1)
    }
}
