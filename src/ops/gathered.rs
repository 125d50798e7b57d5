//! Rows that came once and are kept: in memory, or on disk where memory is short.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use crate::base::{Identity, Result, Token, Tokenizer};
use crate::exec::TaskContext;
use crate::io::{Batch, Batches, PartitionInfo, Scan, Source};
use crate::plan::{Gather, Partition};

/// Rows of a partition, about: what is kept together, and worked on by one task.
const ROWS: usize = 1 << 20;
/// Bytes of a partition, about.
const BYTES: usize = 64 << 20;

/// Partitions of rows that can come only once, as from another program.
#[derive(Debug)]
pub struct Gathered {
    schema: SchemaRef,
    partitions: Vec<Partition>,
    infos: Vec<PartitionInfo>,
    token: Token,
}

impl Gathered {
    /// Takes all batches, which have this schema. They are counted against the memory limit and go to disk beyond it.
    ///
    /// # Errors
    /// The first of the batches; `Io` when the disk is full; `Cancelled`.
    pub fn all(
        schema: SchemaRef,
        batches: impl Iterator<Item = Result<arrow::array::RecordBatch>>,
        ctx: &TaskContext,
    ) -> Result<Gathered> {
        let mut gathered = Gathered { schema, partitions: Vec::new(), infos: Vec::new(), token: Token::fresh() };
        let mut filling = Filling::default();
        let mut first = 0;
        for record in batches {
            ctx.cancel.check()?;
            let batch = Batch::new(record?, 0, first);
            first += batch.rows() as u64;
            let (step, total) = (ctx.batch_rows.max(1), batch.rows());
            for start in (0..total).step_by(step) {
                filling.push(
                    batch.slice(start, step.min(total - start)),
                    batch.bytes() * step / total.max(step),
                    ctx,
                )?;
                if filling.rows >= ROWS || filling.bytes >= BYTES {
                    gathered.add(std::mem::take(&mut filling), ctx);
                }
            }
        }
        if filling.rows > 0 || gathered.partitions.is_empty() {
            gathered.add(filling, ctx);
        }
        Ok(gathered)
    }

    fn add(&mut self, filling: Filling, ctx: &TaskContext) {
        let origin = format!("gathered partition {}", self.partitions.len());
        self.infos.push(PartitionInfo { rows: Some(filling.rows as u64), bytes: filling.bytes as u64, origin });
        self.partitions.push(filling.gather.end(ctx));
    }
}

/// A partition in the making.
#[derive(Default)]
struct Filling {
    gather: Gather,
    rows: usize,
    bytes: usize,
}

impl Filling {
    fn push(&mut self, batch: Batch, bytes: usize, ctx: &TaskContext) -> Result<()> {
        self.rows += batch.rows();
        self.bytes += bytes;
        self.gather.push(batch, ctx)
    }
}

impl Identity for Gathered {
    fn token(&self, t: &mut Tokenizer) {
        t.str("gathered");
        t.token(self.token);
    }
}

impl Source for Gathered {
    fn describe(&self) -> String {
        format!("gathered, {} partitions", self.partitions.len())
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, _ctx: &TaskContext) -> Result<Batches> {
        let Some(partition) = self.partitions.get(i).cloned() else { return Ok(Box::new(std::iter::empty())) };
        let projection: Option<Arc<[usize]>> = scan.projection.clone();
        Ok(Box::new(partition.read().map(move |batch| batch?.projected(projection.as_deref()))))
    }
}
