//! A sample draws on where rows came from and on nothing else: behind every operation the same rows are drawn, whichever
//! columns are asked for afterwards, for any partitioning, memory limit and number of threads, in whichever manner it ran.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use partita::{DataFrame, Join, JoinKind, Keep, RankMethod, Result, Sample, Scheduler, Session, SetIndex, col, concat};
use proptest::prelude::*;

/// A key, and the number of the row.
type Row = (Option<i64>, i64);

/// Rows cut into partitions of `size`, with columns `k`, `id`, a text and a list of some of the numbers below `id`.
fn frame(session: &Session, rows: &[Row], id: &str, size: usize) -> DataFrame {
    let batch = |rows: &[Row]| {
        let texts = rows.iter().map(|r| format!("{} {}", id, "x".repeat(r.1 as usize % 50)));
        let lists = rows.iter().map(|r| Some((0..r.1 % 4).map(Some).collect::<Vec<_>>()));
        let columns: [(&str, ArrayRef, bool); 4] = [
            ("k", Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.0))), true),
            (id, Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1))), true),
            ("text", Arc::new(StringArray::from_iter_values(texts)), true),
            ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    };
    let parts: Vec<RecordBatch> = rows.chunks(size.max(1)).map(batch).collect();
    session.from_batches(if parts.is_empty() { vec![batch(&[])] } else { parts }).unwrap()
}

fn sessions() -> Vec<Session> {
    let session = |scheduler, limit: &str, rows, fuse| {
        Session::builder().scheduler(scheduler).memory_limit(limit).batch_rows(rows).fuse(fuse).build().unwrap()
    };
    vec![
        session(Scheduler::Synchronous, "4GB", 1000, true),
        session(Scheduler::Threads(3), "8MB", 64, true),
        session(Scheduler::Threads(2), "150 kB", 5, false),
        session(Scheduler::Synchronous, "60 kB", 16, true),
    ]
}

/// The values of some columns of each row, sorted.
fn values(df: &DataFrame, columns: &[&str]) -> Vec<Vec<Option<i64>>> {
    let mut rows = Vec::new();
    for batch in df.batches().unwrap() {
        let batch = batch.unwrap();
        let column = |name: &&str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().clone();
        let columns: Vec<Int64Array> = columns.iter().map(column).collect();
        rows.extend((0..batch.num_rows()).map(|i| columns.iter().map(|c| c.is_valid(i).then(|| c.value(i))).collect()));
    }
    rows.sort();
    rows
}

type Of = dyn Fn(&DataFrame, &DataFrame) -> Result<DataFrame>;

/// An operation over two frames, and the columns by which its rows are told apart.
struct Case {
    name: String,
    of: Box<Of>,
    by: &'static [&'static str],
}

fn case(
    name: impl ToString,
    by: &'static [&'static str],
    of: impl Fn(&DataFrame, &DataFrame) -> Result<DataFrame> + 'static,
) -> Case {
    Case { name: name.to_string(), of: Box::new(of), by }
}

/// Every kind of join, on keys of which some are null, in both manners.
fn joins() -> Vec<(Case, Case)> {
    use JoinKind::{Anti, Inner, Left, Outer, Right, Semi};
    let one = |kind: JoinKind, broadcast: bool| {
        let by: &[&str] = if matches!(kind, Semi | Anti) { &["v"] } else { &["v", "w"] };
        case(format!("{kind} join"), by, move |l, r| l.join(r, Join::new(kind, "k").broadcast(broadcast)))
    };
    let mut all: Vec<_> =
        [Inner, Left, Right, Outer, Semi, Anti].into_iter().map(|kind| (one(kind, true), one(kind, false))).collect();
    let cross = |broadcast| case("cross join", &["v", "w"], move |l, r| l.join(r, Join::cross().broadcast(broadcast)));
    all.push((cross(true), cross(false)));
    let nested = |broadcast: bool| {
        case("joins of joins", &["v", "w", "w_right"], move |l, r| {
            let join = |suffix: &str| Join::left("k").nulls_equal(true).broadcast(broadcast).suffixes("", suffix);
            l.join(&r.join(r, join("_right"))?, join("_both"))
        })
    };
    all.push((nested(true), nested(false)));
    all
}

