//! Each partition from a range of rows.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::base::{Identity, Result, Tokenizer};
use crate::io::Batch;
use crate::ops::same_schema;
use crate::plan::{Divisions, Feed, Flow, Footprint, Map, Op, Out, Plan, Shape, Stage};

/// Which of `from` things belong to the `i`-th of `to` parts, which are as even as can be.
pub(super) fn part(i: usize, from: usize, to: usize) -> Range<usize> {
    let bound = |i: usize| (i as u128 * from as u128 / to.max(1) as u128) as usize;
    bound(i)..bound(i + 1)
}

/// Even ranges of all rows.
pub(super) fn even(rows: &[u64], to: usize) -> Vec<Range<u64>> {
    let all = rows.iter().sum::<u64>() as usize;
    (0..to).map(|i| part(i, all, to)).map(|r| r.start as u64..r.end as u64).collect()
}

/// Each partition from a range of rows. A filter above stays there: these rows were counted.
#[derive(Debug, Clone)]
pub(super) struct Split {
    pieces: Arc<[Piece]>,
}

impl Split {
    /// These ranges of all rows, from partitions of so many rows.
    pub(super) fn new(rows: &[u64], ranges: Vec<Range<u64>>) -> Split {
        Split { pieces: pieces(rows, ranges).into() }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repartition to {} ranges of rows", self.pieces.len())
    }
}

impl Identity for Split {
    fn token(&self, t: &mut Tokenizer) {
        t.str("repartition_split");
        t.list(&self.pieces, |t, p| {
            t.debug(&(&p.from, p.skip, p.take));
        });
    }
}

impl Op for Split {
    fn name(&self) -> &'static str {
        "repartition"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        same_schema(inputs)
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let (pieces, cuts) = (self.pieces.clone(), self.pieces.clone());
        Ok(Shape::Map(Map {
            partitions: Some(pieces.len()),
            feeds: Some(Arc::new(move |i| {
                pieces[i].from.clone().map(|partition| Feed { input: 0, partition }).collect()
            })),
            stage: Arc::new(move |i| Ok(Box::new(Cut { skip: cuts[i].skip, left: cuts[i].take }))),
        }))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn known_rows(&self, _inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        Some(self.pieces.iter().map(|p| p.take).collect())
    }

    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        Some(Divisions::unknown(inputs.first()?.as_ref()?.column()))
    }

    fn footprint(&self) -> Footprint {
        Footprint::Spills("partitions that several others need".into())
    }
}

/// What an output partition is made of: some neighbouring input partitions, without the first rows of the first.
#[derive(Clone, Debug, Default, PartialEq)]
struct Piece {
    from: Range<usize>,
    skip: u64,
    take: u64,
}

/// The pieces that give these ranges of all rows.
fn pieces(rows: &[u64], ranges: Vec<Range<u64>>) -> Vec<Piece> {
    let mut ends = Vec::with_capacity(rows.len());
    let mut end = 0;
    for n in rows {
        end += n;
        ends.push(end);
    }
    let piece = |range: Range<u64>| {
        if range.is_empty() {
            return Piece::default();
        }
        let first = ends.partition_point(|&end| end <= range.start);
        let last = ends.partition_point(|&end| end < range.end);
        let start = first.checked_sub(1).map_or(0, |before| ends[before]);
        Piece { from: first..last + 1, skip: range.start - start, take: range.end - range.start }
    };
    ranges.into_iter().map(piece).collect()
}

/// Passes on a range of the rows.
struct Cut {
    skip: u64,
    left: u64,
}

impl Stage for Cut {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let rows = batch.rows() as u64;
        let skipped = self.skip.min(rows);
        let taken = self.left.min(rows - skipped);
        self.skip -= skipped;
        self.left -= taken;
        let flow = match taken {
            0 => Flow::More,
            _ if taken == rows => out.push(batch)?,
            _ => out.push(batch.slice(skipped as usize, taken as usize))?,
        };
        Ok(if self.left == 0 { Flow::Enough } else { flow })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_lie_where_their_rows_are() {
        let piece = |from, skip, take| Piece { from, skip, take };
        assert_eq!(
            pieces(&[3, 0, 5], even(&[3, 0, 5], 4)),
            [piece(0..1, 0, 2), piece(0..3, 2, 2), piece(2..3, 1, 2), piece(2..3, 3, 2)]
        );
        assert_eq!(pieces(&[1], even(&[1], 3)), [Piece::default(), Piece::default(), piece(0..1, 0, 1)]);
        assert_eq!(pieces(&[], even(&[], 2)), [Piece::default(), Piece::default()]);
    }

    proptest! {
        #[test]
        fn pieces_take_every_row_once(rows in proptest::collection::vec(0u64..20, 0..10), to in 1usize..40) {
            let starts: Vec<u64> = rows.iter().scan(0, |s, n| { let at = *s; *s += n; Some(at) }).collect();
            let mut next = 0;
            for piece in pieces(&rows, even(&rows, to)) {
                if piece.take > 0 {
                    prop_assert_eq!(starts[piece.from.start] + piece.skip, next);
                    prop_assert!(piece.skip < rows[piece.from.start]);
                    let last = piece.from.end - 1;
                    prop_assert!(next + piece.take > starts[last] && next + piece.take <= starts[last] + rows[last]);
                }
                next += piece.take;
            }
            prop_assert_eq!(next, rows.iter().sum::<u64>());
        }
    }
}
