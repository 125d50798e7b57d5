//! The k largest or smallest elements.

use std::fmt;

use super::super::chunked::Array;
use super::super::chunks::Chunks;
use super::super::region::Region;
use super::super::shape::Index;
use super::super::tile::Tile;
use super::axes::one;
use super::grid::Grid;
use super::number::Number;
use super::tree::{Subject, Tree};
use crate::base::{Result, Token};
use crate::exec::{Reservation, TaskContext};
use crate::graph::Held;

/// The tree of the best.
struct TopK<T> {
    subject: Subject<T>,
    axis: usize,
    most: usize,
    largest: bool,
}

impl<T> fmt::Debug for TopK<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the best {} along axis {}", self.most, self.axis)
    }
}

/// The keys of the best of each lane so far, smaller ones being better.
struct Best(Vec<Vec<u64>>, Reservation);

impl Held for Best {
    fn bytes(&self) -> u64 {
        self.1.bytes()
    }
}

/// How many keys a lane has before the best of them are taken.
fn room(most: usize) -> usize {
    2 * most + 32
}

/// Leaves the best in no order.
fn prune(keys: &mut Vec<u64>, most: usize) {
    if keys.len() > most {
        keys.select_nth_unstable(most - 1);
        keys.truncate(most);
    }
}

impl<T: Number> TopK<T> {
    fn key(&self, value: T) -> u64 {
        if self.largest { !value.key() } else { value.key() }
    }

    fn element(&self, key: u64) -> T {
        T::from_key(if self.largest { !key } else { key })
    }
}

impl<T: Number> Tree for TopK<T> {
    type State = Best;
    type Input = T;
    type Output = T;

    fn name(&self) -> &'static str {
        "topk"
    }

    fn subject(&self) -> &Subject<T> {
        &self.subject
    }

    fn part(&self, region: &Region, tile: &mut Tile<'_>, ctx: &TaskContext) -> Result<Best> {
        let lanes = self.grid().lanes_of(region);
        let room = room(self.most);
        let mut reservation = ctx.budget.reserve("topk", (lanes * room * 8) as u64)?;
        let mut best: Vec<Vec<u64>> = (0..lanes).map(|_| Vec::with_capacity(room)).collect();
        self.subject.rows(region, tile, ctx, |spot, row| {
            for (i, &value) in row.iter().enumerate() {
                let keys = &mut best[if spot.along { spot.lane } else { spot.lane + i }];
                if keys.len() == room {
                    prune(keys, self.most);
                }
                keys.push(self.key(value));
            }
        })?;
        for keys in &mut best {
            prune(keys, self.most);
            keys.shrink_to_fit();
        }
        reservation.shrink_to(best.iter().map(|keys| keys.len() as u64 * 8).sum());
        Ok(Best(best, reservation))
    }

    fn merge(&self, state: &mut Best, later: Best, _ctx: &TaskContext) -> Result<()> {
        state.1.join(later.1);
        for (keys, more) in state.0.iter_mut().zip(later.0) {
            keys.extend(more);
            prune(keys, self.most);
        }
        let left = state.0.iter().map(|keys| keys.len() as u64 * 8).sum();
        state.1.shrink_to(left);
        Ok(())
    }

    fn finish(&self, state: Best, lanes: &[(usize, usize)], _ctx: &TaskContext) -> Result<Vec<T>> {
        let after: usize = lanes[self.axis + 1..].iter().map(|(_, len)| len).product();
        let mut values = vec![T::default(); state.0.len() * self.most];
        for (lane, mut keys) in state.0.into_iter().enumerate() {
            keys.sort_unstable();
            let first = (lane / after.max(1)) * self.most * after + lane % after.max(1);
            for (i, key) in keys.into_iter().enumerate() {
                values[first + i * after] = self.element(key);
            }
        }
        Ok(values)
    }
}

impl<T: Number> Array<T> {
    /// The `k` largest elements along an axis, the largest first; for a negative `k` the smallest, the smallest first; all
    /// of them, sorted, if there are no more, and none for 0 (Dask's `topk`). NaN is larger than any other.
    ///
    /// ```
    /// use partita::array::from_ndarray;
    /// let x = from_ndarray(ndarray::array![5, 1, 3, 6], 2)?;
    /// assert_eq!(x.topk(2, -1)?.compute()?.as_slice(), Some(&[6, 5][..]));
    /// assert_eq!(x.topk(-2, -1)?.compute()?.as_slice(), Some(&[1, 3][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for an axis that is not there.
    pub fn topk(&self, k: isize, axis: isize) -> Result<Array<T>> {
        self.check()?;
        let axis = one(axis, self.ndim())?;
        let len = self.shape()[axis];
        let most = k.unsigned_abs().min(len);
        if most == 0 {
            return self.slice(
                (0..=axis).map(|at| Index::from(if at == axis { 0..0 } else { 0..isize::MAX })).collect::<Vec<_>>(),
            );
        }
        let token = Token::of(|t| {
            t.str("topk");
            t.debug(&(k, axis));
            t.identity(self.lazy.as_ref());
        });
        let mask: Vec<bool> = (0..self.ndim()).map(|at| at == axis).collect();
        let grid = Grid::of(self.shape(), &mask, ((1 << 18) / room(most)).max(1), 1 << 22);
        let along = |chunks: Chunks, sizes: Vec<usize>| {
            let axes = (0..chunks.ndim()).map(|at| if at == axis { sizes.clone() } else { chunks.axis(at).to_vec() });
            Chunks::new(axes.collect::<Vec<_>>())
        };
        let blocks = along(grid.blocks(), vec![most]);
        let tree = TopK { subject: Subject { input: self.lazy.clone(), grid, token }, axis, most, largest: k > 0 };
        Ok(self.grown(tree, blocks, along(self.chunks.clone(), vec![most])))
    }
}
