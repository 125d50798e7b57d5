//! Functions of other rows against loops over all rows: any partitioning, batches, threads and memory limit.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampSecondArray,
};
use arrow::datatypes::Float64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use partita::{DataFrame, Expr, RankMethod, Rolling, Scheduler, Session, col, row_number, size};
use proptest::prelude::*;

pub type Row = (Option<i64>, Option<f64>, Option<&'static str>);

pub fn record(rows: &[Row]) -> RecordBatch {
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("n", Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.0))), true),
        ("x", Arc::new(Float64Array::from_iter(rows.iter().map(|r| r.1))), true),
        ("s", Arc::new(StringArray::from_iter(rows.iter().map(|r| r.2))), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Partitions of these sizes, over and over; some are empty.
pub fn frame(session: &Session, rows: &[Row], sizes: &[usize]) -> DataFrame {
    let (mut parts, mut rest, mut i) = (Vec::new(), rows, 0);
    while !rest.is_empty() {
        let (own, later) = rest.split_at(sizes[i % sizes.len()].min(rest.len()));
        parts.push(record(own));
        rest = later;
        i += 1;
        if i > 4 * rows.len() {
            parts.push(record(rest));
            break;
        }
    }
    parts.push(record(&[]));
    session.from_batches(parts).unwrap()
}

pub fn sessions() -> Vec<Session> {
    let session = |scheduler, limit: &str, rows, fuse| {
        let builder = Session::builder().scheduler(scheduler).memory_limit(limit);
        builder.batch_rows(rows).fuse(fuse).build().unwrap()
    };
    vec![
        session(Scheduler::Synchronous, "1GB", 1000, true),
        session(Scheduler::Threads(3), "1GB", 5, true),
        session(Scheduler::Threads(2), "300 kB", 16, false),
    ]
}

/// Every row as a text, in order; floating numbers to the bit.
pub fn texts(df: &DataFrame) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut all = Vec::new();
    for batch in df.batches().unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let cell = |c: &ArrayRef| match c.as_primitive_opt::<Float64Type>() {
                Some(floats) if floats.is_valid(row) => float(floats.value(row)),
                _ => ArrayFormatter::try_new(c.as_ref(), &options).unwrap().value(row).to_string(),
            };
            all.push(batch.columns().iter().map(cell).collect::<Vec<_>>().join(" "));
        }
    }
    all
}

fn float(x: f64) -> String {
    if x.is_nan() { "NaN".into() } else { format!("{x:?}") }
}

pub fn whole(n: Option<i64>) -> String {
    n.map_or("-".into(), |n| n.to_string())
}

pub fn real(x: Option<f64>) -> String {
    x.map_or("-".into(), float)
}

pub fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let number = prop_oneof![1 => Just(None), 5 => (-50i64..50).prop_map(Some)];
    let value = prop_oneof![
        1 => Just(None),
        1 => Just(Some(f64::NAN)),
        1 => prop::sample::select(vec![1e16, -1e16, 1e300, 0.1, -0.0]).prop_map(Some),
        6 => (-1e3..1e3f64).prop_map(Some),
    ];
    let text = prop_oneof![1 => Just(None), 6 => prop::sample::select(vec!["a", "b", "c"]).prop_map(Some)];
    prop::collection::vec((number, value, text), 0..most)
}

/// The same in all sessions and partitions.
pub fn check(rows: &[Row], sizes: &[usize], exprs: &[Expr], expected: &[String]) -> Result<(), TestCaseError> {
    for (i, session) in sessions().iter().enumerate() {
        let sizes: Vec<usize> = sizes.iter().map(|s| s + i * usize::from(*s > 0)).collect();
        let found = texts(&frame(session, rows, &sizes).select(exprs).unwrap());
        prop_assert_eq!(&found, expected, "session {}", i);
        crate::memory::given_back(session);
    }
    Ok(())
}

