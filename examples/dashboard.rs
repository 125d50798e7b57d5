//! A dashboard in the browser while something runs.
//!
//!     cargo run --release --features dashboard --example dashboard
//!     cargo run --release --features dashboard --example dashboard -- 'trips/*.parquet' --memory-limit 256MB
//!     cargo run --release --features dashboard --example dashboard -- --tasks 10000
//!
//! It prints the address to open, and works for a minute: taxi trips are cleaned, described, grouped and sorted over and over,
//! or a graph of many small functions is run.

use std::time::{Duration, Instant};

use partita::watch::Dashboard;
use partita::{Error, Result, Session, col, delayed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: dashboard [PATHS…] [options]

  PATHS                  Parquet files (default: the sample in data/)
  --address ADDRESS      where the page is (default 127.0.0.1:8787)
  --seconds N            how long to work and to stay (default 60)
  --rounds N             how often to work, at the most
  --pause SECONDS        how long to rest after each round (default 1)
  --tasks N              run graphs of about N small functions instead of the taxi trips
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

/// A graph of many small tasks: three for each number, and their sum.
fn small_tasks(session: &Session, tasks: u64) -> Result<()> {
    let increment = delayed(|x: u64| spin(x + 1)).named("increment");
    let double = delayed(|x: u64| spin(x * 2)).named("double");
    let add = delayed(|x: u64, y: u64| spin(x + y)).named("add");
    let steps: Vec<_> = (0..tasks / 3).map(|x| add.call(increment.call(x), double.call(x))).collect();
    let all = delayed(|xs: Vec<u64>| xs.iter().sum::<u64>()).named("sum").call(steps);
    let sum = all.compute_with(session)?;
    let n = tasks / 3;
    assert_eq!(sum, n * (3 * n).saturating_sub(1) / 2, "x + 1 + 2 x for each x below n");
    Ok(())
}

/// Works for some microseconds, a different time for each number.
fn spin(x: u64) -> u64 {
    let steps = 4_000 + x % 7 * 2_000;
    let end = (0..steps).fold(x, |x, i| std::hint::black_box(x ^ i));
    std::hint::black_box(end);
    x
}
