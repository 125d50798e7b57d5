//! Reductions of functions.

use std::sync::Arc;

use super::super::element::Element;
use super::reduction::Reduction;
use crate::base::{Identity, Result, Token, Tokenizer};

type Chunk<T, S> = Arc<dyn Fn(&mut S, &[T]) + Send + Sync>;
type Combine<S> = Arc<dyn Fn(&mut S, &S) + Send + Sync>;
type Finish<S, U> = Arc<dyn Fn(S, u64) -> U + Send + Sync>;

/// A reduction of three functions (Dask's `reduction` with `chunk`, `combine` and `aggregate`): one takes a row of
/// elements into a state, one puts two states together, one makes the result of a state and the number of elements.
///
/// ```
/// use partita::array::{arange, reduce::Folded};
/// let squares = Folded::new(
///     0.0,
///     |sum: &mut f64, row: &[f64]| *sum += row.iter().map(|v| v * v).sum::<f64>(),
///     |sum, later| *sum += later,
///     |sum, count| (sum / count as f64).sqrt(),
/// );
/// let x = arange(0.0, 4.0, 1.0, 2)?;
/// assert_eq!(x.reduce(squares, 0)?.item()?, 3.5f64.sqrt());
/// # Ok::<(), partita::Error>(())
/// ```
pub struct Folded<T, S, U> {
    start: S,
    chunk: Chunk<T, S>,
    combine: Combine<S>,
    finish: Finish<S, U>,
    token: Token,
}

impl<T: Element, S: Clone + Send + Sync + 'static, U: Element> Folded<T, S, U> {
    /// These functions, from this state on. Nothing else is taken for the same: see [`named`](Self::named).
    pub fn new(
        start: S,
        chunk: impl Fn(&mut S, &[T]) + Send + Sync + 'static,
        combine: impl Fn(&mut S, &S) + Send + Sync + 'static,
        finish: impl Fn(S, u64) -> U + Send + Sync + 'static,
    ) -> Folded<T, S, U> {
        let (chunk, combine, finish) = (Arc::new(chunk), Arc::new(combine), Arc::new(finish));
        Folded { start, chunk, combine, finish, token: Token::fresh() }
    }

    /// Says what it is: reductions of the same name and version are the same, in every run of a program.
    #[must_use]
    pub fn named(mut self, name: &str, version: u64) -> Self {
        self.token = Token::of(|t| {
            t.str(name);
            t.u64(version);
        });
        self
    }
}

impl<T, S: Clone, U> Clone for Folded<T, S, U> {
    fn clone(&self) -> Self {
        let (chunk, combine, finish) = (self.chunk.clone(), self.combine.clone(), self.finish.clone());
        Folded { start: self.start.clone(), chunk, combine, finish, token: self.token }
    }
}

impl<T: 'static, S: 'static, U: 'static> Identity for Folded<T, S, U> {
    fn token(&self, t: &mut Tokenizer) {
        t.str("folded");
        t.token(self.token);
    }
}

impl<T: Element, S: Clone + Send + Sync + 'static, U: Element> Reduction<T> for Folded<T, S, U> {
    type Acc = S;
    type Output = U;

    fn name(&self) -> &'static str {
        "reduction"
    }

    fn start(&self) -> S {
        self.start.clone()
    }

    fn fold_row(&self, acc: &mut S, values: &[T], _at: u64) {
        (self.chunk)(acc, values);
    }

    fn merge(&self, acc: &mut S, later: &S) {
        (self.combine)(acc, later);
    }

    fn finish(&self, acc: S, count: u64) -> Result<U> {
        Ok((self.finish)(acc, count))
    }
}
