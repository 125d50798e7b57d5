//! File formats, for writing.

use std::fmt::Debug;
use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Placement;
use crate::base::Result;
use crate::base::disk::DiskFile;
use crate::exec::TaskContext;
use crate::expr::Portable;
use crate::io::FileInfo;

/// A file format, for writing.
pub trait Format: Debug + Send + Sync {
    /// What files of this format end in, without the dot.
    fn extension(&self) -> &str;

    /// Begins a file with these columns. What the encoder holds it reserves from the budget of `ctx`.
    ///
    /// # Errors
    /// `Unsupported` for columns that the format does not have, `Io`, `Memory`.
    fn begin(&self, schema: &SchemaRef, out: Output, ctx: &TaskContext) -> Result<Box<dyn Encoder>>;

    /// Whether a file with these columns may be added to these files, of whatever formats, which lie in a folder and in those
    /// below it. By default any may.
    ///
    /// # Errors
    /// `Schema`, naming a file that is there and the column that differs; `Io`, `Corrupt` when they cannot be read.
    fn fits(&self, there: &[FileInfo], schema: &SchemaRef) -> Result<()> {
        let _ = (there, schema);
        Ok(())
    }

    /// The format as a name and its settings, by which another process finds it; `None` for one of a user's own.
    fn portable(&self) -> Option<Portable> {
        None
    }

    /// How its files are placed.
    fn placement(&self) -> Placement {
        Placement::default()
    }
}

/// A file that is being written.
pub trait Encoder: Send {
    /// Adds rows.
    ///
    /// # Errors
    /// `Io`, `Unsupported`; `Memory` when not even these rows fit into the limit.
    fn push(&mut self, record: &RecordBatch) -> Result<()>;

    /// Writes what is held, so that it holds as little as it can.
    ///
    /// # Errors
    /// `Io`.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// Writes what is left; gives the number of rows that the file holds, counted by what was written, and the output.
    ///
    /// # Errors
    /// `Io`.
    fn finish(self: Box<Self>) -> Result<(u64, Output)>;
}

/// The bytes of a file that is being written, buffered and counted.
pub struct Output {
    file: BufWriter<Box<dyn DiskFile>>,
    bytes: u64,
}

impl Output {
    /// Bytes that are held until they are written, where one file is written at a time.
    pub const BUFFER: usize = 256 << 10;

    /// Writes to `file`, about `buffer` bytes at a time.
    pub fn new(file: Box<dyn DiskFile>, buffer: usize) -> Self {
        Output { file: BufWriter::with_capacity(buffer, file), bytes: 0 }
    }

    /// Flushes and syncs; gives the number of bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn close(mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_mut().sync()?;
        Ok(self.bytes)
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buf)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
