//! Writing Arrow IPC files.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions as ArrowOptions};
use serde::{Deserialize, Serialize};

use super::read::IpcOptions;
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::expr::Portable;
use crate::io::FileInfo;
use crate::io::files::FileFormat;
use crate::io::sink::{Compression, Encoder, Format, Output, Placement, append, placed};

/// How Arrow IPC files (Feather version 2) are written, and where they are placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpcWriteOptions {
    compression: Compression,
    #[serde(skip)]
    placement: Placement,
}

impl IpcWriteOptions {
    /// Not compressed, into a place where there is nothing yet. Categories are written as their values.
    pub fn new() -> Self {
        IpcWriteOptions::default()
    }

    /// Compresses the columns: `Lz4` or `Zstd`.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    placed!();

    fn codec(&self) -> Result<Option<CompressionType>> {
        match self.compression {
            Compression::None => Ok(None),
            Compression::Lz4 => Ok(Some(CompressionType::LZ4_FRAME)),
            Compression::Zstd(_) => Ok(Some(CompressionType::ZSTD)),
            other => Err(Error::unsupported(format!("{other:?} in Arrow IPC files")).help("use Lz4 or Zstd")),
        }
    }
}

impl Format for IpcWriteOptions {
    fn extension(&self) -> &str {
        "arrow"
    }

    fn begin(&self, schema: &SchemaRef, out: Output, _ctx: &TaskContext) -> Result<Box<dyn Encoder>> {
        let options = ArrowOptions::default().try_with_compression(self.codec()?)?;
        let schema = with_values(schema);
        let writer = FileWriter::try_new_with_options(out, &schema, options)?;
        Ok(Box::new(IpcEncoder { writer, schema, rows: 0 }))
    }

    fn fits(&self, there: &[FileInfo], schema: &SchemaRef) -> Result<()> {
        append::ending(there, IpcOptions::EXTENSIONS).try_for_each(|info| {
            let there = IpcOptions::new().look(info)?.schema;
            let there: Vec<_> =
                there.fields().iter().map(|f| (f.name().as_str(), Some(f.data_type()), &*info.path)).collect();
            append::same_columns(schema, &there)
        })
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("ipc", self)
    }
}

/// The schema with the types of values in place of dictionaries: a file can have one dictionary for a column, and batches
/// come with many.
fn with_values(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Dictionary(_, values) => Arc::new(field.as_ref().clone().with_data_type(values.as_ref().clone())),
        _ => field.clone(),
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

struct IpcEncoder {
    writer: FileWriter<Output>,
    /// The columns as they are written.
    schema: SchemaRef,
    rows: u64,
}

impl Encoder for IpcEncoder {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        let columns = record.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| Ok(cast(column, field.data_type())?)).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(record.num_rows()));
        self.writer.write(&RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)?;
        self.rows += record.num_rows() as u64;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(u64, Output)> {
        self.writer.finish()?;
        Ok((self.rows, self.writer.into_inner()?))
    }
}
