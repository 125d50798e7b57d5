//! What several benches stand on: made trips, in memory and as files, the same in every run.

// each bench uses a part of it, and one that cannot be set up has nothing to report
#![allow(dead_code, clippy::expect_used)]

#[path = "../../examples/make_trips/trips.rs"]
mod trips;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::DataType;
use partita::io::Format;
use partita::{DataFrame, Result, Session, col};
use tempfile::TempDir;
use trips::Trips;

/// So many trips, made anew whenever they are read.
pub fn made(session: &Session, rows: u64) -> DataFrame {
    let start = chrono::NaiveDate::from_ymd_opt(2023, 1, 1).expect("a date");
    DataFrame::from_source(Arc::new(Trips::new(rows, 42, start)), session).expect("a frame of made trips")
}

/// So many trips as a file, which is gone with the folder.
pub fn file(rows: u64, name: &str, format: &dyn Format) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    made(&session(2), rows).write_file(&path, format).expect("a file of made trips");
    (folder, path)
}

/// A session of its own.
pub fn session(threads: usize) -> Session {
    Session::builder().threads(threads).build().expect("a session")
}

/// The numbers of the taxi program's features, and its target last.
pub const FEATURES: [&str; 7] = [
    "pickup_weekday",
    "pickup_hour",
    "pickup_week_hour",
    "pickup_minute",
    "passenger_count",
    "PULocationID",
    "DOLocationID",
];

/// The preparation of the taxi program: features and target as floats without gaps.
pub fn prepare(trips: &DataFrame) -> Result<DataFrame> {
    let pickup = || col("lpep_pickup_datetime").dt();
    trips
        .filter(col("fare_amount").gt(0))?
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))?
        .with_column("high_tip", col("tip_fraction").gt(0.2).fillna(false))?
        .with_column("pickup_weekday", pickup().weekday())?
        .with_column("pickup_weekofyear", pickup().iso_week())?
        .with_column("pickup_hour", pickup().hour())?
        .with_column("pickup_week_hour", col("pickup_weekday") * 24 + col("pickup_hour"))?
        .with_column("pickup_minute", pickup().minute())?
        .select(FEATURES.into_iter().chain(["high_tip"]).collect::<Vec<_>>())?
        .astype(DataType::Float64)?
        .fillna(-1)
}
