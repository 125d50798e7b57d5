//! The least and the greatest value: what [`Min`](super::Min) and [`Max`](super::Max) share.

use arrow::datatypes::{DataType, Field};

use super::extremes::{Extremes, TextExtremes};
use super::fold::{FoldState, Outcome, Scope};
use super::kind::Kind;
use super::number::Number;
use super::state::{Accumulator, Numeric, of_keys};
use crate::base::Result;
use crate::base::schema::logical;

/// The state for the least (`MAX = false`) or the greatest value of a column of type `input`.
///
/// # Errors
/// `TypeMismatch` for a type without an order.
pub fn start<const MAX: bool>(input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
    Ok(match Kind::of_type(input, name::<MAX>(), Kind::ALL)? {
        Kind::Float => numbers::<f64, MAX>(input, scope),
        Kind::Unsigned => numbers::<u64, MAX>(input, scope),
        Kind::Text => TextExtremes::<MAX>::boxed(scope),
        _ => numbers::<i64, MAX>(input, scope),
    })
}

/// The portable form of that state.
///
/// # Errors
/// `TypeMismatch` for a type without an order.
pub fn state_fields<const MAX: bool>(input: &DataType) -> Result<Vec<Field>> {
    let data_type = match Kind::of_type(input, name::<MAX>(), Kind::ALL)? {
        Kind::Float => DataType::Float64,
        Kind::Unsigned => DataType::UInt64,
        Kind::Text => DataType::Utf8,
        _ => DataType::Int64,
    };
    Ok(vec![Field::new(name::<MAX>(), data_type, true)])
}

fn name<const MAX: bool>() -> &'static str {
    if MAX { "max" } else { "min" }
}

fn numbers<N: Number, const MAX: bool>(input: &DataType, scope: Scope) -> Box<dyn FoldState> {
    let to = result_type(input);
    match scope {
        Scope::Groups => Extremes::<N, MAX>::boxed(to),
        Scope::Column => Numeric::<N, Extreme<N, MAX>, _>::boxed(Extreme::default(), move |extreme| {
            Ok(Outcome::Value(of_keys::<N>([extreme.seen.then(|| extreme.best.key())], &to)?))
        }),
    }
}

/// The type of the result: that of the column, as plain values.
pub fn result_type(input: &DataType) -> DataType {
    logical(input)
}

/// The extreme number so far.
#[derive(Debug)]
struct Extreme<N, const MAX: bool> {
    best: N,
    seen: bool,
}

impl<N: Number, const MAX: bool> Default for Extreme<N, MAX> {
    fn default() -> Self {
        Extreme { best: if MAX { N::LEAST } else { N::GREATEST }, seen: false }
    }
}

/// The better of a value and the best so far; NaN never is.
#[inline]
pub fn better<N: PartialOrd, const MAX: bool>(value: N, best: N) -> N {
    // a comparison with NaN is false
    if if MAX { value > best } else { value < best } { value } else { best }
}

impl<N: Number, const MAX: bool> Accumulator<N> for Extreme<N, MAX> {
    fn add_all(&mut self, values: &[N]) {
        // eight chains of comparisons, none of which waits for another
        let mut best = [self.best; 8];
        let (eights, rest) = values.as_chunks::<8>();
        for eight in eights {
            for (best, value) in best.iter_mut().zip(eight) {
                *best = better::<N, MAX>(*value, *best);
            }
        }
        self.seen = self.seen || values.iter().any(|v| !v.is_nan());
        for value in rest.iter().chain(&best) {
            self.best = better::<N, MAX>(*value, self.best);
        }
    }

    fn merge(&mut self, later: Self) {
        self.best = better::<N, MAX>(later.best, self.best);
        self.seen |= later.seen;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int16Array, StringArray,
        TimestampNanosecondArray, UInt64Array,
    };
    use arrow::compute::cast;

    use super::super::testing::{grouped, whole};
    use super::super::{Max, Min};
    use super::*;

    #[test]
    fn extremes_by_type() {
        let strings: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), None, Some("a")]));
        let columns: [(ArrayRef, usize, usize); 8] = [
            (
                Arc::new(Float64Array::from(vec![Some(2.0), None, Some(f64::NAN), Some(-1.0), Some(f64::INFINITY)])),
                3,
                4,
            ),
            (Arc::new(Float32Array::from(vec![0.1f32, 0.2, f32::NAN])), 0, 1),
            (Arc::new(Int16Array::from(vec![Some(3), None, Some(-3)])), 2, 0),
            (Arc::new(UInt64Array::from(vec![u64::MAX, 0])), 1, 0),
            (Arc::new(BooleanArray::from(vec![true, false])), 1, 0),
            (Arc::new(Date32Array::from(vec![19_000, -5])), 1, 0),
            (Arc::new(TimestampNanosecondArray::from(vec![1_700_000_000_123_456_789, 5]).with_timezone("UTC")), 1, 0),
            (strings.clone(), 2, 0),
        ];
        for (values, min, max) in &columns {
            assert_eq!(&whole(&Min, values), &values.slice(*min, 1));
            assert_eq!(&whole(&Max, values), &values.slice(*max, 1));
            assert_eq!(whole(&Max, &values.slice(0, 0)).null_count(), 1);
        }
        let view = cast(&strings, &DataType::Utf8View).unwrap();
        assert_eq!(&whole(&Min, &view), &strings.slice(2, 1));
    }

    #[test]
    fn groups_have_their_own_extremes() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, f64::NAN, f64::NEG_INFINITY]));
        let wanted: ArrayRef = Arc::new(Float64Array::from(vec![Some(2.0), None, Some(f64::NEG_INFINITY)]));
        assert_eq!(&grouped(&Max, &values, &[0, 0, 1, 2], 3), &wanted);
    }
}
