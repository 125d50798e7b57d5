//! A partition that is being written.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Encoder, Format, Output};
use crate::base::disk::DiskFile;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::TaskContext;

/// What was written of a partition to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The file, where it will be after the commit.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A partition that is being written, to one file or several.
pub trait Part: Send {
    /// Adds rows.
    ///
    /// # Errors
    /// `Io` naming the file, for example when the disk is full; `Memory`.
    fn push(&mut self, record: &RecordBatch) -> Result<()>;

    /// Finishes its files; they do not appear yet.
    ///
    /// # Errors
    /// `Io`; `Conservation` when the files do not hold all rows.
    fn finish(self: Box<Self>) -> Result<Vec<Receipt>>;
}

/// A file that is being written.
pub(crate) struct FileWriter {
    /// Where it will be: the name in errors.
    path: PathBuf,
    encoder: Box<dyn Encoder>,
    rows: u64,
}

impl FileWriter {
    /// Begins to write to `file`, which will be `path`.
    pub(crate) fn begin(
        file: Box<dyn DiskFile>,
        format: &dyn Format,
        schema: &SchemaRef,
        path: PathBuf,
        buffer: usize,
        ctx: &TaskContext,
    ) -> Result<Self> {
        let begun = format.begin(schema, Output::new(file, buffer), ctx);
        let encoder = begun.map_err(|e| e.doing("write").at_path(path.display()))?;
        Ok(FileWriter { path, encoder, rows: 0 })
    }

    fn placed(&self, error: Error) -> Error {
        error.doing("write").at_path(self.path.display())
    }

    /// Rows that were given to it.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds rows.
    pub(crate) fn push(&mut self, record: &RecordBatch) -> Result<()> {
        self.rows += record.num_rows() as u64;
        let pushed = self.encoder.push(record);
        pushed.map_err(|e| self.placed(e))
    }

    /// Writes what is held.
    pub(crate) fn flush(&mut self) -> Result<()> {
        let flushed = self.encoder.flush();
        flushed.map_err(|e| self.placed(e))
    }

    /// Finishes the file.
    pub(crate) fn finish(self) -> Result<Receipt> {
        let FileWriter { path, encoder, rows: given } = self;
        let placed = |e: Error| e.doing("write").at_path(path.display());
        let (rows, out) = encoder.finish().map_err(placed)?;
        let bytes = out.close().map_err(|e| placed(Error::system(e)))?;
        conserved("writing", given, rows).map_err(placed)?;
        Ok(Receipt { path, rows, bytes })
    }
}

/// Fails unless as many rows came out as went in.
pub(crate) fn conserved(what: &str, rows_in: u64, rows_out: u64) -> Result<()> {
    if rows_in == rows_out {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conservation { what: what.to_string(), rows_in, rows_out }))
}
