//! From sampled keys to where partitions begin. Pure.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array, new_null_array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Field, Schema, UInt64Type};

use crate::base::Result;
use crate::expr::col;
use crate::expr::order::{Encoder, Keys};
use crate::io::Batch;

/// A text that partitions are told apart by has at most so many bytes.
const TEXT: usize = 56;
/// And the key of any other value so many.
const SHORT: usize = 64;

/// Keys of some values that compare like rows in the order of a column.
pub(in crate::ops) fn keys_of(values: &ArrayRef, field: &Field) -> Result<Keys> {
    let schema = Arc::new(Schema::new(vec![field.clone()]));
    let record = RecordBatch::try_new(schema, vec![values.clone()])?;
    Encoder::new(&[col(field.name()).asc()], &record.schema())?.encode(&record)
}

/// Where at most `most` partitions of about as many rows each begin, and where the last one ends, from batches of keys
/// and their weights. Without any key there is one partition, from null to null.
pub(super) fn bounds(field: &Field, batches: &[Batch], most: usize) -> Result<ArrayRef> {
    if batches.is_empty() {
        return Ok(new_null_array(field.data_type(), 2));
    }
    let column = |place: usize| {
        let parts: Vec<&dyn Array> = batches.iter().map(|b| b.record.column(place).as_ref()).collect();
        concat(&parts)
    };
    let (values, weights) = (column(0)?, column(1)?);
    let weights = weights.as_primitive::<UInt64Type>().values();
    let keys = keys_of(&values, field)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| keys.compare(a, &keys, b).then(a.cmp(&b)));
    let all: u64 = weights.iter().sum();
    let at = |part: usize| (u128::from(all) * part as u128 / most.max(1) as u128) as u64;
    let (mut chosen, mut seen, mut part) = (Vec::new(), 0, 1);
    for row in order.iter().copied() {
        if part < most && weights[row] > 0 && seen >= at(part) {
            chosen.push(row as u64);
            while part < most && seen >= at(part) {
                part += 1;
            }
        }
        seen += weights[row];
    }
    let place = |row: Option<&usize>| UInt64Array::from_iter_values(row.map(|&row| row as u64));
    let least = take(&values, &place(order.first()), None)?;
    let largest = take(&values, &place(order.last()), None)?;
    let inner = shortened(&take(&values, &UInt64Array::from(chosen), None)?)?;
    let inner = rising(&concat(&[&least, &inner])?, field)?;
    Ok(concat(&[&inner, &largest])?)
}

/// Texts cut so that they can be told apart by a few bytes: what begins a text is not above it.
fn shortened(values: &ArrayRef) -> Result<ArrayRef> {
    if !matches!(values.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return Ok(values.clone());
    }
    let texts = cast(values, &DataType::Utf8)?;
    let start = |text: &str| (0..=TEXT.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let short: StringArray = texts.as_string::<i32>().iter().map(|t| t.map(|t| t[..start(t)].to_string())).collect();
    let short: ArrayRef = Arc::new(short);
    Ok(cast(&short, values.data_type())?)
}

/// The first value, and those that are above all before them and, as keys, short enough.
fn rising(values: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let keys = keys_of(values, field)?;
    let mut kept: Vec<usize> = Vec::with_capacity(keys.len());
    for row in 0..keys.len() {
        let above = |&last: &usize| keys.compare(row, &keys, last).is_gt() && keys.whole(row).len() < SHORT;
        if kept.last().is_none_or(above) {
            kept.push(row);
        }
    }
    Ok(take(values, &UInt64Array::from_iter_values(kept.into_iter().map(|row| row as u64)), None)?)
}
