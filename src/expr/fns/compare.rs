//! `> >= < <= == !=`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Datum, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::{meet, meet_values, to_type};
use crate::expr::{Arg, Notation, ScalarFn, Value};

/// Comparison of two columns. Null where either is null. Floats compare as IEEE 754 says: with NaN everything is
/// false but `!=`, and -0 equals 0 (Arrow's own comparison puts NaN above all).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `a > b`
    Gt,
    /// `a >= b`
    Ge,
    /// `a < b`
    Lt,
    /// `a <= b`
    Le,
    /// `a == b`
    Eq,
    /// `a != b`
    Ne,
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compare::Gt => ">",
            Compare::Ge => ">=",
            Compare::Lt => "<",
            Compare::Le => "<=",
            Compare::Eq => "==",
            Compare::Ne => "!=",
        })
    }
}

impl Identity for Compare {
    fn token(&self, t: &mut Tokenizer) {
        t.str("compare");
        t.debug(self);
    }
}

impl Compare {
    /// The comparison with its operands exchanged.
    pub fn flipped(self) -> Compare {
        match self {
            Compare::Gt => Compare::Lt,
            Compare::Ge => Compare::Le,
            Compare::Lt => Compare::Gt,
            Compare::Le => Compare::Ge,
            same => same,
        }
    }
}

impl ScalarFn for Compare {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a, b] = args else { return Err(Error::invalid(format!("`{self}` takes two operands"))) };
        meet(a, b)?;
        let nullable = a.field.is_nullable() || b.field.is_nullable();
        Ok(Arc::new(Field::new(a.field.name(), DataType::Boolean, nullable)))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(Error::invalid(format!("`{self}` takes two operands"))) };
        let data_type = meet_values(a, b)?;
        let (a, b) = (to_type(a, &data_type)?, to_type(b, &data_type)?);
        let result = match data_type {
            DataType::Null => Arc::new(BooleanArray::new_null(a.rows().len().max(b.rows().len()))),
            DataType::Float64 => floats::<Float64Type>(*self, &a, &b),
            DataType::Float32 => floats::<Float32Type>(*self, &a, &b),
            _ => others(*self, &a, &b)?,
        };
        Ok(match (&a, &b) {
            (Value::Scalar(_), Value::Scalar(_)) => a.like(result),
            _ => Value::Array(result),
        })
    }

    fn notation(&self) -> Notation {
        Notation::Infix
    }
}

fn others(op: Compare, a: &Value, b: &Value) -> Result<ArrayRef> {
    let datum = |v: &Value| -> Box<dyn Datum> {
        match v {
            Value::Array(array) => Box::new(array.clone()),
            Value::Scalar(scalar) => Box::new(arrow::array::Scalar::new(scalar.array().clone())),
        }
    };
    let (x, y) = (datum(a), datum(b));
    let (x, y) = (x.as_ref(), y.as_ref());
    Ok(Arc::new(match op {
        Compare::Gt => cmp::gt(x, y)?,
        Compare::Ge => cmp::gt_eq(x, y)?,
        Compare::Lt => cmp::lt(x, y)?,
        Compare::Le => cmp::lt_eq(x, y)?,
        Compare::Eq => cmp::eq(x, y)?,
        Compare::Ne => cmp::neq(x, y)?,
    }))
}

fn floats<T: ArrowPrimitiveType>(op: Compare, a: &Value, b: &Value) -> ArrayRef
where
    T::Native: PartialOrd,
{
    match op {
        Compare::Gt => with::<T>(a, b, |x, y| x > y),
        Compare::Ge => with::<T>(a, b, |x, y| x >= y),
        Compare::Lt => with::<T>(a, b, |x, y| x < y),
        Compare::Le => with::<T>(a, b, |x, y| x <= y),
        Compare::Eq => with::<T>(a, b, |x, y| x == y),
        Compare::Ne => with::<T>(a, b, |x, y| x != y),
    }
}

fn with<T: ArrowPrimitiveType>(a: &Value, b: &Value, f: impl Fn(T::Native, T::Native) -> bool) -> ArrayRef {
    let (x, y) = (a.rows().as_primitive::<T>(), b.rows().as_primitive::<T>());
    let one = |scalar: &PrimitiveArray<T>| scalar.is_valid(0).then(|| scalar.value(0));
    let (bits, nulls) = match (a, b) {
        (Value::Array(_), Value::Scalar(_)) => match one(y) {
            Some(y) => (bits(x.values(), |x| f(x, y)), x.nulls().cloned()),
            None => return Arc::new(BooleanArray::new_null(x.len())),
        },
        (Value::Scalar(_), Value::Array(_)) => match one(x) {
            Some(x) => (bits(y.values(), |y| f(x, y)), y.nulls().cloned()),
            None => return Arc::new(BooleanArray::new_null(y.len())),
        },
        _ => {
            let (left, right) = (x.values(), y.values());
            let rows = left.len().min(right.len());
            let bits = BooleanBuffer::collect_bool(rows, |i| f(left[i], right[i]));
            (bits, NullBuffer::union(x.nulls(), y.nulls()))
        }
    };
    Arc::new(BooleanArray::new(bits, nulls))
}

fn bits<N: Copy>(values: &[N], f: impl Fn(N) -> bool) -> BooleanBuffer {
    BooleanBuffer::collect_bool(values.len(), |i| f(values[i]))
}
