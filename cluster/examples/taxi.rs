//! The preparation of the taxi program, here and on a cluster of processes: the same frames, the same results.
//!
//!     cargo build -p partita-cluster --profile cluster
//!     cargo run -p partita-cluster --profile cluster --example taxi -- 'trips/*.parquet'

use std::time::Instant;

use partita::{DataFrame, Result, Session, col, size};
use partita_cluster::LocalCluster;

const TRIPS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/trips.parquet");

fn prepare(trips: &DataFrame) -> Result<DataFrame> {
    let pickup = || col("lpep_pickup_datetime").dt();
    trips
        .filter(col("fare_amount").gt(0))?
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))?
        .with_column("pickup_weekday", pickup().weekday())?
        .with_column("pickup_hour", pickup().hour())?
        .with_column("pickup_week_hour", col("pickup_weekday") * 24 + col("pickup_hour"))
}

fn report(session: &Session, paths: &[String]) -> Result<()> {
    let trips = prepare(&session.read_parquet(paths)?)?;
    let begun = Instant::now();
    let fare = || col("fare_amount");
    let all = [size(), fare().sum().alias("fares"), col("tip_fraction").mean().alias("tip")];
    let zones = trips.groupby("PULocationID")?.agg(all)?.sort_by([col("size").desc()])?.head(5)?;
    println!("{}\nzones: {:?}", zones.compute()?, begun.elapsed());
    let begun = Instant::now();
    let described = trips.select(["tip_fraction", "pickup_week_hour", "passenger_count"])?.describe()?;
    println!("{}\ndescribe: {:?}\n", described.compute()?, begun.elapsed());
    Ok(())
}

fn main() -> Result<()> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        paths.push(TRIPS.to_string());
    }
    let here = Session::current()?;
    println!("{here}");
    report(&here, &paths)?;
    let cluster = LocalCluster::builder().n_workers(2).start()?;
    println!("{cluster}");
    report(&here.engine(cluster.client().engine()), &paths)
}
