//! The last rows.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use arrow::datatypes::SchemaRef;

use super::{Partitions, ScanOp};
use crate::base::{Identity, Result, Tokenizer};
use crate::io::Batch;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Relation, Shape, Stage, Then};

/// The last rows of all. Partitions are read from the last one backwards, more of them each time, until there are
/// enough.
#[derive(Debug, Clone)]
pub struct Tail {
    /// How many.
    pub rows: usize,
    /// How many of the last partitions to look at.
    last: usize,
}

impl Tail {
    /// The last `rows` rows.
    pub fn new(rows: usize) -> Tail {
        Tail { rows, last: 1 }
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tail {}", self.rows)
    }
}

impl Identity for Tail {
    fn token(&self, t: &mut Tokenizer) {
        t.str("tail");
        t.u64(self.rows as u64);
        t.u64(self.last as u64);
    }
}

impl Op for Tail {
    fn name(&self) -> &'static str {
        "tail"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.clone();
        let all = count_partitions(&input)?.unwrap_or(1);
        let range: Range<usize> = all.saturating_sub(self.last)..all;
        let first = Plan::new(Partitions { range: range.clone() }, vec![input.clone()])?;
        let first = Plan::new(LastRows { rows: self.rows }, vec![first])?;
        let (rows, last) = (self.rows, self.last);
        Ok(Then::rows(first, move |batches| {
            let found: usize = batches.iter().map(Batch::rows).sum();
            if found >= rows || range.start == 0 {
                return ScanOp::values(input.schema().clone(), last_rows(batches, rows));
            }
            Plan::new(Tail { rows, last: last * 4 }, vec![input.clone()])
        }))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Tail { rows: self.rows })
    }
}

fn last_rows(batches: Vec<Batch>, rows: usize) -> Vec<Batch> {
    let mut surplus = batches.iter().map(Batch::rows).sum::<usize>().saturating_sub(rows);
    let mut kept = Vec::new();
    for batch in batches {
        let cut = surplus.min(batch.rows());
        surplus -= cut;
        if cut < batch.rows() {
            kept.push(batch.slice(cut, batch.rows() - cut));
        }
    }
    kept
}

/// The last rows of each partition.
#[derive(Debug, Clone)]
struct LastRows {
    rows: usize,
}

impl fmt::Display for LastRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tail {} rows a partition", self.rows)
    }
}

impl Identity for LastRows {
    fn token(&self, t: &mut Tokenizer) {
        t.str("last_rows");
        t.u64(self.rows as u64);
    }
}

impl Op for LastRows {
    fn name(&self) -> &'static str {
        "tail"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let rows = self.rows;
        Ok(Map::each(move |_| Ok(Box::new(LastStage { rows, held: VecDeque::new(), count: 0 }))))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }
}

struct LastStage {
    rows: usize,
    held: VecDeque<Batch>,
    count: usize,
}

impl Stage for LastStage {
    fn push(&mut self, batch: Batch, _out: &mut Out<'_>) -> Result<Flow> {
        self.count += batch.rows();
        self.held.push_back(batch);
        while self.held.front().is_some_and(|b| self.count - b.rows() >= self.rows) {
            self.count -= self.held.pop_front().map_or(0, |b| b.rows());
        }
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        for batch in last_rows(std::mem::take(&mut self.held).into(), self.rows) {
            out.push(batch)?;
        }
        Ok(())
    }
}
