//! Frames whose partitions are ranges of a column: against sorting all rows and against filters, for any partitioning,
//! threads and memory limit.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, Float64Array, Int64Array, RecordBatch, StringArray};
use partita::{DataFrame, ErrorKind, Repartition, Scalar, Scheduler, Session, SetIndex, col};
use proptest::prelude::*;

/// A whole number, a float with NaN, a text (some of them long), and the number of the row.
type Row = (Option<i64>, Option<f64>, Option<String>, i64);

fn rows(draws: &[u16]) -> Vec<Row> {
    let row = |(i, &d): (usize, &u16)| {
        let float = if d % 5 == 0 { f64::NAN } else { f64::from(d % 97) - 40.5 };
        let text = format!("{}{}", "a long beginning ".repeat(usize::from(d % 7)), d % 31);
        (
            (d % 11 > 0).then(|| i64::from(d % 101)),
            (d % 13 > 0).then_some(float),
            (d % 17 > 0).then_some(text),
            i as i64,
        )
    };
    draws.iter().enumerate().map(row).collect()
}

fn frame(session: &Session, rows: &[Row], partitions: usize) -> DataFrame {
    let part = |p: usize| {
        let rows = &rows[rows.len() * p / partitions..rows.len() * (p + 1) / partitions];
        RecordBatch::try_from_iter_with_nullable([
            ("whole", Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.0))) as _, true),
            ("float", Arc::new(Float64Array::from_iter(rows.iter().map(|r| r.1))) as _, true),
            ("text", Arc::new(StringArray::from_iter(rows.iter().map(|r| r.2.as_deref()))) as _, true),
            ("row", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.3))) as _, false),
        ])
        .unwrap()
    };
    session.from_batches((0..partitions).map(part).collect::<Vec<_>>()).unwrap()
}

/// Nothing and NaN behind everything else.
fn order(a: &Row, b: &Row, column: &str) -> Ordering {
    fn last<T>(a: Option<T>, b: Option<T>, order: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (&a, &b) {
            (Some(a), Some(b)) => order(a, b),
            _ => b.is_some().cmp(&a.is_some()),
        }
    }
    let number = |f: Option<f64>| f.filter(|f| !f.is_nan());
    match column {
        "whole" => last(a.0, b.0, i64::cmp),
        "float" => last(number(a.1), number(b.1), |a, b| a.partial_cmp(b).unwrap()),
        _ => last(a.2.as_ref(), b.2.as_ref(), |a, b| a.cmp(b)),
    }
}

fn sorted(rows: &[Row], column: &str) -> Vec<Row> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| order(a, b, column));
    rows
}

fn numbers(df: &DataFrame) -> Vec<i64> {
    df.compute().unwrap().f64s("row").unwrap().into_iter().map(|n| n.unwrap() as i64).collect()
}

/// The numbers of the rows of each partition.
fn parted(df: &DataFrame) -> Vec<Vec<i64>> {
    (0..df.npartitions().unwrap()).map(|i| numbers(&df.partitions(i..i + 1).unwrap())).collect()
}

fn shown(bounds: &[Scalar]) -> Vec<String> {
    bounds.iter().map(Scalar::to_string).collect()
}

/// Bounds as rows with nothing but the column.
fn as_rows(bounds: &[Scalar]) -> Vec<Row> {
    bounds.iter().map(|b| (b.as_i64(), b.as_f64(), b.as_str().map(String::from), 0)).collect()
}

/// Whether each row lies between the bounds of its partition.
fn lie_within(rows: &[Row], partitions: &[Vec<i64>], bounds: &[Scalar], column: &str) -> bool {
    let bounds = as_rows(bounds);
    partitions.iter().enumerate().all(|(i, part)| {
        part.iter().all(|&row| {
            let row = &rows[row as usize];
            let last = i + 2 == bounds.len();
            order(row, &bounds[i], column).is_ge() && (last || order(row, &bounds[i + 1], column).is_lt())
        })
    })
}

