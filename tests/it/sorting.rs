//! Rows in order: the same for any partitioning, batches, threads, fusion and memory limit.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use partita::{DataFrame, ErrorKind, Scheduler, Session, SortKey, col};
use proptest::prelude::*;

/// A text, a float with gaps, and the number of the row.
type Row = (Option<String>, Option<f64>, i64);

fn rows(draws: &[(u8, u8)]) -> Vec<Row> {
    let floats = [0.0, -0.0, f64::NAN, 1.5, -7.25, f64::NEG_INFINITY];
    let row = |(i, (a, b)): (usize, &(u8, u8))| {
        let text = (a % 9 > 0).then(|| format!("{}{}", "zone-".repeat(usize::from(a % 5)), a % 13));
        (text, (b % 7 > 0).then(|| floats[usize::from(b % 6)]), i as i64)
    };
    draws.iter().enumerate().map(row).collect()
}

fn frame(session: &Session, rows: &[Row], partitions: usize) -> DataFrame {
    let part = |p: usize| {
        let rows = &rows[rows.len() * p / partitions..rows.len() * (p + 1) / partitions];
        let text = StringArray::from_iter(rows.iter().map(|r| r.0.as_deref()));
        let float = Float64Array::from_iter(rows.iter().map(|r| r.1));
        let row = Int64Array::from_iter_values(rows.iter().map(|r| r.2));
        RecordBatch::try_from_iter_with_nullable([
            ("text", Arc::new(text) as _, true),
            ("float", Arc::new(float) as _, true),
            ("row", Arc::new(row) as _, false),
        ])
        .unwrap()
    };
    session.from_batches((0..partitions).map(part).collect::<Vec<_>>()).unwrap()
}

/// Nothing, where it is to stand, beside something.
fn placed<T>(a: Option<T>, b: Option<T>, first: bool, order: impl Fn(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => order(a, b),
        (None, None) => Ordering::Equal,
        (None, _) => {
            if first {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (_, None) => {
            if first {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
    }
}

/// The numbers of the rows in the order of `keys()[which]`.
fn slow(rows: &[Row], which: usize) -> Vec<i64> {
    let float = |r: &Row| r.1.filter(|x| !x.is_nan());
    let rising = |a: f64, b: f64| a.partial_cmp(&b).unwrap();
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| match which {
        0 => {
            placed(a.0.clone(), b.0.clone(), false, |a, b| a.cmp(&b))
                .then(placed(float(a), float(b), false, |a, b| rising(b, a)))
        }
        1 => placed(float(a), float(b), true, |a, b| rising(b, a)),
        _ => placed(float(a).map(f64::abs), float(b).map(f64::abs), false, rising).then(placed(
            a.0.clone(),
            b.0.clone(),
            true,
            |a, b| b.cmp(&a),
        )),
    });
    rows.into_iter().map(|r| r.2).collect()
}

fn keys(which: usize) -> Vec<SortKey> {
    match which {
        0 => vec![col("text").asc(), col("float").desc()],
        1 => vec![col("float").desc().nulls_first()],
        _ => vec![col("float").abs().asc(), col("text").desc().nulls_first()],
    }
}

fn numbers(df: &DataFrame) -> Vec<i64> {
    df.compute().unwrap().f64s("row").unwrap().into_iter().map(|v| v.unwrap() as i64).collect()
}

fn session(threads: usize, batch_rows: usize, fuse: bool, limit: &str) -> Session {
    let scheduler = if threads == 0 { Scheduler::Synchronous } else { Scheduler::Threads(threads) };
    Session::builder().scheduler(scheduler).batch_rows(batch_rows).fuse(fuse).memory_limit(limit).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn sorting_and_its_first_rows_are_those_of_the_twin(
        draws in proptest::collection::vec(any::<(u8, u8)>(), 0..300),
        partitions in prop_oneof![1..8usize, Just(40)],
        threads in 0..4usize,
        batch_rows in 1..100usize,
        fuse in any::<bool>(),
        which in 0..3usize,
        few in 0..40usize,
    ) {
        let rows = rows(&draws);
        let session = session(threads, batch_rows, fuse, "8MB");
        let df = frame(&session, &rows, partitions);
        let expected = slow(&rows, which);
        let sorted = df.sort_by(keys(which)).unwrap();
        prop_assert_eq!(sorted.npartitions().unwrap(), partitions);
        prop_assert_eq!(numbers(&sorted), expected.clone());
        let first = &expected[..few.min(expected.len())];
        prop_assert_eq!(numbers(&df.top_k(few, keys(which)).unwrap()), first);
        prop_assert_eq!(numbers(&sorted.head(few).unwrap()), first);
        let later = sorted.filter(col("row").gt(100)).unwrap().select(["row"]).unwrap();
        let expected: Vec<i64> = expected.into_iter().filter(|&r| r > 100).collect();
        prop_assert_eq!(numbers(&later), expected);
    }
}

#[test]
fn the_largest_and_the_smallest() {
    let session = session(2, 10, true, "100MB");
    let rows = rows(&(0..200u8).map(|i| (i, i.wrapping_mul(77))).collect::<Vec<_>>());
    let df = frame(&session, &rows, 5);
    assert_eq!(numbers(&df.nlargest(3, ["row"]).unwrap()), [199, 198, 197]);
    assert_eq!(numbers(&df.nsmallest(2, ["row"]).unwrap()), [0, 1]);
    assert_eq!(numbers(&df.top_k(usize::MAX, ["row"]).unwrap()), (0..200).collect::<Vec<_>>());
}

#[test]
fn the_plan_says_what_is_sorted() {
    let session = session(2, 10, true, "100MB");
    let df = frame(&session, &rows(&[(1, 2), (3, 4)]), 2);
    let sorted = df.sort_by([col("text").asc(), col("float").desc().nulls_first()]).unwrap();
    let shown = sorted.select(["row"]).unwrap().explain().unwrap();
    assert!(shown.contains("sort_by text, float desc nulls first   [spills sorted runs"), "{shown}");
    let few = sorted.head(3).unwrap().explain().unwrap();
    assert!(few.contains("top_k 3 by text, float desc nulls first   [holds 3 rows a partition]"), "{few}");
    assert!(!few.split("plan as it runs").nth(1).unwrap().contains("sort_by"), "{few}");

    let unknown = df.sort_by(["tekst"]).unwrap_err().to_string();
    assert!(unknown.contains("did you mean `text`"), "{unknown}");
    assert!(matches!(df.sort_by(Vec::<SortKey>::new()).unwrap_err().kind(), ErrorKind::Invalid { .. }));
}
