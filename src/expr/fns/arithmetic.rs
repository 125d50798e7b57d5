//! `+ - * / %`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, Datum, PrimitiveArray};
use arrow::compute::kernels::{arity, numeric};
use arrow::datatypes::{
    ArrowNativeTypeOp, DataType, Field, FieldRef, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::{meet, meet_values, to_type};
use crate::expr::{Arg, Notation, ScalarFn, Value};

/// Arithmetic of two columns. Whole numbers divide to `Float64` (x/0 is ±inf, 0/0 is NaN, never an error); any other
/// overflow of whole numbers is an error. `%` has the sign of the divisor, as in Python; a whole number modulo 0 is
/// null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
            DataType::Boolean => DataType::Int64,
            DataType::Null => DataType::Float64,
            other if self == Div && other.is_integer() => DataType::Float64,
            other => other,
        }
    }

    /// The result for temporal operands, which meet in no common type.
    fn temporal(self, a: &DataType, b: &DataType) -> Option<DataType> {
        use DataType::{Date32, Duration, Interval, Timestamp};
        match (self, a, b) {
            (Add | Sub, Timestamp(u1, _), Duration(u2)) if u1 == u2 => Some(a.clone()),
            (Add, Duration(u1), Timestamp(u2, _)) if u1 == u2 => Some(b.clone()),
            (Sub, Timestamp(u1, z1), Timestamp(u2, z2)) if u1 == u2 && z1 == z2 => Some(Duration(*u1)),
            (Add | Sub, Duration(u1), Duration(u2)) if u1 == u2 => Some(a.clone()),
            (Add | Sub, Timestamp(..) | Date32, Interval(_)) => Some(a.clone()),
            (Sub, Date32, Date32) => Some(Duration(arrow::datatypes::TimeUnit::Second)),
            _ => None,
        }
    }
}

impl ScalarFn for Arithmetic {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a, b] = args else { return Err(Error::invalid(format!("`{self}` takes two operands"))) };
        let nullable = a.field.is_nullable() || b.field.is_nullable() || *self == Rem;
        let data_type = match self.temporal(a.data_type(), b.data_type()) {
            Some(temporal) => temporal,
            None => {
                let met = self.operand_type(meet(a, b)?);
                if !met.is_numeric() {
                    return Err(Error::types(format!(
                        "`{self}` needs numbers, not {} and {}",
                        a.data_type(),
                        b.data_type()
                    ))
                    .help("convert the columns with cast() first"));
                }
                match &met {
                    DataType::Decimal128(..) => decimal_result(*self, &met)?,
                    _ => met,
                }
            }
        };
        Ok(Arc::new(Field::new(a.field.name(), data_type, nullable)))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(Error::invalid(format!("`{self}` takes two operands"))) };
        if self.temporal(a.data_type(), b.data_type()).is_some() {
            return with_datums(a, b, |x, y| if *self == Add { numeric::add(x, y) } else { numeric::sub(x, y) });
        }
        let data_type = self.operand_type(meet_values(a, b)?);
        let (a, b) = (to_type(a, &data_type)?, to_type(b, &data_type)?);
        match data_type {
            DataType::Float64 => floats::<Float64Type>(*self, &a, &b),
            DataType::Float32 => floats::<Float32Type>(*self, &a, &b),
            DataType::Int64 => integers::<Int64Type>(*self, &a, &b),
            DataType::Int32 => integers::<Int32Type>(*self, &a, &b),
            DataType::Int16 => integers::<Int16Type>(*self, &a, &b),
            DataType::Int8 => integers::<Int8Type>(*self, &a, &b),
            DataType::UInt64 => integers::<UInt64Type>(*self, &a, &b),
            DataType::UInt32 => integers::<UInt32Type>(*self, &a, &b),
            DataType::UInt16 => integers::<UInt16Type>(*self, &a, &b),
            DataType::UInt8 => integers::<UInt8Type>(*self, &a, &b),
            _ => with_datums(&a, &b, |x, y| match self {
                Add => numeric::add(x, y),
                Sub => numeric::sub(x, y),
                Mul => numeric::mul(x, y),
                Div => numeric::div(x, y),
                Rem => numeric::rem(x, y),
            }),
        }
    }

    fn notation(&self) -> Notation {
        Notation::Infix
    }
}

/// What Arrow's decimal kernels give for two operands of type `t`.
fn decimal_result(op: Arithmetic, t: &DataType) -> Result<DataType> {
    let one = arrow::array::new_null_array(t, 0);
    let result = match op {
        Add => numeric::add(&one, &one),
        Sub => numeric::sub(&one, &one),
        Mul => numeric::mul(&one, &one),
        Div => numeric::div(&one, &one),
        Rem => numeric::rem(&one, &one),
    };
    Ok(result?.data_type().clone())
}

fn with_datums(
    a: &Value,
    b: &Value,
    f: impl Fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, arrow::error::ArrowError>,
) -> Result<Value> {
    let datum = |v: &Value| -> Box<dyn Datum> {
        match v {
            Value::Array(array) => Box::new(array.clone()),
            Value::Scalar(scalar) => Box::new(arrow::array::Scalar::new(scalar.array().clone())),
        }
    };
    let result = f(datum(a).as_ref(), datum(b).as_ref())?;
    Ok(match (a, b) {
        (Value::Scalar(_), Value::Scalar(_)) => a.like(result),
        _ => Value::Array(result),
    })
}

