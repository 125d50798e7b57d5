//! Columns of a batch by their names.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use crate::base::Result;
use crate::base::schema::index_of;

fn places(schema: &Schema, columns: &[String]) -> Result<Vec<usize>> {
    columns.iter().map(|name| index_of(schema, name).map_err(|e| e.doing("transform"))).collect()
}

/// These columns.
///
/// # Errors
/// `UnknownColumn`.
pub(super) fn select_schema(schema: &Schema, columns: &[String]) -> Result<Schema> {
    Ok(schema.project(&places(schema, columns)?)?)
}

/// These columns.
///
/// # Errors
/// `UnknownColumn`.
pub(super) fn select(batch: &RecordBatch, columns: &[String]) -> Result<RecordBatch> {
    Ok(batch.project(&places(&batch.schema(), columns)?)?)
}
