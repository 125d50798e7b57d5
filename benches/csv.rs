//! Reading CSV: all columns and the six of the taxi program; bytes a second.

#![allow(clippy::expect_used)]

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use partita::{CsvOptions, CsvWriteOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: u64 = 100_000;
const SIX: [&str; 6] =
    ["lpep_pickup_datetime", "fare_amount", "tip_amount", "passenger_count", "PULocationID", "DOLocationID"];

fn bench(c: &mut Criterion) {
    let (_folder, path) = common::file(ROWS, "trips.csv", &CsvWriteOptions::new());
    let bytes = std::fs::metadata(&path).expect("the file").len();
    let mut group = c.benchmark_group("csv");
    group.throughput(Throughput::Bytes(bytes)).sample_size(10);
    for threads in [1, 2] {
        let options = CsvOptions::new().try_parse_dates(true);
        let trips = common::session(threads).read_csv_with(&path, options).expect("the file");
        let drain = |frame: &partita::DataFrame| -> usize {
            frame.batches().expect("a plan that runs").map(|b| b.expect("a batch").num_rows()).sum()
        };
        group.bench_function(format!("all columns, {threads} threads"), |b| b.iter(|| drain(&trips)));
        let six = trips.select(SIX).expect("six columns");
        group.bench_function(format!("six columns, {threads} threads"), |b| b.iter(|| drain(&six)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
