//! Each partition from some neighbouring ones.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::split::part;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Expr;
use crate::ops::partitions::Pass;
use crate::ops::same_schema;
use crate::plan::{Divisions, Feed, Map, Op, Plan, Shape};

/// Each partition from some neighbouring ones.
#[derive(Debug, Clone)]
pub(super) struct Join {
    pub(super) from: usize,
    pub(super) to: usize,
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
        same_schema(inputs)
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
        let rows = inputs.first()?.as_ref()?;
        Some((0..self.to).map(|i| rows[part(i, rows.len(), self.to)].iter().sum()).collect())
    }

    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        let starts = (0..self.to).map(|i| part(i, self.from, self.to).start);
        inputs.first()?.as_ref()?.joined(starts).ok()
    }
}
