//! Joins against nested loops: every kind, nulls and NaN among the keys, any partitioning, memory limit and threads.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use partita::{DataFrame, Join, JoinKind, Scheduler, Session};
use proptest::prelude::*;

type Row = (Option<i64>, Option<String>, f64, i64);

/// Rows cut into partitions of `size`.
fn frame(session: &Session, rows: &[Row], value: &str, size: usize) -> DataFrame {
    let batch = |rows: &[Row]| {
        let columns: [(&str, ArrayRef, bool); 4] = [
            ("k", Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.0))), true),
            ("s", Arc::new(StringArray::from_iter(rows.iter().map(|r| r.1.as_deref()))), true),
            ("f", Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.2))), true),
            (value, Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.3))), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let parts: Vec<RecordBatch> = rows.chunks(size.max(1)).map(batch).collect();
    session.from_batches(if parts.is_empty() { vec![batch(&[])] } else { parts }).unwrap()
}

/// Every row as a text, in order.
fn texts(df: &DataFrame) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut all = Vec::new();
    for batch in df.batches().unwrap() {
        let batch = batch.unwrap();
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            all.push(columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" "));
        }
    }
    all
}

fn same_key(on: &[&str], nulls_equal: bool, l: &Row, r: &Row) -> bool {
    on.iter().all(|key| match *key {
        "k" => l.0 == r.0 && (l.0.is_some() || nulls_equal),
        "s" => l.1 == r.1 && (l.1.is_some() || nulls_equal),
        _ => l.2 == r.2 || l.2.is_nan() && r.2.is_nan(),
    })
}

/// What a join is, said slowly.
fn twin(kind: JoinKind, on: &[&str], nulls_equal: bool, left: &[Row], right: &[Row]) -> Vec<String> {
    let number = |n: Option<i64>| n.map_or("-".to_string(), |n| n.to_string());
    let float = |x: f64| {
        ArrayFormatter::try_new(&Float64Array::from(vec![x]), &FormatOptions::default()).unwrap().value(0).to_string()
    };
    let show = |l: Option<&Row>, r: Option<&Row>| {
        let mut cells = Vec::new();
        let any = if kind == JoinKind::Right { r.or(l) } else { l.or(r) }.unwrap();
        let one = |name: &str, row: &Row| match name {
            "k" => number(row.0),
            "s" => row.1.clone().unwrap_or("-".into()),
            _ => float(row.2),
        };
        for name in ["k", "s", "f"] {
            // a key is taken from either side, what is no key from the left
            cells.push(if on.contains(&name) { one(name, any) } else { l.map_or("-".into(), |l| one(name, l)) });
        }
        cells.push(number(l.map(|l| l.3)));
        if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            for name in ["k", "s", "f"].iter().filter(|n| !on.contains(*n)) {
                cells.push(r.map_or("-".into(), |r| one(name, r)));
            }
            cells.push(number(r.map(|r| r.3)));
        }
        cells.join(" ")
    };
    let mut rows = Vec::new();
    let met = |l: &Row, r: &Row| same_key(on, nulls_equal, l, r);
    for l in left {
        let partners: Vec<&Row> = right.iter().filter(|r| met(l, r)).collect();
        match kind {
            JoinKind::Semi if !partners.is_empty() => rows.push(show(Some(l), None)),
            JoinKind::Anti if partners.is_empty() => rows.push(show(Some(l), None)),
            JoinKind::Semi | JoinKind::Anti => {}
            _ => rows.extend(partners.iter().map(|r| show(Some(l), Some(r)))),
        }
        if partners.is_empty() && matches!(kind, JoinKind::Left | JoinKind::Outer) {
            rows.push(show(Some(l), None));
        }
    }
    if matches!(kind, JoinKind::Right | JoinKind::Outer) {
        rows.extend(right.iter().filter(|r| !left.iter().any(|l| met(l, r))).map(|r| show(None, Some(r))));
    }
    rows.sort();
    rows
}

fn sessions() -> Vec<Session> {
    let session = |scheduler, limit: &str, rows| {
        Session::builder().scheduler(scheduler).memory_limit(limit).batch_rows(rows).build().unwrap()
    };
    vec![
        session(Scheduler::Synchronous, "1GB", 1000),
        session(Scheduler::Threads(3), "1GB", 5),
        session(Scheduler::Threads(2), "150 kB", 16),
        session(Scheduler::Synchronous, "60 kB", 7),
    ]
}

fn rows(keys: i64, most: usize) -> impl Strategy<Value = Vec<Row>> {
    let key = prop_oneof![1 => Just(None), 6 => (0..keys).prop_map(Some)];
    let text = prop_oneof![1 => Just(None), 4 => (0..3u8).prop_map(|n| Some("x".repeat(n as usize * 7)))];
    let float = prop_oneof![Just(f64::NAN), Just(0.0), Just(-0.0), Just(1.5)];
    proptest::collection::vec((key, text, float, 0i64..1000), 0..most)
}

