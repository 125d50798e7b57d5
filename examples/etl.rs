//! A month of trips after the other: read as CSV, clean, name the zones, summarise by zone and hour, write Parquet in
//! folders by borough. Works in a memory limit that is smaller than the files.
//!
//!     etl [PATHS…] [--zones FILE] [--out FOLDER] [--memory-limit SIZE] [--threads N] [--explain]

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use partita::{
    CsvOptions, DataFrame, Error, Join, ParquetWriteOptions, Result, Session, WriteMode, col, read_csv, read_csv_with,
    read_parquet, size, when,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: etl [PATHS…] [options]

  PATHS                  CSV or Parquet files of trips (default: the sample in data/)
  --zones FILE           CSV with LocationID, Borough, Zone (default: made-up names)
  --out FOLDER           where the summary goes, replaced if it is there (default: target/etl)
  --memory-limit SIZE    for example 256MB
  --threads N            how many threads (default: one for each core)
  --explain              show the plan";

struct Options {
    paths: Vec<String>,
    zones: Option<String>,
    out: String,
    memory_limit: Option<String>,
    threads: Option<usize>,
    explain: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            paths: Vec::new(),
            zones: None,
            out: "target/etl".into(),
            memory_limit: None,
            threads: None,
            explain: false,
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| Error::invalid(format!("`{arg}` has no value")).help(USAGE));
            match arg.as_str() {
                "--zones" => options.zones = Some(value()?),
                "--out" => options.out = value()?,
                "--memory-limit" => options.memory_limit = Some(value()?),
                "--threads" => {
                    let threads = value()?;
                    let misread = |_| Error::invalid(format!("`{threads}` is no number of threads")).help(USAGE);
                    options.threads = Some(threads.parse().map_err(misread)?);
                }
                "--explain" => options.explain = true,
                other if other.starts_with("--") => {
                    return Err(Error::invalid(format!("there is no option `{other}`")).help(USAGE));
                }
                path => options.paths.push(path.to_string()),
            }
        }
        if options.paths.is_empty() {
            options.paths.push(concat!(env!("CARGO_MANIFEST_DIR"), "/data/trips.csv").into());
        }
        Ok(options)
    }
}

/// The trips, whatever the files call the time of pickup.
fn trips(paths: &[String]) -> Result<DataFrame> {
    let is_csv = |path: &String| path.ends_with(".csv") || path.ends_with(".csv.gz");
    let trips = match paths.iter().all(is_csv) {
        true => read_csv_with(paths, CsvOptions::new().try_parse_dates(true).assume_missing(true))?,
        false => read_parquet(paths)?,
    };
    let pickup = trips.columns().into_iter().find(|name| name.ends_with("pickup_datetime"));
    let pickup = pickup.ok_or_else(|| Error::invalid("the trips have no column `…pickup_datetime`"))?;
    let columns = ["passenger_count", "trip_distance", "fare_amount", "tip_amount", "PULocationID"].map(col);
    trips.select([col(&pickup).alias("pickup")].into_iter().chain(columns).collect::<Vec<_>>())
}

/// The zones, from a file or with made-up names.
fn zones(file: Option<&str>) -> Result<DataFrame> {
    if let Some(file) = file {
        return read_csv(file)?.select(["LocationID", "Borough", "Zone"]);
    }
    let ids = 1..=265i64;
    let columns: [(&str, ArrayRef); 3] = [
        ("LocationID", Arc::new(Int64Array::from_iter_values(ids.clone()))),
        ("Borough", Arc::new(StringArray::from_iter_values(ids.clone().map(|id| format!("Borough {}", id % 5))))),
        ("Zone", Arc::new(StringArray::from_iter_values(ids.map(|id| format!("Zone {id:03}"))))),
    ];
    DataFrame::from_batches([RecordBatch::try_from_iter(columns)?])
}

/// Trips that can have happened, with the hour they began.
fn cleaned(trips: &DataFrame) -> Result<DataFrame> {
    trips
        .filter(col("fare_amount").gt(0) & col("fare_amount").lt(1000) & col("trip_distance").ge(0))?
        .with_column("passenger_count", when(col("passenger_count").gt(0)).then(col("passenger_count")).otherwise(1))?
        .with_column("hour", col("pickup").dt().hour())?
        .with_column("date", col("pickup").dt().date())
}

/// What happened in each zone in each hour of the day.
fn summary(trips: &DataFrame, zones: &DataFrame) -> Result<DataFrame> {
    let named = trips.join(zones, Join::left("PULocationID").right_on("LocationID"))?;
    let named = named.fillna([("Borough", "Unknown"), ("Zone", "Unknown")])?;
    named.groupby(["Borough", "Zone", "hour"])?.agg([
        size().alias("trips"),
        col("date").nunique().alias("days"),
        col("passenger_count").sum().alias("passengers"),
        col("trip_distance").mean().alias("mean_distance"),
        col("fare_amount").mean().alias("mean_fare"),
        col("fare_amount").median().alias("median_fare"),
        col("tip_amount").sum().alias("tips"),
    ])
}

fn run() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let mut session = Session::builder().progress(true);
    if let Some(limit) = &options.memory_limit {
        session = session.memory_limit(limit.as_str());
    }
    if let Some(threads) = options.threads {
        session = session.threads(threads);
    }
    let session = session.build()?;
    session.make_current();
    let begun = Instant::now();

    let summary = summary(&cleaned(&trips(&options.paths)?)?, &zones(options.zones.as_deref())?)?;
    if options.explain {
        println!("{}", summary.explain()?);
    }
    let written = summary.to_parquet_with(
        &options.out,
        ParquetWriteOptions::new().partition_by(["Borough"]).mode(WriteMode::Overwrite),
    )?;
    let rows: u64 = written.iter().map(|file| file.rows).sum();
    println!("{rows} rows in {} files in {}", written.len(), options.out);
    println!("{:.2} s, {} spilled, {session}", begun.elapsed().as_secs_f64(), session.task_context().spill.written());

    let busiest = read_parquet(&options.out)?.sort_by([col("trips").desc()])?.head(5)?.compute()?;
    println!("{}", busiest.round(2)?);
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("etl: {error}");
        std::process::exit(1);
    }
}
