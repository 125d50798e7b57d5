//! Rows in memory on their way through the steps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};

use crate::base::schema::{index_of, logical};
use crate::base::{Error, Result};
use crate::ml::design::{Design, OneHotBlock, in_row};

/// Rows whose one-hot features are codes.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The columns that are columns.
    pub plain: RecordBatch,
    /// The one-hot features of each encoded column, and a code for each row.
    pub blocks: Vec<(OneHotBlock, Vec<u32>)>,
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
        self.design_from(None)
    }

    /// The same of rows of which the first has this number among all, if that is known.
    ///
    /// # Errors
    /// As [`design`](Self::design).
    pub fn design_from(self, first: Option<u64>) -> Result<Design> {
        let mut design = Design::with_rows(self.plain.num_rows());
        for (field, column) in self.plain.schema().fields().iter().zip(self.plain.columns()) {
            let values = numbers(column, first).map_err(|e| e.at_column(field.name()).doing("use as a feature"))?;
            design = design.numeric_from(field.name(), values, first)?;
        }
        for (block, codes) in self.blocks {
            design = design.one_hot(block, codes, false)?;
        }
        Ok(design)
    }
}

fn numbers(column: &ArrayRef, first: Option<u64>) -> Result<Vec<f64>> {
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
        let place = in_row(first.map(|first| first + row as u64));
        return Err(Error::model(format!("the feature is null{place}"))
            .help("fill or drop such values first, with fillna or filter"));
    }
    Ok(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().values().to_vec())
}
