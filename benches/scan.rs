//! Reading Parquet: all columns, the six of the taxi program, and what statistics let it skip; rows a second.

#![allow(clippy::expect_used)]

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use partita::{DataFrame, ParquetWriteOptions, col, lit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: u64 = 500_000;
const SIX: [&str; 6] =
    ["lpep_pickup_datetime", "fare_amount", "tip_amount", "passenger_count", "PULocationID", "DOLocationID"];

/// Reads everything, batch by batch, and holds nothing.
fn drain(frame: &DataFrame) -> usize {
    frame.batches().expect("a plan that runs").map(|b| b.expect("a batch").num_rows()).sum()
}

fn bench(c: &mut Criterion) {
    let format = ParquetWriteOptions::new().row_group_rows(1 << 16);
    let (_folder, path) = common::file(ROWS, "trips.parquet", &format);
    let mut group = c.benchmark_group("scan");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for threads in [1, 2] {
        let trips = common::session(threads).read_parquet(&path).expect("the file");
        group.bench_function(format!("all columns, {threads} threads"), |b| b.iter(|| drain(&trips)));
        let six = trips.select(SIX).expect("six columns");
        group.bench_function(format!("six columns, {threads} threads"), |b| b.iter(|| drain(&six)));
        let date = chrono::NaiveDate::from_ymd_opt(2023, 1, 28).and_then(|d| d.and_hms_opt(0, 0, 0)).expect("a time");
        let late = six.filter(col("lpep_pickup_datetime").ge(lit(date))).expect("a condition");
        group.bench_function(format!("the last days, {threads} threads"), |b| b.iter(|| drain(&late)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
