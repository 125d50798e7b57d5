//! A local cluster: calls that run at once in the background, their results, and what becomes of errors.
//!
//!     futures [--workers N] [--threads N]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use partita::{Client, Error, LocalCluster, OnError, Result, as_completed, col, read_parquet};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn inc(x: i64) -> i64 {
    x + 1
}

fn add(x: i64, y: i64) -> i64 {
    x + y
}

fn sum(xs: Vec<i64>) -> i64 {
    xs.iter().sum()
}

fn reciprocal(x: i64) -> Result<f64> {
    if x == 0 { Err(Error::invalid("nothing divides by zero")) } else { Ok(1.0 / x as f64) }
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let options: BTreeMap<String, String> = std::iter::from_fn(|| Some((args.next()?, args.next()?))).collect();
    let number = |name: &str, usual: usize| options.get(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (workers, threads) = (number("--workers", 1), number("--threads", 4));

    let cluster = LocalCluster::builder().n_workers(workers).threads_per_worker(threads).memory_limit("2GB").start()?;
    let client = Client::connect(&cluster)?;
    println!("{cluster}\n{client}\n");

    // a call returns at once; a future is an argument like any other
    let x = client.submit(inc, (10,));
    let y = client.submit(add, (&x, 1));
    println!("{x}\nx = {}, y = {}\n{x}\n", x.result()?, y.result()?);

    // many calls, and one that needs them all
    let all = client.map(inc, 0..1000);
    let total = client.submit(sum, (&all,));
    println!("total = {}, the first are {:?}\n", total.result()?, client.gather(&all[..5])?);

    // an error reaches what needs the result, unchanged; the others go on
    let parts = client.map(reciprocal, -2..=2);
    let after = client.submit(|x: f64| x + 1.0, (&parts[2],));
    println!("{after}: {}", after.exception().map_or_else(String::new, |error| error.to_string()));
    println!("without it: {:?}\n", client.gather_with(&parts, OnError::Skip)?);

    // results as they come
    let pauses = [30u64, 10, 20];
    let slow = client.map(
        |pause: u64| {
            std::thread::sleep(Duration::from_millis(pause));
            pause
        },
        pauses,
    );
    let order: Vec<u64> = as_completed(slow).map(|pause| pause.result()).collect::<Result<_>>()?;
    println!("pauses of {pauses:?} ms end in the order {order:?}");

    // frames are computed in the background too
    let trips = read_parquet("data/*.parquet")?;
    let long = trips.filter(col("trip_distance").gt(10))?.select(["trip_distance", "fare_amount"])?;
    let long = client.compute(&long.describe()?);
    println!("{long}\n{}", long.result()?);

    let (begun, calls) = (Instant::now(), 10_000i64);
    let once = client.task().pure(false);
    for x in 0..calls {
        once.submit(inc, (x,)).result()?;
    }
    println!("submit and result: {:.1} µs", begun.elapsed().as_secs_f64() * 1e6 / calls as f64);
    client.close();
    println!("closed: {total}");
    Ok(())
}
