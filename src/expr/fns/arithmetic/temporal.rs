//! Arithmetic of times and durations.

use std::sync::Arc;

use arrow::array::PrimitiveArray;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};

use super::Arithmetic::{self, Add, Div, Mul, Sub};
use crate::base::Result;
use crate::expr::Value;
use crate::expr::coerce::to_type;
use crate::expr::fns::pairs::{map_pairs, paired, rows_of, with_datums};

/// How two operands of which one is a time or a duration go together: the types they are converted to, and what comes
/// out. Units meet in the finer one.
pub(super) struct Temporal {
    operands: [DataType; 2],
    pub(super) result: DataType,
}

impl Temporal {
    /// `None` if the operands are not of these, or do not go together.
    pub(super) fn of(op: Arithmetic, a: &DataType, b: &DataType) -> Option<Temporal> {
        use DataType::{Date32, Date64, Duration, Int64, Interval, Null, Timestamp};
        let is_date = |t: &DataType| matches!(t, Date32 | Date64);
        let number = |t: &DataType| t.is_integer() || t.is_floating();
        let rule = |a: DataType, b: DataType, result: DataType| Some(Temporal { operands: [a, b], result });
        match (op, a, b) {
            (Add | Sub, Timestamp(u, z), Duration(v)) => {
                let (unit, zone) = (*u.max(v), z.clone());
                rule(Timestamp(unit, zone.clone()), Duration(unit), Timestamp(unit, zone))
            }
            (Add, Duration(v), Timestamp(u, z)) => {
                let (unit, zone) = (*u.max(v), z.clone());
                rule(Duration(unit), Timestamp(unit, zone.clone()), Timestamp(unit, zone))
            }
            (Add | Sub, date, Duration(u)) if is_date(date) => {
                rule(Timestamp(*u, None), Duration(*u), Timestamp(*u, None))
            }
            (Add, Duration(u), date) if is_date(date) => rule(Duration(*u), Timestamp(*u, None), Timestamp(*u, None)),
            (Sub, Timestamp(u, y), Timestamp(v, z)) if y.is_some() == z.is_some() => {
                let unit = *u.max(v);
                rule(Timestamp(unit, y.clone()), Timestamp(unit, y.clone()), Duration(unit))
            }
            (Sub, Timestamp(u, None), date) | (Sub, date, Timestamp(u, None)) if is_date(date) => {
                rule(Timestamp(*u, None), Timestamp(*u, None), Duration(*u))
            }
            (Sub, a, b) if is_date(a) && is_date(b) => {
                let second = Timestamp(TimeUnit::Second, None);
                rule(second.clone(), second, Duration(TimeUnit::Second))
            }
            (Add | Sub, Duration(u), Duration(v)) => {
                let unit = Duration(*u.max(v));
                rule(unit.clone(), unit.clone(), unit)
            }
            (Div, Duration(u), Duration(v)) => {
                let unit = Duration(*u.max(v));
                rule(unit.clone(), unit, DataType::Float64)
            }
            (Mul, Duration(_), n) if n.is_integer() => rule(a.clone(), Int64, a.clone()),
            (Mul, n, Duration(_)) if n.is_integer() => rule(Int64, b.clone(), b.clone()),
            (Mul | Div, Duration(_), n) if number(n) => rule(a.clone(), DataType::Float64, a.clone()),
            (Mul, n, Duration(_)) if number(n) => rule(DataType::Float64, b.clone(), b.clone()),
            (Add | Sub, Timestamp(..) | Date32 | Date64, Interval(_)) => rule(a.clone(), b.clone(), a.clone()),
            (Add | Sub, Timestamp(..) | Duration(_), Null) => rule(a.clone(), Null, a.clone()),
            _ => None,
        }
    }

    /// The result of the values.
    ///
    /// # Errors
    /// When a result is out of range.
    pub(super) fn eval(&self, op: Arithmetic, a: &Value, b: &Value) -> Result<Value> {
        let [left, right] = &self.operands;
        if right.is_null() {
            return Ok(paired(a, b, arrow::array::new_null_array(&self.result, rows_of(a, b))));
        }
        let (a, b) = (&to_type(a, left)?, &to_type(b, right)?);
        match (op, left, right) {
            (Div, DataType::Duration(_), DataType::Duration(_)) => {
                let (a, b) = (&ticks(a)?, &ticks(b)?);
                let (values, nulls) = map_pairs::<Int64Type, Int64Type, _>(a, b, |x, y| x as f64 / y as f64);
                Ok(paired(a, b, Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), nulls))))
            }
            (Mul, DataType::Int64, _) | (Mul, _, DataType::Int64) => {
                let product = super::whole::whole_numbers::<Int64Type>(Mul, &ticks(a)?, &ticks(b)?)?;
                to_type(&product, &self.result)
            }
            (Mul | Div, ..) => self.scaled(op, &ticks(a)?, &ticks(b)?),
            _ => with_datums(a, b, |x, y| op.kernel(x, y)),
        }
    }

    /// A duration times or divided by a floating number, cut to whole units; null where that is not finite.
    fn scaled(&self, op: Arithmetic, a: &Value, b: &Value) -> Result<Value> {
        let (x, y) = (&to_type(a, &DataType::Float64)?, &to_type(b, &DataType::Float64)?);
        let (values, nulls) =
            map_pairs::<Float64Type, Float64Type, _>(x, y, |x, y| if op == Mul { x * y } else { x / y });
        let products = PrimitiveArray::<Float64Type>::new(values.into(), nulls);
        let whole: PrimitiveArray<Int64Type> = products.unary_opt(|v| (v.abs() < i64::MAX as f64).then_some(v as i64));
        to_type(&paired(a, b, Arc::new(whole)), &self.result)
    }
}

/// The number of units of a duration; other numbers as they are.
fn ticks(value: &Value) -> Result<Value> {
    match value.data_type() {
        DataType::Duration(_) => to_type(value, &DataType::Int64),
        _ => Ok(value.clone()),
    }
}
