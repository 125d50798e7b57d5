//! What a program takes, in four ways: a bar while it runs, a table and a trace afterwards, the plan with figures, and a
//! page for a browser.
//!
//! `cargo run --release --example profile -- 'data/*.parquet' out`

#![allow(clippy::print_stdout)]

use std::path::Path;

use partita::{Result, Session, col};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let pattern = arguments.next().unwrap_or_else(|| "data/*.parquet".to_string());
    let folder = arguments.next().unwrap_or_else(|| ".".to_string());
    let folder = Path::new(&folder);

    let session = Session::current()?;
    let trips = session.read_parquet(pattern.as_str())?.filter(col("fare_amount").gt(0))?;
    let hourly = trips
        .with_column("hour", col("lpep_pickup_datetime").dt().hour())?
        .groupby(["hour", "PULocationID"])?
        .agg([col("fare_amount").mean(), col("tip_amount").median()])?;

    // each operation of the plan, also where several are one task
    println!("{}\n", hourly.explain_analyze()?);

    // all tasks of a piece of the program, as a table and as a trace for Perfetto
    let (described, profile) = session.profile(|| trips.describe()?.compute());
    println!("{}\n{profile}", described?);
    profile.to_chrome_trace(folder.join("trace.json"))?;

    // and as one page
    session.performance_report(folder.join("report.html"), || {
        let sorted = trips.sort_by(["fare_amount"])?.head(5)?.compute()?;
        println!("{sorted}\n{}", hourly.compute()?);
        Result::Ok(())
    })?
}
