//! The story of a reservation: ask SLURM for nodes, start workers there, compute, ask for one more, give all back.
//!
//!     cargo build -p partita-cluster --profile cluster
//!     cargo run -p partita-cluster --profile cluster --example reserve -- multiple '/shared/trips/*.parquet'
//!
//! Run it where `sbatch` is. The program and the files have to be where all nodes see them.

use std::time::Duration;

use partita::{Result, Session, col, size};
use partita_cluster::SlurmCluster;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let queue = words.next().unwrap_or_else(|| "multiple".into());
    let files = words.next().unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../data/trips.parquet").into());
    let half_an_hour = Duration::from_secs(30 * 60);

    // reserve
    let builder = SlurmCluster::builder().queue(queue).cores(2).memory("2GB").walltime(half_an_hour);
    println!("{}", builder.job_script()?);
    let mut cluster = builder.start()?;
    cluster.scale(2)?;

    // connect
    let client = cluster.client()?;
    for job in cluster.status()? {
        println!("{job}");
    }
    client.wait_for_workers(1, half_an_hour)?;
    println!("{cluster}: {} workers are there", client.workers()?.len());

    // compute, as on one machine
    let session = Session::current()?.engine(client.engine());
    let trips = session.read_parquet(files)?.filter(col("fare_amount").gt(0))?;
    let zones = trips.groupby("PULocationID")?.agg([size(), col("fare_amount").mean().alias("fare")])?;
    println!("{}", zones.sort_by([col("size").desc()])?.head(5)?.compute()?);

    // more of it
    cluster.scale(3)?;
    println!("{cluster}\n{}", trips.select(["fare_amount", "tip_amount"])?.describe()?.compute()?);

    // give everything back
    cluster.close()
}
