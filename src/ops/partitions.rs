//! Some of the partitions.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::base::{Identity, Result, Tokenizer};
use crate::io::Batch;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::{Divisions, Feed, Flow, Map, Op, Out, Plan, Shape, Stage};

/// The partitions of a range, those of them that there are.
#[derive(Debug, Clone)]
pub struct Partitions {
    /// Which, from 0.
    pub range: Range<usize>,
}

impl fmt::Display for Partitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partitions {}..{}", self.range.start, self.range.end)
    }
}

impl Identity for Partitions {
    fn token(&self, t: &mut Tokenizer) {
        t.str("partitions");
        t.debug(&self.range);
    }
}

impl Op for Partitions {
    fn name(&self) -> &'static str {
        "partitions"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let all = count_partitions(only(inputs)?)?.unwrap_or(self.range.end);
        let range = self.range.start.min(all)..self.range.end.min(all);
        let start = range.start;
        Ok(Shape::Map(Map {
            partitions: Some(range.len()),
            feeds: Some(Arc::new(move |i| vec![Feed { input: 0, partition: start + i }])),
            stage: Arc::new(|_| Ok(Box::new(Pass))),
        }))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        inputs.first()?.as_ref().map(|divisions| divisions.of_partitions(&self.range))
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        let rows = inputs.first()?.as_ref()?;
        Some(rows.iter().skip(self.range.start).take(self.range.len()).copied().collect())
    }
}

/// Passes batches on as they are.
pub(super) struct Pass;

impl Stage for Pass {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        out.push(batch)
    }
}
