//! Functions made lazy: the graphs of two tutorials on Dask, timed and drawn.
//!
//!     delayed [--threads N] [--out FOLDER]
//!
//! With `--out`, the graphs are written there as SVG.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use partita::{Delayed, Error, Result, Scheduler, Session, delayed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn inc(x: i64) -> i64 {
    sleep(Duration::from_millis(100));
    x + 1
}

fn dec(x: i64) -> i64 {
    sleep(Duration::from_millis(100));
    x - 1
}

fn add(x: i64, y: i64) -> i64 {
    sleep(Duration::from_millis(200));
    x + y
}

/// Two steps that do not need each other, and one that needs both.
fn three_steps() -> Delayed<i64> {
    let (inc, dec, add) = (delayed(inc), delayed(dec), delayed(add));
    add.call(inc.call(1), dec.call(2))
}

/// Three small steps for each number, and the sum of all.
fn many_steps(numbers: std::ops::Range<i64>, second: fn(i64) -> i64) -> Delayed<i64> {
    let increment = delayed(|x: i64| x + 1).named("increment");
    let second = delayed(second).named("power2");
    let add = delayed(|x: i64, y: i64| x + y).named("add");
    let output: Vec<_> = numbers.map(|x| add.call(increment.call(x), second.call(x))).collect();
    delayed(|xs: Vec<i64>| xs.iter().sum::<i64>()).named("sum").call(output)
}

fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    let result = work()?;
    println!("  {what:<42}{:>9.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    Ok(result)
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let options: BTreeMap<String, String> = std::iter::from_fn(|| Some((args.next()?, args.next()?))).collect();
    let threads = match options.get("--threads") {
        Some(text) => text.parse().map_err(|_| Error::invalid(format!("`{text}` is no number of threads")))?,
        None => 2,
    };
    let one = Session::builder().scheduler(Scheduler::Synchronous).build()?;
    let pool = Session::builder().threads(threads).build()?;

    println!("inc, dec, add: 0.1 s, 0.1 s and 0.2 s of work");
    let steps = timed("written down", || Ok(three_steps()))?;
    timed("one after the other", || steps.compute_with(&one))?;
    let result = timed(&format!("on {threads} threads"), || steps.compute_with(&pool))?;
    println!("  result {result}");

    for (what, second) in [("x ^ 2 (exclusive or)", (|x| x ^ 2) as fn(i64) -> i64), ("x squared", |x| x * x)] {
        println!("\nincrement, power2 and add of 1 to 9,999, and their sum: {what}");
        let total = timed("written down", || Ok(many_steps(1..10_000, second)))?;
        println!("  {} tasks", total.num_tasks());
        timed("one after the other", || total.compute_with(&one))?;
        let result = timed(&format!("on {threads} threads"), || total.compute_with(&pool))?;
        println!("  result {result}");
    }

    let small = many_steps(1..10, |x| x ^ 2);
    println!("\nthe same of 1 to 9: result {}, {} tasks", small.compute_with(&pool)?, small.num_tasks());
    if let Some(folder) = options.get("--out") {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        steps.visualize().left_to_right().write(format!("{folder}/three-steps.svg"))?;
        small.visualize().write(format!("{folder}/many-steps.svg"))?;
        many_steps(1..10_000, |x| x ^ 2).visualize().collapsed().write(format!("{folder}/collapsed.svg"))?;
        println!("drawn in {folder}");
    }
    Ok(())
}
