use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DurationMicrosecondArray, Float64Array, Int8Array, Int64Array, StringArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, Float64Type, Int8Type, Int64Type, TimeUnit};
use proptest::prelude::*;

use crate::expr::testing::{column, one, two};
use crate::{col, lit};

fn twin_i8(op: char, x: Option<i8>, y: Option<i8>) -> Result<Option<i8>, ()> {
    let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
    let (x, y) = (i32::from(x), i32::from(y));
    let exact = match op {
        '+' => x + y,
        '-' => x - y,
        '*' => x * y,
        _ if y == 0 => return Ok(None),
        _ => x - y * (f64::from(x) / f64::from(y)).floor() as i32,
    };
    i8::try_from(exact).map(Some).map_err(|_| ())
}

proptest! {
    #[test]
    fn whole_numbers_do_what_their_twin_does(
        pairs in prop::collection::vec((any::<Option<i8>>(), any::<Option<i8>>()), 0..6),
        small in prop::collection::vec((prop::option::of(-11i8..11), prop::option::of(-11i8..11)), 0..200),
    ) {
        for pairs in [pairs, small] {
            let x: ArrayRef = Arc::new(pairs.iter().map(|p| p.0).collect::<Int8Array>());
            let y: ArrayRef = Arc::new(pairs.iter().map(|p| p.1).collect::<Int8Array>());
            for (op, expr) in [
                ('+', col("x") + col("y")), ('-', col("x") - col("y")), ('*', col("x") * col("y")), ('%', col("x") % col("y")),
            ] {
                let twin: Result<Int8Array, ()> = pairs.iter().map(|p| twin_i8(op, p.0, p.1)).collect();
                match (two(&expr, &x, &y), twin) {
                    (Ok(found), Ok(twin)) => prop_assert_eq!(found.as_primitive::<Int8Type>(), &twin),
                    (Err(_), Err(())) => {}
                    (found, twin) => prop_assert!(false, "{expr}: {found:?} beside {twin:?}"),
                }
            }
        }
    }

    #[test]
    fn wide_whole_numbers_overflow_where_checked_ones_do(x in any::<i64>(), y in any::<i64>(), u in any::<u64>(), v in any::<u64>()) {
        let signed = |e| two(&e, &(Arc::new(Int64Array::from(vec![x, 0])) as ArrayRef), &(Arc::new(Int64Array::from(vec![y, 0])) as ArrayRef));
        let unsigned = |e| {
            let array = |v| Arc::new(arrow::array::UInt64Array::from(vec![v, 0])) as ArrayRef;
            two(&e, &array(u), &array(v))
        };
        prop_assert_eq!(signed(col("x") + col("y")).is_ok(), x.checked_add(y).is_some());
        prop_assert_eq!(signed(col("x") - col("y")).is_ok(), x.checked_sub(y).is_some());
        prop_assert_eq!(signed(col("x") * col("y")).is_ok(), x.checked_mul(y).is_some());
        prop_assert_eq!(unsigned(col("x") + col("y")).is_ok(), u.checked_add(v).is_some());
        prop_assert_eq!(unsigned(col("x") - col("y")).is_ok(), u.checked_sub(v).is_some());
        prop_assert_eq!(unsigned(col("x") * col("y")).is_ok(), u.checked_mul(v).is_some());
    }
}

#[test]
fn values_below_nulls_do_not_overflow() {
    let hidden = Int64Array::new(vec![i64::MAX, 1].into(), Some(vec![false, true].into()));
    let sum = one(&(col("x") + 1), &(Arc::new(hidden) as ArrayRef)).unwrap();
    assert_eq!(sum.as_primitive::<Int64Type>(), &Int64Array::from(vec![None, Some(2)]));
    let error = one(&(col("x") + 1), &column([i64::MAX])).unwrap_err().to_string();
    assert!(error.contains("9223372036854775807 + 1 overflows Int64") && error.contains("(x + 1)"), "{error}");
}

#[test]
fn division_is_of_floats_and_never_fails() {
    let quotient = two(&(col("x") / col("y")), &column([1i64, -1, 0, 7]), &column([0i64, 0, 0, 2])).unwrap();
    let values = quotient.as_primitive::<Float64Type>();
    assert_eq!((values.value(0), values.value(1), values.value(3)), (f64::INFINITY, f64::NEG_INFINITY, 3.5));
    assert!(values.value(2).is_nan());
}

#[test]
fn the_remainder_has_the_sign_of_the_divisor() {
    let found =
        two(&(col("x") % col("y")), &column([7.5f64, -7.5, 7.5, -7.5]), &column([2.0f64, 2.0, -2.0, -2.0])).unwrap();
    assert_eq!(found.as_primitive::<Float64Type>(), &Float64Array::from(vec![1.5, 0.5, -0.5, -1.5]));
}

#[test]
fn literals_take_the_type_of_the_column() {
    let small = one(&(col("x") + 1), &(Arc::new(Int8Array::from(vec![1])) as ArrayRef)).unwrap();
    assert_eq!(small.data_type(), &DataType::Int8);
    let wide = one(&(col("x") + 1000), &(Arc::new(Int8Array::from(vec![1])) as ArrayRef)).unwrap();
    assert_eq!(wide.data_type(), &DataType::Int32);
    assert_eq!(one(&(col("x") * 0.5), &column([3i64])).unwrap().as_primitive::<Float64Type>().value(0), 1.5);
}

#[test]
fn plus_joins_strings_of_any_layout() {
    for layout in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View] {
        let x: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("")]));
        let x = arrow::compute::cast(&x, &layout).unwrap();
        let joined = one(&(lit("<") + col("x") + col("x") + ">"), &x).unwrap();
        assert_eq!(joined.data_type(), &layout);
        let joined = arrow::compute::cast(&joined, &DataType::Utf8).unwrap();
        assert_eq!(joined.as_string::<i32>(), &StringArray::from(vec![Some("<aa>"), None, Some("<>")]));
    }
}

#[test]
fn times_and_durations() {
    let t: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(86_400_000_000), None]));
    let fine: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(86_400_000_000_500), Some(0)]));
    let span = two(&(col("y") - col("x")), &t, &fine).unwrap();
    assert_eq!(span.data_type(), &DataType::Duration(TimeUnit::Nanosecond));
    let d: ArrayRef = Arc::new(DurationMicrosecondArray::from(vec![3, 5]));
    let later = two(&(col("x") + col("y") * 2), &t, &d).unwrap();
    assert_eq!(later.as_ref(), &TimestampMicrosecondArray::from(vec![Some(86_400_000_006), None]) as &dyn Array);
    let half = one(&(col("x") * 0.5), &d).unwrap();
    assert_eq!(half.as_ref(), &DurationMicrosecondArray::from(vec![1, 2]) as &dyn Array);
    let ratio = one(&(col("x") / col("x")), &d).unwrap();
    assert_eq!(ratio.as_primitive::<Float64Type>(), &Float64Array::from(vec![1.0, 1.0]));
}
