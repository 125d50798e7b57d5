//! Makes partitions durable.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::base::{Identity, Result, Token, Tokenizer};
use crate::io::Batch;
use crate::io::checkpoint::{Checkpoint as Folder, CheckpointPart};
use crate::plan::node::only;
use crate::plan::{Feed, Flow, Map, Op, Out, Plan, Shape, Stage};

/// Writes some partitions to a checkpoint and gives the rows of each.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    folder: Arc<Folder>,
    /// Which partitions.
    missing: Arc<[usize]>,
    identity: Token,
}

impl Checkpoint {
    /// Writes the partitions `missing` to `folder`.
    pub fn new(folder: Arc<Folder>, missing: Vec<usize>) -> Checkpoint {
        Checkpoint { folder, missing: missing.into(), identity: Token::fresh() }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "checkpoint {} partitions", self.missing.len())
    }
}

impl Identity for Checkpoint {
    fn token(&self, t: &mut Tokenizer) {
        t.str("checkpoint");
        t.token(self.identity);
    }
}

impl Op for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let field = |name| Field::new(name, DataType::Int64, false);
        Ok(Arc::new(Schema::new(vec![field("partition"), field("rows")])))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        only(inputs)?;
        let (folder, schema) = (self.folder.clone(), self.schema(&[])?);
        let (missing, fed) = (self.missing.clone(), self.missing.clone());
        let at = |list: &[usize], i: usize| list.get(i).copied().unwrap_or(i);
        Ok(Shape::Map(Map {
            partitions: Some(self.missing.len()),
            feeds: Some(Arc::new(move |i| vec![Feed { input: 0, partition: at(&fed, i) }])),
            stage: Arc::new(move |i| {
                let partition = at(&missing, i);
                let part = Some(folder.write(partition)?);
                Ok(Box::new(Keep { part, partition, schema: schema.clone() }))
            }),
        }))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        // they are kept with the rows
        true
    }

    fn partitions(&self) -> Option<usize> {
        Some(self.missing.len())
    }
}

struct Keep {
    part: Option<CheckpointPart>,
    partition: usize,
    schema: SchemaRef,
}

impl Stage for Keep {
    fn push(&mut self, batch: Batch, _out: &mut Out<'_>) -> Result<Flow> {
        if let Some(part) = &mut self.part {
            part.push(&batch)?;
        }
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let Some(part) = self.part.take() else { return Ok(()) };
        let rows = part.finish()?;
        let column = |value: i64| Arc::new(Int64Array::from(vec![value])) as _;
        let columns = vec![column(self.partition as i64), column(rows as i64)];
        let record = RecordBatch::try_new(self.schema.clone(), columns)?;
        out.push(Batch::new(record, self.partition as u64, 0))?;
        Ok(())
    }
}
