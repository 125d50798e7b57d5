//! Laws that hold of every function: the type announced is the type that comes, null in gives null out, a literal is a
//! column filled with it, a program computes what the tree says.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::dt::Unclear;
use crate::base::ErrorKind;
use crate::expr::testing::{literal_agrees, one};
use crate::{Expr, Identity, Token, col, lit, max_of, min_of, when};

fn types() -> Vec<ArrayRef> {
    use DataType::*;
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(100), Some(0), Some(64)]));
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(-1.5), None, Some(f64::NAN), Some(0.0), Some(2.5)]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("Ab"), None, Some(""), Some(" ü€ "), Some("aab")]));
    let units = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut all = vec![floats.clone(), texts.clone(), new_null_array(&Null, 5)];
    let to = |array: &ArrayRef, to: DataType| cast(array, &to).unwrap();
    all.push(to(&floats, Float32));
    for t in [Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Boolean, Decimal128(10, 2)] {
        all.push(to(&numbers, t));
    }
    for t in [
        LargeUtf8,
        Utf8View,
        Dictionary(Box::new(Int32), Box::new(Utf8)),
        Dictionary(Box::new(Int8), Box::new(Utf8View)),
        Binary,
    ] {
        all.push(to(&texts, t));
    }
    for unit in units {
        all.push(to(&numbers, Timestamp(unit, None)));
        all.push(to(&to(&numbers, Timestamp(unit, Some("UTC".into()))), Timestamp(unit, Some("Europe/Paris".into()))));
        all.push(to(&numbers, Duration(unit)));
    }
    all.push(to(&to(&numbers, Int32), Date32));
    all.push(to(&numbers, Date64));
    all.push(to(&to(&numbers, Int32), Time32(TimeUnit::Second)));
    all.push(to(&to(&numbers, Int32), Time32(TimeUnit::Millisecond)));
    all.push(to(&numbers, Time64(TimeUnit::Microsecond)));
    all.push(to(&numbers, Time64(TimeUnit::Nanosecond)));
    all
}

type Make = fn(Expr) -> Expr;

/// Functions that give null for null.
fn strict() -> Vec<Make> {
    vec![
        |e| e.clone() + e,
        |e| e.clone() - e,
        |e| e.clone() * e,
        |e| e.clone() / e,
        |e| e.clone() % e,
        |e| e + 1,
        |e| 1 - e,
        |e| e * 2.5,
        |e| e / 0,
        |e| e % 7,
        |e| -e,
        |e| !e,
        |e| e.gt(1),
        |e| e.clone().le(e),
        |e| e.eq("Ab"),
        |e| lit(2).lt(e),
        |e| e.ne(0.0),
        |e| e.cast(DataType::Float64),
        |e| e.cast(DataType::Int32),
        |e| e.cast(DataType::Utf8),
        |e| e.is_nan(),
        |e| e.abs(),
        |e| e.round(1),
        |e| e.round(-1),
        |e| e.floor(),
        |e| e.ceil(),
        |e| e.sqrt(),
        |e| e.log(),
        |e| e.exp(),
        |e| e.pow(2),
        |e| e.pow(0.5),
        |e| e.clone().pow(e),
        |e| e.clip(0, 10),
        |e| e.clip_min(0.5),
        |e| e.is_in([1, 2, 64]),
        |e| e.is_in(["Ab", "x"]),
        |e| e.is_in([0.0, 2.5]),
        |e| e.is_in([true]),
        |e| e.is_in(0..50),
        |e| e.between(1, 64),
        |e| e.str().contains("a"),
        |e| e.str().starts_with("A"),
        |e| e.str().matches("a.?b"),
        |e| e.str().len(),
        |e| e.str().len_bytes(),
        |e| e.str().lower(),
        |e| e.str().trim(),
        |e| e.str().slice(1..),
        |e| e.str().replace("a", "zz"),
        |e| e.str().replace_regex("(a)(b)", "$2$1"),
        |e| e.clone() + e.str().upper(),
        |e| e.dt().year(),
        |e| e.dt().weekday(),
        |e| e.dt().hour(),
        |e| e.dt().minute(),
        |e| e.dt().second(),
        |e| e.dt().millisecond(),
        |e| e.dt().microsecond(),
        |e| e.dt().nanosecond(),
        |e| e.dt().iso_week(),
        |e| e.dt().is_month_start(),
        |e| e.dt().is_leap_year(),
        |e| e.dt().date(),
        |e| e.dt().time(),
        |e| e.dt().floor("1h"),
        |e| e.dt().ceil("1mo"),
        |e| e.dt().round("1w"),
        |e| e.dt().strftime("%Y-%m-%dT%H"),
        |e| e.dt().to_timezone("Asia/Tokyo"),
        |e| e.dt().tz_localize("America/New_York"),
        |e| e.dt().tz_localize_with("+02:00", Unclear::Null),
        |e| e.dt().wall_time(),
        |e| e.dt().epoch(TimeUnit::Millisecond),
        |e| e.dt().total_seconds(),
        |e| e.dt().total_nanoseconds(),
        |e| e.clone() - e.dt().floor("1d"),
        |e| e.clone() + (e.clone() - e),
        |e| e.map("same", DataType::Int64, |a| Ok(a.clone())),
    ]
}