fn operations() -> Vec<Case> {
    vec![
        case("group_by", &["k"], |l, _| {
            l.groupby("k")?.dropna(false).agg([col("v").sum(), col("v").median().alias("m"), col("text").first()])
        }),
        case("drop_duplicates", &["k"], |l, _| l.drop_duplicates(["k"], Keep::Last)),
        case("sort_by", &["v"], |l, _| l.sort_by(["k"])),
        case("head of sort_by", &["v"], |l, _| l.sort_by(["k"])?.head(20)),
        case("set_index", &["v"], |l, _| l.filter(col("k").is_not_null())?.set_index(SetIndex::new("k").partitions(3))),
        case("repartition", &["v"], |l, _| l.repartition(3)),
        case("tail", &["v"], |l, _| l.tail(30)),
        case("window", &["v"], |l, _| l.with_column("before", col("v").shift(1))),
        case("over", &["v"], |l, _| l.with_column("rank", col("v").rank(RankMethod::Min).over("k"))),
        case("aggregate over", &["v"], |l, _| {
            l.with_columns([col("v").sum().over("k").alias("s"), col("v").max().over("k").alias("m")])
        }),
        case("concat", &["k", "v", "w"], |l, r| concat([l, r, l])),
        case("melt", &["k", "value"], |l, _| {
            l.select(["k", "v"])?.with_column("u", col("v") + 1000)?.melt("k", ["v", "u"])
        }),
        case("explode", &["v", "list"], |l, _| l.explode("list")),
        case("sample", &["v"], |l, _| l.sample(Sample::fraction(0.8).seed(1).replace(true))),
        case("over of a join", &["v", "w"], |l, r| {
            l.join(r, Join::left("k"))?.with_column("s", col("v").sum().over("w"))
        }),
        case("join of groups", &["v"], |l, r| {
            let groups = r.groupby("k")?.agg([col("w").sum(), col("text").last().alias("last")])?;
            l.join(&groups, Join::left("k").broadcast(false))
        }),
        case("persist", &["v", "w"], |l, r| l.join(r, Join::inner("k").broadcast(false))?.persist()),
        case("head of join", &["v", "w"], |l, r| l.join(r, Join::inner("k").broadcast(false))?.head(40)),
    ]
}

/// The same rows for all sessions and partitions of `size` and more rows, and for all columns.
fn check(left: &[Row], right: &[Row], size: usize, sample: &Sample, cases: &[&Case]) {
    let mut first: Option<Vec<Vec<Option<i64>>>> = None;
    for (i, session) in sessions().iter().enumerate() {
        for case in cases {
            let (l, r) = (frame(session, left, "v", size + 3 * i), frame(session, right, "w", size + i));
            let whole = (case.of)(&l, &r).unwrap();
            let drawn = whole.sample(sample.clone()).unwrap();
            let all = values(&drawn, case.by);
            assert_eq!(first.get_or_insert(all.clone()), &all, "{} with all columns, {session}", case.name);
            let few = values(&drawn.select(case.by).unwrap(), case.by);
            assert_eq!(few, all, "{} with some columns, {session}", case.name);
            let before = whole.select(case.by).unwrap().sample(sample.clone()).unwrap();
            assert_eq!(values(&before, case.by), all, "{} selected before, {session}", case.name);
        }
        crate::memory::given_back(session);
    }
}

fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let key = prop_oneof![1 => Just(None), 8 => (0..15i64).prop_map(Some)];
    proptest::collection::vec(key, 1..most)
        .prop_map(|keys| keys.into_iter().enumerate().map(|(i, k)| (k, i as i64)).collect())
}

fn sample() -> impl Strategy<Value = Sample> {
    (0.1..0.9f64, any::<u64>(), any::<bool>())
        .prop_map(|(f, seed, replace)| Sample::fraction(f).seed(seed).replace(replace))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn behind_a_join(left in rows(60), right in rows(40), size in 1..30usize, sample in sample(), which: usize) {
        let joins = joins();
        let (broadcast, hashed) = &joins[which % joins.len()];
        check(&left, &right, size, &sample, &[broadcast, hashed]);
    }

    #[test]
    fn behind_any_operation(left in rows(80), right in rows(30), size in 1..40usize, sample in sample(), which: usize) {
        let operations = operations();
        check(&left, &right, size, &sample, &[&operations[which % operations.len()]]);
    }

    #[test]
    fn sampling_and_filtering_change_places_around_a_join(
        left in rows(60), right in rows(40), sample in sample(), which: usize, broadcast: bool, limit in 0..60i64,
    ) {
        let session = &sessions()[0];
        let kind = [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Outer][which % 4];
        let (l, r) = (frame(session, &left, "v", 20), frame(session, &right, "w", 15));
        let joined = l.join(&r, Join::new(kind, "k").broadcast(broadcast)).unwrap();
        let kept = || (col("v") + col("w")).lt(limit) | col("w").is_null() & col("v").lt(limit);
        let first = joined.filter(kept()).unwrap().sample(sample.clone()).unwrap();
        let last = joined.sample(sample).unwrap().filter(kept()).unwrap();
        prop_assert_eq!(values(&first, &["v", "w"]), values(&last, &["v", "w"]));
    }
}

