//! Samples, repartitions and what is counted depend on the rows alone: not on partitions, batches, threads or fusion.

use std::sync::Arc;

use arrow::array::{BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use partita::{DataFrame, Sample, SampleMode, Scheduler, Session, col, concat};
use proptest::prelude::*;

fn sessions() -> Vec<Session> {
    let ways = [
        (Scheduler::Synchronous, 1000, true),
        (Scheduler::Synchronous, 7, false),
        (Scheduler::Threads(1), 3, true),
        (Scheduler::Threads(4), 64, true),
        (Scheduler::Threads(4), 11, false),
    ];
    let session = |(scheduler, batch_rows, fuse)| {
        Session::builder().scheduler(scheduler).batch_rows(batch_rows).fuse(fuse).build().unwrap()
    };
    ways.into_iter().map(session).collect()
}

fn record(rows: std::ops::Range<i64>) -> RecordBatch {
    let a = Int64Array::from_iter_values(rows.clone());
    let name = StringArray::from_iter(rows.clone().map(|i| (i % 3 > 0).then(|| "x".repeat(i as usize % 5))));
    let x = Float64Array::from_iter(rows.clone().map(|i| match i % 4 {
        0 => None,
        1 => Some(f64::NAN),
        _ => Some(i as f64),
    }));
    let even = BooleanArray::from_iter(rows.map(|i| Some(i % 2 == 0)));
    let columns = [("a", Arc::new(a) as _), ("name", Arc::new(name) as _), ("x", Arc::new(x) as _)];
    RecordBatch::try_from_iter(columns.into_iter().chain([("even", Arc::new(even) as _)])).unwrap()
}

/// The rows `0..sum of sizes`, a partition for each size.
fn frame(session: &Session, sizes: &[usize]) -> DataFrame {
    let mut start = 0;
    let parts = sizes.iter().map(|&size| {
        let rows = start..start + size as i64;
        start = rows.end;
        record(rows)
    });
    session.from_batches(parts.collect::<Vec<_>>()).unwrap()
}

fn a(df: &DataFrame) -> Vec<i64> {
    df.compute().unwrap().f64s("a").unwrap().into_iter().map(|v| v.unwrap() as i64).collect()
}

#[test]
fn any_way_of_running_gives_the_same_sample() {
    let samples = [
        Sample::fraction(0.1).seed(1),
        Sample::fraction(0.5).seed(u64::MAX),
        Sample::fraction(0.7).seed(2).replace(true),
        Sample::fraction(3.0).seed(3).replace(true),
    ];
    for sample in samples {
        let mut expected: Option<Vec<i64>> = None;
        for session in sessions() {
            for sizes in [&[600][..], &[1, 0, 299, 300], &[60; 10]] {
                let df = frame(&session, sizes);
                let sampled = df.sample(sample.clone()).unwrap();
                let rows = a(&sampled);
                assert!(rows.is_sorted());
                assert_eq!(expected.get_or_insert(rows.clone()), &rows, "{session} {sample:?}");
                assert_eq!(sampled.len().unwrap(), rows.len() as u64);
                assert_eq!(a(&df.repartition(4).unwrap().sample(sample.clone()).unwrap()), rows);
                assert_eq!(a(&df.persist().unwrap().sample(sample.clone()).unwrap()), rows);
            }
        }
    }
}

#[test]
fn the_part_drawn_is_about_the_fraction() {
    let n = 20_000;
    let df = frame(&Session::builder().threads(2).build().unwrap(), &[n / 2; 2]);
    let drawn = |sample: Sample| df.sample(sample).unwrap().len().unwrap() as f64;
    for fraction in [0.001, 0.02, 0.3, 0.9] {
        for seed in 0..10 {
            let mean = fraction * n as f64;
            // five standard deviations
            let rows = drawn(Sample::fraction(fraction).seed(seed));
            assert!((rows - mean).abs() < 5.0 * (mean * (1.0 - fraction)).sqrt(), "{fraction} {seed}: {rows}");
            let rows = drawn(Sample::fraction(fraction).seed(seed).replace(true));
            assert!((rows - mean).abs() < 5.0 * mean.sqrt(), "{fraction} {seed} replaced: {rows}");
        }
    }
    assert_eq!(drawn(1.0.into()), n as f64);
    assert_eq!(drawn(0.0.into()), 0.0);
    assert_eq!(drawn(Sample::fraction(0.0).replace(true)), 0.0);
    let large = drawn(Sample::fraction(20.0).seed(0).replace(true));
    assert!((large - 20.0 * n as f64).abs() < 5.0 * (20.0 * n as f64).sqrt());
}

#[test]
fn samples_are_nested_by_fraction_and_independent_one_after_the_other() {
    let df = frame(&Session::builder().threads(2).build().unwrap(), &[5_000; 2]);
    let sample = |fraction: f64, seed: u64| Sample::fraction(fraction).seed(seed);
    let (few, many) = (a(&df.sample(sample(0.1, 7)).unwrap()), a(&df.sample(sample(0.2, 7)).unwrap()));
    assert!(few.iter().all(|row| many.binary_search(row).is_ok()));
    let twice = df.sample(sample(0.2, 7)).unwrap().sample(sample(0.2, 7)).unwrap();
    assert!((twice.len().unwrap() as f64 - 400.0).abs() < 100.0);
    // copies of a row are rows of their own for the next sample
    let copies = df.sample(sample(5.0, 7).replace(true)).unwrap();
    let some = copies.sample(sample(0.5, 7)).unwrap();
    assert!((some.len().unwrap() as f64 - 25_000.0).abs() < 1_000.0);
    let mut rows = a(&some);
    rows.dedup();
    assert!(rows.len() > 9_000, "{}", rows.len());
    let unseeded = |df: &DataFrame| a(&df.sample(0.5).unwrap());
    assert_ne!(unseeded(&df), unseeded(&df));
    let value = df.sample(0.5).unwrap();
    assert_eq!(a(&value), a(&value));
    // the same row in both frames of a concat is drawn for itself in each
    let both = a(&concat([&df, &df]).unwrap().sample(sample(0.5, 7)).unwrap());
    let second = both.iter().zip(&both[1..]).position(|(a, b)| a > b).unwrap() + 1;
    assert_ne!(both[..second], both[second..]);
}

#[test]
fn dask_samples() {
    let expected: [(&[usize], bool, f64, &[i64]); 4] = [
        (&[100], false, 0.1, &[43, 28, 83, 15, 19, 29, 45, 3, 98, 99]),
        (&[25; 4], false, 0.1, &[14, 22, 47, 38, 66, 64, 77, 96]),
        (&[25; 4], true, 0.13, &[3, 15, 20, 29, 29, 28, 54, 50, 52, 90, 76, 78]),
        (&[15, 15, 14, 14, 14, 14, 14], false, 0.1, &[13, 6, 24, 20, 40, 48, 65, 83, 91]),
    ];
    for session in sessions() {
        for (sizes, replace, fraction, rows) in expected {
            let sample = Sample::fraction(fraction).seed(42).replace(replace).mode(SampleMode::Dask);
            let df = frame(&session, sizes).sample(sample).unwrap();
            assert_eq!(a(&df), rows);
            assert_eq!(df.len().unwrap(), rows.len() as u64);
            let filtered: Vec<i64> = rows.iter().copied().filter(|row| *row > 40).collect();
            assert_eq!(a(&df.filter(col("a").gt(40)).unwrap()), filtered);
        }
    }
}

#[test]
fn wrong_arguments_are_errors() {
    let df = frame(&Session::builder().threads(1).build().unwrap(), &[3]);
    let said = |sample: Sample| df.sample(sample).unwrap_err().to_string();
    assert_eq!(
        said(Sample::fraction(1.5)),
        "failed to plan sample: a fraction of 1.5 is more than all rows; let rows be drawn several times with replace(true)"
    );
    for fraction in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(said(Sample::fraction(fraction).replace(true)).contains("give a number from 0 to 1"));
    }
    let seed = Sample::fraction(0.5).seed(1 << 32).mode(SampleMode::Dask);
    assert!(said(seed).contains("no seed 4294967296"));
    let none = df.repartition(0).unwrap_err().to_string();
    assert_eq!(none, "failed to plan repartition: a frame has at least one partition, not 0");
}