/// The exact sum, rounded once: over the smallest unit there is.
fn exact(values: &[f64]) -> f64 {
    let mut parts: Vec<f64> = Vec::new();
    for &value in values {
        let (mut x, mut kept) = (value, Vec::new());
        for &y in &parts {
            let (big, small) = if x.abs() < y.abs() { (y, x) } else { (x, y) };
            let sum = big + small;
            let rest = small - (sum - big);
            if rest != 0.0 {
                kept.push(rest);
            }
            x = sum;
        }
        kept.push(x);
        parts = kept;
    }
    // from the largest down, the parts do not overlap: only ties need the next one
    let mut sum = 0.0;
    while let Some(part) = parts.pop() {
        let (before, rest) = (sum, part);
        sum = before + rest;
        let lost = rest - (sum - before);
        if lost != 0.0 {
            if parts.last().is_some_and(|more| (*more < 0.0) == (lost < 0.0)) && (sum + 2.0 * lost) - sum == 2.0 * lost
            {
                sum += 2.0 * lost;
            }
            break;
        }
    }
    sum + 0.0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn shifts_are_other_rows(rows in rows(80), sizes in prop::collection::vec(0usize..12, 1..4), by in -20i64..20) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let at = |i: usize, by: i64| usize::try_from(i as i64 - by).ok().and_then(|i| rows.get(i));
        let expected: Vec<String> = (0..rows.len()).map(|i| {
            let diff = rows[i].0.zip(at(i, by).and_then(|r| r.0)).map(|(a, b)| a - b);
            let text = at(i, by).and_then(|r| r.2).unwrap_or("-");
            format!("{} {} {text} {}", whole(rows[i].0), whole(diff), real(at(i, -1).and_then(|r| r.1)))
        }).collect();
        let exprs = [
            col("n"), col("n").diff(by).alias("d"), col("s").shift(by).alias("t"), col("x").shift(-1).alias("lead"),
        ];
        check(&rows, &sizes, &exprs, &expected)?;
    }

    #[test]
    fn running_totals_are_loops(rows in rows(80), sizes in prop::collection::vec(0usize..12, 1..4)) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let (mut seen, mut whole_sum): (Vec<f64>, i64) = (Vec::new(), 0);
        let expected: Vec<String> = rows.iter().enumerate().map(|(i, row)| {
            let value = row.1.filter(|x| !x.is_nan());
            seen.extend(value);
            let missing = row.1;
            let of = |f: &dyn Fn() -> f64| real(value.map(|_| f()).or(missing));
            whole_sum += row.0.unwrap_or(0);
            let zeroed = |x: f64| x + 0.0;
            let cells = [
                (i + 1).to_string(),
                of(&|| exact(&seen)),
                of(&|| zeroed(seen.iter().copied().fold(f64::INFINITY, f64::min))),
                of(&|| zeroed(seen.iter().copied().fold(f64::NEG_INFINITY, f64::max))),
                seen.len().to_string(),
                whole(row.0.map(|_| whole_sum)),
            ];
            cells.join(" ")
        }).collect();
        let exprs = [
            row_number(), col("x").cum_sum().alias("sum"), col("x").cum_min().alias("min"), col("x").cum_max().alias("max"),
            col("x").cum_count().alias("count"), col("n").cum_sum(),
        ];
        check(&rows, &sizes, &exprs, &expected)?;
    }
}

