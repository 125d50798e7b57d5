//! Functions of other rows in an order of their own, ranks of all rows, and windows around a time, against loops over all
//! rows and pandas.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMillisecondArray, TimestampSecondArray};
use partita::{DataFrame, RankMethod, Rolling, Session, SortKey, col, row_number, size};
use proptest::prelude::*;

use crate::windows::{Row, X, check, frame, like_pandas, real, rows, sessions, texts, whole};

/// The rows that come before or at row `i`, in the order of `n` (null last), falling or rising, among those of its key.
fn before(rows: &[Row], i: usize, falling: bool, keyed: bool) -> Vec<usize> {
    let mut own: Vec<usize> = (0..rows.len()).filter(|&j| !keyed || rows[j].2 == rows[i].2).collect();
    own.sort_by_key(|&j| (rows[j].0.is_none(), rows[j].0.map(|n| if falling { -n } else { n })));
    let at = own.iter().position(|&j| j == i).unwrap();
    own[..=at].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn an_order_is_that_of_sorted_rows(rows in rows(70), sizes in prop::collection::vec(0usize..15, 1..4), falling in any::<bool>()) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let expected: Vec<String> = (0..rows.len()).map(|i| {
            let (own, all) = (before(&rows, i, falling, true), before(&rows, i, falling, false));
            let sum = |rows_so_far: &[usize]| rows_so_far.iter().filter_map(|&j| rows[j].0).sum::<i64>();
            let last = |so_far: &[usize], by: usize| so_far.len().checked_sub(1 + by).map(|at| so_far[at]);
            let mut same: Vec<usize> = (0..rows.len()).filter(|&j| rows[j].2 == rows[i].2).collect();
            same.sort_by_key(|&j| before(&rows, j, falling, true).len());
            // it passes over null and NaN
            let first = same.iter().find_map(|&j| rows[j].1.filter(|x| !x.is_nan()));
            let cells = [
                own.len().to_string(),
                whole(rows[i].0.map(|_| sum(&own))),
                real(last(&all, 1).and_then(|j| rows[j].1)),
                all.len().to_string(),
                real(first),
                same.len().to_string(),
            ];
            cells.join(" ")
        }).collect();
        let by = || if falling { col("n").desc() } else { SortKey::from("n") };
        let exprs = [
            row_number().over("s").order_by(by()),
            col("n").cum_sum().order_by([by()]).over("s").alias("b"),
            col("x").shift(1).order_by(by()).alias("c"),
            row_number().order_by(by()).alias("d"),
            col("x").first().over("s").order_by(by()).alias("e"),
            size().over("s"),
        ];
        check(&rows, &sizes, &exprs, &expected)?;
    }

    #[test]
    fn ranks_of_all_rows_are_counted(rows in rows(90), sizes in prop::collection::vec(0usize..15, 1..4)) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let expected: Vec<String> = (0..rows.len()).map(|i| {
            let values = || rows.iter().filter_map(|r| r.0);
            let ranks = rows[i].0.map(|n| {
                let (smaller, equal) = (values().filter(|&m| m < n).count(), values().filter(|&m| m == n).count());
                let mut distinct: Vec<i64> = values().filter(|&m| m <= n).collect();
                distinct.sort_unstable();
                distinct.dedup();
                let before = rows[..i].iter().filter(|r| r.0 == Some(n)).count();
                let larger = values().filter(|&m| m > n).count();
                [smaller + 1, smaller + equal, distinct.len(), smaller + before + 1, larger + 1]
            });
            let mean = ranks.map(|r| (r[0] + r[1]) as f64 / 2.0);
            let texts = rows.iter().filter(|r| r.2.is_some() && r.2 < rows[i].2).count() as i64;
            let cell = |at: usize| whole(ranks.map(|r| r[at] as i64));
            let cells = [cell(0), cell(1), cell(2), cell(3), cell(4), real(mean), whole(rows[i].2.map(|_| texts + 1))];
            cells.join(" ")
        }).collect();
        let n = |method| col("n").rank(method);
        let exprs = [
            n(RankMethod::Min), n(RankMethod::Max).alias("b"), n(RankMethod::Dense).alias("c"), n(RankMethod::First).alias("d"),
            col("n").rank_descending(RankMethod::Min).alias("e"), n(RankMethod::Average).alias("f"),
            col("s").rank(RankMethod::Min),
        ];
        check(&rows, &sizes, &exprs, &expected)?;
    }

    #[test]
    fn windows_around_a_time_are_searched(
        steps in prop::collection::vec((0i64..5, prop::option::weighted(0.8, -50i64..50)), 0..80),
        sizes in prop::collection::vec(0usize..12, 1..4), width in 1i64..14,
    ) {
        prop_assume!(sizes.iter().any(|s| *s > 0));
        let mut now = 0;
        let rows: Vec<(i64, Option<i64>)> = steps.iter().map(|(step, n)| { now += step; (now, *n) }).collect();
        let expected: Vec<String> = rows.iter().map(|&(own, _)| {
            let near = |t: i64| 2 * (t - own) > -width && 2 * (t - own) <= width;
            let values: Vec<i64> = rows.iter().filter(|(t, _)| near(*t)).filter_map(|(_, n)| *n).collect();
            let sum = (!values.is_empty()).then(|| values.iter().sum());
            format!("{} {} {}", whole(sum), values.len(), whole(values.iter().max().copied().filter(|_| values.len() > 1)))
        }).collect();
        for (i, session) in sessions().iter().enumerate() {
            let batch = |rows: &[(i64, Option<i64>)]| {
                let columns: [(&str, ArrayRef); 2] = [
                    ("t", Arc::new(TimestampMillisecondArray::from_iter_values(rows.iter().map(|r| r.0)))),
                    ("n", Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.1)))),
                ];
                RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap()
            };
            let (mut parts, mut rest) = (vec![batch(&[])], &rows[..]);
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break }
                let (own, later) = rest.split_at((size + i * usize::from(*size > 0)).min(rest.len()));
                parts.push(batch(own));
                rest = later;
            }
            let df = session.from_batches(parts).unwrap();
            let around = || Rolling::time(&format!("{width}ms"), "t").centred();
            let exprs = [
                col("n").rolling_sum(around()), col("n").rolling_count(around()).alias("c"),
                col("n").rolling_max(around().min_periods(2)).alias("m"),
            ];
            prop_assert_eq!(texts(&df.select(exprs).unwrap()), expected.clone(), "session {}", i);
            crate::memory::given_back(session);
        }
    }
}

