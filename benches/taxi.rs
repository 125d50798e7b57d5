//! The taxi program's preparation and exact description, from Parquet to the table; rows a second.

#![allow(clippy::expect_used)]

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use partita::ParquetWriteOptions;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: u64 = 500_000;

fn bench(c: &mut Criterion) {
    let format = ParquetWriteOptions::new().row_group_rows(1 << 17);
    let (_folder, path) = common::file(ROWS, "trips.parquet", &format);
    let mut group = c.benchmark_group("taxi");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for threads in [1, 2] {
        let trips = common::session(threads).read_parquet(&path).expect("the file");
        let prepared = common::prepare(&trips).expect("a plan");
        let described = prepared.describe().expect("numbers");
        let name = |what: &str| format!("{what}, {threads} threads");
        group.bench_function(name("prepare and describe"), |b| b.iter(|| described.compute().expect("a table")));
        // fares and distances have many distinct values: quartiles need a second pass
        let continuous = trips.select(["trip_distance", "total_amount"]).and_then(|t| t.describe()).expect("numbers");
        group.bench_function(name("describe many values"), |b| b.iter(|| continuous.compute().expect("a table")));
        group.bench_function(name("count rows left"), |b| b.iter(|| prepared.len().expect("a number")));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
