//! Rows in memory on their way through the steps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};

use crate::base::schema::{index_of, logical};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::Reservation;
use crate::frame::DataFrame;
use crate::ml::classes::Classes;
use crate::ml::design::{Design, OneHotBlock};

/// Rows whose one-hot features are codes.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The columns that are columns.
    pub plain: RecordBatch,
    /// The one-hot features of each encoded column, and a code for each row.
    pub blocks: Vec<(OneHotBlock, Vec<u32>)>,
}

/// All rows of a frame in memory, in the order of the partitions, so that nothing depends on where partitions end.
pub(crate) struct Collected {
    /// The features.
    pub features: RecordBatch,
    /// The classes of the target.
    pub classes: Classes,
    /// The number of each row's class.
    pub y: Vec<u32>,
    reservation: Reservation,
}

const WHAT: &str = "the rows to fit a model to, all in memory,";

impl Collected {
    /// The rows of these columns and their classes.
    ///
    /// # Errors
    /// `Memory` if the rows do not fit into the session's memory; `Model` for a target that has not two classes, or is
    /// null or NaN somewhere; the first error of a task.
    pub fn of(frame: &DataFrame, columns: &[String], target: &str) -> Result<Collected> {
        let mut reservation = frame.session().budget().reserve(WHAT, 0).map_err(too_large)?;
        let chosen = frame.select([columns, &[target.to_string()]].concat())?;
        let mut batches = Vec::new();
        for batch in chosen.batches()? {
            let batch =
                batch.map_err(|e| if matches!(e.kind(), ErrorKind::Memory { .. }) { too_large(e) } else { e })?;
            reservation.grow(WHAT, slice_bytes(&batch)).map_err(too_large)?;
            batches.push(batch);
        }
        let (collected, copy) = (reservation.bytes(), reservation.bytes());
        reservation.grow(WHAT, copy).map_err(too_large)?;
        let whole = concat_batches(chosen.schema(), &batches)?;
        drop(batches);
        reservation.resize(WHAT, collected)?;
        let (classes, y) = Classes::of_column(whole.column(columns.len()))
            .and_then(|(classes, y)| classes.expect_two().map(|()| (classes, y)))
            .map_err(|e| e.at_column(target).doing("learn"))?;
        let features = whole.project(&(0..columns.len()).collect::<Vec<_>>())?;
        Ok(Collected { features, classes, y, reservation })
    }

    /// Reserves the memory for so many preparations of all rows at a time.
    ///
    /// # Errors
    /// `Memory` if that is more than the session's memory limit leaves.
    pub fn reserve(&mut self, at_once: usize) -> Result<()> {
        // the rows chosen, prepared, and as a design matrix, whose values have at most 8 bytes
        let prepared = 16 * (self.y.len() * self.features.num_columns()) as u64;
        let more = at_once as u64 * (slice_bytes(&self.features) + prepared);
        self.reservation.grow(WHAT, more).map_err(too_large)
    }
}

fn too_large(error: Error) -> Error {
    error.doing("fit a model to all rows").help("fit to a sample, or raise the memory limit of the session")
}

/// Bytes of the values of a batch, not of the buffers that it is a slice of.
fn slice_bytes(batch: &RecordBatch) -> u64 {
    let bytes = |c: &ArrayRef| c.to_data().get_slice_memory_size().unwrap_or_else(|_| c.get_array_memory_size());
    batch.columns().iter().map(|c| bytes(c) as u64).sum()
}

impl Rows {
    /// These columns of a batch, in this order.
    ///
    /// # Errors
    /// `UnknownColumn`.
    pub fn of(batch: &RecordBatch, columns: &[String]) -> Result<Rows> {
        let schema = batch.schema();
        let places = columns.iter().map(|name| index_of(&schema, name)).collect::<Result<Vec<_>>>()?;
        Ok(Rows { plain: batch.project(&places)?, blocks: Vec::new() })
    }

    /// All features as columns: those that are columns, then a boolean one for each one-hot feature.
    ///
    /// # Errors
    /// `Schema` if two would have one name.
    pub fn dense(self) -> Result<RecordBatch> {
        let mut fields = self.plain.schema().fields().to_vec();
        let mut columns = self.plain.columns().to_vec();
        for (block, codes) in &self.blocks {
            for (feature, code) in block.features.iter().zip(0_u32..) {
                fields.push(Arc::new(Field::new(feature, DataType::Boolean, false)));
                columns.push(Arc::new(codes.iter().map(|c| Some(*c == code)).collect::<BooleanArray>()));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.plain.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
    }

    /// The design matrix: columns as numbers, then the one-hot features.
    ///
    /// # Errors
    /// `TypeMismatch` for a column that is no number, `Model` for one with a null, NaN or infinite value; both name it.
    pub fn design(self) -> Result<Design> {
        let mut design = Design::with_rows(self.plain.num_rows());
        for (field, column) in self.plain.schema().fields().iter().zip(self.plain.columns()) {
            let values = numbers(column).map_err(|e| e.at_column(field.name()).doing("use as a feature"))?;
            design = design.numeric(field.name(), values)?;
        }
        for (block, codes) in self.blocks {
            design = design.one_hot(block, codes, false)?;
        }
        Ok(design)
    }
}

fn numbers(column: &ArrayRef) -> Result<Vec<f64>> {
    match column.data_type() {
        DataType::Dictionary(..) => {
            return Err(Error::types("the column is categorical, and a model needs numbers")
                .help("encode it with DummyEncoder, or leave it out of the frame"));
        }
        t if logical(t).is_numeric() || *t == DataType::Boolean => {}
        t => {
            return Err(Error::types(format!("the column is {t}, and a model needs numbers"))
                .help("make it categorical and encode it, cast it, or leave it out of the frame"));
        }
    }
    if let Some(row) = (0..column.len()).find(|&row| column.is_null(row)) {
        return Err(Error::model(format!("the feature is null in row {row}"))
            .help("fill or drop such values first, with fillna or filter"));
    }
    Ok(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().values().to_vec())
}
