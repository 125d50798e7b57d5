//! Columns of a batch by their names.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema, SchemaRef};

use super::one_pass::with_columns;
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Result};

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

/// The names of all columns, where all are numbers or truth values.
///
/// # Errors
/// `TypeMismatch`, naming the first column that is none; `doing` and `done` are what would be done to it, as "scale" and "scaled".
pub(super) fn numeric(schema: &Schema, doing: &str, done: &str) -> Result<Vec<String>> {
    let name = |field: &FieldRef| {
        let t = logical(field.data_type());
        let number = t.is_numeric() || t == DataType::Boolean;
        let error = || Error::types(format!("values of type {t} cannot be {done}")).at_column(field.name());
        number.then(|| field.name().clone()).ok_or_else(|| error().doing(doing).help(match done {
            "averaged" => "fill such columns with SimpleImputer::most_frequent() or constant(..), by a part of a ColumnTransformer",
            _ => "name the numeric columns: ColumnTransformer::new().with(\"num\", StandardScaler::new(), [\"fare\"])",
        }))
    };
    schema.fields().iter().map(name).collect()
}

/// A numeric column as floats.
///
/// # Errors
/// `UnknownColumn`; `TypeMismatch` for text.
pub(super) fn floats(batch: &RecordBatch, name: &str, doing: &str) -> Result<Float64Array> {
    let column = batch.column(index_of(&batch.schema(), name).map_err(|e| e.doing(doing))?);
    match logical(column.data_type()) {
        DataType::Utf8 => Err(Error::types("a number is needed, and the values are text").at_column(name).doing(doing)),
        _ => Ok(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone()),
    }
}

/// The values that are neither null nor NaN.
///
/// # Errors
/// `Model` for an infinite value, naming the column: nothing can be measured by it.
pub(super) fn finite_values<'a>(
    column: &'a Float64Array,
    name: &str,
    doing: &str,
) -> Result<impl Iterator<Item = f64> + use<'a>> {
    let values = || column.iter().flatten().filter(|value| !value.is_nan());
    match values().find(|value| value.is_infinite()) {
        Some(value) => Err(Error::model(format!("the value {value} has no place on a scale"))
            .at_column(name)
            .doing(doing)
            .help("replace infinite values first")),
        None => Ok(values()),
    }
}

/// The schema with these columns as `Float64`.
///
/// # Errors
/// `UnknownColumn`.
pub(super) fn with_floats<'a>(input: &Schema, columns: impl IntoIterator<Item = &'a str>) -> Result<SchemaRef> {
    let mut fields: Vec<FieldRef> = input.fields().iter().cloned().collect();
    for name in columns {
        let place = index_of(input, name)?;
        fields[place] = Arc::new(Field::clone(&fields[place]).with_data_type(DataType::Float64));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The batch with these columns as floats, each changed by its function; null stays null.
///
/// # Errors
/// `UnknownColumn`; `TypeMismatch` for text.
pub(super) fn map_floats<'a, F: Fn(f64) -> f64>(
    batch: &RecordBatch,
    columns: impl Iterator<Item = (&'a str, F)> + Clone,
    doing: &str,
) -> Result<RecordBatch> {
    let schema = with_floats(&batch.schema(), columns.clone().map(|(name, _)| name)).map_err(|e| e.doing(doing))?;
    let mut arrays = batch.columns().to_vec();
    for (name, f) in columns {
        let values = floats(batch, name, doing)?;
        arrays[index_of(&schema, name)?] = Arc::new(values.unary::<_, Float64Type>(f));
    }
    with_columns(batch, schema, arrays)
}