#[test]
fn windows_of_windows_and_filters_by_them() {
    let rows: Vec<Row> = (0..40).map(|i| (Some(i * i % 17), Some(i as f64), Some("a"))).collect();
    for session in sessions() {
        let df = frame(&session, &rows, &[7, 0, 3]);
        let twice = df.with_column("m", col("n").cum_sum().shift(1) + col("n").shift(1).cum_sum()).unwrap();
        assert_eq!(twice.columns(), ["n", "x", "s", "m"]);
        let numbers: Vec<i64> = rows.iter().map(|r| r.0.unwrap()).collect();
        let expected: Vec<Option<f64>> =
            (0..40).map(|i| (i > 0).then(|| 2.0 * numbers[..i].iter().sum::<i64>() as f64)).collect();
        assert_eq!(twice.compute().unwrap().f64s("m").unwrap(), expected);
        let rising = df.filter(col("n").gt(col("n").shift(1))).unwrap();
        assert_eq!(rising.columns(), ["n", "x", "s"]);
        let expected: Vec<f64> = (1..40).filter(|&i| numbers[i] > numbers[i - 1]).map(|i| i as f64).collect();
        let found: Vec<f64> = rising.compute().unwrap().f64s("x").unwrap().into_iter().flatten().collect();
        assert_eq!(found, expected);
        // one on top of the other
        let mut chain = df.clone();
        for i in 0..25 {
            chain = chain.with_column("n", col("n").shift(if i % 2 == 0 { 1 } else { -1 })).unwrap();
        }
        let found = chain.compute().unwrap().f64s("n").unwrap();
        let expected: Vec<Option<f64>> = (0..40).map(|i| (i > 0).then(|| numbers[i - 1] as f64)).collect();
        assert_eq!(found[..39], expected[..39]);
        // only what is needed is computed and read
        let plan = twice.select(["n"]).unwrap().explain().unwrap();
        assert!(!plan.split("plan as it runs").nth(1).unwrap().contains("cum_sum"), "{plan}");
    }
}

#[test]
fn rows_that_were_exchanged_are_not_computed_again() {
    let rows: Vec<Row> = (0..3000).map(|i| (Some(i * 7919 % 3001), Some(i as f64), Some("a"))).collect();
    let sorted: Vec<i64> = {
        let mut numbers: Vec<i64> = rows.iter().map(|r| r.0.unwrap()).collect();
        numbers.sort();
        numbers
    };
    let limited = Session::builder().threads(2).memory_limit("300 kB").batch_rows(100).build().unwrap();
    for session in sessions().into_iter().chain([limited]) {
        let df = frame(&session, &rows, &[700, 0, 300]).sort_by(["n"]).unwrap();
        let exprs =
            [col("n"), col("n").shift(3).alias("s"), col("n").cum_sum().alias("c"), col("n").rolling_sum(2).alias("r")];
        let df = df.select(exprs).unwrap();
        let plan = df.explain().unwrap();
        assert_eq!(plan.matches("sort_by-seal").count(), 1, "{plan}");
        let mut sum = 0;
        let expected: Vec<String> = (0..3000)
            .map(|i| {
                sum += sorted[i];
                let before = |by: usize| i.checked_sub(by).map(|j| sorted[j]);
                format!("{} {} {sum} {}", sorted[i], whole(before(3)), whole(before(1).map(|b| b + sorted[i])))
            })
            .collect();
        assert_eq!(texts(&df), expected);
        crate::memory::given_back(&session);
    }
}

#[test]
fn hundreds_of_partitions() {
    let rows: Vec<Row> = (0..300)
        .map(|i| (Some(i * 7 % 31), Some(1.0 / (i + 1) as f64), Some(if i % 3 == 0 { "a" } else { "b" })))
        .collect();
    let exprs = [
        col("n").shift(40).alias("a"),
        col("n").shift(-200).alias("b"),
        col("x").cum_sum().alias("c"),
        col("x").rolling_mean(Rolling::rows(90).min_periods(1).centred()).alias("d"),
        col("x").rolling_std(50, 0).alias("e"),
        col("x").cum_sum().over("s").alias("f"),
    ];
    let whole = texts(&frame(&sessions()[0], &rows, &[300]).select(&exprs[..]).unwrap());
    for sizes in [&[1][..], &[0, 0, 1], &[0, 2], &[13], &[128, 1, 127]] {
        assert_eq!(texts(&frame(&sessions()[1], &rows, sizes).select(&exprs[..]).unwrap()), whole);
    }
}

#[test]
fn what_looks_at_other_rows_has_its_place() {
    let df = frame(&sessions()[0], &[(Some(1), None, None)], &[1]);
    let error = df.sort_by([col("n").shift(1).asc()]).unwrap_err().to_string();
    assert!(error.contains("a function of other rows") && error.contains("with_columns()"), "{error}");
    let error = df.select([col("s").cum_sum()]).unwrap_err().to_string();
    assert!(error.contains("sum has no meaning for Utf8"), "{error}");
    let error = df.select([col("m").shift(1)]).unwrap_err().to_string();
    assert!(error.contains("unknown column `m`"), "{error}");
    let large = df.with_column("n", col("n") * i64::MAX).unwrap();
    let more = partita::concat([&large, &large]).unwrap();
    let error = more.select([col("n").cum_sum()]).unwrap().compute().unwrap_err().to_string();
    assert!(error.contains("the running sum 18446744073709551614 does not fit into Int64"), "{error}");
}

