//! Which elements there are, and how often.

use std::fmt;
use std::sync::Arc;

use ndarray::Array1;

use super::super::block::HeldBlock;
use super::super::chunked::Array;
use super::super::lazy::{Barrier, Lowering};
use super::super::region::Region;
use super::super::tile::Tile;
use super::grid::Grid;
use super::number::Number;
use super::tree::{Grown, Subject, Tree};
use crate::base::{Error, Result, Token};
use crate::exec::{Reservation, TaskContext};
use crate::graph::Held;

/// The elements of an array, each once and in order, and how often each occurs.
#[derive(Clone, Debug, PartialEq)]
pub struct Unique<T> {
    /// The elements; NaN is the last one.
    pub values: Array1<T>,
    /// How often each occurs.
    pub counts: Array1<i64>,
}

/// The tree of sorted elements.
struct Distinct<T>(Subject<T>);

impl<T> fmt::Debug for Distinct<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unique")
    }
}

/// Keys in order, and how often each occurs.
struct Sorted(Vec<(u64, u64)>, Reservation);

impl Held for Sorted {
    fn bytes(&self) -> u64 {
        self.1.bytes()
    }
}

impl<T: Number> Tree for Distinct<T> {
    type State = Sorted;
    type Input = T;
    /// Keys and counts in turn.
    type Output = i64;

    fn name(&self) -> &'static str {
        "unique"
    }

    fn subject(&self) -> &Subject<T> {
        &self.0
    }

    fn part(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Sorted> {
        let mut reservation = ctx.budget.reserve("unique", region.len() as u64 * 8)?;
        let mut keys = Vec::with_capacity(region.len());
        self.0.rows(region, tile, ctx, |_, row| keys.extend(row.iter().map(|v| v.key())))?;
        keys.sort_unstable();
        let runs = keys.chunk_by(|a, b| a == b);
        let many = runs.clone().count();
        reservation.grow("unique", many as u64 * 16)?;
        let mut sorted = Vec::with_capacity(many);
        sorted.extend(runs.map(|run| (run[0], run.len() as u64)));
        drop(keys);
        reservation.shrink_to(many as u64 * 16);
        Ok(Sorted(sorted, reservation))
    }

    fn merge(&self, state: &mut Sorted, later: Sorted, _ctx: &TaskContext) -> Result<()> {
        let (left, right) = (std::mem::take(&mut state.0), later.0);
        // both and the result at once, if they have little in common
        let most = (left.len() + right.len()) as u64 * 16;
        state.1.join(later.1);
        state.1.resize("unique", 2 * most)?;
        let mut merged = Vec::with_capacity(left.len() + right.len());
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            match a.0.cmp(&b.0) {
                std::cmp::Ordering::Less => merged.extend(left.next()),
                std::cmp::Ordering::Greater => merged.extend(right.next()),
                std::cmp::Ordering::Equal => {
                    merged.push((a.0, a.1 + b.1));
                    left.next();
                    right.next();
                }
            }
        }
        merged.extend(left.chain(right));
        merged.shrink_to_fit();
        state.1.shrink_to(merged.len() as u64 * 16);
        state.0 = merged;
        Ok(())
    }

    fn finish(&self, state: Sorted, _: &[(usize, usize)], _: &TaskContext) -> Result<Vec<i64>> {
        Ok(state.0.into_iter().flat_map(|(key, count)| [key as i64, count as i64]).collect())
    }
}

impl<T: Number> Array<T> {
    /// The elements, each once and in order, and how often each occurs (numpy's `unique` with `return_counts`). They are
    /// computed at once, since nobody knows how many there are. All NaN are one, the last; zeros of both signs are one.
    ///
    /// ```
    /// use partita::array::from_ndarray;
    /// let x = from_ndarray(ndarray::array![[3, 1], [1, 7]], 1)?;
    /// let found = x.unique()?;
    /// assert_eq!((found.values.to_vec(), found.counts.to_vec()), (vec![1, 3, 7], vec![2, 1, 1]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Memory` when they do not fit into the memory limit; those of the tasks.
    pub fn unique(&self) -> Result<Unique<T>> {
        self.check()?;
        let grid = Grid::of(self.shape(), &vec![true; self.ndim()], 1, 1 << 20);
        if grid.count() == 0 {
            return Ok(Unique { values: Array1::from(Vec::new()), counts: Array1::from(Vec::new()) });
        }
        let token = Token::of(|t| {
            t.str("unique");
            t.identity(self.lazy.as_ref());
        });
        let tree = Grown(Arc::new(Distinct(Subject { input: self.lazy.clone(), grid, token })));
        let mut lowering = Lowering::new(&self.session);
        let wanted = tree.tasks(&mut lowering)?;
        let mut run = self.session.run_graph(lowering.into_graph(), wanted)?;
        let payload = run.next().unwrap_or_else(|| Err(Error::invalid("a run gave no result")))?;
        let block = payload.get::<HeldBlock<i64>>().ok_or_else(|| Error::invalid("a task gave no block"))?;
        let _held = self.session.budget().reserve("unique", block.len() as u64 * 16)?;
        let mut words = vec![0; block.len()];
        block.pin()?.copy(0, 1, &mut words)?;
        let (pairs, _) = words.as_chunks::<2>();
        let mut found: Vec<(T, i64)> = Vec::with_capacity(pairs.len());
        for &[key, count] in pairs {
            match (T::from_key(key as u64), found.last_mut()) {
                // zeros of both signs are one
                (value, Some(last)) if last.0 == value => *last = (value, last.1 + count),
                (value, _) => found.push((value, count)),
            }
        }
        let (values, counts): (Vec<T>, Vec<i64>) = found.into_iter().unzip();
        Ok(Unique { values: values.into(), counts: counts.into() })
    }
}
