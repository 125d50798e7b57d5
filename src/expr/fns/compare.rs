//! `> >= < <= == !=`

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::cmp;
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type};

use super::one_column::arity;
use super::pairs::{nulls_of_pairs, paired, rows_of, with_datums};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::{meet, meet_values, to_type};
use crate::expr::{Arg, Expr, Notation, Portable, ScalarFn, Value};

/// Comparison of two columns. Null where either is null. Floats compare as IEEE 754 says: with NaN everything is
/// false but `!=`, and -0 equals 0 (Arrow's own comparison puts NaN above all).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
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
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        let met = meet(a, b)?;
        if met.is_nested() {
            return Err(Error::types(format!("`{self}` cannot compare values of type {met}")));
        }
        let nullable = a.field.is_nullable() || b.field.is_nullable();
        Ok(Arc::new(Field::new(a.field.name(), DataType::Boolean, nullable)))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a, b] = args else { return Err(arity(self, 2, args.len())) };
        let found = match (a, b) {
            (Value::Array(column), Value::Scalar(_)) => dictionary(*self, column, b),
            (Value::Scalar(_), Value::Array(column)) => dictionary(self.flipped(), column, a),
            _ => None,
        };
        if let Some(found) = found {
            return found;
        }
        let data_type = match meet_values(a, b)? {
            DataType::Float16 => DataType::Float32,
            met => met,
        };
        let (a, b) = (&to_type(a, &data_type)?, &to_type(b, &data_type)?);
        Ok(match data_type {
            DataType::Null => paired(a, b, Arc::new(BooleanArray::new_null(rows_of(a, b)))),
            DataType::Float64 => numbers::<Float64Type>(*self, a, b),
            DataType::Float32 => numbers::<Float32Type>(*self, a, b),
            DataType::Int64 => numbers::<Int64Type>(*self, a, b),
            DataType::Int32 => numbers::<Int32Type>(*self, a, b),
            _ => others(*self, a, b)?,
        })
    }

    fn can_fail(&self) -> bool {
        false
    }

    fn notation(&self) -> Notation {
        Notation::Infix
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("compare", self)
    }
}

fn others(op: Compare, a: &Value, b: &Value) -> Result<Value> {
    with_datums(a, b, |x, y| {
        Ok(Arc::new(match op {
            Compare::Gt => cmp::gt(x, y)?,
            Compare::Ge => cmp::gt_eq(x, y)?,
            Compare::Lt => cmp::lt(x, y)?,
            Compare::Le => cmp::lt_eq(x, y)?,
            Compare::Eq => cmp::eq(x, y)?,
            Compare::Ne => cmp::neq(x, y)?,
        }))
    })
}

/// Each value of a dictionary compared once with the same text.
fn dictionary(op: Compare, column: &ArrayRef, with: &Value) -> Option<Result<Value>> {
    let dictionary = column.as_any_dictionary_opt()?;
    let values = Value::Array(dictionary.values().clone());
    let verdicts = op.eval(&[values, with.clone()], dictionary.values().len()).and_then(|v| {
        let verdicts = v.into_array(dictionary.values().len())?;
        Ok(Value::Array(take(&verdicts, dictionary.keys(), None)?))
    });
    Some(verdicts)
}

fn numbers<T: ArrowPrimitiveType<Native: PartialOrd>>(op: Compare, a: &Value, b: &Value) -> Value {
    let (bits, nulls) = match op {
        Compare::Gt => bits::<T>(a, b, |x, y| x > y),
        Compare::Ge => bits::<T>(a, b, |x, y| x >= y),
        Compare::Lt => bits::<T>(a, b, |x, y| x < y),
        Compare::Le => bits::<T>(a, b, |x, y| x <= y),
        Compare::Eq => bits::<T>(a, b, |x, y| x == y),
        Compare::Ne => bits::<T>(a, b, |x, y| x != y),
    };
    paired(a, b, Arc::new(BooleanArray::new(bits, nulls)))
}

fn bits<T: ArrowPrimitiveType>(
    a: &Value,
    b: &Value,
    f: impl Fn(T::Native, T::Native) -> bool,
) -> (BooleanBuffer, Option<NullBuffer>) {
    let (x, y) = (a.rows().as_primitive::<T>().values(), b.rows().as_primitive::<T>().values());
    let bits = match (a, b, x.first(), y.first()) {
        (_, Value::Scalar(_), _, Some(&y)) => bits_of(x, |x| f(x, y)),
        (Value::Scalar(_), _, Some(&x), _) => bits_of(y, |y| f(x, y)),
        _ => bits_of_pairs(x, y, f),
    };
    (bits, nulls_of_pairs(a, b))
}

/// Whether `f` holds of each value. Eight verdicts at a time make a byte, in a loop that is unrolled.
pub(super) fn bits_of<N: Copy>(values: &[N], f: impl Fn(N) -> bool) -> BooleanBuffer {
    let byte = |values: &[N]| values.iter().enumerate().fold(0, |byte, (i, &v)| byte | u8::from(f(v)) << i);
    let (eights, rest) = values.as_chunks::<8>();
    let mut bytes: Vec<u8> = Vec::with_capacity(eights.len() + 1);
    bytes.extend(eights.iter().map(|eight| byte(eight)));
    bytes.push(byte(rest));
    BooleanBuffer::new(bytes.into(), 0, values.len())
}

