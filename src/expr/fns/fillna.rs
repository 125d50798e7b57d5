//! `fillna`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, Scalar as One};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type};

use super::one_column::arity;
use super::pairs::{paired, rows_of};
use crate::base::{Identity, Result, Tokenizer};
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
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        let data_type = meet(a, b)?;
        // NaN is filled too, so that a null to fill with can come even where nothing was null
        let nullable = b.field.is_nullable() && (a.field.is_nullable() || data_type.is_floating());
        Ok(Arc::new(Field::new(a.field.name(), data_type, nullable)))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        let data_type = meet_values(a, b)?;
        let (a, b) = (to_type(a, &data_type)?, to_type(b, &data_type)?);
        match (&data_type, &a, &b) {
            (DataType::Float64, Value::Array(x), Value::Scalar(s)) if !s.is_null() => {
                Ok(Value::Array(with_number::<Float64Type>(x, s.array(), f64::is_nan)))
            }
            (DataType::Float32, Value::Array(x), Value::Scalar(s)) if !s.is_null() => {
                Ok(Value::Array(with_number::<Float32Type>(x, s.array(), f32::is_nan)))
            }
            (DataType::Int64, Value::Array(x), Value::Scalar(s)) if !s.is_null() => {
                Ok(Value::Array(with_number::<Int64Type>(x, s.array(), |_| false)))
            }
            (DataType::Int32, Value::Array(x), Value::Scalar(s)) if !s.is_null() => {
                Ok(Value::Array(with_number::<Int32Type>(x, s.array(), |_| false)))
            }
            _ => with_any(&a, &b),
        }
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }
}

/// One pass when there are no nulls, and no copy when there is nothing to fill.
fn with_number<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    fill: &ArrayRef,
    is_nan: impl Fn(T::Native) -> bool,
) -> ArrayRef {
    let (array, fill) = (column.as_primitive::<T>(), fill.as_primitive::<T>().value(0));
    let values = array.values();
    let or_fill = |v| if is_nan(v) { fill } else { v };
    let filled: Vec<T::Native> = match array.nulls().filter(|n| n.null_count() > 0) {
        None => {
            // no early way out, so that the loop is vectorised
            let any_nan = values.iter().fold(false, |any, &v| any | is_nan(v));
            if !any_nan {
                return column.clone();
            }
            values.iter().map(|&v| or_fill(v)).collect()
        }
        Some(nulls) => {
            let mut filled: Vec<T::Native> = values.iter().map(|&v| or_fill(v)).collect();
            fill_nulls(&mut filled, nulls, fill);
            filled
        }
    };
    Arc::new(PrimitiveArray::<T>::new(filled.into(), None))
}

/// Writes `fill` wherever `nulls` says so, 64 rows at a time; words without nulls cost nothing.
fn fill_nulls<N: Copy>(values: &mut [N], nulls: &NullBuffer, fill: N) {
    let bits = nulls.inner().bit_chunks();
    for (block, mut word) in values.chunks_mut(64).zip(bits.iter().chain(std::iter::once(bits.remainder_bits()))) {
        for value in block {
            *value = if word & 1 == 1 { *value } else { fill };
            word >>= 1;
        }
    }
}

fn with_any(a: &Value, b: &Value) -> Result<Value> {
    let column = a.rows();
    let nan = match column.data_type().is_floating() {
        true => Some(super::IsNan.eval(&[Value::Array(column.clone())], column.len())?),
        false => None,
    };
    let there = column.logical_nulls().map(|n| BooleanArray::new(n.into_inner(), None));
    let keep = match nan.as_ref().map(|n| n.rows().as_boolean()) {
        // a null NaN-or-not is kept out by `there`
        Some(nan) => {
            let number = BooleanArray::new(!nan.values(), None);
            there.map_or(Ok(number.clone()), |there| arrow::compute::and(&there, &number))?
        }
        None => match there {
            Some(there) => there,
            None => return whole(a, b),
        },
    };
    if keep.true_count() == keep.len() {
        return whole(a, b);
    }
    let result = match (a, b) {
        (Value::Array(x), Value::Array(y)) => zip(&keep, x, y)?,
        (Value::Array(x), Value::Scalar(y)) => zip(&keep, x, &One::new(y.array().clone()))?,
        (Value::Scalar(_), Value::Array(y)) => y.clone(),
        (Value::Scalar(_), Value::Scalar(y)) => y.array().clone(),
    };
    Ok(paired(a, b, result))
}

/// `a`, in which nothing is to be filled.
fn whole(a: &Value, b: &Value) -> Result<Value> {
    Ok(paired(a, b, a.clone().into_array(rows_of(a, b))?))
}
