//! `abs`

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, downcast_integer};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type};

use super::one_column::{Domain, OneColumn};
use crate::base::{Error, Result};
use crate::expr::Portable;

/// The number without its sign; the smallest whole number of a type is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Abs;

impl fmt::Display for Abs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("abs")
    }
}

impl OneColumn for Abs {
    fn domain(&self) -> Domain {
        Domain::Numbers
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        let number = of.is_integer() || matches!(of, DataType::Float32 | DataType::Float64);
        (number || matches!(of, DataType::Decimal128(..))).then(|| of.clone())
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        macro_rules! whole {
            ($t:ty) => {
                absolute::<$t>(array)
            };
        }
        downcast_integer! {
            array.data_type() => (whole),
            DataType::Float64 => Ok(Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::abs))),
            DataType::Float32 => Ok(Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::abs))),
            DataType::Decimal128(..) => absolute::<Decimal128Type>(array),
            other => Err(Error::types(format!("`abs` needs numbers, not {other}"))),
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("abs", self)
    }
}

/// Negative numbers negated, if there are any.
fn absolute<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<ArrayRef> {
    use arrow::datatypes::ArrowNativeTypeOp;
    let numbers = array.as_primitive::<T>();
    if numbers.values().iter().all(|v| v.is_ge(T::Native::ZERO)) {
        return Ok(array.clone());
    }
    let positive = arrow::array::BooleanArray::from_unary(numbers, |v| v.is_ge(T::Native::ZERO));
    let one = numbers.unary_opt::<_, T>(|v| if v.is_ge(T::Native::ZERO) { Some(T::Native::ZERO) } else { Some(v) });
    let negated = numeric::neg(&one.with_data_type(array.data_type().clone()))?;
    Ok(arrow::compute::kernels::zip::zip(&positive, array, &negated)?)
}
