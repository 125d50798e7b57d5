//! `cast`

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options, take};
use arrow::datatypes::{DataType, Field, FieldRef, Float32Type, Float64Type, Int32Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::one_column::arity;
use crate::base::{Error, ErrorKind, Identity, Result, Tokenizer};
use crate::expr::widen::widened;
use crate::expr::{Arg, Notation, Portable, ScalarFn, Value};

/// Conversion to another type, as pandas' `astype`: see [`Expr::cast`](crate::expr::Expr::cast).
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Cast {
    /// The type wanted.
    #[serde(with = "crate::expr::portable::typed")]
    pub to: DataType,
}

impl fmt::Display for Cast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cast({})", self.to)
    }
}

impl Identity for Cast {
    fn token(&self, t: &mut Tokenizer) {
        t.str("cast");
        t.debug(&self.to);
    }
}

impl ScalarFn for Cast {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a] = args else { return Err(arity(self, 1, args.len())) };
        if !can_cast_types(a.data_type(), &self.to) {
            let what = format!("`{}` is {} and cannot be converted to {}", a.field.name(), a.data_type(), self.to);
            return Err(Error::types(what));
        }
        Ok(Arc::new(Field::new(a.field.name(), self.to.clone(), a.field.is_nullable())))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a] = args else { return Err(arity(self, 1, args.len())) };
        Ok(a.like(convert(a.rows(), &self.to)?))
    }

    fn notation(&self) -> Notation {
        Notation::Method
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("cast", self)
    }
}

/// The array converted to `to`, by the rules of [`Cast`].
///
/// # Errors
/// `Value` with the first value that has no counterpart.
pub fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let from = array.data_type();
    if from == to {
        return Ok(array.clone());
    }
    if to.is_integer() && !from.is_integer() && !from.is_null() && !from.is_temporal() {
        if array.logical_null_count() > 0 {
            return Err(Error::value(format!("null cannot be converted to {to}"))
                .help("give it a value with fillna() first, or convert to Float64"));
        }
        if let Some(what) = not_finite(array) {
            return Err(Error::value(format!("{what} cannot be converted to {to}"))
                .help("give it a value with fillna() first, or convert to Float64"));
        }
    }
    if let Some(dictionary) = array.as_any_dictionary_opt().filter(|_| !matches!(to, DataType::Dictionary(..))) {
        // each value once; only those that are used may fail
        if let Ok(values) = convert(dictionary.values(), to) {
            return Ok(take(&values, dictionary.keys(), None)?);
        }
    }
    if let Some(converted) = widened(array, to).or_else(|| cut(array, to)) {
        return Ok(converted);
    }
    let options = CastOptions { safe: false, ..Default::default() };
    cast_with_options(array, to, &options).map_err(|error| first_failure(array, to).unwrap_or_else(|| error.into()))
}

/// Floating numbers cut to whole ones, if all are in range; the loops have no early way out, so that they vectorise.
fn cut(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    fn within<T: ArrowPrimitiveType<Native = f64>>(
        array: &PrimitiveArray<T>,
        range: std::ops::Range<f64>,
    ) -> Option<&PrimitiveArray<T>> {
        let out = array.values().iter().fold(false, |out, v| out | !((*v >= range.start) & (*v < range.end)));
        (!out && array.null_count() == 0).then_some(array)
    }
    let array = array.as_primitive_opt::<Float64Type>()?;
    match to {
        DataType::Int64 => {
            let bound = 2f64.powi(63);
            Some(Arc::new(within(array, -bound..bound)?.unary::<_, Int64Type>(|v| v as i64)))
        }
        DataType::Int32 => {
            let bound = 2f64.powi(31);
            Some(Arc::new(within(array, -bound..bound)?.unary::<_, Int32Type>(|v| v as i32)))
        }
        _ => None,
    }
}

fn not_finite(array: &ArrayRef) -> Option<&'static str> {
    let name = |nan: bool| if nan { "NaN" } else { "infinity" };
    match array.data_type() {
        DataType::Float64 => {
            array.as_primitive::<Float64Type>().values().iter().find(|v| !v.is_finite()).map(|v| name(v.is_nan()))
        }
        DataType::Float32 => {
            array.as_primitive::<Float32Type>().values().iter().find(|v| !v.is_finite()).map(|v| name(v.is_nan()))
        }
        _ => None,
    }
}