fn twin_sum(numbers: &[Option<i64>], least: usize) -> Option<i64> {
    let values: Vec<i64> = numbers.iter().flatten().copied().collect();
    (values.len() >= least).then(|| values.iter().sum())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rolling_windows_are_slices(
        rows in rows(70), sizes in prop::collection::vec(0usize..12, 1..4), wide in 1usize..30, least in 0usize..4,
    ) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let numbers: Vec<Option<i64>> = rows.iter().map(|r| r.0).collect();
        let after = (wide - 1) / 2;
        let expected: Vec<String> = (0..rows.len()).map(|i| {
            let own = &numbers[(i + 1).saturating_sub(wide)..=i];
            let centred = &numbers[(i + after + 1).saturating_sub(wide)..(i + after + 1).min(rows.len())];
            let values = own.iter().flatten();
            let count = values.clone().count();
            let cells = [
                whole(twin_sum(own, wide)),
                whole(twin_sum(centred, least)),
                whole(values.clone().min().copied().filter(|_| count >= least)),
                whole(values.clone().max().copied().filter(|_| count >= wide)),
                count.to_string(),
                real((count >= least.max(1)).then(|| values.sum::<i64>() as f64 / count as f64)),
            ];
            cells.join(" ")
        }).collect();
        let some = || Rolling::rows(wide).min_periods(least);
        let n = || col("n");
        let exprs = [
            n().rolling_sum(wide).alias("a"), n().rolling_sum(some().centred()).alias("b"), n().rolling_min(some()).alias("c"),
            n().rolling_max(wide).alias("d"), n().rolling_count(wide).alias("e"), n().rolling_mean(some()).alias("f"),
        ];
        check(&rows, &sizes, &exprs, &expected)?;
        // floating ones: the same bits everywhere, and about the right number
        let x = || col("x");
        let exprs = [x().rolling_sum(some()).alias("s"), x().rolling_std(some(), 1).alias("d"), x().rolling_max(some()).alias("m")];
        let once = texts(&frame(&sessions()[0], &rows, &[1000]).select(&exprs[..]).unwrap());
        check(&rows, &sizes, &exprs, &once)?;
        for (i, text) in once.iter().enumerate() {
            let values: Vec<f64> = rows[(i + 1).saturating_sub(wide)..=i].iter().filter_map(|r| r.1).filter(|x| !x.is_nan()).collect();
            let scale: f64 = values.iter().map(|x| x.abs()).sum();
            match text.split(' ').next().unwrap() {
                "-" => prop_assert!(values.len() < least),
                found => prop_assert!((found.parse::<f64>().unwrap() - exact(&values)).abs() <= 1e-15 * scale),
            }
        }
    }

    #[test]
    fn keys_make_frames_of_their_own(rows in rows(120), sizes in prop::collection::vec(0usize..20, 1..4), by in -3i64..4) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let expected: Vec<String> = (0..rows.len()).map(|i| {
            let same: Vec<usize> = (0..rows.len()).filter(|&j| rows[j].2 == rows[i].2).collect();
            let own = same.iter().position(|&j| j == i).unwrap();
            let shifted = usize::try_from(own as i64 - by).ok().and_then(|j| same.get(j)).and_then(|&j| rows[j].0);
            let so_far: i64 = same[..=own].iter().filter_map(|&j| rows[j].0).sum();
            let all: i64 = same.iter().filter_map(|&j| rows[j].0).sum();
            let smaller = rows[i].0.map(|n| 1 + same.iter().filter(|&&j| rows[j].0.is_some_and(|m| m < n)).count() as i64);
            let window: Vec<Option<i64>> = same[(own + 1).saturating_sub(3)..=own].iter().map(|&j| rows[j].0).collect();
            let most = same.iter().filter_map(|&j| rows[j].1).filter(|x| !x.is_nan()).reduce(f64::max).map(|x| x + 0.0);
            let cells = [
                (own + 1).to_string(), whole(shifted), whole(rows[i].0.map(|_| so_far)), all.to_string(), whole(smaller),
                whole(twin_sum(&window, 3)), real(most), same.len().to_string(),
            ];
            cells.join(" ")
        }).collect();
        let n = || col("n");
        let exprs = [
            row_number().over("s"), n().shift(by).over("s").alias("b"), n().cum_sum().over("s").alias("c"),
            n().sum().over("s").alias("d"), n().rank(RankMethod::Min).over("s").alias("e"),
            n().rolling_sum(3).over("s").alias("f"), col("x").max().over("s").alias("g"), size().over("s"),
        ];
        check(&rows, &sizes, &exprs, &expected)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn a_window_is_too_large_exactly_where_its_row_is(
        picks in prop::collection::vec(0usize..9, 1..60), sizes in prop::collection::vec(0usize..9, 1..4),
        parts in 1usize..50, wide in 1usize..9,
    ) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let near = [i64::MAX, i64::MAX - 1, i64::MAX / 2, 1, 0, -1, i64::MIN / 2, i64::MIN + 1, i64::MIN];
        let rows: Vec<Row> = picks.iter().map(|&i| (Some(near[i]), None, None)).collect();
        let after = (wide - 1) / 2;
        let sum = |from: usize, to: usize| -> i128 { picks[from..to].iter().map(|&i| i128::from(near[i])).sum() };
        let twin = |i: usize, after: usize| {
            let (from, to) = ((i + after + 1).saturating_sub(wide), (i + after + 1).min(rows.len()));
            (to - from == wide).then(|| sum(from, to))
        };
        // of many partitions, and of all rows but those that are too large by themselves
        let even = [rows.len().div_ceil(parts)];
        for centred in [false, true] {
            let ahead = if centred { after } else { 0 };
            let sums: Vec<Option<i128>> = (0..rows.len()).map(|i| twin(i, ahead)).collect();
            let fits = sums.iter().flatten().all(|&s| i64::try_from(s).is_ok());
            let window = || if centred { Rolling::rows(wide).centred() } else { Rolling::rows(wide) };
            for (session, sizes) in sessions().iter().zip([&even[..], &sizes[..], &[1]]) {
                let df = frame(session, &rows, sizes);
                let found = df.select([col("n").rolling_sum(window())]).unwrap().compute();
                prop_assert_eq!(found.is_ok(), fits, "{:?}", found.err());
                if let Ok(found) = found {
                    let expected: Vec<String> = sums.iter().map(|s| whole(s.map(|s| s as i64))).collect();
                    let texts: Vec<String> = (0..rows.len())
                        .map(|i| whole(found.value("n", i).unwrap().as_i64()))
                        .collect();
                    prop_assert_eq!(texts, expected);
                }
            }
        }
    }
}

