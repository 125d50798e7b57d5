//! Two columns walked together, where either may be one value for all rows.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::error::ArrowError;

use crate::base::Result;
use crate::expr::Value;

/// `f` of each pair of values, null rows included, and where the pairs have a null.
///
/// `f` sees the arbitrary values below nulls, so it must not fail; the loops are free of branches where `f` is.
pub(super) fn map_pairs<A: ArrowPrimitiveType, B: ArrowPrimitiveType, R: Copy + Default>(
    a: &Value,
    b: &Value,
    mut f: impl FnMut(A::Native, B::Native) -> R,
) -> (Vec<R>, Option<NullBuffer>) {
    let (x, y) = (a.rows().as_primitive::<A>(), b.rows().as_primitive::<B>());
    let nulls = nulls_of_pairs(a, b);
    let one = |found: Option<R>| found.into_iter().collect();
    let values = match (a, b) {
        (Value::Array(_), Value::Array(_)) => {
            x.values().iter().zip(y.values()).map(|(&x, &y)| f(x, y)).collect::<Vec<R>>()
        }
        (Value::Array(_), Value::Scalar(_)) => match y.values().first() {
            Some(&y) => x.values().iter().map(|&x| f(x, y)).collect(),
            None => Vec::new(),
        },
        (Value::Scalar(_), Value::Array(_)) => match x.values().first() {
            Some(&x) => y.values().iter().map(|&y| f(x, y)).collect(),
            None => Vec::new(),
        },
        (Value::Scalar(_), Value::Scalar(_)) => one(x.values().first().zip(y.values().first()).map(|(&x, &y)| f(x, y))),
    };
    (values, nulls)
}

/// Where either of two values is null.
pub(super) fn nulls_of_pairs(a: &Value, b: &Value) -> Option<NullBuffer> {
    let rows = rows_of(a, b);
    let nulls = |v: &Value| match v {
        Value::Array(array) => array.logical_nulls().filter(|n| n.null_count() > 0),
        Value::Scalar(scalar) => scalar.is_null().then(|| NullBuffer::new_null(rows)),
    };
    NullBuffer::union(nulls(a).as_ref(), nulls(b).as_ref())
}

/// How many rows two values have together.
pub(super) fn rows_of(a: &Value, b: &Value) -> usize {
    match (a, b) {
        (Value::Array(array), _) | (_, Value::Array(array)) => array.len(),
        _ => 1,
    }
}

/// The result of two values: a scalar if both are.
pub(super) fn paired(a: &Value, b: &Value, result: ArrayRef) -> Value {
    match (a, b) {
        (Value::Scalar(_), Value::Scalar(_)) => a.like(result),
        _ => Value::Array(result),
    }
}

/// The result for several values: a scalar if all are.
pub(super) fn joined(args: &[Value], result: ArrayRef) -> Value {
    match args.iter().find(|a| matches!(a, Value::Array(_))).or(args.first()) {
        Some(first) => first.like(result),
        None => Value::Array(result),
    }
}

/// How many rows several values have together: one if all are scalars.
pub(super) fn rows_together(args: &[Value], rows: usize) -> usize {
    if args.iter().all(|a| matches!(a, Value::Scalar(_))) { 1 } else { rows }
}

/// The row of `array` that stands for row `i`.
pub(super) fn value_at<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, i: usize) -> T::Native {
    array.value(if array.len() == 1 { 0 } else { i })
}

/// A kernel of Arrow's applied to two values.
pub(super) fn with_datums(
    a: &Value,
    b: &Value,
    kernel: impl Fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError>,
) -> Result<Value> {
    let datum = |v: &Value| -> Box<dyn Datum> {
        match v {
            Value::Array(array) => Box::new(array.clone()),
            Value::Scalar(scalar) => Box::new(arrow::array::Scalar::new(scalar.array().clone())),
        }
    };
    Ok(paired(a, b, kernel(datum(a).as_ref(), datum(b).as_ref())?))
}