const KINDS: [JoinKind; 6] =
    [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Outer, JoinKind::Semi, JoinKind::Anti];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_join_is_nested_loops(
        left in rows(12, 60), right in rows(12, 60), kind in 0..KINDS.len(), on in 0..4usize, nulls_equal: bool, size in 1..30usize,
    ) {
        let on: &[&str] = [&["k"][..], &["s"], &["k", "s"], &["k", "f"]][on];
        let kind = KINDS[kind];
        let expected = twin(kind, on, nulls_equal, &left, &right);
        for broadcast in [false, true] {
            let mut first: Option<Vec<String>> = None;
            for (i, session) in sessions().iter().enumerate() {
                let (l, r) = (frame(session, &left, "v", size + i), frame(session, &right, "w", size * 2 + i));
                let join = Join::new(kind, on).nulls_equal(nulls_equal).broadcast(broadcast);
                let found = texts(&l.join(&r, join).unwrap());
                let mut sorted = found.clone();
                sorted.sort();
                prop_assert_eq!(&sorted, &expected);
                // and always in the same order
                prop_assert_eq!(first.get_or_insert(found.clone()), &found);
                crate::memory::given_back(session);
            }
        }
    }
}

#[test]
fn keys_with_more_rows_than_memory_are_streamed() {
    let row = |key: i64, value: i64| (Some(key), Some("text ".repeat(60)), 0.5, value);
    let left: Vec<Row> = (0..900).map(|i| row(if i % 10 == 0 { i } else { 7 }, i)).collect();
    let right: Vec<Row> = (0..120).map(|i| row(if i % 3 == 0 { i } else { 7 }, i)).collect();
    let limited = Session::builder().threads(2).memory_limit("500 kB").batch_rows(64).build().unwrap();
    for kind in KINDS {
        let expected = twin(kind, &["k"], false, &left, &right);
        let run = |session: &Session| {
            let (l, r) = (frame(session, &left, "v", 100), frame(session, &right, "w", 50));
            texts(&l.join(&r, Join::new(kind, "k").broadcast(false)).unwrap())
        };
        let found = run(&limited);
        assert_eq!(run(&sessions()[0]), found, "{kind}");
        let mut sorted = found;
        sorted.sort();
        assert_eq!(sorted, expected, "{kind}");
    }
    assert!(limited.task_context().spill.written().0 > 0);
}

#[test]
fn a_small_side_that_does_not_fit_cannot_be_told_from_one_that_does() {
    let row = |key: i64, value: i64| (Some(key), Some("text ".repeat(50)), 0.5, value);
    let left: Vec<Row> = (0..2000).map(|i| row(i * 7 % 1300, i)).collect();
    // most keys once, some twice, and one of them very often
    let right: Vec<Row> = (0..1500).map(|i| row(if i % 5 == 0 { 77 } else { i % 1200 }, i)).collect();
    let limited = Session::builder().threads(3).memory_limit("600 kB").batch_rows(64).build().unwrap();
    let begun = std::time::Instant::now();
    for kind in KINDS.into_iter().filter(|kind| *kind != JoinKind::Outer) {
        let run = |session: &Session| {
            let (l, r) = (frame(session, &left, "v", 300), frame(session, &right, "w", 100));
            texts(&l.join(&r, Join::new(kind, "k").broadcast(true)).unwrap())
        };
        assert!(run(&limited) == run(&sessions()[0]), "{kind}");
    }
    assert!(limited.task_context().spill.written().0 > 0);
    // nobody waits for memory that cannot come
    assert!(begun.elapsed().as_secs() < 50);
}

#[test]
fn every_row_with_every_row() {
    let session = &sessions()[1];
    let row = |value: i64| (Some(value), None, 0.5, value);
    let (left, right): (Vec<Row>, Vec<Row>) = ((0..7).map(row).collect(), (0..5).map(row).collect());
    for broadcast in [true, false] {
        let (l, r) = (frame(session, &left, "v", 3), frame(session, &right, "w", 2));
        let crossed = l.join(&r, Join::cross().broadcast(broadcast)).unwrap();
        assert_eq!(crossed.columns(), ["k", "s", "f", "v", "k_right", "s_right", "f_right", "w"]);
        let pairs = crossed.select(["v", "w"]).unwrap();
        let expected: Vec<String> = (0..7).flat_map(|v| (0..5).map(move |w| format!("{v} {w}"))).collect();
        assert_eq!(texts(&pairs), expected);
    }
}

#[test]
fn keys_of_other_names_and_types_and_filters_below() {
    let session = &sessions()[0];
    let row = |value: i64| (Some(value), Some(format!("s{value}")), 0.5, value);
    let left = frame(session, &(0..9).map(row).collect::<Vec<_>>(), "v", 4);
    let right = frame(session, &(0..9).map(row).collect::<Vec<_>>(), "w", 5);
    let right = right.astype([("k", arrow::datatypes::DataType::Int32)]).unwrap().rename([("k", "id")]).unwrap();
    for broadcast in [true, false] {
        let joined = left.join(&right, Join::inner("k").right_on("id").broadcast(broadcast)).unwrap();
        let some = joined.filter(partita::col("v").gt(3) & partita::col("w").lt(6)).unwrap();
        let mut found = texts(&some.select(["k", "id", "s_right"]).unwrap());
        found.sort();
        assert_eq!(found, ["4 4 s4", "5 5 s5"]);
        // each side is filtered before the join
        let plan = some.explain().unwrap();
        let runs = plan.split("plan as it runs").nth(1).unwrap();
        assert!(runs.find("join").unwrap() < runs.find("filter").unwrap(), "{plan}");
    }
    let error = left.join(&right, Join::inner("k").right_on("s")).unwrap_err();
    assert!(error.to_string().contains("the keys `k` (Int64) and `s` (Utf8) cannot be compared"), "{error}");
    let error = left.join(&right, Join::inner("kk")).unwrap_err();
    assert!(error.to_string().contains("did you mean `k`"), "{error}");
}
