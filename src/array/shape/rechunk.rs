//! Other chunks for the same elements, and what lies between when many small pieces would change hands.

use std::any::Any;

use super::super::chunked::Array;
use super::super::chunks::{ChunkSpec, Chunks};
use super::super::element::Element;
use super::super::held::Held;
use super::pieces::like;
use crate::base::Result;

/// A piece that one block takes from another costs about as much as moving so many bytes to memory or disk and back.
const PIECE: f64 = 2000.0;
/// More steps than this are never worth it.
const STEPS: usize = 6;

impl<T: Element> Array<T> {
    /// The same elements in other chunks (Dask's `rechunk`). Where elements are computed nothing moves: they are computed for
    /// whichever chunk they are asked for. Blocks that are held (persisted, read from files, results of functions of
    /// blocks) give each new chunk the pieces that it needs; where these are many and small, chunks of a shape between
    /// are made first, none of them larger than the larger ones of both.
    ///
    /// # Errors
    /// `Invalid` when the chunks do not fit the shape.
    pub fn rechunk(&self, chunks: impl Into<ChunkSpec>) -> Result<Array<T>> {
        self.check()?;
        let chunks = chunks.into().chunks(self.shape(), size_of::<T>())?;
        let any: &dyn Any = self.lazy.as_ref();
        let between = any.downcast_ref::<Held<T>>().map(|held| steps(held.chunks(), &chunks, size_of::<T>()));
        let moved = between.unwrap_or_default().into_iter().fold(self.clone(), |array, cut| {
            let operations = array.lazy.operations().all + 1;
            Array { chunks: cut, ..array }.held("rechunk", operations)
        });
        Ok(Array { chunks, ..moved })
    }
}

/// The chunks to make on the way from some to others, in their order: those for which the whole is cheapest.
fn steps(from: &Chunks, to: &Chunks, item: usize) -> Vec<Chunks> {
    if from == to {
        return Vec::new();
    }
    let bytes = from.shape().iter().product::<usize>() as f64 * item as f64;
    let cost = |way: &[Chunks]| -> f64 {
        let ends = std::iter::once(from).chain(way).zip(way.iter().chain([to]));
        ends.map(|(a, b)| pieces(a, b) * PIECE).sum::<f64>() + way.len() as f64 * bytes
    };
    let ways = (0..STEPS).map(|many| (1..=many).map(|k| between(from, to, k, many + 1)).collect::<Vec<_>>());
    ways.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or_default()
}

/// How many pieces change hands: parts of one chunk that lie in one of the others.
fn pieces(from: &Chunks, to: &Chunks) -> f64 {
    let ends = |sizes: &[usize]| {
        sizes
            .iter()
            .scan(0, |sum, size| {
                *sum += size;
                Some(*sum)
            })
            .collect::<Vec<usize>>()
    };
    let along = |axis: usize| {
        let mut all = [ends(from.axis(axis)), ends(to.axis(axis))].concat();
        all.sort_unstable();
        all.dedup();
        all.len() as f64
    };
    (0..from.ndim()).map(along).product()
}

/// Chunks at `part` of `of` steps of the way, each as many times longer or shorter than the one before.
fn between(from: &Chunks, to: &Chunks, part: usize, of: usize) -> Chunks {
    let (first, last, shape) = (from.largest(), to.largest(), from.shape());
    let axis = |axis: usize| {
        if from.axis(axis) == to.axis(axis) {
            return from.axis(axis).to_vec();
        }
        let (a, b) = (first[axis].max(1) as f64, last[axis].max(1) as f64);
        // rounded down, so that no chunk is larger than the larger ones of both
        let size = (a * (b / a).powf(part as f64 / of as f64) + 1e-9) as usize;
        like(&[size.max(1)], shape[axis])
    };
    Chunks::new((0..from.ndim()).map(axis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(shape: [usize; 2], sizes: [usize; 2]) -> Chunks {
        Chunks::new([like(&[sizes[0]], shape[0]), like(&[sizes[1]], shape[1])])
    }

    #[test]
    fn few_large_pieces_move_at_once() {
        let shape = [20_000, 20_000];
        let (rows, columns) = (chunks(shape, [500, 20_000]), chunks(shape, [20_000, 500]));
        assert_eq!((steps(&rows, &columns, 8), steps(&rows, &rows, 8)), (vec![], vec![]));
        assert_eq!(pieces(&rows, &columns), 1600.0);
        assert_eq!(pieces(&rows, &chunks(shape, [750, 20_000])), 53.0);
    }

    #[test]
    fn many_small_ones_move_in_steps() {
        for side in [300, 2_000, 20_000] {
            let shape = [side, side];
            let (rows, columns) = (chunks(shape, [1, side]), chunks(shape, [side, 1]));
            let way = steps(&rows, &columns, 8);
            assert!(!way.is_empty(), "{side}");
            let ends: Vec<&Chunks> = std::iter::once(&rows).chain(&way).chain([&columns]).collect();
            let all: f64 = ends.windows(2).map(|pair| pieces(pair[0], pair[1])).sum();
            assert!(all * 3.0 < pieces(&rows, &columns), "{side}: {all}");
            for chunks in &way {
                assert_eq!(chunks.shape(), shape);
                assert!(chunks.largest().iter().product::<usize>() <= side, "{chunks:?}");
            }
        }
    }

    #[test]
    fn axes_that_stay_are_not_touched() {
        let cut =
            |sizes: [usize; 3]| Chunks::new([like(&[sizes[0]], 7), like(&[sizes[1]], 900), like(&[sizes[2]], 900)]);
        let way = steps(&cut([2, 1, 900]), &cut([2, 900, 1]), 8);
        assert!(!way.is_empty());
        assert!(way.iter().all(|chunks| chunks.axis(0) == [2, 2, 2, 1]));
    }
}
