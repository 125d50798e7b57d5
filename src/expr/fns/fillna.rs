//! `fillna`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::{meet, meet_values, to_type};
use crate::expr::{Arg, Notation, ScalarFn, Value};

/// The value, or another one where it is null or NaN (pandas' `fillna`, SQL's `coalesce` but for NaN).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FillNull;

impl fmt::Display for FillNull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fillna")
    }
}

impl Identity for FillNull {
    fn token(&self, t: &mut Tokenizer) {
        t.str("fillna");
    }
}

impl ScalarFn for FillNull {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a, b] = args else { return Err(Error::invalid("`fillna` takes a column and a value")) };
        let nullable = a.field.is_nullable() && b.field.is_nullable();
        Ok(Arc::new(Field::new(a.field.name(), meet(a, b)?, nullable)))
    }

    fn eval(&self, args: &[Value], rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(Error::invalid("`fillna` takes a column and a value")) };
        let data_type = meet_values(a, b)?;
        let (a, b) = (to_type(a, &data_type)?, to_type(b, &data_type)?);
        match (&data_type, &b) {
            (DataType::Float64, Value::Scalar(s)) if !s.is_null() => Ok(with_float::<Float64Type>(&a, &b, f64::is_nan)),
            (DataType::Float32, Value::Scalar(s)) if !s.is_null() => Ok(with_float::<Float32Type>(&a, &b, f32::is_nan)),
            _ => with_any(&a, &b, rows),
        }
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }
}

/// One pass when there are no nulls, and no copy when there is nothing to fill.
fn with_float<T: ArrowPrimitiveType>(a: &Value, b: &Value, is_nan: fn(T::Native) -> bool) -> Value {
    let (array, fill) = (a.rows().as_primitive::<T>(), b.rows().as_primitive::<T>().value(0));
    let values = array.values();
    // no early way out, so that the loop is vectorised
    let any_nan = values.iter().fold(false, |any, &v| any | is_nan(v));
    if array.null_count() == 0 && !any_nan {
        return a.clone();
    }
    let or_fill = |v| if is_nan(v) { fill } else { v };
    let filled: Vec<T::Native> = match array.nulls().filter(|n| n.null_count() > 0) {
        None => values.iter().map(|&v| or_fill(v)).collect(),
        Some(nulls) => values.iter().zip(nulls).map(|(&v, valid)| if valid { or_fill(v) } else { fill }).collect(),
    };
    a.like(Arc::new(PrimitiveArray::<T>::new(filled.into(), None)))
}

fn with_any(a: &Value, b: &Value, rows: usize) -> Result<Value> {
    let scalars = matches!((a, b), (Value::Scalar(_), Value::Scalar(_)));
    let rows = if scalars { 1 } else { rows };
    let array: ArrayRef = a.clone().into_array(rows)?;
    let nan = super::IsNan.eval(&[Value::Array(array.clone())], rows).ok();
    let nan = nan.filter(|_| array.data_type().is_floating());
    let keep: BooleanArray = (0..rows)
        .map(|i| {
            let is_nan = matches!(&nan, Some(Value::Array(n)) if n.as_boolean().value(i));
            Some(array.is_valid(i) && !is_nan)
        })
        .collect();
    if keep.true_count() == rows {
        return Ok(a.clone());
    }
    let fill = b.clone().into_array(rows)?;
    let result = zip(&keep, &array, &fill)?;
    Ok(if scalars { a.like(result) } else { Value::Array(result) })
}
