//! Writing JSON lines.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::LineDelimited;
use arrow::json::{Writer, WriterBuilder};
use serde::{Deserialize, Serialize};

use super::options::JsonOptions;
use crate::base::{Error, Result};
use crate::exec::{Reservation, TaskContext};
use crate::expr::Portable;
use crate::io::FileInfo;
use crate::io::files::FileFormat;
use crate::io::sink::{Compression, Encoder, Format, Output, Placement, append, placed};
use crate::io::text::Packed;

/// How JSON lines are written, and where they are placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonWriteOptions {
    compression: Compression,
    #[serde(skip)]
    placement: Placement,
}

impl JsonWriteOptions {
    /// Not compressed, into a place where there is nothing yet. Null is written as `null`, so that every line has all
    /// columns; NaN and infinities, which JSON does not have, are `null` too.
    pub fn new() -> Self {
        JsonWriteOptions::default()
    }

    /// Compresses the files: `Gzip` or `Zstd`.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    placed!();
}

impl Format for JsonWriteOptions {
    fn extension(&self) -> &str {
        match self.compression {
            Compression::Gzip => "jsonl.gz",
            Compression::Zstd(_) => "jsonl.zst",
            _ => "jsonl",
        }
    }

    fn begin(&self, _schema: &SchemaRef, out: Output, ctx: &TaskContext) -> Result<Box<dyn Encoder>> {
        let (packed, held) = Packed::new(self.compression, out)?;
        let held = ctx.budget.reserve("a JSON file that is being compressed", held)?;
        let writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(packed);
        Ok(Box::new(JsonEncoder { writer, rows: 0, _held: held }))
    }

    fn fits(&self, there: &[FileInfo], schema: &SchemaRef) -> Result<()> {
        let files: Vec<_> = append::ending(there, JsonOptions::EXTENSIONS).collect();
        let ends = [files.first(), files.last()].into_iter().flatten();
        ends.filter(|file| file.size > 0).try_for_each(|info| {
            let there = JsonOptions::new().look(info)?.schema;
            let there: Vec<_> = there.fields().iter().map(|f| (f.name().as_str(), None, &*info.path)).collect();
            append::same_columns(schema, &there)
        })
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("json", self)
    }
}

struct JsonEncoder {
    writer: Writer<Packed, LineDelimited>,
    rows: u64,
    _held: Reservation,
}

impl Encoder for JsonEncoder {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        self.writer.write(record)?;
        self.rows += record.num_rows() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(u64, Output)> {
        self.writer.finish()?;
        let out = self.writer.into_inner().finish().map_err(Error::system)?;
        Ok((self.rows, out))
    }
}