/// The first value that a lenient conversion turns to null.
fn first_failure(array: &ArrayRef, to: &DataType) -> Option<Error> {
    let lenient = cast_with_options(array, to, &CastOptions { safe: true, ..Default::default() }).ok()?;
    let row = (0..array.len()).find(|&i| array.is_valid(i) && lenient.is_null(i))?;
    let options = FormatOptions::default();
    let value = ArrayFormatter::try_new(array, &options).ok()?.value(row).to_string();
    Some(match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Error::new(ErrorKind::Parse { value, expected: to.to_string() })
        }
        from => Error::value(format!("the {from} value {value} does not fit into {to}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::col;
    use crate::expr::testing::{Numbers, column, one, over, values};
    use arrow::array::{BooleanArray, Int32Array, StringArray};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_convert_as_the_language_converts(bits in prop::collection::vec(prop::option::of(any::<(bool, i32)>()), 0..150), whole in any::<i64>()) {
            let bools: ArrayRef = Arc::new(bits.iter().map(|b| b.map(|b| b.0)).collect::<BooleanArray>());
            let twin: Vec<_> = bits.iter().map(|b| b.map(|b| f64::from(u8::from(b.0)))).collect();
            prop_assert_eq!(values::<Float64Type>(&one(&col("x").cast(DataType::Float64), &bools).unwrap()), twin);
            let small: ArrayRef = Arc::new(bits.iter().map(|b| b.map(|b| b.1)).collect::<Int32Array>());
            let twin: Vec<_> = bits.iter().map(|b| b.map(|b| f64::from(b.1))).collect();
            prop_assert_eq!(values::<Float64Type>(&one(&col("x").cast(DataType::Float64), &small).unwrap()), twin);
            let wide = one(&col("x").cast(DataType::Float64), &column([whole])).unwrap();
            prop_assert_eq!(values::<Float64Type>(&wide), vec![Some(whole as f64)]);
        }

        #[test]
        fn floats_are_cut_or_refused(v in prop_oneof![any::<f64>(), -1e10..1e10f64, -1e20..1e20f64]) {
            let cut = |to| one(&col("x").cast(to), &column([v, 0.0]));
            let cut64 = cut(DataType::Int64).ok().map(|found| values::<Int64Type>(&found)[0]);
            let cut32 = cut(DataType::Int32).ok().map(|found| values::<Int32Type>(&found)[0]);
            let fits = |bound: f64| v.trunc() >= -bound && v.trunc() < bound;
            prop_assert_eq!(cut64, fits(2f64.powi(63)).then_some(Some(v as i64)));
            prop_assert_eq!(cut32, fits(2f64.powi(31)).then_some(Some(v as i32)));
        }
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        let says = |array: &ArrayRef, to, what: &str| {
            let error = over(&col("fare").cast(to), &[("fare", array)]).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains("fare.cast("), "{error}");
        };
        says(&column([Some(1.0), Some(f64::NAN)]), DataType::Int64, "NaN cannot be converted to Int64");
        says(&column([Some(1.0), None]), DataType::Int64, "null cannot be converted to Int64");
        says(&column([f64::INFINITY]), DataType::Int64, "infinity cannot be converted to Int64");
        let text: ArrayRef = Arc::new(StringArray::from(vec!["12", "12,5"]));
        says(&text, DataType::Int64, "`12,5` is not a Int64");
        let nullable = vec![Some(1i64), None].column();
        let kept = one(&col("x").cast(DataType::Int32), &nullable).unwrap();
        assert_eq!(values::<Int32Type>(&kept), [Some(1), None]);
    }

    #[test]
    fn a_dictionary_converts_by_its_values() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("1.5"), None, Some("1.5")]));
        let wanted = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let dictionary = arrow::compute::cast(&text, &wanted).unwrap();
        let found = one(&col("x").cast(DataType::Float64), &dictionary).unwrap();
        assert_eq!(values::<Float64Type>(&found), [Some(1.5), None, Some(1.5)]);
        assert!(one(&col("x").cast(DataType::Int64), &dictionary).is_err());
    }
}
