//! Makes a file of trip records, for trying things out at any size.
//!
//!     make_trips --rows 20000 --seed 42 --out trips.parquet [--start 2023-01-01]
//!
//! The file is Parquet or CSV by its extension. It is the same for the same rows, seed and start, and memory does not
//! grow with it. The columns are those of the green cabs' records of New York's Taxi and Limousine Commission.

mod trips;

use std::sync::Arc;
use std::time::Instant;

use chrono::NaiveDate;
use partita::{ByteSize, CsvWriteOptions, DataFrame, Error, ParquetWriteOptions, Result, Session};
use trips::Trips;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: make_trips --rows N --out FILE.parquet|FILE.csv [--seed N] [--start YYYY-MM-DD]";

struct Options {
    rows: u64,
    seed: u64,
    start: NaiveDate,
    out: String,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Options> {
        let wrong = |what: String| Error::invalid(what).help(USAGE);
        let mut options = Options {
            rows: 20_000,
            seed: 42,
            start: NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or_default(),
            out: String::new(),
        };
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| wrong(format!("`{name}` has no value")))?;
            let misread = || wrong(format!("`{value}` is no value for `{name}`"));
            match name.as_str() {
                "--rows" => options.rows = value.parse().map_err(|_| misread())?,
                "--seed" => options.seed = value.parse().map_err(|_| misread())?,
                "--start" => options.start = value.parse().map_err(|_| misread())?,
                "--out" => options.out = value,
                _ => return Err(wrong(format!("there is no option `{name}`"))),
            }
        }
        Ok(options)
    }
}

fn run() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let begun = Instant::now();
    let trips = Trips::new(options.rows, options.seed, options.start);
    let trips = DataFrame::from_source(Arc::new(trips), &Session::current()?)?;
    let written = match options.out.rsplit_once('.') {
        Some((_, "parquet")) => trips.write_file(&options.out, &ParquetWriteOptions::new())?,
        Some((_, "csv")) => trips.write_file(&options.out, &CsvWriteOptions::new())?,
        _ => return Err(Error::invalid("the file to write ends in neither .parquet nor .csv").help(USAGE)),
    };
    let (rows, size, took) = (written.rows, ByteSize(written.bytes), begun.elapsed().as_secs_f64());
    println!("{}: {rows} rows, {size}, {took:.2} s", options.out);
    Ok(())
}

fn main() {
    if let Err(error) = run() {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