/// Functions that have an answer for null.
fn lenient() -> Vec<Make> {
    vec![
        |e| e.is_null(),
        |e| e.is_not_null(),
        |e| e.fillna(7),
        |e| e.fillna(-1.5),
        |e| e.fillna("?"),
        |e| e.clone().fillna(e),
        |e| e.fillna(lit(None::<f64>)),
        |e| lit(1).fillna(e),
        |e| e.and(false),
        |e| e.or(true),
        |e| e ^ true,
        |e| min_of([e.clone(), e]),
        |e| max_of([e, lit(10)]),
        |e| min_of([lit(0.5), e]),
        |e| when(e.is_null()).then(1).otherwise(2.5),
        |e| when(e.clone().gt(1)).then(e.clone()).otherwise(0),
        |e| when(e.clone()).then(1).when(e.is_null()).then(2).otherwise_null(),
        |e| when(e.clone().is_null()).then("x").otherwise(e),
        |e| lit(2) + lit(3) + e.is_null(),
    ]
}

#[test]
fn every_function_keeps_its_word_for_every_type() {
    let mut possible = 0;
    for array in types() {
        let schema = Schema::new(vec![Field::new("x", array.data_type().clone(), true)]);
        for (strict, make) in strict().into_iter().map(|f| (true, f)).chain(lenient().into_iter().map(|f| (false, f))) {
            let expr = make(col("x"));
            let announced = expr.to_field(&schema);
            let found = one(&expr, &array);
            match (&announced, found) {
                (Ok(_), Ok(found)) => {
                    possible += 1;
                    let nulls = array.logical_nulls().map_or(0, |n| n.null_count());
                    let kept = (0..array.len()).all(|i| {
                        !array.logical_nulls().is_some_and(|n| n.is_null(i))
                            || found.logical_nulls().is_some_and(|n| n.is_null(i))
                    });
                    assert!(!strict || nulls == 0 || kept, "{expr} of {} gives {found:?}", array.data_type());
                }
                (Ok(_), Err(error)) => {
                    let of_values = matches!(error.kind(), ErrorKind::Value { .. } | ErrorKind::Parse { .. });
                    let of_closure = expr.to_string().contains("same");
                    assert!(of_values || of_closure, "{expr} of {}: {error}", array.data_type());
                }
                (Err(error), Err(_)) => {
                    let typed = matches!(
                        error.kind(),
                        ErrorKind::TypeMismatch { .. } | ErrorKind::Value { .. } | ErrorKind::Parse { .. }
                    );
                    assert!(typed, "{expr} of {}: {error}", array.data_type());
                }
                (Err(error), Ok(_)) => panic!("{expr} of {}: {error}", array.data_type()),
            }
        }
    }
    assert!(possible > 900, "{possible}");
}

#[test]
fn a_literal_is_a_column_filled_with_it() {
    let alone: Vec<Make> = vec![
        |e| e.abs(),
        |e| e.sqrt(),
        |e| e.round(1),
        |e| e.is_nan(),
        |e| -e,
        |e| e.str().upper(),
        |e| e.str().len(),
        |e| e.dt().year(),
        |e| e.dt().floor("1h"),
        |e| e.dt().hour(),
        |e| e.cast(DataType::Utf8),
        |e| e.is_null(),
        |e| e.is_in([1, 64]),
        |e| !e,
        |e| e.clone() + e,
        |e| e.clone() / e,
        |e| e.clone().gt(e),
        |e| e.clone().fillna(e),
        |e| min_of([e.clone(), e]),
        |e| when(e.clone().is_null()).then(e.clone()).otherwise(e),
        |e| e.clone().clip(e.clone(), e),
    ];
    for array in types() {
        let schema = Schema::new(vec![Field::new("x", array.data_type().clone(), true)]);
        for make in &alone {
            // a dictionary beside itself is still a dictionary as a column, and text as a literal
            let dictionary = matches!(array.data_type(), DataType::Dictionary(..));
            if make(col("x")).to_field(&schema).is_ok() && !dictionary {
                literal_agrees(make, &array);
            }
        }
    }
}

