//! Speed of expressions over a batch of 32 768 rows, in values a second: the kernels that the taxi program stands on.

// a bench that cannot be set up has nothing to report
#![allow(clippy::expect_used)]

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use partita::expr::Program;
use partita::{Expr, col};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: u64 = 32_768;

/// Columns of fixed content: a multiplicative generator, the same in every run.
fn batch() -> RecordBatch {
    let mut state = 1u64;
    let mut draw = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64
    };
    let month = 31 * 86_400;
    let fare: Float64Array = (0..ROWS).map(|_| Some(draw() as f64 / 1e6)).collect();
    let gaps: Float64Array = (0..ROWS).map(|_| Some(draw()).filter(|d| d % 10 > 0).map(|d| d as f64 / 1e6)).collect();
    let whole: Int64Array = (0..ROWS).map(|_| Some(draw() % 1_000)).collect();
    let flag: BooleanArray = (0..ROWS).map(|_| Some(draw() % 2 == 0)).collect();
    let time: TimestampMicrosecondArray =
        (0..ROWS).map(|_| Some(1_672_531_200_000_000 + draw() % month * 1_000_000)).collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("fare", Arc::new(fare)),
        ("gaps", Arc::new(gaps)),
        ("whole", Arc::new(whole)),
        ("flag", Arc::new(flag)),
        ("time", Arc::new(time)),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

fn expressions() -> Vec<(&'static str, Expr)> {
    vec![
        ("add", col("fare") + col("gaps")),
        ("divide", col("gaps") / col("fare")),
        ("add whole", col("whole") + col("whole")),
        ("compare", col("fare").gt(0.2)),
        ("compare whole", col("whole").gt(5)),
        ("cast whole", col("whole").cast(DataType::Float64)),
        ("cast flag", col("flag").cast(DataType::Float64)),
        ("fillna", col("gaps").fillna(-1)),
        ("round", col("fare").round(2)),
        ("weekday", col("time").dt().weekday()),
        ("hour", col("time").dt().hour()),
        ("minute", col("time").dt().minute()),
        ("month", col("time").dt().month()),
        ("iso_week", col("time").dt().iso_week()),
    ]
}

fn bench(c: &mut Criterion) {
    let batch = batch();
    let mut group = c.benchmark_group("expressions");
    group.throughput(Throughput::Elements(ROWS));
    for (name, expr) in expressions() {
        let program = Program::new(&[expr], &batch.schema()).expect("an expression of this batch");
        group.bench_function(name, |b| b.iter(|| program.eval(black_box(&batch)).map(black_box)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
