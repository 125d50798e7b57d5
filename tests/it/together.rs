//! Operations on top of each other: what one knows of its rows must not mislead another.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::DataType;
use partita::{DataFrame, Join, Sample, Session, SetIndex, col};

/// `rows` numbers in no order, in partitions of 100, and a group for each.
fn frame(session: &Session, rows: i64) -> DataFrame {
    let part = |from: i64| {
        let numbers: Vec<i64> = (from..(from + 100).min(rows)).map(|i| i * 7919 % rows).collect();
        let columns: [(&str, ArrayRef); 3] = [
            ("a", Arc::new(Int64Array::from(numbers.clone()))),
            ("k", Arc::new(Int64Array::from_iter_values(numbers.iter().map(|n| n % 3)))),
            ("x", Arc::new(Float64Array::from_iter_values(numbers.iter().map(|n| *n as f64)))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    session.from_batches((0..rows).step_by(100).map(part)).unwrap()
}

fn session() -> Session {
    Session::builder().threads(2).build().unwrap()
}

fn wholes(df: &DataFrame, column: &str) -> Vec<i64> {
    df.compute().unwrap().f64s(column).unwrap().into_iter().map(|v| v.unwrap() as i64).collect()
}

#[test]
fn aggregates_of_closures_of_one_name_are_told_apart() {
    let df = frame(&session(), 300);
    let scaled = |by: f64| {
        col("x").map("f", DataType::Float64, move |x| {
            Ok(arrow::compute::kernels::numeric::mul(x, &Float64Array::new_scalar(by))?)
        })
    };
    let sums = df.groupby("k").unwrap().agg([scaled(1.0).sum().alias("one"), scaled(2.0).sum().alias("two")]).unwrap();
    let (one, two) = (wholes(&sums, "one"), wholes(&sums, "two"));
    assert_eq!(one.iter().map(|n| n * 2).collect::<Vec<_>>(), two);
}

#[test]
fn an_index_that_is_used_twice_begins_anew() {
    let (small, large) = (frame(&session(), 200), frame(&session(), 1000));
    let index = SetIndex::new("a").partitions(2);
    let (first, second) = (small.set_index(index.clone()).unwrap(), large.set_index(index).unwrap());
    assert_eq!(first.compute().unwrap().num_rows(), 200);
    assert_eq!(second.filter(col("a").ge(500)).unwrap().len().unwrap(), 500);
}

#[test]
fn what_looks_first_may_stand_above_a_window() {
    let df = frame(&session(), 300).with_column("before", col("x").shift(1)).unwrap();
    let both = df.with_column("mean", col("a").mean().over("k")).unwrap();
    assert_eq!(both.compute().unwrap().num_rows(), 300);
    assert_eq!(df.repartition(20).unwrap().compute().unwrap().num_rows(), 300);
    assert_eq!(df.set_index("a").unwrap().compute().unwrap().num_rows(), 300);
    assert_eq!(df.median().unwrap().compute().unwrap().value("before", 0).unwrap().as_f64(), Some(149.0));
}

#[test]
fn filters_stay_above_what_counts_rows_or_partitions() {
    let sorted = frame(&session(), 1000).sort_by(["a"]).unwrap();
    let even = || (col("a") % 2).eq(0);
    let first = sorted.partitions(0..1).unwrap();
    let expected: Vec<i64> = wholes(&first, "a").into_iter().filter(|a| a % 2 == 0).collect();
    assert_eq!(wholes(&first.filter(even()).unwrap(), "a"), expected);
    let drawn = sorted.sample(Sample::fraction(0.3).seed(5)).unwrap();
    let expected: Vec<i64> = wholes(&drawn, "a").into_iter().filter(|a| a % 2 == 0).collect();
    assert_eq!(wholes(&drawn.filter(even()).unwrap(), "a"), expected);
}

#[test]
fn keys_without_partners_cost_no_more_than_their_rows() {
    let session = Session::builder().threads(2).memory_limit("600 kB").build().unwrap();
    let nulls = |name: &str| {
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![None; 4000]));
        let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4000));
        let columns = [("k", keys, true), (name, rows, true)];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        session.from_batches((0..8).map(|_| batch.clone())).unwrap()
    };
    let joined = nulls("v").join(&nulls("w"), Join::outer("k").broadcast(false)).unwrap();
    assert_eq!(joined.batches().unwrap().map(|b| b.unwrap().num_rows()).sum::<usize>(), 64_000);
    let met = nulls("v").join(&nulls("w"), Join::semi("k").nulls_equal(true).broadcast(false)).unwrap();
    assert_eq!(met.batches().unwrap().map(|b| b.unwrap().num_rows()).sum::<usize>(), 32_000);
}