#[test]
fn errors_of_settings_come_with_the_schema_and_name_the_expression() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let time =
        cast(&(Arc::new(Int64Array::from(vec![1])) as ArrayRef), &DataType::Timestamp(TimeUnit::Second, None)).unwrap();
    let says = |expr: Expr, array: &ArrayRef, what: &str| {
        let schema = Schema::new(vec![Field::new("x", array.data_type().clone(), true)]);
        let error = expr.to_field(&schema).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    says(col("x").str().matches("a("), &text, "`a(` is not a regular expression");
    says(col("x").str().replace_regex("[", ""), &text, "not a regular expression");
    says(col("x").dt().floor("1 hour"), &time, "not a step of time");
    says(col("x").dt().strftime("%Q"), &time, "not a format of times");
    says(col("x").dt().tz_localize("Europe/Pariss"), &time, "did you mean `Europe/Paris`");
    says(col("x").dt().to_timezone("Europe/Paris"), &time, "tz_localize");
    says(col("x").dt().floor("1500ms"), &time, "has no such steps");
    says(col("x").str().len(), &time, "`str.len` needs text, but `x` is Timestamp");
    says(col("x").dt().year(), &text, "needs timestamps or dates, but `x` is Utf8");
    says(col("x").abs(), &text, "in `x.abs()`");
    says(col("x").is_in([1, 2]), &text, "the list of `is_in` is of Int32");
    says(when(col("x")).then(1).otherwise(2), &text, "must be boolean");
}

#[test]
fn closures_are_held_to_their_word() {
    let x: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let double = col("x").map("double", DataType::Int64, |a| Ok(arrow::compute::kernels::numeric::add(a, a)?));
    assert_eq!(one(&double, &x).unwrap().as_ref(), &Int64Array::from(vec![2, 4, 6]) as &dyn Array);
    let short = col("x").map("short", DataType::Int64, |a| Ok(a.slice(0, a.len().min(1))));
    let error = one(&short, &x).unwrap_err().to_string();
    assert!(error.contains("the closure `short` gave 1 values for 3 rows"), "{error}");
    let other = col("x").map("other", DataType::Utf8, |a| Ok(a.clone()));
    let error = one(&other, &x).unwrap_err().to_string();
    assert!(error.contains("gave Int64, but its type was said to be Utf8"), "{error}");
}

#[test]
fn closures_are_equal_by_name_and_version_alone() {
    let token = |e: &Expr| Token::of(|t| e.token(t));
    let fresh = || col("x").map("f", DataType::Int64, |a| Ok(a.clone()));
    assert_ne!(token(&fresh()), token(&fresh()));
    let named =
        |version| super::Map::new("f", DataType::Int64, |a| Ok(a[0].clone())).named("f", version).of([col("x")]);
    assert_eq!(token(&named("1")), token(&named("1")));
    assert_ne!(token(&named("1")), token(&named("2")));
}

#[test]
fn equal_settings_have_equal_tokens_and_others_do_not() {
    let token = |e: Expr| Token::of(|t| e.token(t));
    let all: Vec<Token> = strict().iter().chain(&lenient()).map(|make| token(make(col("x")))).collect();
    for (i, make) in strict().iter().chain(&lenient()).enumerate() {
        let again = token(make(col("x")));
        assert_eq!(
            all.iter().filter(|t| **t == again).count(),
            usize::from(!make(col("x")).to_string().contains("same"))
        );
        assert!(again == all[i] || make(col("x")).to_string().contains("same"));
    }
}

#[test]
fn the_first_true_condition_decides() {
    let x: ArrayRef = Arc::new(Int64Array::from(vec![Some(500), Some(50), Some(5), None]));
    let size = when(col("x").gt(100)).then("large").when(col("x").gt(10)).then("middle").otherwise("small");
    let found = one(&size, &x).unwrap();
    assert_eq!(found.as_ref(), &StringArray::from(vec!["large", "middle", "small", "small"]) as &dyn Array);
    let found = one(&when(col("x").gt(100)).then(col("x")).otherwise_null(), &x).unwrap();
    assert_eq!(found.as_ref(), &Int64Array::from(vec![Some(500), None, None, None]) as &dyn Array);
}

#[test]
fn lists_of_any_length_say_what_comparisons_say() {
    let x: ArrayRef =
        Arc::new(Float64Array::from(vec![Some(0.0), Some(-0.0), Some(f64::NAN), None, Some(3.0), Some(50.0)]));
    let expected = BooleanArray::from(vec![Some(true), Some(true), Some(false), None, Some(true), Some(false)]);
    assert_eq!(one(&col("x").is_in([0.0, 3.0, f64::NAN]), &x).unwrap().as_ref(), &expected as &dyn Array);
    let long: Vec<f64> = (0..40).map(f64::from).chain([f64::NAN]).collect();
    assert_eq!(one(&col("x").is_in(long), &x).unwrap().as_ref(), &expected as &dyn Array);
    assert_eq!(
        one(&col("x").is_in(Vec::<f64>::new()), &x)
            .unwrap()
            .as_any()
            .downcast_ref::<BooleanArray>()
            .unwrap()
            .true_count(),
        0
    );
}
