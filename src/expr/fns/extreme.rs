//! `min_of`, `max_of` and `clip`

use std::fmt;
use std::slice::from_ref;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type};

use super::pairs::{joined, map_pairs, paired, rows_of, rows_together, value_at};
use super::{Compare, Logic, Not, When};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::{meet_all, meet_all_values, to_type};
use crate::expr::{Arg, Notation, Portable, Scalar, ScalarFn, Value};

/// The smallest or largest of several columns, row by row, as pandas' `min(axis=1)`: null and NaN are skipped; where
/// all are missing it is NaN if one of them is, else null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Extreme {
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl fmt::Display for Extreme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Extreme::Min { "min_of" } else { "max_of" })
    }
}

impl Identity for Extreme {
    fn token(&self, t: &mut Tokenizer) {
        t.str("extreme");
        t.debug(self);
    }
}

/// The type in which values meet that can be put in order.
fn ordered(function: &dyn fmt::Display, args: &[Arg<'_>]) -> Result<DataType> {
    let met = meet_all(args)?;
    if met.is_nested() {
        return Err(Error::types(format!("`{function}` cannot put values of type {met} in order")));
    }
    Ok(met)
}

impl ScalarFn for Extreme {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let Some(first) = args.first() else {
            return Err(Error::invalid(format!("`{self}` needs at least one column")));
        };
        let nullable = args.iter().all(|a| a.field.is_nullable());
        Ok(Arc::new(Field::new(first.field.name(), ordered(self, args)?, nullable)))
    }

    fn eval(&self, args: &[Value], rows: usize) -> Result<Value> {
        let data_type = meet_all_values(&args.iter().collect::<Vec<_>>())?;
        let mut values = args.iter().map(|a| to_type(a, &data_type));
        let first = values.next().ok_or_else(|| Error::invalid(format!("`{self}` needs at least one column")))??;
        let extreme = values.try_fold(first, |best, next| self.better(&data_type, &best, &next?))?;
        Ok(joined(args, extreme.into_array(rows_together(args, rows))?))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("extreme", self)
    }
}

impl Extreme {
    /// The better of two, or the one that is there.
    fn better(self, data_type: &DataType, a: &Value, b: &Value) -> Result<Value> {
        match data_type {
            DataType::Float64 => Ok(self.numbers::<Float64Type>(a, b, f64::is_nan)),
            DataType::Float32 => Ok(self.numbers::<Float32Type>(a, b, f32::is_nan)),
            DataType::Int64 => Ok(self.numbers::<Int64Type>(a, b, |_| false)),
            DataType::Int32 => Ok(self.numbers::<Int32Type>(a, b, |_| false)),
            _ => {
                // `b` where it is better or `a` is missing
                let compare = if self == Extreme::Min { Compare::Lt } else { Compare::Gt };
                let rows = rows_of(a, b);
                let better = compare.eval(&[b.clone(), a.clone()], rows)?;
                let missing = super::IsNull { negated: false };
                let (a_missing, b_missing) = (missing.eval(from_ref(a), rows)?, missing.eval(from_ref(b), rows)?);
                let b_there = Not.eval(&[b_missing], rows)?;
                let only_b = Logic::And.eval(&[a_missing, b_there], rows)?;
                let take_b = Logic::Or.eval(&[better, only_b], rows)?;
                When.eval(&[take_b, b.clone(), a.clone()], rows)
            }
        }
    }

    fn numbers<T: ArrowPrimitiveType<Native: PartialOrd>>(
        self,
        a: &Value,
        b: &Value,
        is_nan: impl Fn(T::Native) -> bool,
    ) -> Value {
        let (mut values, nulls) = match self {
            Extreme::Min => map_pairs::<T, T, _>(a, b, |x, y| if is_nan(x) | (y < x) { y } else { x }),
            Extreme::Max => map_pairs::<T, T, _>(a, b, |x, y| if is_nan(x) | (y > x) { y } else { x }),
        };
        if nulls.is_none() {
            return paired(a, b, Arc::new(PrimitiveArray::<T>::new(values.into(), None)));
        }
        // the better of a value and a null is the value
        let rows = rows_of(a, b);
        let there = |v: &Value| match v {
            Value::Array(array) => {
                array.logical_nulls().map_or_else(|| BooleanBuffer::new_set(rows), NullBuffer::into_inner)
            }
            Value::Scalar(scalar) if scalar.is_null() => BooleanBuffer::new_unset(rows),
            Value::Scalar(_) => BooleanBuffer::new_set(rows),
        };
        let (left, right) = (there(a), there(b));
        let (x, y) = (a.rows().as_primitive::<T>(), b.rows().as_primitive::<T>());
        (&left & &!&right).set_indices().for_each(|row| values[row] = value_at(x, row));
        (&right & &!&left).set_indices().for_each(|row| values[row] = value_at(y, row));
        let nulls = NullBuffer::new(&left | &right);
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        paired(a, b, Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)))
    }
}

/// A value moved into bounds, as pandas' `clip`: null and NaN stay; a bound that is null or NaN does not bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Clip;

impl fmt::Display for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("clip")
    }
}

impl Identity for Clip {
    fn token(&self, t: &mut Tokenizer) {
        t.str("clip");
    }
}

