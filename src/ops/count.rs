//! The number of rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::TaskContext;
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::plan::shape::Chunk;
use crate::plan::{Flow, Footprint, Op, Partition, Plan, Reduce, Relation, Shape};

/// The number of rows, as a table of one row; no column is read.
#[derive(Debug, Clone)]
pub struct Count;

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("count rows")
    }
}

impl Identity for Count {
    fn token(&self, t: &mut Tokenizer) {
        t.str("count");
    }
}

impl Op for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::new(vec![Field::new("rows", DataType::Int64, false)])))
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        Ok(Shape::Reduce(Arc::new(Count)))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        Some(vec![Vec::new(); inputs.len()])
    }

    fn merge_below(&self, below: &dyn Op) -> Option<Arc<dyn Op>> {
        below.keeps_rows().then(|| Arc::new(Count) as Arc<dyn Op>)
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Count)
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("a number".into())
    }
}

struct Rows(u64);

impl Held for Rows {
    fn bytes(&self) -> u64 {
        8
    }
}

impl Chunk for Rows {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        self.0 += batch.rows() as u64;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        Ok(Payload::new(*self))
    }
}

fn rows_of(state: &Payload) -> Result<u64> {
    state.get::<Rows>().map(|r| r.0).ok_or_else(|| Error::invalid("the state of count is not a number of rows"))
}

impl Reduce for Count {
    fn start(&self, _ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        Ok(Box::new(Rows(0)))
    }

    fn combine(&self, states: Vec<Payload>) -> Result<Payload> {
        Ok(Payload::new(Rows(states.iter().map(rows_of).sum::<Result<u64>>()?)))
    }

    fn finish(&self, state: Payload) -> Result<Payload> {
        let rows = Int64Array::from(vec![rows_of(&state)? as i64]);
        let record = RecordBatch::try_new(self.schema(&[])?, vec![Arc::new(rows)])?;
        Ok(Payload::new(Partition::new(vec![Batch::new(record, 0, 0)])))
    }
}