fn sessions() -> [Session; 3] {
    let serial = Session::builder().scheduler(Scheduler::Synchronous).batch_rows(7).build().unwrap();
    let small = Session::builder().threads(3).memory_limit("8MB").batch_rows(64).build().unwrap();
    [Session::builder().threads(2).build().unwrap(), serial, small]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_index_is_in_order_and_divided(
        draws in proptest::collection::vec(any::<u16>(), 0..400),
        from in 1usize..30,
        to in 1usize..20,
        which in 0usize..3,
    ) {
        let (rows, column) = (rows(&draws), ["whole", "float", "text"][which]);
        let expected: Vec<i64> = sorted(&rows, column).iter().map(|r| r.3).collect();
        let mut seen: Option<(Vec<String>, Vec<Vec<i64>>)> = None;
        for session in sessions() {
            let df = frame(&session, &rows, from).set_index(SetIndex::new(column).partitions(to)).unwrap();
            let bounds = df.divisions().unwrap().unwrap();
            let parts = parted(&df);
            prop_assert_eq!(parts.concat(), expected.clone());
            prop_assert_eq!(bounds.len(), parts.len() + 1);
            prop_assert!(parts.len() <= to);
            prop_assert!(lie_within(&rows, &parts, &bounds, column), "{:?} {:?}", bounds, parts);
            let now = (shown(&bounds), parts);
            prop_assert_eq!(&now, seen.get_or_insert_with(|| now.clone()));
        }
    }

    #[test]
    fn a_range_is_a_filter(
        draws in proptest::collection::vec(any::<u16>(), 0..300),
        to in 1usize..20,
        (low, high) in (-5i64..110, -5i64..110),
        decided in any::<bool>(),
    ) {
        let rows = rows(&draws);
        let session = Session::builder().threads(2).build().unwrap();
        let df = frame(&session, &rows, 5).set_index(SetIndex::new("whole").partitions(to)).unwrap();
        if decided {
            df.divisions().unwrap();
        }
        let expected = |wanted: &dyn Fn(i64) -> bool| -> Vec<i64> {
            sorted(&rows, "whole").iter().filter(|r| r.0.is_some_and(wanted)).map(|r| r.3).collect()
        };
        prop_assert_eq!(numbers(&df.loc(low..=high).unwrap()), expected(&|k| k >= low && k <= high));
        prop_assert_eq!(numbers(&df.loc(low..high).unwrap()), expected(&|k| k >= low && k < high));
        prop_assert_eq!(numbers(&df.loc(low..).unwrap()), expected(&|k| k >= low));
        prop_assert_eq!(numbers(&df.loc(..=high).unwrap()), expected(&|k| k <= high));
        prop_assert_eq!(df.loc::<i64>(..).unwrap().len().unwrap(), rows.len() as u64);
        let renamed = df.rename([("whole", "k")]).unwrap().with_column("twice", col("k") * 2).unwrap();
        prop_assert_eq!(numbers(&renamed.loc(low..=low).unwrap()), expected(&|k| k == low));
        let held = df.persist().unwrap();
        prop_assert_eq!(shown(&held.divisions().unwrap().unwrap()), shown(&df.divisions().unwrap().unwrap()));
        prop_assert_eq!(numbers(&held.loc(low..=high).unwrap()), expected(&|k| k >= low && k <= high));
        let empty = numbers(&df.filter(col("whole").is_null()).unwrap());
        prop_assert_eq!(empty.len(), rows.iter().filter(|r| r.0.is_none()).count());
    }

    #[test]
    fn what_is_sorted_is_only_looked_at(
        draws in proptest::collection::vec(any::<u16>(), 0..300),
        from in 1usize..30,
        which in 0usize..3,
        cuts in proptest::collection::btree_set(-10i64..120, 2..8),
    ) {
        let column = ["whole", "float", "text"][which];
        let (unsorted, mut rows) = (rows(&draws), sorted(&rows(&draws), column));
        rows.iter_mut().enumerate().for_each(|(i, r)| r.3 = i as i64);
        let session = Session::builder().threads(2).batch_rows(16).build().unwrap();
        let plain = frame(&session, &rows, from);
        let df = plain.set_index_sorted(column).unwrap();
        let bounds = df.divisions().unwrap().unwrap();
        prop_assert_eq!(parted(&df), parted(&plain));
        prop_assert_eq!(bounds.len(), from + 1);
        let wrong = unsorted.windows(2).any(|w| order(&w[0], &w[1], column).is_gt());
        let looked = frame(&session, &unsorted, from).set_index_sorted(column).unwrap().divisions();
        prop_assert_eq!(looked.is_err(), wrong);
        if let Err(error) = looked {
            prop_assert!(matches!(error.kind(), ErrorKind::Value { .. }), "{}", error);
            prop_assert_eq!(error.location().column.as_deref(), Some(column));
        }
        if column == "whole" {
            let cut = df.repartition(Repartition::divisions(cuts.clone())).unwrap();
            let parts = parted(&cut);
            prop_assert_eq!(parts.len(), cuts.len() - 1);
            prop_assert_eq!(parts.concat(), (0..rows.len() as i64).collect::<Vec<_>>());
            prop_assert!(lie_within(&rows, &parts, &cut.divisions().unwrap().unwrap(), column));
            for value in [3, 50] {
                let expected: Vec<i64> = rows.iter().filter(|r| r.0 == Some(value)).map(|r| r.3).collect();
                prop_assert_eq!(numbers(&df.loc(value..=value).unwrap()), expected.clone());
                prop_assert_eq!(numbers(&cut.loc(value..=value).unwrap()), expected);
            }
        }
    }

    #[test]
    fn sizes_keep_rows(draws in proptest::collection::vec(any::<u16>(), 0..300), from in 1usize..20, bytes in 1u64..9000) {
        let rows = rows(&draws);
        let session = Session::builder().threads(2).build().unwrap();
        let df = frame(&session, &rows, from).repartition(Repartition::size(bytes)).unwrap();
        prop_assert_eq!(numbers(&df), (0..rows.len() as i64).collect::<Vec<_>>());
    }
}

