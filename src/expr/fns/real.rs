//! `sqrt`, `exp`, `log`, `sin` … : functions of real numbers

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use super::one_column::{Domain, OneColumn};
use crate::base::Result;
use crate::expr::Portable;
use crate::expr::fns::cast::convert;

/// A function of a real number, by its name in numpy. Float32 stays so, other numbers become Float64. Outside of its
/// domain the result is NaN, at a pole ±inf, as IEEE 754 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum Real {
    Sqrt,
    Cbrt,
    Exp,
    Expm1,
    Log,
    Log2,
    Log10,
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
}

impl fmt::Display for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

impl OneColumn for Real {
    fn domain(&self) -> Domain {
        Domain::Numbers
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        real(of)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        macro_rules! apply {
            ($($name:ident => $method:ident),*) => {
                match (self, array.data_type()) {
                    $((Real::$name, DataType::Float32) => Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::$method)),)*
                    $((Real::$name, _) => {
                        let array = convert(array, &DataType::Float64)?;
                        Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::$method))
                    })*
                }
            };
        }
        Ok(apply! {
            Sqrt => sqrt, Cbrt => cbrt, Exp => exp, Expm1 => exp_m1, Log => ln, Log2 => log2, Log10 => log10,
            Log1p => ln_1p, Sin => sin, Cos => cos, Tan => tan, Asin => asin, Acos => acos, Atan => atan, Sinh => sinh,
            Cosh => cosh, Tanh => tanh
        })
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("real", self)
    }
}

/// The floating type in which a number of type `of` is computed with.
pub(super) fn real(of: &DataType) -> Option<DataType> {
    match of {
        DataType::Float32 => Some(DataType::Float32),
        DataType::Boolean => Some(DataType::Float64),
        number => number.is_numeric().then_some(DataType::Float64),
    }
}
