//! CSV as a file format that partitions are written in.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use super::file::CsvFile;
use super::source::EXTENSIONS;
use super::{CsvOptions, CsvWriter};
use crate::base::{Error, Result};
use crate::exec::{Reservation, TaskContext};
use crate::expr::Portable;
use crate::io::FileInfo;
use crate::io::sink::append;
use crate::io::sink::{Compression, Encoder, Format, Output, Placement, placed};
use crate::io::text::Packed;

/// How CSV files are written, and where they are placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvWriteOptions {
    pub(super) delimiter: u8,
    pub(super) header: bool,
    compression: Compression,
    #[serde(skip)]
    placement: Placement,
}

impl Default for CsvWriteOptions {
    fn default() -> Self {
        CsvWriteOptions::new()
    }
}

impl CsvWriteOptions {
    /// Commas, a line of column names in each file, not compressed, into a place where there is nothing yet.
    pub fn new() -> Self {
        CsvWriteOptions {
            delimiter: b',',
            header: true,
            compression: Compression::None,
            placement: Placement::default(),
        }
    }

    /// What stands between two fields.
    #[must_use]
    pub fn delimiter(mut self, byte: u8) -> Self {
        self.delimiter = byte;
        self
    }

    /// Whether each file begins with the names of the columns.
    #[must_use]
    pub fn header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    /// Compresses whole files: gzip (`.csv.gz`) or Zstandard (`.csv.zst`). Such a file is read as one partition.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    placed!();
}

impl Format for CsvWriteOptions {
    fn extension(&self) -> &str {
        match self.compression {
            Compression::Gzip => "csv.gz",
            Compression::Zstd(_) => "csv.zst",
            _ => "csv",
        }
    }

    fn begin(&self, schema: &SchemaRef, out: Output, ctx: &TaskContext) -> Result<Box<dyn Encoder>> {
        let (packed, held) = Packed::new(self.compression, out)?;
        let held = ctx.budget.reserve("a CSV file that is being compressed", held)?;
        let mut writer = CsvWriter::new(packed, self);
        writer.begin(schema)?;
        Ok(Box::new(CsvEncoder { writer, _held: held }))
    }

    fn fits(&self, there: &[FileInfo], schema: &SchemaRef) -> Result<()> {
        if !self.header {
            return Ok(());
        }
        let files: Vec<_> = append::ending(there, &EXTENSIONS).collect();
        let ends = [files.first(), files.last()].into_iter().flatten();
        ends.filter(|file| file.size > 0).try_for_each(|info| {
            // the types of columns are not told
            let (file, ..) = CsvFile::open(info, &CsvOptions::new().delimiter(self.delimiter))?;
            let there: Vec<_> = file.names.iter().map(|name| (name.as_str(), None, &*info.path)).collect();
            append::same_columns(schema, &there)
        })
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("csv", self)
    }
}

struct CsvEncoder {
    writer: CsvWriter<Packed>,
    _held: Reservation,
}

impl Encoder for CsvEncoder {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        self.writer.write(record)
    }

    fn finish(self: Box<Self>) -> Result<(u64, Output)> {
        let rows = self.writer.rows();
        let out = self.writer.finish()?.finish().map_err(Error::system)?;
        Ok((rows, out))
    }
}
