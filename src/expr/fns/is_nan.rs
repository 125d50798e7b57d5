//! `is_nan`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::{Arg, Notation, ScalarFn, Value};

/// Whether a number is NaN; null stays null, and whole numbers never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IsNan;

impl fmt::Display for IsNan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is_nan")
    }
}

impl Identity for IsNan {
    fn token(&self, t: &mut Tokenizer) {
        t.str("is_nan");
    }
}

impl ScalarFn for IsNan {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a] = args else { return Err(Error::invalid("`is_nan` takes one operand")) };
        if !a.data_type().is_numeric() && !a.data_type().is_null() {
            let what = format!("`is_nan` needs numbers, but `{}` is {}", a.field.name(), a.data_type());
            return Err(Error::types(what).help("use is_null() for other types"));
        }
        Ok(Arc::new(Field::new(a.field.name(), DataType::Boolean, a.field.is_nullable())))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a] = args else { return Err(Error::invalid("`is_nan` takes one operand")) };
        let array = a.rows();
        let bits = match array.data_type() {
            DataType::Float64 => {
                let values = array.as_primitive::<Float64Type>().values();
                BooleanBuffer::collect_bool(values.len(), |i| values[i].is_nan())
            }
            DataType::Float32 => {
                let values = array.as_primitive::<Float32Type>().values();
                BooleanBuffer::collect_bool(values.len(), |i| values[i].is_nan())
            }
            _ => BooleanBuffer::new_unset(array.len()),
        };
        let result: ArrayRef = Arc::new(BooleanArray::new(bits, array.logical_nulls()));
        Ok(a.like(result))
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }
}
