//! Arrays whose chunks are computed once and held, in the course of a computation.

use std::sync::Arc;

use super::chunked::Array;
use super::element::Element;
use super::held::Held;
use super::lazy::{Barrier, Lowering};
use crate::base::{Result, Token};
use crate::graph::TaskId;

/// An array that several others are made of is computed again in each of them, which is cheaper than to hold it; but `x =
/// f(x, x)` doubles that each time. An array of more operations than this is held, so that an element costs no more, and
/// what is held is written and read once in so many operations.
pub(super) const MOST_FUSED: usize = 256;

/// The blocks of an array, held.
#[derive(Debug)]
struct Regrouped<T: Element> {
    array: Array<T>,
    token: Token,
}

impl<T: Element> Barrier for Regrouped<T> {
    fn token(&self) -> Token {
        self.token
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        self.array.lower(lowering)
    }

    fn wait(&self) -> Result<()> {
        self.array.wait()
    }
}

impl<T: Element> Array<T> {
    /// The same, with chunks that are computed as tasks of their own and held as long as something needs them.
    pub(super) fn held(&self, name: &'static str, operations: usize) -> Array<T> {
        let token = Token::of(|t| {
            t.str(name);
            t.token(self.token());
        });
        let blocks = Arc::new(Regrouped { array: self.clone(), token });
        let lazy = Arc::new(Held::new(blocks, self.chunks.clone(), name, operations));
        Array { lazy, ..self.clone() }
    }
}
