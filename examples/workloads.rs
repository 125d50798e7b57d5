//! The programs that are measured beside other engines, written as a user would write them.
//!
//!     workloads W1 --data FOLDER [--out FOLDER] [--mem 1GB] [--threads N]
//!
//! The last line it prints is one JSON object: the answer in a few numbers, and the seconds it took.

use std::collections::BTreeMap;
use std::time::Instant;

use partita::{CsvOptions, DataFrame, Result, Session, col, read_csv_with, read_parquet};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const COLUMNS: [&str; 8] = [
    "pickup_weekday",
    "pickup_hour",
    "pickup_week_hour",
    "pickup_minute",
    "passenger_count",
    "PULocationID",
    "DOLocationID",
    "high_tip",
];

/// The preparation of the trip records, as in the tutorial.
fn prepare(trips: &DataFrame) -> Result<DataFrame> {
    let pickup = || col("lpep_pickup_datetime").dt();
    trips
        .filter(col("fare_amount").gt(0))?
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))?
        .with_column("high_tip", col("tip_fraction").gt(0.2))?
        .with_column("pickup_weekday", pickup().weekday())?
        .with_column("pickup_weekofyear", pickup().iso_week())?
        .with_column("pickup_hour", pickup().hour())?
        .with_column("pickup_week_hour", col("pickup_weekday") * 24 + col("pickup_hour"))?
        .with_column("pickup_minute", pickup().minute())
}

/// Prepared, as floats without gaps, described.
fn describe(trips: &DataFrame) -> Result<BTreeMap<String, f64>> {
    let table = prepare(trips)?
        .select(COLUMNS)?
        .astype(arrow::datatypes::DataType::Float64)?
        .fillna(-1)?
        .describe()?
        .compute()?;
    let mut answer = BTreeMap::new();
    for (row, statistic) in ["count", "mean", "std", "min", "25%", "50%", "75%", "max"].iter().enumerate() {
        for column in COLUMNS {
            answer.insert(format!("{column}.{statistic}"), table.value(column, row)?.as_f64().unwrap_or(f64::NAN));
        }
    }
    Ok(answer)
}

fn run(workload: &str, data: &str, out: &str) -> Result<BTreeMap<String, f64>> {
    match workload {
        "W1" => describe(&read_parquet(format!("{data}/*.parquet"))?),
        "W2" => {
            let options = CsvOptions::new().try_parse_dates(true);
            describe(&read_csv_with(format!("{data}/*.csv"), options)?)
        }
        "W3" => {
            prepare(&read_parquet(format!("{data}/*.parquet"))?)?.to_parquet(out)?;
            Ok(BTreeMap::new())
        }
        other => Err(partita::Error::invalid(format!("there is no workload {other}"))),
    }
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let workload = args.next().unwrap_or_default();
    let options: BTreeMap<String, String> = std::iter::from_fn(|| Some((args.next()?, args.next()?))).collect();
    let option = |name: &str, default: &str| options.get(name).cloned().unwrap_or_else(|| default.to_string());

    let begun = Instant::now();
    let mut session = Session::builder();
    if let Some(threads) = options.get("--threads").and_then(|t| t.parse().ok()) {
        session = session.threads(threads);
    }
    session.build()?.make_current();
    let checksum = run(&workload, &option("--data", "benchdata"), &option("--out", "out"))?;
    let fields: Vec<String> = checksum.iter().map(|(k, v)| format!("\"{k}\": {v:?}")).collect();
    println!("{{\"checksum\": {{{}}}, \"inner_s\": {}}}", fields.join(", "), begun.elapsed().as_secs_f64());
    Ok(())
}