#[test]
fn any_number_of_partitions() {
    let rows = rows(&(0..3000u32).map(|i| (i * 7919 % 65_521) as u16).collect::<Vec<_>>());
    let session = Session::builder().threads(2).build().unwrap();
    for (from, to) in [(1, 300), (300, 1), (127, 128), (129, 257), (257, 100)] {
        let df = frame(&session, &rows, from).set_index(SetIndex::new("float").partitions(to)).unwrap();
        let expected: Vec<i64> = sorted(&rows, "float").iter().map(|r| r.3).collect();
        assert_eq!(numbers(&df), expected, "{from} to {to}");
        assert!(df.divisions().unwrap().unwrap().len() <= to + 1);
    }
}

#[test]
fn sizes_are_kept_to() {
    let session = Session::builder().threads(1).build().unwrap();
    let wholes = |r: std::ops::Range<i64>| {
        RecordBatch::try_from_iter([("row", Arc::new(Int64Array::from_iter_values(r)) as _)]).unwrap()
    };
    let df = session.from_batches([wholes(0..1000), wholes(1000..1010), wholes(1010..1020)]).unwrap();
    let parts = df.repartition(Repartition::size("4kB")).unwrap().persist().unwrap();
    assert_eq!(parted(&parts).iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 20]);
    for wrong in ["much", "0"] {
        let error = df.repartition(Repartition::size(wrong)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid { .. }), "{error}");
    }
}

#[test]
fn what_cannot_be_is_said() {
    let session = Session::builder().threads(1).build().unwrap();
    let df = frame(&session, &rows(&[1, 2, 3]), 2);
    let invalid = |error: partita::Error, part: &str| {
        assert!(matches!(error.kind(), ErrorKind::Invalid { .. }) && error.to_string().contains(part), "{error}");
    };
    assert!(matches!(df.set_index("wholes").unwrap_err().kind(), ErrorKind::UnknownColumn { .. }));
    invalid(df.loc(1..2).unwrap_err(), "no index");
    invalid(df.repartition(Repartition::divisions([1, 2])).unwrap_err(), "index");
    assert!(df.divisions().unwrap().is_none());
    let by = df.set_index("whole").unwrap();
    assert_eq!(by.index().unwrap().as_deref(), Some("whole"));
    invalid(by.repartition(Repartition::divisions([2, 2])).unwrap_err(), "rise");
    invalid(by.repartition(Repartition::divisions([2])).unwrap_err(), "at least two");
    assert!(by.select(["row"]).unwrap().divisions().unwrap().is_none(), "the index is gone");
    assert!(by.loc("a".."b").is_err(), "numbers are not compared with texts");
}

#[test]
fn ranges_look_at_few_partitions() {
    let session = Session::builder().threads(1).build().unwrap();
    let rows: Vec<Row> = (0..800).map(|i| (Some(i * 37 % 800), None, None, i)).collect();
    let df = frame(&session, &rows, 4).set_index(SetIndex::new("whole").partitions(8)).unwrap();
    let some = df.with_column("twice", col("whole") * 2).unwrap().loc(150..=220).unwrap().select(["twice"]).unwrap();
    let before = some.explain().unwrap();
    df.divisions().unwrap();
    insta::assert_snapshot!(format!("before\n{before}\nafter\n{}", some.explain().unwrap()));
    let wholes = some.compute().unwrap().column("twice").unwrap();
    assert_eq!(wholes.len(), 71);
}
