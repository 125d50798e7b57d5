//! Writes partitions to files.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use crate::base::{Error, ErrorKind, Identity, Result, Token, Tokenizer};
use crate::exec::TaskContext;
use crate::expr::Portable;
use crate::io::{Batch, Part, Receipt, Sink};
use crate::plan::node::only;
use crate::plan::{Flow, Map, Op, Out, Plan, Relation, Shape, Stage};

/// Writes each partition to a sink and gives a row of receipt for each file: where it will be, its rows, its bytes. Nothing appears
/// before the sink is told to commit.
#[derive(Debug, Clone)]
pub struct Write {
    sink: Arc<dyn Sink>,
    identity: Token,
}

impl Write {
    /// Writes to `sink`.
    pub fn new(sink: Arc<dyn Sink>) -> Write {
        Write { sink, identity: Token::fresh() }
    }

    /// The receipts in a batch that this operation gave.
    ///
    /// # Errors
    /// When it is another batch.
    pub fn receipts(record: &RecordBatch) -> Result<Vec<Receipt>> {
        let [path, rows, bytes] = record.columns() else { return Err(Error::invalid("not a batch of receipts")) };
        let (Some(path), Some(rows), Some(bytes)) =
            (path.as_string_opt::<i32>(), rows.as_primitive_opt::<Int64Type>(), bytes.as_primitive_opt::<Int64Type>())
        else {
            return Err(Error::invalid("not a batch of receipts"));
        };
        let receipt =
            |i| Receipt { path: path.value(i).into(), rows: rows.value(i) as u64, bytes: bytes.value(i) as u64 };
        Ok((0..path.len()).map(receipt).collect())
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "write {}", self.sink.describe())
    }
}

impl Identity for Write {
    fn token(&self, t: &mut Tokenizer) {
        t.str("write");
        t.token(self.identity);
    }
}

impl Op for Write {
    fn name(&self) -> &'static str {
        "write"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::new(vec![
            Field::new("path", DataType::Utf8, false),
            Field::new("rows", DataType::Int64, false),
            Field::new("bytes", DataType::Int64, false),
        ])))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        only(inputs)?;
        let (sink, schema) = (self.sink.clone(), self.schema(&[])?);
        Ok(Map::each(move |partition| {
            Ok(Box::new(WriteStage { sink: sink.clone(), schema: schema.clone(), partition, part: None, rows: 0 }))
        }))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        self.sink.portable().map(|_| Relation::Apart)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("write", &self.sink.portable()?)
    }
}

struct WriteStage {
    sink: Arc<dyn Sink>,
    schema: SchemaRef,
    partition: usize,
    part: Option<Box<dyn Part>>,
    /// Rows that came in.
    rows: u64,
}

impl WriteStage {
    fn part(&mut self, ctx: &TaskContext) -> Result<&mut dyn Part> {
        let part = match self.part.take() {
            Some(part) => part,
            None => self.sink.part(self.partition, ctx)?,
        };
        Ok(self.part.insert(part).as_mut())
    }
}

impl Stage for WriteStage {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        self.rows += batch.rows() as u64;
        self.part(out.context())?.push(&batch.record)?;
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        self.part(out.context())?;
        let Some(part) = self.part.take() else { return Ok(()) };
        let receipts = part.finish()?;
        let (rows_in, rows_out) = (self.rows, receipts.iter().map(|r| r.rows).sum());
        if rows_in != rows_out {
            return Err(Error::new(ErrorKind::Conservation { what: "write".to_string(), rows_in, rows_out }));
        }
        let columns = vec![
            Arc::new(StringArray::from_iter_values(receipts.iter().map(|r| r.path.to_string_lossy()))) as _,
            Arc::new(Int64Array::from_iter_values(receipts.iter().map(|r| r.rows as i64))) as _,
            Arc::new(Int64Array::from_iter_values(receipts.iter().map(|r| r.bytes as i64))) as _,
        ];
        let record = RecordBatch::try_new(self.schema.clone(), columns)?;
        out.push(Batch::new(record, self.partition as u64, 0))?;
        Ok(())
    }
}
