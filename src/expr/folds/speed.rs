//! What a value costs, in nanoseconds: `cargo test --release --lib folds::speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int64Array};
use arrow::datatypes::DataType;

use super::*;

const BATCH: usize = 1 << 15;
const BATCHES: usize = 256;

/// Uniform numbers from 0 to 1.
fn uniform(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((state >> 11) as f64 / (1u64 << 53) as f64)
    })
}

/// Time this thread has spent on a processor, so that others do not count; the time since the epoch where the system does not tell.
fn spent() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| std::time::UNIX_EPOCH.elapsed().unwrap(), Duration::from_nanos)
}

fn time(name: &str, fold: &dyn Fold, batches: &[ArrayRef]) {
    let mut best = f64::INFINITY;
    let mut held = 0;
    for _ in 0..3 {
        let mut state = fold.start(batches[0].data_type(), Scope::Column).unwrap();
        state.update(&batches[0], Groups::One).unwrap();
        state.update(&batches[1], Groups::One).unwrap();
        let start = spent();
        for i in 0..BATCHES {
            state.update(&batches[i % batches.len()], Groups::One).unwrap();
        }
        best = best.min(spent().saturating_sub(start).as_nanos() as f64 / (BATCH * BATCHES) as f64);
        held = state.bytes();
        let start = spent();
        if let Outcome::Again(next) = state.finish().unwrap() {
            let finish = spent().saturating_sub(start);
            let mut state = next.start(batches[0].data_type(), Scope::Column).unwrap();
            let start = spent();
            batches.iter().for_each(|batch| state.update(batch, Groups::One).unwrap());
            let pass = spent().saturating_sub(start).as_nanos() as f64 / (BATCH * batches.len()) as f64;
            println!("{name:<40} {fold}: finish {finish:?}, {next}: {pass:.2} ns, {} kB", state.bytes() / 1000);
        }
    }
    println!("{name:<40} {fold}: {best:.2} ns, {} kB", held / 1000);
}

#[test]
#[ignore = "a measurement"]
fn nanoseconds_per_value() {
    let make = |f: &dyn Fn(f64, f64) -> f64| -> Vec<ArrayRef> {
        let (mut a, mut b) = (uniform(1), uniform(2));
        (0..32)
            .map(|_| {
                let values = (0..BATCH).map(|_| f(a.next().unwrap(), b.next().unwrap()));
                Arc::new(values.collect::<Float64Array>()) as ArrayRef
            })
            .collect()
    };
    let normal = |a: f64, b: f64| (-2.0 * (1.0 - a).ln()).sqrt() * (b * std::f64::consts::TAU).cos();
    let summary = Summary::default();
    for (name, batches) in [
        ("265 whole numbers", make(&|a, _| (a * 265.0).floor())),
        ("2 whole numbers", make(&|a, _| (a * a * 2.0).floor())),
        ("one number", make(&|_, _| 3.0)),
        ("8000 whole numbers", make(&|a, _| (a * 8000.0).floor())),
        ("265 whole numbers, 2 % others", make(&|a, b| if b < 0.02 { a } else { (a * 265.0).floor() }.min(2e5))),
        ("halves up to 100", make(&|a, b| (a * b * 200.0).floor() / 2.0)),
        ("cents up to 60", make(&|a, b| (a * b * 6000.0).floor() / 100.0)),
    ] {
        time(name, &summary, &batches);
    }
    for (name, batches) in [
        ("uniform", make(&|a, _| a)),
        ("normal", make(&normal)),
        ("normal, 40 % zeros", make(&|a, b| if b < 0.4 { 0.0 } else { normal(a, b) })),
    ] {
        time(name, &Sum, &batches);
        time(name, &Std::default(), &batches);
        time(name, &Max, &batches);
        time(name, &Count, &batches);
        time(name, &Quantile::median(), &batches);
        time(name, &summary, &batches);
    }
    let mut a = uniform(3);
    let integers: Vec<ArrayRef> = (0..32)
        .map(|_| {
            Arc::new((0..BATCH).map(|_| Some((a.next().unwrap() * 265.0) as i64)).collect::<Int64Array>()) as ArrayRef
        })
        .collect();
    for fold in [&summary as &dyn Fold, &Sum, &Std::default(), &Max] {
        time("265 integers", fold, &integers);
    }
    let nulls: Vec<ArrayRef> = make(&|a, _| (a * 265.0).floor())
        .iter()
        .map(|batch| {
            use arrow::array::AsArray;
            let values = batch.as_primitive::<arrow::datatypes::Float64Type>();
            Arc::new(values.iter().map(|v| v.filter(|v| *v as i64 % 10 != 3)).collect::<Float64Array>()) as ArrayRef
        })
        .collect();
    time("265 whole numbers, 10 % nulls", &summary, &nulls);
}

#[test]
#[ignore = "a measurement"]
fn passes_over_many_rows() {
    let fold = Summary::default();
    let (mut a, mut b) = (uniform(1), uniform(2));
    let mut whole = fold.start(&DataType::Float64, Scope::Column).unwrap();
    for partition in 1..=64u64 {
        let mut state = fold.start(&DataType::Float64, Scope::Column).unwrap();
        for _ in 0..32 {
            let values = (0..BATCH).map(|_| a.next().unwrap() + b.next().unwrap() * b.next().unwrap());
            state.update(&(Arc::new(values.collect::<Float64Array>()) as ArrayRef), Groups::One).unwrap();
        }
        let held = state.bytes();
        whole.merge(state, Groups::One).unwrap();
        if partition.is_power_of_two() {
            println!("{partition} M rows: {} kB, merged {} kB", held / 1000, whole.bytes() / 1000);
        }
    }
    let Outcome::Again(next) = whole.finish().unwrap() else { panic!("one pass") };
    println!("{next:?}");
}
