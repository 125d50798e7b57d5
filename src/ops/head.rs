//! The first rows.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{Limit, Partitions, ScanOp};
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;
use crate::io::Batch;
use crate::plan::lower::count_partitions;
use crate::plan::node::only;
use crate::plan::{Op, Plan, Relation, Shape, Then};

/// The first rows of all. Partitions are read on, more of them each time, until there are enough: Dask looks at the
/// first partition only.
#[derive(Debug, Clone)]
pub struct Head {
    /// How many.
    pub rows: usize,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "head {}", self.rows)
    }
}

impl Identity for Head {
    fn token(&self, t: &mut Tokenizer) {
        t.str("head");
        t.u64(self.rows as u64);
    }
}

impl Op for Head {
    fn name(&self) -> &'static str {
        "head"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        look(only(inputs)?.clone(), self.rows, 0..1, Vec::new())
    }

    fn columns_needed(&self, wanted: &[usize], _inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![wanted.to_vec()])
    }

    fn merge_below(&self, below: &dyn Op) -> Option<Arc<dyn Op>> {
        below.first_rows(self.rows)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Head { rows: self.rows })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("head", &self.rows)
    }
}

/// Reads the partitions of `range`, then decides whether to go on.
fn look(input: Plan, rows: usize, range: std::ops::Range<usize>, found: Vec<Batch>) -> Result<Shape> {
    let first = Plan::new(Partitions { range: range.clone() }, vec![input.clone()])?;
    let first = Plan::new(Limit { rows }, vec![first])?;
    Ok(Then::rows(first, move |batches| {
        let mut found = found.clone();
        let mut left = rows;
        for batch in batches {
            let take = batch.rows().min(left);
            if take > 0 {
                found.push(batch.slice(0, take));
                left -= take;
            }
        }
        if left == 0 || count_partitions(&input)?.is_none_or(|all| range.end >= all) {
            return ScanOp::values(input.schema().clone(), found);
        }
        let more = range.end..range.end + 2 * range.len();
        Plan::new(MoreHead(Arc::new(move |input| look(input, left, more.clone(), found.clone()))), vec![input.clone()])
    }))
}

/// A head that has looked at some partitions already.
struct MoreHead(Arc<dyn Fn(Plan) -> Result<Shape> + Send + Sync>);

impl fmt::Debug for MoreHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("head")
    }
}

impl fmt::Display for MoreHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("head, further partitions")
    }
}

impl Identity for MoreHead {
    fn token(&self, t: &mut Tokenizer) {
        t.token(crate::base::Token::fresh());
    }
}

impl Op for MoreHead {
    fn name(&self) -> &'static str {
        "head"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        super::same_schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        (self.0)(only(inputs)?.clone())
    }
}