/// Applies `f` to each pair of values.
fn pairs<T, F>(a: &Value, b: &Value, f: F) -> Result<Value>
where
    T: ArrowPrimitiveType,
    F: Fn(T::Native, T::Native) -> T::Native,
{
    let (x, y) = (a.rows().as_primitive::<T>(), b.rows().as_primitive::<T>());
    let result: PrimitiveArray<T> = match (a, b) {
        (Value::Array(_), Value::Scalar(s)) if !s.is_null() => {
            let y = y.value(0);
            arity::unary(x, |x| f(x, y))
        }
        (Value::Scalar(s), Value::Array(_)) if !s.is_null() => {
            let x = x.value(0);
            arity::unary(y, |y| f(x, y))
        }
        (Value::Array(array), Value::Scalar(_)) | (Value::Scalar(_), Value::Array(array)) => {
            PrimitiveArray::new_null(array.len())
        }
        _ => arity::binary(x, y, f)?,
    };
    let result: ArrayRef = Arc::new(result);
    Ok(match (a, b) {
        (Value::Scalar(_), Value::Scalar(_)) => a.like(result),
        _ => Value::Array(result),
    })
}

fn floats<T: ArrowPrimitiveType>(op: Arithmetic, a: &Value, b: &Value) -> Result<Value>
where
    T::Native: ArrowNativeTypeOp,
{
    match op {
        Add => pairs::<T, _>(a, b, |x, y| x.add_wrapping(y)),
        Sub => pairs::<T, _>(a, b, |x, y| x.sub_wrapping(y)),
        Mul => pairs::<T, _>(a, b, |x, y| x.mul_wrapping(y)),
        Div => pairs::<T, _>(a, b, |x, y| x.div_wrapping(y)),
        Rem => pairs::<T, _>(a, b, |x, y| {
            let r = x.mod_wrapping(y);
            let zero = T::Native::ZERO;
            if r != zero && (r < zero) != (y < zero) { r.add_wrapping(y) } else { r }
        }),
    }
}

/// Wraps around, and notes whether that ever happened where both operands are there.
fn integers<T: ArrowPrimitiveType>(op: Arithmetic, a: &Value, b: &Value) -> Result<Value>
where
    T::Native: ArrowNativeTypeOp,
{
    type Checked<N> = fn(N, N) -> Result<N, arrow::error::ArrowError>;
    let (wrapped, checked): (Value, Checked<T::Native>) = match op {
        Add => (pairs::<T, _>(a, b, |x, y| x.add_wrapping(y))?, |x, y| x.add_checked(y)),
        Sub => (pairs::<T, _>(a, b, |x, y| x.sub_wrapping(y))?, |x, y| x.sub_checked(y)),
        Mul => (pairs::<T, _>(a, b, |x, y| x.mul_wrapping(y))?, |x, y| x.mul_checked(y)),
        Div => return Err(Error::types("whole numbers divide as Float64")),
        Rem => return modulo::<T>(a, b),
    };
    let overflow = || {
        Error::value(format!("`{op}` overflows {}", T::DATA_TYPE)).help("cast one operand to Int64 or Float64 first")
    };
    let (x, y, r) = (a.rows().as_primitive::<T>(), b.rows().as_primitive::<T>(), wrapped.rows().as_primitive::<T>());
    let at = |p: &PrimitiveArray<T>, i: usize| p.value(if p.len() == 1 { 0 } else { i });
    if can_overflow::<T>(op, x, y) {
        for i in 0..r.len() {
            if r.is_valid(i) && checked(at(x, i), at(y, i)).is_err() {
                return Err(overflow());
            }
        }
    }
    Ok(wrapped)
}

/// Whether the extremes of the operands (null rows included) leave the type. Cheap: two vectorised passes.
fn can_overflow<T: ArrowPrimitiveType>(op: Arithmetic, x: &PrimitiveArray<T>, y: &PrimitiveArray<T>) -> bool
where
    T::Native: ArrowNativeTypeOp,
{
    let range = |p: &PrimitiveArray<T>| {
        p.values().iter().fold(None, |range: Option<(T::Native, T::Native)>, &v| match range {
            None => Some((v, v)),
            Some((lo, hi)) => Some((if v < lo { v } else { lo }, if v > hi { v } else { hi })),
        })
    };
    let (Some((a, b)), Some((c, d))) = (range(x), range(y)) else { return false };
    [(a, c), (a, d), (b, c), (b, d)].into_iter().any(|(x, y)| match op {
        Add => x.add_checked(y).is_err(),
        Sub => x.sub_checked(y).is_err(),
        _ => x.mul_checked(y).is_err(),
    })
}

fn modulo<T: ArrowPrimitiveType>(a: &Value, b: &Value) -> Result<Value>
where
    T::Native: ArrowNativeTypeOp,
{
    let zero = T::Native::ZERO;
    let (x, y) = (a.rows().as_primitive::<T>(), b.rows().as_primitive::<T>());
    let rows = if matches!(a, Value::Array(_)) { x.len() } else { y.len() };
    let at = |p: &PrimitiveArray<T>, i: usize| {
        let i = if p.len() == 1 { 0 } else { i };
        p.is_valid(i).then(|| p.value(i))
    };
    let result: PrimitiveArray<T> = (0..rows)
        .map(|i| match (at(x, i), at(y, i)) {
            (Some(x), Some(y)) if y != zero => {
                let r = x.mod_wrapping(y);
                Some(if r != zero && (r < zero) != (y < zero) { r.add_wrapping(y) } else { r })
            }
            _ => None,
        })
        .collect();
    Ok(match (a, b) {
        (Value::Scalar(_), Value::Scalar(_)) => a.like(Arc::new(result)),
        _ => Value::Array(Arc::new(result)),
    })
}