#[test]
fn one_key_with_more_rows_than_memory() {
    let rows: Vec<Row> =
        (0..30_000).map(|i| (Some(i % 1000), Some(0.1), Some(if i % 97 == 0 { "b" } else { "a" }))).collect();
    let limited = Session::builder().threads(2).memory_limit("1MB").batch_rows(500).build().unwrap();
    let run = |session: &Session| {
        let df = frame(session, &rows, &[4000, 1000]);
        let exprs =
            [col("n").cum_sum().over("s"), col("x").cum_sum().over("s"), col("n").shift(-2).over("s").alias("next")];
        texts(&df.select(exprs).unwrap())
    };
    assert_eq!(run(&sessions()[0]), run(&limited));
    assert!(limited.task_context().spill.written().0 > 0);
}

#[test]
fn rows_and_results_that_wait_go_to_disk() {
    let rows: Vec<Row> = (0..40_000).map(|i| (Some(i * 37 % 1009), Some(i as f64 / 7.0), Some("a"))).collect();
    let limited = Session::builder().threads(2).memory_limit("1MB").batch_rows(500).build().unwrap();
    let exprs = [
        col("n").shift(-15_000).alias("far"),
        col("x").cum_sum().alias("sum"),
        col("n").rolling_sum(20).alias("near"),
        (col("x").cum_max() + 1).alias("max"),
    ];
    let run = |session: &Session, sizes: &[usize]| texts(&frame(session, &rows, sizes).select(exprs.to_vec()).unwrap());
    let free = run(&sessions()[0], &[40_000]);
    for sizes in [&[500][..], &[9000, 0, 100]] {
        assert_eq!(run(&limited, sizes), free);
        assert!(limited.budget().peak() <= 1_000_000);
        crate::memory::given_back(&limited);
    }
    assert!(limited.task_context().spill.written().0 > 0);
}

