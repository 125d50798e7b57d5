//! The same rows in another number of partitions.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use super::partitions::Pass;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::Expr;
use crate::io::Batch;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::{Feed, Flow, Footprint, Map, Op, Out, Plan, Shape, Stage, Then};

/// The same rows in the same order, in another number of partitions. Fewer: neighbouring partitions are joined. More:
/// each takes an even range of all rows; where it is not known how many there are, they are counted first.
#[derive(Debug, Clone)]
pub struct Repartition {
    /// How many partitions come out.
    pub partitions: usize,
}

impl fmt::Display for Repartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repartition to {}", self.partitions)
    }
}

impl Identity for Repartition {
    fn token(&self, t: &mut Tokenizer) {
        t.str("repartition");
        t.u64(self.partitions as u64);
    }
}

impl Op for Repartition {
    fn name(&self) -> &'static str {
        "repartition"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        if self.partitions == 0 {
            return Err(Error::invalid("a frame has at least one partition, not 0"));
        }
        super::same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let (input, to) = (only(inputs)?.clone(), self.partitions);
        match (count_partitions(&input)?, input.known_rows()) {
            (Some(from), _) if from >= to => Ok(Shape::Rewrite(joined(input, from, to)?)),
            (Some(_), Some(rows)) => Ok(Shape::Rewrite(split(input, &rows, to)?)),
            _ => Ok(Then::rows(Plan::new(CountEach, vec![input.clone()])?, move |batches| {
                let rows = batches.iter().map(|b| b.record.column(0).as_primitive::<Int64Type>().values());
                let rows: Vec<u64> = rows.flat_map(|v| v.iter().map(|&n| n as u64)).collect();
                if rows.len() >= to { joined(input.clone(), rows.len(), to) } else { split(input.clone(), &rows, to) }
            })),
        }
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        let (rows, to) = (inputs.first()?.as_ref()?, self.partitions);
        Some(if rows.len() >= to {
            (0..to).map(|i| rows[part(i, rows.len(), to)].iter().sum()).collect()
        } else {
            ranges(rows, to).iter().map(|r| r.end - r.start).collect()
        })
    }

    fn partitions(&self) -> Option<usize> {
        Some(self.partitions)
    }
}

/// Which of `from` things belong to the `i`-th of `to` parts, which are as even as can be.
fn part(i: usize, from: usize, to: usize) -> Range<usize> {
    let bound = |i: usize| (i as u128 * from as u128 / to.max(1) as u128) as usize;
    bound(i)..bound(i + 1)
}

/// Even ranges of all rows.
fn ranges(rows: &[u64], to: usize) -> Vec<Range<u64>> {
    let all = rows.iter().sum::<u64>() as usize;
    (0..to).map(|i| part(i, all, to)).map(|r| r.start as u64..r.end as u64).collect()
}

fn joined(input: Plan, from: usize, to: usize) -> Result<Plan> {
    if from == to { Ok(input) } else { Plan::new(Join { from, to }, vec![input]) }
}

fn split(input: Plan, rows: &[u64], to: usize) -> Result<Plan> {
    Plan::new(Split { pieces: pieces(rows, to).into() }, vec![input])
}

/// Each partition from some neighbouring ones.
#[derive(Debug, Clone)]
struct Join {
    from: usize,
    to: usize,
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repartition {} to {}, neighbours joined", self.from, self.to)
    }
}

impl Identity for Join {
    fn token(&self, t: &mut Tokenizer) {
        t.str("repartition_join");
        t.u64(self.from as u64);
        t.u64(self.to as u64);
    }
}

impl Op for Join {
    fn name(&self) -> &'static str {
        "repartition"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let Join { from, to } = *self;
        Ok(Shape::Map(Map {
            partitions: Some(to),
            feeds: Some(Arc::new(move |i| part(i, from, to).map(|partition| Feed { input: 0, partition }).collect())),
            stage: Arc::new(|_| Ok(Box::new(Pass))),
        }))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        Some(predicate.clone())
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        Repartition { partitions: self.to }.known_rows(inputs)
    }
}

/// Each partition from a range of rows. A filter above stays there: these rows were counted.
#[derive(Debug, Clone)]
struct Split {
    pieces: Arc<[Piece]>,
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "repartition to {} even ranges of rows", self.pieces.len())
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
        super::same_schema(inputs)
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

/// The pieces that give each an even range of all rows.
fn pieces(rows: &[u64], to: usize) -> Vec<Piece> {
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
    ranges(rows, to).into_iter().map(piece).collect()
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

/// The number of rows of each partition, a row each.
#[derive(Debug, Clone)]
struct CountEach;

impl fmt::Display for CountEach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("count rows of each partition")
    }
}

impl Identity for CountEach {
    fn token(&self, t: &mut Tokenizer) {
        t.str("count_each");
    }
}

impl Op for CountEach {
    fn name(&self) -> &'static str {
        "count"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::new(vec![Field::new("rows", DataType::Int64, false)])))
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        Ok(Map::each(|_| Ok(Box::new(Counting { rows: 0 }))))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![Vec::new(); inputs.len()])
    }
}

struct Counting {
    rows: u64,
}

impl Stage for Counting {
    fn push(&mut self, batch: Batch, _out: &mut Out<'_>) -> Result<Flow> {
        self.rows += batch.rows() as u64;
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let rows = Int64Array::from(vec![self.rows as i64]);
        out.push(Batch::new(RecordBatch::try_new(CountEach.schema(&[])?, vec![Arc::new(rows)])?, 0, 0))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pieces_lie_where_their_rows_are() {
        let piece = |from, skip, take| Piece { from, skip, take };
        assert_eq!(pieces(&[3, 0, 5], 4), [piece(0..1, 0, 2), piece(0..3, 2, 2), piece(2..3, 1, 2), piece(2..3, 3, 2)]);
        assert_eq!(pieces(&[1], 3), [Piece::default(), Piece::default(), piece(0..1, 0, 1)]);
        assert_eq!(pieces(&[], 2), [Piece::default(), Piece::default()]);
    }

    proptest! {
        #[test]
        fn pieces_take_every_row_once(rows in proptest::collection::vec(0u64..20, 0..10), to in 1usize..40) {
            let starts: Vec<u64> = rows.iter().scan(0, |s, n| { let at = *s; *s += n; Some(at) }).collect();
            let mut next = 0;
            for piece in pieces(&rows, to) {
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
