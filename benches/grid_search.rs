//! The taxi program's grid search: preparation fitted on each fold, five penalties, three folds, refit; rows a second.

#![allow(clippy::expect_used)]

mod common;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use partita::ml::linfa::DatasetBase;
use partita::{
    Categorizer, ColumnTransformer, DummyEncoder, GridSearchCv, LogisticRegression, ParamGrid, Pipeline, Remainder,
    StandardScaler, Target, wait,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: u64 = 50_000;

fn search(remainder: Remainder) -> GridSearchCv {
    let (numbers, places) = common::FEATURES.split_at(5);
    let scaled = ColumnTransformer::new().with("num", StandardScaler::new(), numbers.to_vec()).remainder(remainder);
    let pipeline = Pipeline::new()
        .step("categorize", Categorizer::new().columns(places.to_vec()))
        .step("onehot", DummyEncoder::new().columns(places.to_vec()))
        .step("scale", scaled)
        .step("clf", LogisticRegression::new());
    let ratios = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), [0.2, 0.3, 0.5, 0.7, 0.9]);
    GridSearchCv::new(pipeline, ratios).cv(3)
}

fn bench(c: &mut Criterion) {
    let trips = common::made(&common::session(2), ROWS);
    let prepared = common::prepare(&trips).and_then(|p| p.persist()).expect("a plan");
    wait(&prepared).expect("prepared rows");
    let dataset = DatasetBase::new(prepared, Target::column("high_tip"));
    let mut group = c.benchmark_group("grid search");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    group.bench_function("five numbers", |b| b.iter(|| search(Remainder::Drop).fit(&dataset).expect("a fit")));
    group.bench_function("with one-hot places", |b| {
        b.iter(|| search(Remainder::Passthrough).fit(&dataset).expect("a fit"))
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
