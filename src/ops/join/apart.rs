//! A join with a small side that is too large for the memory that there is.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::exchange::Joining;
use super::layout::{BUILD, From, Layout, PROBE};
use crate::base::Result;
use crate::exec::TaskContext;
use crate::expr::col;
use crate::io::{Batch, BucketWriter, Buckets};
use crate::ops::sort_by::SortBy;
use crate::plan::{Flow, Out, Partition};

/// The rows of one partition on their way into buckets, where they meet those of the small side by the hash of their keys.
/// What comes out is sorted back by the places of the rows: it cannot be told from the look-up that it stands for.
pub struct Apart {
    /// The join with the place as its last column.
    layout: Layout,
    /// The columns of the sides.
    schemas: [SchemaRef; 2],
    buckets: Arc<Buckets>,
    writer: BucketWriter,
    rows: u64,
    small: Vec<Partition>,
}

/// What the column of places is called.
const PLACE: &str = "\0place";

fn with_place(schema: &SchemaRef) -> SchemaRef {
    let place = Arc::new(Field::new(PLACE, DataType::UInt64, true));
    let fields = schema.fields().iter().cloned().chain([place]).collect::<Vec<_>>();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

impl Apart {
    /// Joins as `layout` says with the rows of `small`, which take about `bytes` bytes.
    pub fn new(layout: &Layout, sides: [&SchemaRef; 2], small: Vec<Partition>, bytes: u64, ctx: &TaskContext) -> Apart {
        let mut layout = layout.clone();
        layout.columns.push(From::Probe(sides[PROBE].fields().len()));
        layout.schema = with_place(&layout.schema);
        let buckets = Buckets::new(Buckets::bits_for(Some(bytes), ctx), 0, ctx);
        let writer = buckets.writer(0);
        let schemas = [with_place(sides[PROBE]), sides[BUILD].clone()];
        Apart { layout, schemas, buckets, writer, rows: 0, small }
    }

    /// Takes rows.
    pub fn push(&mut self, record: &RecordBatch) -> Result<Flow> {
        let rows = record.num_rows() as u64;
        let places: ArrayRef = Arc::new(UInt64Array::from_iter_values(self.rows..self.rows + rows));
        self.rows += rows;
        let columns = record.columns().iter().cloned().chain([places]).collect();
        let record = RecordBatch::try_new(with_place(&record.schema()), columns)?;
        let (record, hashes) = self.layout.hashed(PROBE, &record)?;
        self.writer.push(&record, &hashes)?;
        Ok(Flow::More)
    }

    /// Joins all rows and passes them on, in the order in which they came.
    pub fn end(self, out: &mut Out<'_>) -> Result<()> {
        let (layout, ctx) = (&self.layout, out.context());
        self.writer.finish()?;
        let bits = self.buckets.len().trailing_zeros();
        let build = Buckets::new(bits, 0, ctx);
        let mut writer = build.writer(0);
        for partition in self.small {
            for batch in partition.read() {
                ctx.cancel.check()?;
                let (record, hashes) = layout.hashed(BUILD, &batch?.record)?;
                writer.push(&record, &hashes)?;
            }
        }
        writer.finish()?;
        // rows of one place stay as they come, which is the order of their partners
        let sorted = SortBy::new([col(PLACE).asc()])?.store(&layout.schema, ctx)?;
        let mut chunk = sorted.clone().start(0, 0, ctx)?;
        let joining = Joining { layout, schemas: &self.schemas, ctx };
        joining.all([&self.buckets, &build], &mut |record| chunk.push(Batch::new(record, 0, 0)))?;
        sorted.seal(vec![chunk.end()?], ctx)?;
        let mut pass = |mut batch: Batch| {
            batch.record.remove_column(layout.columns.len() - 1);
            out.push(batch)
        };
        sorted.read(0, ctx, &mut Out::new(&mut [], &mut pass, ctx))?;
        Ok(())
    }
}