pub const X: [Option<f64>; 10] =
    [Some(3.0), None, Some(1.5), Some(-2.0), Some(f64::NAN), Some(7.25), Some(0.1), Some(0.2), None, Some(5.0)];

/// What pandas 3.1 gives; nulls for its NaN.
pub fn like_pandas(found: &[Option<f64>], expected: &[f64]) {
    let same = |(f, e): (&Option<f64>, &f64)| match f {
        Some(f) if !f.is_nan() => (f - e).abs() < 1e-12,
        _ => e.is_nan(),
    };
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(same), "{found:?} {expected:?}");
}

#[test]
fn rolling_statistics_are_those_of_pandas() {
    const N: f64 = f64::NAN;
    let seconds = [0, 3600, 3600, 5400, 7200, 10800, 10801, 20000, 27199, 27200];
    for size in [1, 3, 10] {
        let batch = |i: usize| {
            let end = (i + size).min(10);
            let columns: [(&str, ArrayRef); 2] = [
                ("x", Arc::new(Float64Array::from_iter(X[i..end].iter().copied()))),
                ("t", Arc::new(TimestampSecondArray::from(seconds[i..end].to_vec()))),
            ];
            RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap()
        };
        let df = sessions()[1].from_batches((0..10).step_by(size).map(batch)).unwrap();
        let x = || col("x");
        let least = |rows, least| Rolling::rows(rows).min_periods(least);
        let table = df
            .select([
                x().rolling_sum(least(3, 1)).alias("sum3"),
                x().rolling_mean(least(3, 2).centred()).alias("mean3c"),
                x().rolling_std(least(4, 2), 1).alias("std4"),
                x().rolling_var(least(4, 2).centred(), 1).alias("var4c"),
                x().rolling_min(least(3, 1)).alias("min3"),
                x().rolling_max(2).alias("max2"),
                x().rolling_count(3).alias("count3"),
                x().rolling_sum(Rolling::time("2h", "t")).alias("sum2h"),
                x().rolling_count(Rolling::time("2h", "t")).alias("count2h"),
                x().rolling_max(Rolling::time("1h", "t")).alias("max1h"),
                x().cum_sum().alias("cum"),
                x().diff(2).alias("diff"),
            ])
            .unwrap()
            .compute()
            .unwrap();
        let check = |name: &str, expected: [f64; 10]| like_pandas(&table.f64s(name).unwrap(), &expected);
        check("sum3", [3.0, 3.0, 4.5, -0.5, -0.5, 5.25, 7.35, 7.55, 0.3, 5.2]);
        check("mean3c", [N, 2.25, -0.25, -0.25, 2.625, 3.675, 2.516_666_666_666_666_6, 0.15, 2.6, N]);
        check(
            "std4",
            [
                N,
                N,
                1.060_660_171_779_821_2,
                2.565_800_719_723_442,
                2.474_873_734_152_916,
                4.670_385_423_067_351,
                4.849_312_666_072_723,
                4.099_491_838_427_457,
                4.099_491_838_427_457,
                2.800_595_174_839_329_6,
            ],
        );
        check(
            "var4c",
            [
                N,
                1.125,
                6.583_333_333_333_333,
                6.125,
                21.8125,
                23.515_833_333_333_333,
                16.805_833_333_333_332,
                16.805_833_333_333_332,
                7.843_333_333_333_335,
                11.52,
            ],
        );
        check("min3", [3.0, 3.0, 1.5, -2.0, -2.0, -2.0, 0.1, 0.1, 0.1, 0.2]);
        check("max2", [N, N, N, 1.5, N, N, 7.25, 0.2, N, N]);
        check("count3", [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 2.0, 2.0]);
        check("sum2h", [3.0, 3.0, 4.5, 2.5, -0.5, 5.25, 5.35, 0.2, 0.2, 5.0]);
        check("count2h", [1.0, 1.0, 2.0, 3.0, 2.0, 2.0, 3.0, 1.0, 1.0, 1.0]);
        check("max1h", [3.0, N, 1.5, 1.5, -2.0, 7.25, 7.25, 0.2, N, 5.0]);
        check("cum", [3.0, N, 4.5, 2.5, N, 9.75, 9.85, 10.05, N, 15.05]);
        check("diff", [N, N, -1.5, N, N, 9.25, N, -7.05, N, 4.8]);
        assert_eq!(table.f64s("sum3").unwrap()[8], Some(0.1 + 0.2)); // 7.25 has left no trace
        let back = df.select([x().rolling_sum(Rolling::time("2h", "t")).alias("s")]).unwrap();
        let twice = partita::concat([&df, &df]).unwrap();
        let error = twice.with_column("s", x().rolling_sum(Rolling::time("2h", "t"))).unwrap().compute().unwrap_err();
        assert!(error.to_string().contains("row 10, counted from 0, is earlier than the row before it"), "{error}");
        assert!(error.location().partition.is_some());
        assert_eq!(back.len().unwrap(), 10);
    }
}

