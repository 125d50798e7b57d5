//! `fillna`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, Scalar as One};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type};

use super::one_column::arity;
use super::pairs::{paired, rows_of};
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::coerce::{meet, meet_values, to_type};
use crate::expr::{Arg, Notation, Portable, ScalarFn, Value};

/// The value, or another one where it is null or NaN (pandas' `fillna`, SQL's `coalesce` but for NaN).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
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

    fn can_fail(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("fillna", self)
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
            (!nulls.inner()).set_indices().for_each(|row| filled[row] = fill);
            filled
        }
    };
    Arc::new(PrimitiveArray::<T>::new(filled.into(), None))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::testing::{Numbers, column, one, two, values};
    use crate::{col, lit};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn null_and_nan_are_filled_and_nothing_else(
            rows in prop::collection::vec((prop::option::of(prop_oneof![Just(f64::NAN), Just(-0.0), -9.0..9.0f64]), prop::option::of(-9i64..9)), 1..200)
        ) {
            let (x, y): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            let (a, b) = (x.clone().column(), y.clone().column());
            let bits = |v: &ArrayRef| values::<Float64Type>(v).into_iter().map(|v| v.map(f64::to_bits)).collect::<Vec<_>>();
            let is_missing = |v: Option<f64>| v.is_none_or(f64::is_nan);
            let twin: Vec<_> = x.iter().map(|&v| Some(if is_missing(v) { -1.0 } else { v.unwrap_or(0.0) }.to_bits())).collect();
            prop_assert_eq!(bits(&one(&col("x").fillna(-1), &a).unwrap()), twin);
            let twin: Vec<_> = x.iter().zip(&y).map(|(&v, y)| if is_missing(v) { y.map(|y| y as f64) } else { v }.map(f64::to_bits)).collect();
            prop_assert_eq!(bits(&two(&col("x").fillna(col("y")), &a, &b).unwrap()), twin);
            let twin: Vec<_> = y.iter().map(|y| y.or(Some(7))).collect();
            prop_assert_eq!(values::<Int64Type>(&one(&col("x").fillna(7), &b).unwrap()), twin);
        }
    }

    #[test]
    fn nan_filled_with_null_is_null_even_where_nothing_was() {
        let schema = arrow::datatypes::Schema::new(vec![Field::new("x", DataType::Float64, false)]);
        let expr = col("x").fillna(lit(None::<f64>));
        assert!(expr.to_field(&schema).unwrap().is_nullable());
        assert_eq!(values::<Float64Type>(&one(&expr, &column([1.0, f64::NAN])).unwrap()), [Some(1.0), None]);
    }
}
