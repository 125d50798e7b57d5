//! Batches that are already there.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::spill::encode;
use super::{Batch, Batches, PartitionInfo, PortableSource, Scan, Source};
use crate::base::{Identity, Result, Token, Tokenizer};
use crate::exec::TaskContext;

/// Partitions of batches in memory.
#[derive(Debug)]
pub struct MemorySource {
    schema: SchemaRef,
    partitions: Vec<Vec<Batch>>,
    infos: Vec<PartitionInfo>,
    token: Token,
}

impl MemorySource {
    /// A source with these partitions. Its identity is their content, up to a few MB; larger ones are never taken for the
    /// same.
    pub fn new(schema: SchemaRef, partitions: Vec<Vec<Batch>>) -> Self {
        let infos: Vec<PartitionInfo> = partitions
            .iter()
            .enumerate()
            .map(|(i, batches)| PartitionInfo {
                rows: Some(batches.iter().map(|b| b.rows() as u64).sum()),
                bytes: batches.iter().map(|b| b.bytes() as u64).sum(),
                origin: format!("memory {i}"),
            })
            .collect();
        let small = infos.iter().map(|i| i.bytes).sum::<u64>() <= COMPARED;
        let token = if small { content(&schema, &partitions) } else { None };
        MemorySource { schema, partitions, infos, token: token.unwrap_or_else(Token::fresh) }
    }

    /// A source with one partition for each record batch, its rows counted through.
    pub fn from_records(schema: SchemaRef, records: impl IntoIterator<Item = RecordBatch>) -> Self {
        let mut start = 0;
        let partitions = records
            .into_iter()
            .map(|record| {
                let rows = record.num_rows() as u64;
                let batch = Batch::new(record, 0, start);
                start += rows;
                vec![batch]
            })
            .collect();
        MemorySource::new(schema, partitions)
    }
}

/// Up to so many bytes are compared by content.
const COMPARED: u64 = 4 << 20;

/// The identity of batches by their content.
fn content(schema: &SchemaRef, partitions: &[Vec<Batch>]) -> Option<Token> {
    let mut t = Tokenizer::new();
    // the metadata of a schema has no order
    t.debug(&schema.fields());
    for batches in partitions {
        t.u64(batches.len() as u64);
        for batch in batches {
            let (bytes, label, _) = encode(batch).ok()?;
            t.bytes(&bytes);
            t.debug(&label);
        }
    }
    Some(t.finish())
}

impl Identity for MemorySource {
    fn token(&self, t: &mut Tokenizer) {
        t.str("memory");
        t.token(self.token);
    }
}

impl Source for MemorySource {
    fn portable(&self) -> Option<PortableSource> {
        PortableSource::of_values(&self.schema, &self.partitions)
    }

    fn describe(&self) -> String {
        format!("memory, {} partitions", self.partitions.len())
    }

    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.infos
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let batches = self.partitions.get(i).cloned().unwrap_or_default();
        let (projection, rows) = (scan.projection.clone(), ctx.batch_rows.max(1));
        let pieces = batches.into_iter().flat_map(move |batch| cut(batch, rows));
        Ok(Box::new(pieces.map(move |batch| batch.projected(projection.as_deref()))))
    }
}

/// A batch in pieces of at most `rows` rows.
fn cut(batch: Batch, rows: usize) -> impl Iterator<Item = Batch> + Send {
    let total = batch.rows();
    (0..total.div_ceil(rows)).map(move |k| {
        let offset = k * rows;
        if total <= rows { batch.clone() } else { batch.slice(offset, rows.min(total - offset)) }
    })
}