#[test]
fn repartition_to_more_even_ranges() {
    for session in sessions() {
        let df = frame(&session, &[3, 0, 5]);
        for filtered in [df.clone(), df.filter(col("a").ge(0)).unwrap(), df.tail(8).unwrap()] {
            let four = filtered.repartition(4).unwrap();
            assert_eq!(four.npartitions().unwrap(), 4);
            let parts: Vec<Vec<i64>> = (0..4).map(|i| a(&four.partitions(i..i + 1).unwrap())).collect();
            assert_eq!(parts, [[0, 1], [2, 3], [4, 5], [6, 7]]);
        }
        let text = df.repartition(2).unwrap().filter(col("a").gt(3)).unwrap().explain().unwrap();
        assert!(text.contains("repartition 3 to 2, neighbours joined"), "{text}");
    }
}

#[test]
fn bytes_and_missing_values_of_columns() {
    for session in sessions() {
        for sizes in [&[60][..], &[20, 0, 33, 7]] {
            let df = frame(&session, sizes);
            let usage = df.memory_usage().unwrap().compute().unwrap();
            let texts: f64 = (0..60).filter(|i| i % 3 > 0).map(|i| f64::from(i % 5)).sum();
            let expected = [480.0, 4.0 * 60.0 + texts, 480.0, 60.0];
            assert_eq!(usage.f64s("bytes").unwrap(), expected.map(Some));
            assert_eq!(df.memory_total().unwrap().0 as f64, expected.iter().sum::<f64>());
            let numbers = df.select(["a", "even"]).unwrap();
            assert_eq!(numbers.memory_total().unwrap().0, 540);
            assert_eq!(numbers.filter(col("a").lt(10)).unwrap().memory_total().unwrap().0, 90);
            let missing = df.null_count().unwrap().compute().unwrap();
            assert_eq!(missing.f64s("null").unwrap(), [0.0, 20.0, 15.0, 0.0].map(Some));
            assert_eq!(missing.f64s("nan").unwrap(), [0.0, 0.0, 15.0, 0.0].map(Some));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn sampling_and_filtering_change_places(
        sizes in proptest::collection::vec(0usize..40, 1..6),
        fraction in 0.0..1.0f64,
        seed: u64,
        replace: bool,
        limit in 0i64..100,
        batch_rows in 1usize..50,
    ) {
        let session = Session::builder().scheduler(Scheduler::Synchronous).batch_rows(batch_rows).build().unwrap();
        let df = frame(&session, &sizes);
        let sample = Sample::fraction(fraction).seed(seed).replace(replace);
        let kept = (col("a") * 7 % 100).lt(limit);
        let first = a(&df.filter(kept.clone()).unwrap().sample(sample.clone()).unwrap());
        let last = a(&df.sample(sample.clone()).unwrap().filter(kept).unwrap());
        prop_assert_eq!(&first, &last);
        // the filter as a plain loop over all that is drawn, which no rule can move
        let drawn = a(&df.sample(sample).unwrap());
        let looped: Vec<i64> = drawn.into_iter().filter(|row| row * 7 % 100 < limit).collect();
        prop_assert_eq!(first, looped);
    }

    #[test]
    fn repartition_changes_neither_rows_nor_order(
        sizes in proptest::collection::vec(0usize..30, 1..6),
        targets in proptest::collection::vec(1usize..20, 1..4),
        known: bool,
        batch_rows in 1usize..40,
        fuse: bool,
    ) {
        let session = Session::builder().scheduler(Scheduler::Synchronous).batch_rows(batch_rows).fuse(fuse);
        let all = frame(&session.build().unwrap(), &sizes);
        let all = if known { all } else { all.filter((col("a") % 3).ne(0)).unwrap() };
        let mut df = all.clone();
        for to in targets {
            df = df.repartition(to).unwrap();
            prop_assert_eq!(df.npartitions().unwrap(), to);
        }
        prop_assert_eq!(a(&df), a(&all));
        prop_assert_eq!(df.len().unwrap(), all.len().unwrap());
        let sample = Sample::fraction(0.5).seed(0);
        prop_assert_eq!(a(&df.sample(sample.clone()).unwrap()), a(&all.sample(sample).unwrap()));
    }
}
