//! CSV as a file format that partitions are written in.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::CsvWriter;
use crate::base::Result;
use crate::io::sink::{Encoder, Format, Output};

/// How CSV files are written.
#[derive(Clone, Copy, Debug)]
pub struct CsvWriteOptions {
    delimiter: u8,
    header: bool,
}

impl Default for CsvWriteOptions {
    fn default() -> Self {
        CsvWriteOptions::new()
    }
}

impl CsvWriteOptions {
    /// Commas, and a line of column names in each file.
    pub fn new() -> Self {
        CsvWriteOptions { delimiter: b',', header: true }
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
}

impl Format for CsvWriteOptions {
    fn extension(&self) -> &str {
        "csv"
    }

    fn begin(&self, schema: &SchemaRef, out: Output) -> Result<Box<dyn Encoder>> {
        let mut writer = CsvWriter::new(out).delimiter(self.delimiter).header(self.header);
        writer.begin(schema)?;
        Ok(Box::new(CsvEncoder { writer, rows: 0 }))
    }
}

struct CsvEncoder {
    writer: CsvWriter<Output>,
    rows: u64,
}

impl Encoder for CsvEncoder {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        self.writer.write(record)?;
        self.rows += record.num_rows() as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(u64, Output)> {
        Ok((self.rows, self.writer.finish()?))
    }
}