#[test]
fn orders_of_more_rows_than_memory() {
    let rows: Vec<Row> = (0..30_000)
        .map(|i| (Some(i * 7919 % 10_007), Some((i % 50) as f64), Some(if i % 97 == 0 { "b" } else { "a" })))
        .collect();
    let limited = Session::builder().threads(2).memory_limit("1MB").batch_rows(500).build().unwrap();
    let run = |session: &Session, sizes: &[usize]| {
        let exprs = [
            col("n").cum_sum().over("s").order_by(col("x").desc()),
            col("x").rank(RankMethod::Average),
            col("n").rank(RankMethod::First).over("s").alias("r"),
            col("n").shift(-3).order_by("x").alias("next"),
        ];
        texts(&frame(session, &rows, sizes).select(exprs).unwrap())
    };
    let free = run(&sessions()[0], &[30_000]);
    for sizes in [&[4000, 1000][..], &[229]] {
        assert_eq!(run(&limited, sizes), free);
        assert!(limited.budget().peak() <= 1_000_000);
        crate::memory::given_back(&limited);
    }
    assert!(limited.task_context().spill.written().0 > 0);
}

#[test]
fn ranks_of_all_rows_are_those_of_pandas() {
    use RankMethod::{Average, Dense, First, Max, Min};
    const N: f64 = f64::NAN;
    let values = [2, 1, 2, 5, 1, 2, 1, 3, 4, 2];
    let rows: Vec<Row> = (0..10).map(|i| (Some(values[i]), X[i], None)).collect();
    let expected: [(RankMethod, [f64; 10], [f64; 10]); 5] = [
        (
            Average,
            [5.5, 2.0, 5.5, 10.0, 2.0, 5.5, 2.0, 8.0, 9.0, 5.5],
            [5.5, 9.0, 5.5, 1.0, 9.0, 5.5, 9.0, 3.0, 2.0, 5.5],
        ),
        (Min, [4.0, 1.0, 4.0, 10.0, 1.0, 4.0, 1.0, 8.0, 9.0, 4.0], [4.0, 8.0, 4.0, 1.0, 8.0, 4.0, 8.0, 3.0, 2.0, 4.0]),
        (
            Max,
            [7.0, 3.0, 7.0, 10.0, 3.0, 7.0, 3.0, 8.0, 9.0, 7.0],
            [7.0, 10.0, 7.0, 1.0, 10.0, 7.0, 10.0, 3.0, 2.0, 7.0],
        ),
        (Dense, [2.0, 1.0, 2.0, 5.0, 1.0, 2.0, 1.0, 3.0, 4.0, 2.0], [4.0, 5.0, 4.0, 1.0, 5.0, 4.0, 5.0, 3.0, 2.0, 4.0]),
        (
            First,
            [4.0, 1.0, 5.0, 10.0, 2.0, 6.0, 3.0, 8.0, 9.0, 7.0],
            [4.0, 8.0, 5.0, 1.0, 9.0, 6.0, 10.0, 3.0, 2.0, 7.0],
        ),
    ];
    let (up_x, down_x) = ([5.0, N, 4.0, 1.0, N, 7.0, 2.0, 3.0, N, 6.0], [3.0, N, 4.0, 7.0, N, 1.0, 6.0, 5.0, N, 2.0]);
    for (session, sizes) in sessions().iter().zip([&[10][..], &[3, 0, 4], &[1]]) {
        let df = frame(session, &rows, sizes);
        for (method, up, down) in expected {
            let exprs = [
                col("n").rank(method).alias("up"),
                col("n").rank_descending(method).alias("down"),
                col("x").rank(method).alias("x"),
                col("x").rank_descending(method).alias("y"),
            ];
            let table = df.select(exprs).unwrap().compute().unwrap();
            for (name, expected) in [("up", up), ("down", down), ("x", up_x), ("y", down_x)] {
                like_pandas(&table.f64s(name).unwrap(), &expected);
            }
        }
        // the three largest values, and what is equal to the last of them
        let largest = df.filter(col("n").rank_descending(Min).le(3)).unwrap();
        assert_eq!(largest.compute().unwrap().f64s("n").unwrap(), [5.0, 3.0, 4.0].map(Some));
    }
}

