//! Plans drawn: what the rules make of what was written.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use partita::{DataFrame, Session, col, concat};

fn trips(session: &Session) -> DataFrame {
    let floats = |v: [f64; 2]| Arc::new(Float64Array::from(v.to_vec())) as ArrayRef;
    let wholes = |v: [i64; 2]| Arc::new(Int64Array::from(v.to_vec())) as ArrayRef;
    let times = Arc::new(TimestampMicrosecondArray::from(vec![1_672_531_200_000_000, 1_672_617_600_000_000]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("VendorID", wholes([1, 2])),
        ("lpep_pickup_datetime", times.clone()),
        ("lpep_dropoff_datetime", times),
        ("PULocationID", wholes([74, 75])),
        ("DOLocationID", wholes([1, 2])),
        ("passenger_count", floats([1.0, 2.0])),
        ("trip_distance", floats([1.5, 2.5])),
        ("fare_amount", floats([10.0, -2.0])),
        ("tip_amount", floats([3.0, 0.0])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    session.from_batches([batch.clone(), batch.clone(), batch]).unwrap()
}

fn session() -> Session {
    Session::builder().threads(1).build().unwrap()
}

#[test]
fn the_taxi_plan_reads_six_columns_and_never_computes_the_week() {
    let pickup = || col("lpep_pickup_datetime").dt();
    let prepared = trips(&session())
        .filter(col("fare_amount").gt(0))
        .and_then(|t| t.with_column("tip_fraction", col("tip_amount") / col("fare_amount")))
        .and_then(|t| t.with_column("high_tip", col("tip_fraction").gt(0.2).fillna(false)))
        .and_then(|t| t.with_column("pickup_weekday", pickup().weekday()))
        .and_then(|t| t.with_column("pickup_weekofyear", pickup().iso_week()))
        .and_then(|t| t.with_column("pickup_hour", pickup().hour()))
        .and_then(|t| t.with_column("pickup_week_hour", col("pickup_weekday") * 24 + col("pickup_hour")))
        .and_then(|t| t.select(["pickup_week_hour", "passenger_count", "PULocationID", "DOLocationID", "high_tip"]))
        .and_then(|t| t.astype(DataType::Float64))
        .and_then(|t| t.fillna(-1.0))
        .and_then(|t| t.describe())
        .unwrap();
    insta::assert_snapshot!(prepared.explain().unwrap());
}

#[test]
fn filters_go_down_and_merge() {
    let df = trips(&session());
    let filtered = df
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))
        .and_then(|t| t.filter(col("fare_amount").gt(1) & col("tip_fraction").lt(0.5)))
        .and_then(|t| t.filter(col("PULocationID").eq(74)))
        .and_then(|t| t.rename([("PULocationID", "from")]))
        .and_then(|t| t.filter(col("from").ne(3)))
        .and_then(|t| t.select(["from", "tip_fraction"]))
        .unwrap();
    insta::assert_snapshot!(filtered.explain().unwrap());
}

#[test]
fn constants_are_folded_and_concat_branches() {
    let df = trips(&session());
    let more = df.with_column("trip_distance", col("trip_distance") * (partita::lit(2) * 3)).unwrap();
    let both = concat([&df, &more]).unwrap().select(["trip_distance"]).unwrap().sum().unwrap();
    insta::assert_snapshot!(both.explain().unwrap());
}
