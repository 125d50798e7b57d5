//! Rows from other Arrow programs, and to them.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};

use super::DataFrame;
use crate::base::{Error, Result};
use crate::ops::Gathered;
use crate::session::Session;

/// The rows of a frame as another Arrow program reads them: see [`DataFrame::to_reader`].
pub struct BatchReader {
    schema: SchemaRef,
    batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send>,
}

impl Iterator for BatchReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next().map(|batch| batch.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for BatchReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl std::fmt::Debug for BatchReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BatchReader").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl DataFrame {
    /// A frame of all rows of a reader, in the current session: of a Parquet or IPC reader of Arrow's, of a database, of
    /// whatever gives record batches. A reader can be read only once, so that is done here: its rows are kept in
    /// partitions of about a million rows, in memory, or on disk where the memory limit asks for that.
    ///
    /// ```
    /// use arrow::array::{Int64Array, RecordBatch, RecordBatchIterator};
    /// use partita::DataFrame;
    /// # use std::sync::Arc;
    /// let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)]).unwrap();
    /// let reader = RecordBatchIterator::new([Ok(batch.clone()), Ok(batch.clone())], batch.schema());
    /// let frame = DataFrame::from_reader(reader)?;
    /// assert_eq!(frame.len()?, 6);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// The first error of the reader; `Schema` for a batch with other columns than the reader says; `Io` when the disk is
    /// full.
    pub fn from_reader(reader: impl RecordBatchReader) -> Result<DataFrame> {
        Session::current()?.from_reader(reader)
    }

    /// As [`from_reader`](Self::from_reader), of a stream in Arrow's C interface: what pyarrow, Polars, DuckDB or any other
    /// program in the same process exports.
    ///
    /// # Errors
    /// As [`from_reader`](Self::from_reader); `Schema` when the stream does not tell its columns.
    pub fn from_arrow_stream(stream: FFI_ArrowArrayStream) -> Result<DataFrame> {
        let reader =
            RecordBatchStreamReader::try_new(stream).map_err(|e| Error::from(e).doing("open an Arrow stream"))?;
        DataFrame::from_reader(reader)
    }

    /// The rows as [`batches`](Self::batches) gives them, for whoever wants a reader of Arrow's: its Parquet and IPC writers,
    /// databases.
    ///
    /// # Errors
    /// As [`batches`](Self::batches); errors of tasks come out of the reader, as `ArrowError::ExternalError`.
    pub fn to_reader(&self) -> Result<BatchReader> {
        // what a batch says of nulls may be stricter than what the frame says
        let schema = self.schema().clone();
        let same = schema.clone();
        let batches = self.batches()?.map(move |batch| Ok(batch?.with_schema(same.clone())?));
        Ok(BatchReader { schema, batches: Box::new(batches) })
    }

    /// The rows in Arrow's C interface for streams, for pyarrow, Polars, DuckDB or any other program in the same process.
    /// They are computed while they are taken; when the stream is released, the computation stops.
    ///
    /// ```
    /// use partita::{DataFrame, read_parquet};
    /// let trips = read_parquet("data/*.parquet")?;
    /// let there = trips.to_arrow_stream()?;
    /// let back = DataFrame::from_arrow_stream(there)?;
    /// assert_eq!(back.len()?, trips.len()?);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`batches`](Self::batches); errors of tasks reach the reader of the stream.
    pub fn to_arrow_stream(&self) -> Result<FFI_ArrowArrayStream> {
        Ok(FFI_ArrowArrayStream::new(Box::new(self.to_reader()?)))
    }
}

impl Session {
    /// As [`DataFrame::from_reader`], in this session.
    ///
    /// # Errors
    /// As there.
    pub fn from_reader(&self, reader: impl RecordBatchReader) -> Result<DataFrame> {
        let schema = reader.schema();
        let same = schema.clone();
        let batches = reader.map(move |batch| {
            let batch = batch.map_err(|e| unwrapped(e).doing("read record batches"))?;
            batch.with_schema(same.clone()).map_err(|e| Error::from(e).doing("read record batches"))
        });
        DataFrame::from_source(Arc::new(Gathered::all(schema, batches, self.task_context())?), self)
    }
}

/// An error of a reader; one of ours that went through a reader is what it was.
fn unwrapped(error: ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::from(ArrowError::ExternalError(other)),
        },
        other => Error::from(other),
    }
}
