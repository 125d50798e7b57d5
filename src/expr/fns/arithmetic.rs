//! `+ - * / %`

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrowPrimitiveType, PrimitiveArray};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType, Field, FieldRef, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::one_column::arity;
use super::pairs::{map_pairs, paired, with_datums};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::{meet, meet_values, to_type};
use crate::expr::{Arg, Notation, Portable, ScalarFn, Value};

mod concat;
mod temporal;
#[cfg(test)]
mod tests;
mod whole;

use temporal::Temporal;
use whole::whole_numbers;

/// Arithmetic of two columns. Whole numbers divide to `Float64` (x/0 is ±inf, 0/0 is NaN, never an error); any other
/// overflow of whole numbers is an error. `%` has the sign of the divisor, as in Python; a whole number modulo 0 is
/// null. `+` joins strings. Times and durations add and subtract; durations are multiplied and divided by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Arithmetic {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a % b`
    Rem,
}

use Arithmetic::{Add, Div, Mul, Rem, Sub};

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Add => "+",
            Sub => "-",
            Mul => "*",
            Div => "/",
            Rem => "%",
        })
    }
}

impl Identity for Arithmetic {
    fn token(&self, t: &mut Tokenizer) {
        t.str("arithmetic");
        t.debug(self);
    }
}

impl Arithmetic {
    /// The type both operands are converted to.
    fn operand_type(self, met: DataType) -> DataType {
        match met {
            DataType::Boolean if self == Div => DataType::Float64,
            DataType::Boolean => DataType::Int64,
            DataType::Null => DataType::Float64,
            other if self == Div && other.is_integer() => DataType::Float64,
            other => other,
        }
    }
}

impl ScalarFn for Arithmetic {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        let nullable = a.field.is_nullable() || b.field.is_nullable();
        let field = |data_type, nullable| Ok(Arc::new(Field::new(a.field.name(), data_type, nullable)));
        if let Some(temporal) = Temporal::of(*self, a.data_type(), b.data_type()) {
            return field(temporal.result, nullable);
        }
        let met = meet(a, b)?;
        if *self == Add && concat::joins(&met) {
            return field(met, nullable);
        }
        let met = self.operand_type(met);
        if !met.is_numeric() {
            let what = format!("`{self}` needs numbers, not {} and {}", a.data_type(), b.data_type());
            return Err(Error::types(what).help("convert the columns with cast() first"));
        }
        match &met {
            DataType::Decimal128(..) | DataType::Decimal256(..) => field(decimal_result(*self, &met)?, nullable),
            // a whole number modulo 0
            _ => field(met.clone(), nullable || *self == Rem && met.is_integer()),
        }
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        if let Some(temporal) = Temporal::of(*self, a.data_type(), b.data_type()) {
            return temporal.eval(*self, a, b);
        }
        let met = meet_values(a, b)?;
        if *self == Add && concat::joins(&met) {
            return concat::concat(&to_type(a, &met)?, &to_type(b, &met)?, &met);
        }
        let data_type = self.operand_type(met);
        let (a, b) = (&to_type(a, &data_type)?, &to_type(b, &data_type)?);
        match data_type {
            DataType::Float64 => Ok(floats::<Float64Type>(*self, a, b)),
            DataType::Float32 => Ok(floats::<Float32Type>(*self, a, b)),
            DataType::Int64 => whole_numbers::<Int64Type>(*self, a, b),
            DataType::Int32 => whole_numbers::<Int32Type>(*self, a, b),
            DataType::Int16 => whole_numbers::<Int16Type>(*self, a, b),
            DataType::Int8 => whole_numbers::<Int8Type>(*self, a, b),
            DataType::UInt64 => whole_numbers::<UInt64Type>(*self, a, b),
            DataType::UInt32 => whole_numbers::<UInt32Type>(*self, a, b),
            DataType::UInt16 => whole_numbers::<UInt16Type>(*self, a, b),
            DataType::UInt8 => whole_numbers::<UInt8Type>(*self, a, b),
            _ => with_datums(a, b, |x, y| self.kernel(x, y)),
        }
    }

    fn notation(&self) -> Notation {
        Notation::Infix
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("arithmetic", self)
    }
}

impl Arithmetic {
    /// Arrow's kernel.
    fn kernel(
        self,
        a: &dyn arrow::array::Datum,
        b: &dyn arrow::array::Datum,
    ) -> Result<arrow::array::ArrayRef, arrow::error::ArrowError> {
        match self {
            Add => numeric::add(a, b),
            Sub => numeric::sub(a, b),
            Mul => numeric::mul(a, b),
            Div => numeric::div(a, b),
            Rem => numeric::rem(a, b),
        }
    }
}

/// What Arrow's decimal kernels give for two operands of type `t`.
fn decimal_result(op: Arithmetic, t: &DataType) -> Result<DataType> {
    let one = arrow::array::new_empty_array(t);
    Ok(op.kernel(&one, &one)?.data_type().clone())
}

/// By IEEE 754; the remainder takes the sign of the divisor, as numpy's.
fn floats<T: ArrowPrimitiveType>(op: Arithmetic, a: &Value, b: &Value) -> Value {
    type N<T> = <T as ArrowPrimitiveType>::Native;
    let zero = N::<T>::ZERO;
    let (values, nulls) = match op {
        Add => map_pairs::<T, T, _>(a, b, |x, y| x.add_wrapping(y)),
        Sub => map_pairs::<T, T, _>(a, b, |x, y| x.sub_wrapping(y)),
        Mul => map_pairs::<T, T, _>(a, b, |x, y| x.mul_wrapping(y)),
        Div => map_pairs::<T, T, _>(a, b, |x, y| x.div_wrapping(y)),
        Rem => map_pairs::<T, T, _>(a, b, |x, y| {
            let r = x.mod_wrapping(y);
            if r != zero && (r < zero) != (y < zero) { r.add_wrapping(y) } else { r }
        }),
    };
    paired(a, b, Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)))
}
