//! The first rows of each partition.

use std::fmt;

use arrow::datatypes::SchemaRef;

use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

/// At most so many rows of each partition, the first ones; the source stops when they are there.
#[derive(Debug, Clone)]
pub struct Limit {
    /// How many.
    pub rows: usize,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit {} rows a partition", self.rows)
    }
}

impl Identity for Limit {
    fn token(&self, t: &mut Tokenizer) {
        t.str("limit");
        t.u64(self.rows as u64);
    }
}

impl Op for Limit {
    fn name(&self) -> &'static str {
        "limit"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        only(inputs)?;
        let left = self.rows;
        Ok(Map::each(move |_| Ok(Box::new(LimitStage { left }))))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        let rows = inputs.first()?.as_ref()?;
        Some(rows.iter().map(|&n| n.min(self.rows as u64)).collect())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("limit", &self.rows)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Apart)
    }
}

struct LimitStage {
    left: usize,
}

impl Stage for LimitStage {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        if self.left == 0 {
            return Ok(Flow::Enough);
        }
        let batch = if batch.rows() > self.left { batch.slice(0, self.left) } else { batch };
        self.left -= batch.rows();
        let flow = out.push(batch)?;
        Ok(if self.left == 0 { Flow::Enough } else { flow })
    }
}
