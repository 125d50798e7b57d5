//! `round`, `floor` and `ceil` of numbers

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, downcast_integer};
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use super::one_column::{Domain, OneColumn};
use crate::base::{Error, Result};
use crate::expr::Portable;

/// A number moved to a near one with fewer digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Round {
    /// To so many decimals, from the middle to the even digit, computed as numpy does: multiplied by a power of ten,
    /// rounded, divided. Negative: to tens, hundreds …
    Decimals(i32),
    /// To the whole number at or below.
    Floor,
    /// To the whole number at or above.
    Ceil,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Round::Decimals(decimals) => write!(f, "round({decimals})"),
            Round::Floor => f.write_str("floor"),
            Round::Ceil => f.write_str("ceil"),
        }
    }
}

impl OneColumn for Round {
    fn domain(&self) -> Domain {
        Domain::Numbers
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        (of.is_integer() || matches!(of, DataType::Float32 | DataType::Float64)).then(|| of.clone())
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match array.data_type() {
            DataType::Float64 => Ok(Arc::new(self.floats(array.as_primitive::<Float64Type>()))),
            DataType::Float32 => {
                // in numpy's order of operations, which for this type too are of 64 bits wide enough
                let wide: PrimitiveArray<Float64Type> = array.as_primitive::<Float32Type>().unary(f64::from);
                Ok(Arc::new(self.floats(&wide).unary::<_, Float32Type>(|v| v as f32)))
            }
            _ => self.whole(array),
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("round", self)
    }
}

impl Round {
    fn floats(self, numbers: &PrimitiveArray<Float64Type>) -> PrimitiveArray<Float64Type> {
        match self {
            Round::Floor => numbers.unary(floor),
            Round::Ceil => numbers.unary(|v| -floor(-v)),
            Round::Decimals(0) => numbers.unary(rint),
            Round::Decimals(decimals) => {
                let scale = 10f64.powi(decimals.abs());
                numbers.unary(|v| {
                    let rounded = if decimals > 0 { rint(v * scale) / scale } else { rint(v / scale) * scale };
                    // too large to have such digits
                    if rounded.is_finite() { rounded } else { v }
                })
            }
        }
    }

    /// Whole numbers have nothing to round but tens, hundreds …
    fn whole(self, array: &ArrayRef) -> Result<ArrayRef> {
        let Round::Decimals(decimals @ ..0) = self else { return Ok(array.clone()) };
        let scale = 10i128.checked_pow(decimals.unsigned_abs()).unwrap_or(i128::MAX);
        macro_rules! tens {
            ($t:ty) => {
                tens::<$t>(array, scale)
            };
        }
        downcast_integer! {
            array.data_type() => (tens),
            other => Err(Error::types(format!("`{self}` needs numbers, not {other}"))),
        }
    }
}

fn tens<T: ArrowPrimitiveType>(array: &ArrayRef, scale: i128) -> Result<ArrayRef>
where
    T::Native: TryFrom<i128> + Into<i128>,
{
    let rounded: PrimitiveArray<T> = array.as_primitive::<T>().try_unary(|v| {
        let v: i128 = v.into();
        let (below, rest) = (v.div_euclid(scale), v.rem_euclid(scale));
        let up = rest > scale - rest || rest == scale - rest && below & 1 == 1;
        // scales beyond the type leave nothing
        let rounded = (below + i128::from(up)).checked_mul(scale).unwrap_or(0);
        T::Native::try_from(rounded).map_err(|_| {
            Error::value(format!("{v} rounded to a multiple of {scale} does not fit into {}", T::DATA_TYPE))
        })
    })?;
    Ok(Arc::new(rounded))
}

/// Below this, floats have fractions.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// The nearest whole number, from the middle the even one. Adding 2⁵² leaves no room for a fraction; this vectorises
/// on any processor, where the instruction for it does not exist on all.
#[inline(always)]
fn rint(v: f64) -> f64 {
    let size = v.abs();
    if size < WHOLE { ((size + WHOLE) - WHOLE).copysign(v) } else { v }
}

#[inline(always)]
fn floor(v: f64) -> f64 {
    let near = rint(v);
    if near > v { near - 1.0 } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::col;
    use crate::expr::testing::{column, literal_agrees, one, values};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whole_numbers_are_those_of_the_library(v in prop_oneof![any::<f64>(), -1e4..1e4f64, (-100i32..100).prop_map(|v| f64::from(v) / 2.0)]) {
            prop_assert_eq!(rint(v).to_bits(), v.round_ties_even().to_bits());
            prop_assert_eq!(floor(v).to_bits(), v.floor().to_bits());
            prop_assert_eq!((-floor(-v)).to_bits(), v.ceil().to_bits());
        }

        #[test]
        fn tens_are_rounded_as_floats_are(v in -1_000_000i64..1_000_000) {
            let twin = (v as f64 / 100.0).round_ties_even() as i64 * 100;
            prop_assert_eq!(values::<arrow::datatypes::Int64Type>(&one(&col("x").round(-2), &column([v])).unwrap()), vec![Some(twin)]);
        }
    }

    #[test]
    fn decimals_are_rounded_by_the_rule_of_numpy() {
        // 1.005 · 100 is 100.49999999999999, 2.675 · 100 is 267.5
        let found = one(&col("x").round(2), &column([2.675, 1.005, 0.125, -0.135, 1e300, f64::MAX])).unwrap();
        assert_eq!(values::<Float64Type>(&found), [2.68, 1.0, 0.12, -0.14, 1e300, f64::MAX].map(Some));
        let found = one(&col("x").round(0), &column([0.5, 1.5, 2.5, -0.5, -1.5])).unwrap();
        assert_eq!(values::<Float64Type>(&found), [0.0, 2.0, 2.0, -0.0, -2.0].map(Some));
        literal_agrees(|e| e.round(1), &column([Some(0.25), None, Some(f64::NAN)]));
    }
}
