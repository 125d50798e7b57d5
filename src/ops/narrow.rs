//! The partitions that a filter on the index looks at.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::partitions::Pass;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Expr;
use crate::plan::{Divisions, Feed, Map, Op, Plan, Shape};

/// The rows of some partitions, in as many partitions as there were: the others are not computed and empty. It belongs
/// to a filter that is true for none of their rows.
#[derive(Debug, Clone)]
pub struct Narrow {
    range: Range<usize>,
    all: usize,
}

impl Narrow {
    /// The rows of the partitions `range`, of `all`.
    pub fn new(range: Range<usize>, all: usize) -> Narrow {
        Narrow { range, all }
    }
}

impl fmt::Display for Narrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.range;
        write!(f, "looks at partitions {start}..{end}, {} of {}", self.range.len(), self.all)
    }
}

impl Identity for Narrow {
    fn token(&self, t: &mut Tokenizer) {
        t.str("narrow");
        t.debug(&(&self.range, self.all));
    }
}

impl Op for Narrow {
    fn name(&self) -> &'static str {
        "narrow"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let range = self.range.clone();
        let feeds = move |i| if range.contains(&i) { vec![Feed { input: 0, partition: i }] } else { Vec::new() };
        Ok(Shape::Map(Map {
            partitions: Some(self.all),
            feeds: Some(Arc::new(feeds)),
            stage: Arc::new(|_| Ok(Box::new(Pass))),
        }))
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn takes_codes(&self, may: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![may.to_vec()])
    }

    fn filter_through(&self, _input: usize, predicate: &Expr) -> Option<Expr> {
        Some(predicate.clone())
    }

    fn divisions(&self, inputs: &[Option<Divisions>]) -> Option<Divisions> {
        inputs.first().cloned().flatten()
    }
}