impl ScalarFn for Clip {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [x, ..] = args else { return Err(Error::invalid("`clip` takes a column and two bounds")) };
        Ok(Arc::new(Field::new(x.field.name(), ordered(self, args)?, x.field.is_nullable())))
    }

    fn eval(&self, args: &[Value], rows: usize) -> Result<Value> {
        let [x, low, high] = args else { return Err(Error::invalid("`clip` takes a column and two bounds")) };
        let data_type = meet_all_values(&[x, low, high])?;
        let rows = rows_together(args, rows);
        let x = to_type(x, &data_type)?;
        if let Some(clipped) = between_literals(&x, low, high, &data_type)? {
            return Ok(Value::Array(clipped));
        }
        let raised = Extreme::Max.better(&data_type, &x, &to_type(low, &data_type)?)?;
        let clipped = Extreme::Min.better(&data_type, &raised, &to_type(high, &data_type)?)?;
        // what was missing stays missing
        let there = Compare::Eq.eval(&[x.clone(), x.clone()], rows)?;
        let kept = When.eval(&[there, clipped, x], rows)?;
        Ok(joined(args, kept.into_array(rows)?))
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("clip", self)
    }
}

/// One pass, where a column of numbers has bounds that are the same in all rows.
fn between_literals(x: &Value, low: &Value, high: &Value, data_type: &DataType) -> Result<Option<ArrayRef>> {
    fn pass<T>(x: &ArrayRef, low: &Scalar, high: &Scalar, least: T::Native, most: T::Native) -> ArrayRef
    where
        T: ArrowPrimitiveType<Native: PartialOrd>,
    {
        let bound = |bound: &Scalar, or| match bound.array().as_primitive::<T>().iter().next().flatten() {
            // NaN does not bound
            Some(there) if there >= least => there,
            _ => or,
        };
        let (low, high) = (bound(low, least), bound(high, most));
        Arc::new(x.as_primitive::<T>().unary::<_, T>(|v| {
            let raised = if v < low { low } else { v };
            if raised > high { high } else { raised }
        }))
    }
    let (Value::Array(x), Value::Scalar(low), Value::Scalar(high)) = (x, low, high) else { return Ok(None) };
    let (low, high) = (&low.cast(data_type)?, &high.cast(data_type)?);
    Ok(match data_type {
        DataType::Float64 => Some(pass::<Float64Type>(x, low, high, f64::NEG_INFINITY, f64::INFINITY)),
        DataType::Float32 => Some(pass::<Float32Type>(x, low, high, f32::NEG_INFINITY, f32::INFINITY)),
        DataType::Int64 => Some(pass::<Int64Type>(x, low, high, i64::MIN, i64::MAX)),
        DataType::Int32 => Some(pass::<Int32Type>(x, low, high, i32::MIN, i32::MAX)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::testing::{Numbers, one, two, values};
    use crate::{col, lit, max_of, min_of};
    use arrow::array::StringArray;
    use proptest::prelude::*;

    fn float() -> impl Strategy<Value = Option<f64>> {
        prop::option::weighted(0.8, prop_oneof![Just(f64::NAN), -9.0..9.0f64])
    }

    fn twin(x: Option<f64>, y: Option<f64>, better: fn(f64, f64) -> f64) -> Option<f64> {
        match (x, y) {
            // NaN gives way
            (Some(x), Some(y)) => Some(better(x, y)),
            (x, y) => x.or(y),
        }
    }

    fn bits(array: &ArrayRef) -> Vec<Option<u64>> {
        values::<Float64Type>(array).into_iter().map(|v| v.map(f64::to_bits)).collect()
    }

    proptest! {
        #[test]
        fn what_is_missing_gives_way(rows in prop::collection::vec((float(), float()), 1..100)) {
            let (x, y): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
            let (a, b) = (x.clone().column(), y.clone().column());
            let smallest: Vec<_> = rows.iter().map(|(x, y)| twin(*x, *y, f64::min).map(f64::to_bits)).collect();
            prop_assert_eq!(bits(&two(&min_of([col("x"), col("y")]), &a, &b).unwrap()), smallest);
            let largest: Vec<_> = rows.iter().map(|(x, _)| twin(twin(*x, Some(1.0), f64::max), y[0], f64::max).map(f64::to_bits)).collect();
            prop_assert_eq!(bits(&two(&max_of([col("x"), lit(1.0), lit(y[0])]), &a, &b).unwrap()), largest);
            // the same by way of text, which takes the general path
            let text = |v: &[Option<f64>]| Arc::new(v.iter().map(|v| v.map(|v| format!("{:+09.4}", v.abs()))).collect::<StringArray>()) as ArrayRef;
            let (a, b) = (text(&x), text(&y));
            let least: Vec<Option<String>> = a.as_string::<i32>().iter().zip(b.as_string::<i32>()).map(|(x, y)| [x, y].into_iter().flatten().min().map(str::to_string)).collect();
            let found = two(&min_of([col("x"), col("y")]), &a, &b).unwrap();
            let found: Vec<Option<String>> = found.as_string::<i32>().iter().map(|t| t.map(str::to_string)).collect();
            prop_assert_eq!(found, least);
        }

        #[test]
        fn bounds_hold_and_what_is_missing_stays(rows in prop::collection::vec((float(), float()), 1..100)) {
            let (x, y): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
            let clipped: Vec<_> = rows.iter().map(|(x, low)| {
                let x = (*x)?;
                let low = low.filter(|l| !l.is_nan()).unwrap_or(f64::NEG_INFINITY);
                Some(if x.is_nan() { x } else { x.max(low).min(5.0) }.to_bits())
            }).collect();
            prop_assert_eq!(bits(&two(&col("x").clip(col("y"), 5), &x.clone().column(), &y.column()).unwrap()), clipped);
            let fixed: Vec<_> = x.iter().map(|x| x.map(|x| if x.is_nan() { x } else { x.clamp(-2.0, 5.0) }.to_bits())).collect();
            prop_assert_eq!(bits(&one(&col("x").clip(-2, 5), &x.clone().column()).unwrap()), fixed);
            let free = one(&col("x").clip(Scalar::null(), f64::NAN), &x.clone().column()).unwrap();
            prop_assert_eq!(bits(&free), bits(&x.column()));
        }
    }
}
