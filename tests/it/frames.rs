//! Frames give the rows that a plain loop would, for any partitioning, threads, batch size, fused or not.

use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use partita::{DataFrame, Scheduler, Session, col, concat};

fn numbers(from: i64, rows: usize) -> RecordBatch {
    let a = Int64Array::from_iter((0..rows as i64).map(|i| Some(from + i)));
    let x = Float64Array::from_iter((0..rows as i64).map(|i| match (from + i) % 5 {
        0 => None,
        1 => Some(f64::NAN),
        k => Some((from + i) as f64 / k as f64),
    }));
    RecordBatch::try_from_iter([("a", Arc::new(a) as _), ("x", Arc::new(x) as _)]).unwrap()
}

fn sessions() -> Vec<Session> {
    let mut all = Vec::new();
    for scheduler in [Scheduler::Synchronous, Scheduler::Threads(1), Scheduler::Threads(4)] {
        for (batch_rows, fuse) in [(3, true), (1000, true), (7, false)] {
            let builder = Session::builder().scheduler(scheduler).batch_rows(batch_rows).fuse(fuse);
            all.push(builder.build().unwrap());
        }
    }
    all
}

fn frame(session: &Session, rows: usize, partitions: usize) -> DataFrame {
    let size = rows.div_ceil(partitions);
    let parts = (0..partitions).map(|p| {
        let from = (p * size).min(rows);
        numbers(from as i64, size.min(rows - from))
    });
    session.from_batches(parts.collect::<Vec<_>>()).unwrap()
}

#[test]
fn any_way_of_running_gives_the_same_rows() {
    for session in sessions() {
        for partitions in [1, 2, 7, 40] {
            let df = frame(&session, 100, partitions);
            let prepared = df
                .filter(col("x").gt(2))
                .unwrap()
                .with_column("half", col("x") / 2)
                .unwrap()
                .with_column("b", col("a") * 3 + 1)
                .unwrap()
                .select(["b", "half"])
                .unwrap();
            let twice = concat([&prepared, &prepared.head(3).unwrap()]).unwrap();
            let expected: Vec<Option<f64>> = (0..100i64)
                .filter(|i| i % 5 > 1 && *i as f64 / (i % 5) as f64 > 2.0)
                .map(|i| Some((i * 3 + 1) as f64))
                .collect();
            let got = twice.compute().unwrap().f64s("b").unwrap();
            let with_head = [&expected[..], &expected[..3]].concat();
            assert_eq!(got, with_head, "{session} {partitions}");
            assert_eq!(twice.len().unwrap(), with_head.len() as u64);
            let persisted = prepared.persist().unwrap();
            assert_eq!(persisted.len().unwrap(), expected.len() as u64);
            let tail = persisted.tail(4).unwrap().compute().unwrap().f64s("b").unwrap();
            assert_eq!(tail, expected[expected.len() - 4..]);
            let streamed: usize = prepared.batches().unwrap().map(|b| b.unwrap().num_rows()).sum();
            assert_eq!(streamed, expected.len());
        }
    }
}

#[test]
fn thousands_of_chained_operations() {
    let mut df = frame(&Session::builder().threads(2).build().unwrap(), 10, 2);
    for _ in 0..20_000 {
        df = df.with_column("a", col("a") + 1).unwrap();
    }
    let a = df.compute().unwrap().f64s("a").unwrap();
    assert_eq!(a[0], Some(20_000.0));
}

#[test]
fn a_panic_in_a_closure_is_an_error() {
    for session in sessions() {
        let df = frame(&session, 20, 4);
        let schema = df.schema().clone();
        let bad = df.map_partitions(|_| panic!("no luck"), schema).unwrap();
        let text = bad.compute().unwrap_err().to_string();
        assert!(text.contains("no luck") && text.contains("partition 0") && text.contains("map_partitions"), "{text}");
    }
}

#[test]
fn a_filter_guards_the_ones_after_it() {
    let text = arrow::array::StringArray::from(vec!["1", "two", "3", "4"]);
    let batch = RecordBatch::try_from_iter([("s", Arc::new(text) as _)]).unwrap();
    let good = DataFrame::from_batches([batch]).unwrap().filter(col("s").ne("two")).unwrap();
    // the rules bring both filters together below the conversion
    let numbers = good.with_column("n", col("s").cast(arrow::datatypes::DataType::Float64)).unwrap();
    let big = numbers.filter(col("n").gt(2)).unwrap().compute().unwrap();
    assert_eq!(big.f64s("n").unwrap(), [Some(3.0), Some(4.0)]);
}

#[test]
fn a_column_that_is_the_same_for_all_rows_keeps_its_type_when_plans_merge() {
    use arrow::array::UInt8Array;
    let batch = RecordBatch::try_from_iter([("x", Arc::new(UInt8Array::from(vec![100, 7])) as _)]).unwrap();
    let df = DataFrame::from_batches([batch]).unwrap();
    let sum = df.with_column("k", 200i32).unwrap().with_column("s", col("x") + col("k")).unwrap();
    let table = sum.compute().unwrap();
    assert_eq!(table.schema().field(2).data_type(), sum.schema().field(2).data_type());
    assert_eq!(table.f64s("s").unwrap(), [Some(300.0), Some(207.0)]);
    let kept = sum.filter((col("k") + col("x")).gt(250)).unwrap().compute().unwrap();
    assert_eq!(kept.f64s("s").unwrap(), [Some(300.0)]);
}

#[test]
fn a_closure_is_asked_once_for_each_row() {
    let calls = Arc::new(std::sync::atomic::AtomicI64::new(0));
    let counter = calls.clone();
    let session = Session::builder().threads(1).build().unwrap();
    let numbered = frame(&session, 30, 3)
        .with_column(
            "n",
            col("a").map("numbered", arrow::datatypes::DataType::Int64, move |a| {
                let next = || Some(counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                Ok(Arc::new(Int64Array::from_iter((0..a.len()).map(|_| next()))))
            }),
        )
        .unwrap();
    let late = numbered.filter(col("n").ge(20)).unwrap().compute().unwrap().f64s("n").unwrap();
    assert_eq!(late, (20..30).map(|n| Some(f64::from(n))).collect::<Vec<_>>());
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 30);
}

#[test]
fn a_table_shows_the_beginning_of_long_texts() {
    let texts = ["é".repeat(50), "é".repeat(51), "y".repeat(30_000_000)];
    let column = Arc::new(StringArray::from_iter_values(&texts)) as _;
    let frame = DataFrame::from_batches([RecordBatch::try_from_iter([("text", column)]).unwrap()]).unwrap();
    let shown = frame.compute().unwrap().to_string();
    assert!(shown.contains(&format!("│ {} │", texts[0])), "{shown}");
    assert!(shown.contains(&format!("│ {}… │", "é".repeat(49))) && shown.contains(&format!("│ {}… │", "y".repeat(49))));
    assert!(shown.len() < 2_000, "{shown}");
}