#[test]
fn ranks_are_those_of_pandas() {
    use RankMethod::{Average, Dense, First, Max, Min};
    let keys =
        [Some("a"), Some("b"), Some("a"), None, Some("b"), Some("a"), Some("b"), Some("a"), Some("b"), Some("a")];
    let values = [2, 1, 2, 5, 1, 2, 1, 3, 4, 2];
    let rows: Vec<Row> = (0..10).map(|i| (Some(values[i]), X[i], keys[i])).collect();
    let expected: [(RankMethod, [f64; 10], [f64; 10]); 5] = [
        (
            Average,
            [2.5, 2.0, 2.5, 1.0, 2.0, 2.5, 2.0, 5.0, 4.0, 2.5],
            [3.5, 3.0, 3.5, 1.0, 3.0, 3.5, 3.0, 1.0, 1.0, 3.5],
        ),
        (Min, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 5.0, 4.0, 1.0], [2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 2.0]),
        (Max, [4.0, 3.0, 4.0, 1.0, 3.0, 4.0, 3.0, 5.0, 4.0, 4.0], [5.0, 4.0, 5.0, 1.0, 4.0, 5.0, 4.0, 1.0, 1.0, 5.0]),
        (Dense, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 1.0], [2.0, 2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 2.0]),
        (First, [1.0, 1.0, 2.0, 1.0, 2.0, 3.0, 3.0, 5.0, 4.0, 4.0], [2.0, 2.0, 3.0, 1.0, 3.0, 4.0, 4.0, 1.0, 1.0, 5.0]),
    ];
    for session in sessions() {
        let df = frame(&session, &rows, &[3, 0, 4]);
        for (method, up, down) in expected {
            let up_x = [3.0, f64::NAN, 2.0, 1.0, f64::NAN, 5.0, 1.0, 1.0, f64::NAN, 4.0];
            let exprs = [
                col("n").rank(method).over("s").alias("up"),
                col("n").rank_descending(method).over("s").alias("down"),
                col("x").rank(method).over("s").alias("x"),
            ];
            let table = df.select(exprs).unwrap().compute().unwrap();
            like_pandas(&table.f64s("up").unwrap(), &up);
            like_pandas(&table.f64s("down").unwrap(), &down);
            like_pandas(&table.f64s("x").unwrap(), &up_x);
        }
        // the first two of each key
        let firsts = df.filter(col("n").rank(First).over("s").le(2)).unwrap();
        assert_eq!(firsts.len().unwrap(), 5);
    }
}