/// Whether `f` holds of each pair.
fn bits_of_pairs<N: Copy>(left: &[N], right: &[N], f: impl Fn(N, N) -> bool) -> BooleanBuffer {
    let byte = |left: &[N], right: &[N]| {
        left.iter().zip(right).enumerate().fold(0, |byte, (i, (&x, &y))| byte | u8::from(f(x, y)) << i)
    };
    let ((lefts, left_rest), (rights, right_rest)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    let mut bytes: Vec<u8> = Vec::with_capacity(lefts.len() + 1);
    bytes.extend(lefts.iter().zip(rights).map(|(x, y)| byte(x, y)));
    bytes.push(byte(left_rest, right_rest));
    BooleanBuffer::new(bytes.into(), 0, left.len().min(right.len()))
}

/// What has to hold for some value below a bound that the values do not reach: `x >= 7` means nothing below 7 then.
pub fn strictly(condition: &Expr) -> Expr {
    let Expr::Call { func, args } = condition.unaliased() else { return condition.clone() };
    let func: &dyn std::any::Any = func.as_ref();
    let (Some(op), [a, b]) = (func.downcast_ref::<Compare>(), &args[..]) else { return condition.clone() };
    match (op, a.unaliased(), b.unaliased()) {
        (Compare::Ge | Compare::Eq, Expr::Column(_), Expr::Literal(_)) => a.clone().gt(b.clone()),
        (Compare::Le | Compare::Eq, Expr::Literal(_), Expr::Column(_)) => b.clone().gt(a.clone()),
        _ => condition.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::testing::{Numbers, column, one, two};
    use crate::{Expr, col, lit};
    use arrow::array::{Float32Array, StringArray};
    use proptest::prelude::*;

    type Operator = (fn(Expr, Expr) -> Expr, fn(f64, f64) -> bool);

    fn operators() -> [Operator; 6] {
        [
            (|a, b| a.gt(b), |x, y| x > y),
            (|a, b| a.ge(b), |x, y| x >= y),
            (|a, b| a.lt(b), |x, y| x < y),
            (|a, b| a.le(b), |x, y| x <= y),
            (|a, b| a.eq(b), |x, y| x == y),
            (|a, b| a.ne(b), |x, y| x != y),
        ]
    }

    fn verdicts(array: &ArrayRef) -> Vec<Option<bool>> {
        array.as_boolean().iter().collect()
    }

    fn float() -> impl Strategy<Value = Option<f64>> {
        prop::option::weighted(
            0.9,
            prop_oneof![Just(f64::NAN), Just(0.0), Just(-0.0), Just(f64::INFINITY), -2.0..2.0f64],
        )
    }

    proptest! {
        #[test]
        fn verdicts_are_those_of_the_language(pairs in prop::collection::vec((float(), float()), 1..150)) {
            let (x, y): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let (a, b) = (x.clone().column(), y.clone().column());
            let narrow: ArrayRef = Arc::new(x.iter().map(|v| v.map(|v| v as f32)).collect::<Float32Array>());
            let whole = |v: &[Option<f64>]| v.iter().map(|v| v.map(|v| v.clamp(-9.0, 9.0) as i64)).collect::<Vec<_>>();
            let (i, j) = (whole(&x), whole(&y));
            for (expr, holds) in operators() {
                let twin: Vec<Option<bool>> = pairs.iter().map(|(x, y)| Some(holds((*x)?, (*y)?))).collect();
                prop_assert_eq!(verdicts(&two(&expr(col("x"), col("y")), &a, &b).unwrap()), twin);
                let twin: Vec<Option<bool>> = x.iter().map(|x| Some(holds((*x)?, y[0]?))).collect();
                prop_assert_eq!(verdicts(&one(&expr(col("x"), lit(y[0])), &a).unwrap()), twin);
                let twin: Vec<Option<bool>> = x.iter().map(|x| Some(holds(y[0]?, (*x)?))).collect();
                prop_assert_eq!(verdicts(&one(&expr(lit(y[0]), col("x")), &a).unwrap()), twin);
                let twin: Vec<Option<bool>> = x.iter().map(|x| Some(holds(f64::from((*x)? as f32), 0.0))).collect();
                prop_assert_eq!(verdicts(&one(&expr(col("x"), lit(0.0)), &narrow).unwrap()), twin);
                let twin: Vec<Option<bool>> = i.iter().zip(&j).map(|(x, y)| Some(holds((*x)? as f64, (*y)? as f64))).collect();
                prop_assert_eq!(verdicts(&two(&expr(col("x"), col("y")), &i.clone().column(), &j.clone().column()).unwrap()), twin);
            }
        }
    }

    #[test]
    fn nan_is_not_above_and_text_reads_as_time() {
        let found = one(&col("x").gt(0.2), &column([Some(f64::NAN), None, Some(0.3)])).unwrap();
        assert_eq!(found.as_boolean(), &BooleanArray::from(vec![Some(false), None, Some(true)]));
        let times: ArrayRef = Arc::new(arrow::array::TimestampSecondArray::from(vec![0, 1_700_000_000]));
        let found = one(&col("x").ge("2020-01-01"), &times).unwrap();
        assert_eq!(found.as_boolean(), &BooleanArray::from(vec![false, true]));
        let error = one(&col("x").gt("soon"), &times).unwrap_err().to_string();
        assert!(error.contains("do not go together"), "{error}");
    }

    #[test]
    fn a_dictionary_compares_by_its_values() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b")]));
        let wanted = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let dictionary = arrow::compute::cast(&text, &wanted).unwrap();
        for expr in [col("x").eq("b"), col("x").gt("a"), lit("b").le(col("x")), col("x").ne(col("x"))] {
            assert_eq!(&one(&expr, &dictionary).unwrap(), &one(&expr, &text).unwrap(), "{expr}");
        }
    }
}
