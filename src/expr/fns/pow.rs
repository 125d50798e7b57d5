//! `pow`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, downcast_integer};
use arrow::datatypes::{ArrowNativeTypeOp, DataType, Field, FieldRef, Float32Type, Float64Type};

use super::one_column::arity;
use super::pairs::{map_pairs, paired};
use super::real::real;
use crate::base::schema::logical;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::to_type;
use crate::expr::{Arg, Notation, Portable, Scalar, ScalarFn, Value};

/// A number to the power of another. A whole number to the power of a whole literal from 0 up stays what it is, and an
/// overflow is an error; all others are computed as floats, Float32 where both are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Pow;

impl fmt::Display for Pow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pow")
    }
}

impl Identity for Pow {
    fn token(&self, t: &mut Tokenizer) {
        t.str("pow");
    }
}

/// The exponent, if the power stays a whole number.
fn whole_exponent(base: &DataType, exponent: Option<&Scalar>) -> Option<u32> {
    let exponent = exponent.filter(|e| base.is_integer() && e.data_type().is_integer())?;
    u32::try_from(exponent.as_i64()?).ok()
}

/// The floating type of both, of which the exponent may be a literal.
fn float(base: &DataType, exponent: &DataType, exponent_is_literal: bool) -> Option<DataType> {
    let (base, exponent) = (real(&logical(base))?, real(&logical(exponent))?);
    let small = base == DataType::Float32 && (exponent == DataType::Float32 || exponent_is_literal);
    Some(if small { DataType::Float32 } else { DataType::Float64 })
}

impl ScalarFn for Pow {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        let nullable = a.field.is_nullable() || b.field.is_nullable();
        let literal = b.constant.is_some() && a.constant.is_none();
        let data_type = match whole_exponent(a.data_type(), b.constant.as_ref()) {
            Some(_) => a.data_type().clone(),
            None => numeric(float(&unnull(a.data_type()), &unnull(b.data_type()), literal))?,
        };
        Ok(Arc::new(Field::new(a.field.name(), data_type, nullable)))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        let constant = match b {
            Value::Scalar(scalar) => Some(scalar),
            Value::Array(_) => None,
        };
        if let Some(exponent) = whole_exponent(a.data_type(), constant) {
            return Ok(a.like(power(a.rows(), exponent)?));
        }
        let literal = constant.is_some() && matches!(a, Value::Array(_));
        let data_type = numeric(float(&unnull(a.data_type()), &unnull(b.data_type()), literal))?;
        let (a, b) = (&to_type(a, &data_type)?, &to_type(b, &data_type)?);
        Ok(match data_type {
            DataType::Float32 => {
                let (values, nulls) = map_pairs::<Float32Type, Float32Type, _>(a, b, f32::powf);
                paired(a, b, Arc::new(PrimitiveArray::<Float32Type>::new(values.into(), nulls)))
            }
            _ => {
                // the library's own power is exact for squares, and slow
                let square = matches!(b, Value::Scalar(two) if two.as_f64() == Some(2.0));
                let power = |x: f64, y: f64| if square { x * x } else { x.powf(y) };
                let (values, nulls) = map_pairs::<Float64Type, Float64Type, _>(a, b, power);
                paired(a, b, Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), nulls)))
            }
        })
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("pow", self)
    }
}

fn unnull(data_type: &DataType) -> DataType {
    if data_type.is_null() { DataType::Float64 } else { data_type.clone() }
}

fn numeric(data_type: Option<DataType>) -> Result<DataType> {
    data_type.ok_or_else(|| Error::types("`pow` needs numbers").help("convert the columns with cast() first"))
}

fn power(array: &ArrayRef, exponent: u32) -> Result<ArrayRef> {
    fn of<T: ArrowPrimitiveType>(array: &ArrayRef, exponent: u32) -> Result<ArrayRef> {
        let overflow = |v| Error::value(format!("{v:?} to the power of {exponent} overflows {}", T::DATA_TYPE));
        let powers: PrimitiveArray<T> = array.as_primitive::<T>().try_unary(|v| {
            v.pow_checked(exponent).map_err(|_| overflow(v).help("cast it to Int64 or Float64 first"))
        })?;
        Ok(Arc::new(powers))
    }
    macro_rules! power {
        ($t:ty) => {
            of::<$t>(array, exponent)
        };
    }
    downcast_integer! {
        array.data_type() => (power),
        other => Err(Error::types(format!("`pow` needs numbers, not {other}"))),
    }
}