fn numbered(rows: usize, keys: i64) -> Vec<Row> {
    (0..rows).map(|i| ((i % 11 != 0).then_some(i as i64 * 7 % keys), i as i64)).collect()
}

#[test]
fn behind_every_operation_once() {
    let (left, right) = (numbered(120, 17), numbered(50, 17));
    let sample = Sample::fraction(0.4).seed(3);
    for (broadcast, hashed) in joins() {
        check(&left, &right, 25, &sample, &[&broadcast, &hashed]);
    }
    for operation in operations() {
        check(&left, &right, 25, &sample, &[&operation]);
    }
}

#[test]
fn rows_with_the_same_key_are_drawn_each_by_itself() {
    let session = &sessions()[0];
    let (left, right) = (numbered(200, 2), numbered(100, 2));
    for broadcast in [true, false] {
        let (l, r) = (frame(session, &left, "v", 60), frame(session, &right, "w", 60));
        let joined = l.join(&r, Join::inner("k").broadcast(broadcast)).unwrap();
        let all = joined.len().unwrap() as f64;
        let drawn = values(&joined.sample(Sample::fraction(0.3).seed(9)).unwrap(), &["v", "w"]);
        // five standard deviations
        assert!((drawn.len() as f64 - 0.3 * all).abs() < 5.0 * (0.21 * all).sqrt(), "{} of {all}", drawn.len());
        let mut partners: Vec<usize> = drawn.chunk_by(|a, b| a[0] == b[0]).map(<[_]>::len).collect();
        partners.sort();
        // not all partners of a row, or none of them
        assert!(partners.len() > 170 && partners[0] < 15 && partners[partners.len() - 1] < 30, "{partners:?}");
    }
    let lists = frame(session, &left, "v", 60).explode("list").unwrap().sample(Sample::fraction(0.5).seed(2)).unwrap();
    let drawn = values(&lists, &["v", "list"]);
    let threes = drawn.chunk_by(|a, b| a[0] == b[0]).filter(|rows| rows[0][0].unwrap() % 4 == 3 && rows.len() < 3);
    assert!(threes.count() > 20);
}

#[test]
fn whichever_side_is_small_with_fewer_columns() {
    // the right side is broadcast without its text, and exchanged with it
    let session = Session::builder().threads(2).build().unwrap();
    let text = "y".repeat(6000);
    let right = |from: i64| {
        let columns: [(&str, ArrayRef); 3] = [
            ("k", Arc::new(Int64Array::from_iter_values(from..from + 1000))),
            ("w", Arc::new(Int64Array::from_iter_values(from..from + 1000))),
            ("long", Arc::new(StringArray::from_iter_values((0..1000).map(|_| &text)))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let right = session.from_batches([right(0), right(1000)]).unwrap();
    let left = frame(&session, &numbered(3000, 2000), "v", 500);
    let drawn = left.join(&right, Join::inner("k")).unwrap().sample(Sample::fraction(0.2).seed(5)).unwrap();
    let few = drawn.select(["v", "w"]).unwrap();
    assert!(few.explain().unwrap() != drawn.explain().unwrap());
    assert_eq!(values(&few, &["v", "w"]), values(&drawn, &["v", "w"]));
}

#[test]
fn few_groups_are_looked_up_and_many_met() {
    let session = Session::builder().threads(2).build().unwrap();
    let rows: Vec<Row> = (0..100_000).map(|i| (Some(i), i)).collect();
    let df = frame(&session, &rows, "v", 30_000).select(["k", "v"]).unwrap();
    let over = |n: i64| (col("v") + n).sum().over("k").alias(format!("s{n}"));
    let drawn =
        df.with_columns((0..5).map(over).collect::<Vec<_>>()).unwrap().sample(Sample::fraction(0.01).seed(5)).unwrap();
    let few = drawn.select(["v", "s0"]).unwrap();
    assert_eq!(values(&few, &["v", "s0"]), values(&drawn, &["v", "s0"]));
}

#[test]
fn nobody_pays_who_does_not_draw() {
    let session = &sessions()[0];
    let (l, r) = (frame(session, &numbered(20, 5), "v", 10), frame(session, &numbered(9, 5), "w", 5));
    let joined = l.join(&r, "k").unwrap().with_column("s", col("v").sum().over("k")).unwrap();
    for free in
        [joined.clone(), joined.sort_by(["v"]).unwrap(), joined.groupby("k").unwrap().agg([col("v").sum()]).unwrap()]
    {
        assert!(!free.explain().unwrap().contains("where rows came from"));
    }
    let drawn = joined.sample(0.5).unwrap().explain().unwrap();
    assert_eq!(drawn.matches("mark where rows came from").count(), 3, "{drawn}");
    // and there are as many partitions as without
    assert_eq!(joined.sample(0.5).unwrap().npartitions().unwrap(), joined.npartitions().unwrap());
}
