//! A dashboard in the browser while something runs.
//!
//!     cargo run --release --features dashboard --example dashboard
//!     cargo run --release --features dashboard --example dashboard -- 'trips/*.parquet' --memory-limit 256MB
//!     cargo run --release --features dashboard --example dashboard -- --tasks 10000
//!
//! It prints the address to open, and works for a minute: taxi trips are cleaned, described, grouped and sorted over and over,
//! or a graph of many small tasks is run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use partita::watch::Dashboard;
use partita::{CsvOptions, DataFrame, Error, Result, Session, col};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: dashboard [PATHS…] [options]

  PATHS                  Parquet files (default: the sample in data/)
  --address ADDRESS      where the page is (default 127.0.0.1:8787)
  --seconds N            how long to work and to stay (default 60)
  --rounds N             how often to work, at the most
  --pause SECONDS        how long to rest after each round (default 1)
  --tasks N              run graphs of about N small tasks instead of the taxi trips
  --threads N            how many threads (default: one for each core)
  --memory-limit SIZE    for example 256MB
  --no-dashboard         only work, to see what the page costs";

struct Options {
    paths: Vec<String>,
    address: String,
    seconds: f64,
    rounds: usize,
    pause: f64,
    tasks: Option<u64>,
    threads: Option<usize>,
    memory_limit: Option<String>,
    dashboard: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            paths: Vec::new(),
            address: "127.0.0.1:8787".to_string(),
            seconds: 60.0,
            rounds: usize::MAX,
            pause: 1.0,
            tasks: None,
            threads: None,
            memory_limit: None,
            dashboard: true,
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| Error::invalid(format!("{arg} needs a value")).help(USAGE));
            match arg.as_str() {
                "--address" => options.address = value()?,
                "--seconds" => options.seconds = number(&value()?)?,
                "--rounds" => options.rounds = number(&value()?)?,
                "--pause" => options.pause = number(&value()?)?,
                "--tasks" => options.tasks = Some(number(&value()?)?),
                "--threads" => options.threads = Some(number(&value()?)?),
                "--memory-limit" => options.memory_limit = Some(value()?),
                "--no-dashboard" => options.dashboard = false,
                flag if flag.starts_with('-') => return Err(Error::invalid(format!("no option {flag}")).help(USAGE)),
                path => options.paths.push(path.to_string()),
            }
        }
        if options.paths.is_empty() {
            options.paths.push(concat!(env!("CARGO_MANIFEST_DIR"), "/data/trips.parquet").to_string());
        }
        Ok(options)
    }

    fn session(&self) -> Result<Session> {
        let mut builder = Session::builder();
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(limit) = &self.memory_limit {
            builder = builder.memory_limit(limit.clone());
        }
        builder.build()
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::invalid(format!("`{text}` is no number")).help(USAGE))
}

fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let session = options.session()?;
    let dashboard = match options.dashboard {
        true => Some(Dashboard::builder().address(&options.address).start(&session)?),
        false => None,
    };
    if let Some(dashboard) = &dashboard {
        dashboard.warning().into_iter().for_each(|warning| eprintln!("{warning}"));
        println!("open {}", dashboard.link());
    }
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let (mut rounds, mut busy) = (0, Duration::ZERO);
    while rounds < options.rounds && Instant::now() < end {
        let begun = Instant::now();
        match options.tasks {
            Some(tasks) => small_tasks(&session, tasks)?,
            None => trips(&session, &options.paths)?,
        }
        rounds += 1;
        busy += begun.elapsed();
        std::thread::sleep(Duration::from_secs_f64(options.pause));
    }
    println!("{rounds} rounds in {:.3} s", busy.as_secs_f64());
    if options.dashboard {
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Cleans trips and looks at them from three sides.
fn trips(session: &Session, paths: &[String]) -> Result<()> {
    let pickup = || col("lpep_pickup_datetime").dt();
    let paid = session
        .read_parquet(paths)?
        .filter(col("fare_amount").gt(0))?
        .with_column("tip_fraction", col("tip_amount") / col("fare_amount"))?
        .with_column("weekday", pickup().weekday())?
        .with_column("hour", pickup().hour())?;
    paid.select(["tip_fraction", "weekday", "hour", "passenger_count"])?.describe()?.compute()?;
    let fares = [col("fare_amount").mean().alias("mean_fare"), col("fare_amount").count().alias("trips")];
    paid.groupby(["PULocationID", "hour"])?.agg(fares)?.compute()?;
    paid.sort_by([col("tip_fraction").desc(), col("fare_amount").into()])?.head(1000)?.compute()?;
    Ok(())
}

/// Many tasks that do next to nothing: a small file read in very small pieces.
fn small_tasks(session: &Session, tasks: u64) -> Result<()> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/data/trips.csv"));
    let bytes = std::fs::metadata(&path).map_err(|e| Error::io(path.display(), e))?.len();
    let pieces = CsvOptions::new().assume_missing(true).block_size(partita::ByteSize((bytes / tasks.max(1)).max(1)));
    let trips: DataFrame = session.read_csv_with(&path, pieces)?;
    trips.select(["fare_amount", "tip_amount"])?.fillna(0)?.sum()?.compute()?;
    Ok(())
}
