//! Batches moved to scratch files and read back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::{Batch, Origin, Rows};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Extent, SpillFile};

/// A batch that lies in a [`SpillFile`], as an Arrow IPC stream of its own.
#[derive(Clone, Debug)]
pub struct SpilledBatch {
    extent: Extent,
    label: Label,
    /// The columns as they were, where a shorter layout was written.
    schema: Option<SchemaRef>,
}

/// What has to be known of a batch to read it from its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Label {
    checksum: u64,
    /// Its rows.
    pub(crate) rows: usize,
    /// About how many bytes it takes in memory.
    pub(crate) bytes: u64,
    file: u64,
    /// The first place of rows that follow each other; other places are a column of the stream.
    start: Option<u64>,
}

/// What the column of places is called in the stream.
const PLACES: &str = "\u{0}places";

impl SpilledBatch {
    /// Appends a batch to a file.
    ///
    /// # Errors
    /// `Io`, for example when the disk is full.
    pub fn write(file: &SpillFile, batch: &Batch) -> Result<SpilledBatch> {
        let (encoded, label, written) = encode(batch)?;
        let schema = (written != batch.record.schema()).then(|| batch.record.schema());
        Ok(SpilledBatch { extent: file.append(&encoded)?, label, schema })
    }

    /// Reads it back.
    ///
    /// # Errors
    /// `Io`; `Corrupt` when the file does not hold what was written.
    pub fn read(&self, file: &SpillFile) -> Result<Batch> {
        let decoded = decode(file.read(self.extent)?, &self.label, self.schema.as_ref());
        decoded.map_err(|e| e.doing("read back").help("check the disk of the temporary directory"))
    }

    /// Its rows.
    pub fn rows(&self) -> usize {
        self.label.rows
    }

    /// About how many bytes it takes in memory.
    pub fn bytes(&self) -> u64 {
        self.label.bytes
    }
}

/// A batch as bytes, what has to be known of it, and the columns as they are in the bytes.
pub(crate) fn encode(batch: &Batch) -> Result<(Vec<u8>, Label, SchemaRef)> {
    let rows = batch.rows();
    let start = match &batch.origin.rows {
        Rows::Range { start } => Some(*start),
        _ => None,
    };
    let record = compact(&batch.record)?;
    let schema = record.schema();
    let record = if start.is_some() { record } else { with_places(&record, batch.origin.rows.places(rows))? };
    let bytes = record.columns().iter().map(|c| Ok(c.to_data().get_slice_memory_size()? as u64)).sum::<Result<_>>()?;
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &record.schema(), options)?;
    writer.write(&record)?;
    writer.finish()?;
    let encoded = writer.into_inner()?;
    let label = Label { checksum: xxh3_64(&encoded), rows, bytes, file: batch.origin.file, start };
    Ok((encoded, label, schema))
}

/// The batch from its bytes, its columns in the types of `schema` if they are others.
///
/// # Errors
/// `Corrupt` when the bytes are not what was written.
pub(crate) fn decode(encoded: Vec<u8>, label: &Label, schema: Option<&SchemaRef>) -> Result<Batch> {
    let damaged = || {
        let what = "a scratch file does not hold what was written to it".to_string();
        Error::new(ErrorKind::Corrupt { what })
    };
    if xxh3_64(&encoded) != label.checksum {
        return Err(damaged());
    }
    let mut record = StreamDecoder::new().decode(&mut Buffer::from_vec(encoded))?.ok_or_else(damaged)?;
    if record.num_rows() != label.rows {
        return Err(damaged());
    }
    let rows = match label.start {
        Some(start) => Rows::Range { start },
        None => {
            let places = record.remove_column(record.num_columns() - 1);
            Rows::List(places.as_primitive::<UInt64Type>().values().clone())
        }
    };
    if let Some(schema) = schema {
        let columns = record.columns().iter().zip(schema.fields());
        let columns = columns.map(|(column, field)| Ok(cast(column, field.data_type())?));
        let options = RecordBatchOptions::new().with_row_count(Some(label.rows));
        record = RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_>>()?, &options)?;
    }
    Ok(Batch { record, origin: Origin { file: label.file, rows } })
}

/// Without what a slice, a view or a dictionary holds beside its rows.
fn compact(record: &RecordBatch) -> Result<RecordBatch> {
    let columns = record.columns().iter().map(|column| {
        Ok(match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()) as ArrayRef,
            DataType::Dictionary(_, values) => match column.as_any_dictionary_opt() {
                Some(dictionary) if dictionary.values().len() > column.len() => cast(column, values)?,
                _ => column.clone(),
            },
            _ => column.clone(),
        })
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let fields = record.schema();
    let fields = fields.fields().iter().zip(&columns).map(|(field, column)| {
        let same = field.data_type() == column.data_type();
        if same { field.clone() } else { Arc::new(field.as_ref().clone().with_data_type(column.data_type().clone())) }
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(record.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

fn with_places(record: &RecordBatch, places: Vec<u64>) -> Result<RecordBatch> {
    let mut fields: Vec<_> = record.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(PLACES, DataType::UInt64, false)));
    let mut columns = record.columns().to_vec();
    columns.push(Arc::new(UInt64Array::from(places)));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray, StringViewArray};
    use arrow::compute::concat_batches;

    use super::*;
    use crate::exec::Spill;

    fn batch() -> Batch {
        let keys = StringArray::from(vec![Some("a"), None, Some("b"), Some("a")]);
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)]))),
            ("x", Arc::new(Float64Array::from(vec![0.5, f64::NAN, -0.0, 1e300]))),
            ("view", Arc::new(StringViewArray::from(vec!["short", "long enough to need a buffer", "", "x"]))),
            ("key", cast(&(Arc::new(keys) as ArrayRef), &dictionary).unwrap()),
        ];
        Batch::new(
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap(),
            3,
            10,
        )
    }

    #[test]
    fn batches_come_back_with_their_places() {
        let file = Spill::default().file();
        let whole = batch();
        let kept = whole.filter(&BooleanArray::from(vec![true, false, true, true])).unwrap();
        for batch in [whole.clone(), kept.clone(), kept.slice(1, 1), whole.slice(2, 0)] {
            let spilled = SpilledBatch::write(&file, &batch).unwrap();
            let back = spilled.read(&file).unwrap();
            assert_eq!(spilled.rows(), batch.rows());
            assert_eq!(back.origin.file, 3);
            assert_eq!(back.origin.rows.places(back.rows()), batch.origin.rows.places(batch.rows()));
            let schema = batch.record.schema();
            assert_eq!(back.record, concat_batches(&schema, [&batch.record]).unwrap());
        }
    }
}
