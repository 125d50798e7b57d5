//! Rows whose divisions are known.

use std::fmt;

use arrow::datatypes::SchemaRef;

use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Expr;
use crate::ops::partitions::Pass;
use crate::ops::same_schema;
use crate::plan::{Divisions, Map, Op, Plan, Shape};

/// The same rows; it only knows how they are divided.
#[derive(Debug, Clone)]
pub struct Divided {
    divisions: Divisions,
}

impl Divided {
    /// Rows that are divided so.
    pub fn new(divisions: Divisions) -> Divided {
        Divided { divisions }
    }
}

impl fmt::Display for Divided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "index {}", self.divisions.column())?;
        self.divisions.partitions().map_or(Ok(()), |n| write!(f, " in {n} partitions"))
    }
}

impl Identity for Divided {
    fn token(&self, t: &mut Tokenizer) {
        t.str("divided");
        t.str(self.divisions.column());
        t.list(&self.divisions.values().unwrap_or_default(), |t, bound| t.identity(bound));
    }
}

impl Op for Divided {
    fn name(&self) -> &'static str {
        "index"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        same_schema(inputs)
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        Ok(Map::each(|_| Ok(Box::new(Pass))))
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

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }

    fn divisions(&self, _inputs: &[Option<Divisions>]) -> Option<Divisions> {
        Some(self.divisions.clone())
    }
}
