//! `is_nan`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};

use super::compare::bits_of;
use super::one_column::{Domain, OneColumn};
use crate::base::Result;
use crate::expr::Portable;

/// Whether a number is NaN; null stays null, and whole numbers never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct IsNan;

impl fmt::Display for IsNan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is_nan")
    }
}

impl OneColumn for IsNan {
    fn domain(&self) -> Domain {
        Domain::Numbers
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        (of.is_numeric() || *of == DataType::Boolean).then_some(DataType::Boolean)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let bits = match array.data_type() {
            DataType::Float64 => nans::<Float64Type>(array),
            DataType::Float32 => nans::<Float32Type>(array),
            DataType::Float16 => nans::<Float16Type>(array),
            _ => BooleanBuffer::new_unset(array.len()),
        };
        Ok(Arc::new(BooleanArray::new(bits, array.nulls().cloned())))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("is_nan", self)
    }
}

/// NaN alone differs from itself.
#[allow(clippy::eq_op)]
fn nans<T: ArrowPrimitiveType>(array: &ArrayRef) -> BooleanBuffer {
    bits_of(array.as_primitive::<T>().values(), |v| v != v)
}