#[test]
fn orders_are_those_of_pandas() {
    const N: f64 = f64::NAN;
    let (keys, n) = (
        [Some("a"), Some("b"), Some("a"), None, Some("b"), Some("a"), Some("b"), Some("a"), Some("b"), Some("a")],
        [2, 1, 2, 5, 1, 2, 1, 3, 4, 2],
    );
    let t = [5, 3, 3, 1, 9, 1, 2, 2, 2, 4];
    let rows: Vec<Row> = (0..10).map(|i| (Some(n[i]), X[i], keys[i])).collect();
    for (session, sizes) in sessions().iter().zip([&[10][..], &[3, 0, 4], &[1]]) {
        let times = |row: usize| Int64Array::from(vec![t[row]]);
        let df = frame(session, &rows, sizes);
        // the fourth column
        let t = (0..10).fold(partita::lit(0), |t, row| {
            partita::when((col("row")).eq(row as i64)).then(partita::lit(times(row).value(0))).otherwise(t)
        });
        let df = df.with_column("row", row_number() - 1).unwrap().with_column("t", t).unwrap();
        let exprs = [
            col("n").cum_sum().over("s").order_by("t").alias("sum"),
            col("n").shift(1).over("s").order_by(["t"]).alias("shift"),
            col("n").cum_sum().order_by("t").alias("all"),
            col("x").shift(1).order_by(col("t").desc()).alias("falling"),
            col("x").rolling_sum(Rolling::rows(2).min_periods(1)).over("s").order_by(col("t").desc()).alias("roll"),
            col("n").first().over("s").order_by("t").alias("first"),
        ];
        let table = df.select(exprs).unwrap().compute().unwrap();
        let check = |name: &str, expected: [f64; 10]| like_pandas(&table.f64s(name).unwrap(), &expected);
        check("sum", [11.0, 6.0, 7.0, 5.0, 7.0, 2.0, 1.0, 5.0, 5.0, 9.0]);
        check("shift", [2.0, 4.0, 3.0, N, 1.0, N, N, 2.0, 1.0, 2.0]);
        check("all", [22.0, 16.0, 18.0, 5.0, 23.0, 7.0, 8.0, 11.0, 15.0, 20.0]);
        check("falling", [N, 5.0, N, N, N, -2.0, 1.5, 0.1, 0.2, 3.0]);
        check("roll", [3.0, N, 6.5, -2.0, N, 7.45, 0.1, 1.7, 0.1, 8.0]);
        check("first", [2.0, 1.0, 2.0, 5.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    }
}

#[test]
fn centred_windows_are_those_of_pandas() {
    const N: f64 = f64::NAN;
    let seconds = [0, 3600, 3600, 5400, 7200, 10800, 10801, 20000, 27199, 27200];
    for size in [1, 4, 10] {
        let batch = |i: usize| {
            let end = (i + size).min(10);
            let columns: [(&str, ArrayRef); 2] = [
                ("x", Arc::new(Float64Array::from_iter(X[i..end].iter().copied()))),
                ("t", Arc::new(TimestampSecondArray::from(seconds[i..end].to_vec()))),
            ];
            RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, true))).unwrap()
        };
        let df: DataFrame = sessions()[1].from_batches((0..10).step_by(size).map(batch)).unwrap();
        let time = |span: &str| Rolling::time(span, "t").centred();
        let rows = |rows: usize, least| Rolling::rows(rows).min_periods(least).centred();
        let x = || col("x");
        let exprs = [
            x().rolling_sum(time("2h")).alias("2h"),
            x().rolling_count(time("1h")).alias("1h"),
            x().rolling_mean(time("3h").min_periods(2)).alias("3h"),
            x().rolling_std(time("3h"), 1).alias("std"),
            x().rolling_sum(time("3601s")).alias("3601s"),
            x().rolling_sum(time("1s")).alias("1s"),
            x().rolling_sum(time("2s")).alias("2s"),
            x().rolling_sum(rows(2, 1)).alias("two"),
            x().rolling_max(rows(4, 2)).alias("four"),
            x().rolling_sum(rows(5, 1)).alias("five"),
        ];
        let table = df.select(exprs).unwrap().compute().unwrap();
        let check = |name: &str, expected: [f64; 10]| like_pandas(&table.f64s(name).unwrap(), &expected);
        check("2h", [4.5, -0.5, -0.5, -0.5, 5.25, 7.35, 7.35, 0.2, 5.0, 5.0]);
        check("1h", [1.0, 2.0, 2.0, 1.0, 0.0, 2.0, 2.0, 1.0, 1.0, 1.0]);
        let third = 0.833_333_333_333_333_4;
        check("3h", [third, third, third, 2.25, 1.7125, 3.675, 3.675, N, N, N]);
        let (a, b, c, d) = (2.565_800_719_723_442, 4.670_385_423_067_351, 3.961_980_775_655_867, 5.055_813_485_483_815);
        check("std", [a, a, a, b, c, d, d, N, N, N]);
        check("3601s", [3.0, -0.5, -0.5, -0.5, -2.0, 7.35, 7.35, 0.2, 5.0, 5.0]);
        check("1s", [3.0, 1.5, 1.5, -2.0, N, 7.25, 0.1, 0.2, N, 5.0]);
        check("2s", [3.0, 1.5, 1.5, -2.0, N, 7.35, 0.1, 0.2, 5.0, 5.0]);
        check("two", [3.0, 3.0, 1.5, -0.5, -2.0, 7.25, 7.35, 0.3, 0.2, 5.0]);
        check("four", [N, 3.0, 3.0, 1.5, 7.25, 7.25, 7.25, 7.25, 5.0, 5.0]);
        check("five", [4.5, 2.5, 2.5, 6.75, 6.85, 5.55, 7.55, 12.55, 5.3, 5.2]);
    }
}
