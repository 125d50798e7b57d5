//! Laws: a group-by is what a map of rows says, however rows come and whatever memory there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float64Type, Int64Type};
use partita::{DataFrame, ErrorKind, Keep, Result, Session, col, size};
use proptest::prelude::*;

type Keys = (Option<i64>, Option<&'static str>);
type Row = (Option<i64>, Option<&'static str>, Option<f64>);

fn batch(rows: &[Row]) -> RecordBatch {
    let k: Int64Array = rows.iter().map(|r| r.0).collect();
    let t: StringArray = rows.iter().map(|r| r.1).collect();
    let v: Float64Array = rows.iter().map(|r| r.2).collect();
    let columns: [(&str, ArrayRef); 3] = [("k", Arc::new(k)), ("t", Arc::new(t)), ("v", Arc::new(v))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn session(threads: usize, limit: u64, batch_rows: usize) -> Session {
    Session::builder().threads(threads).memory_limit(limit).batch_rows(batch_rows).build().unwrap()
}

/// The frame of these rows, cut into partitions.
fn frame(session: &Session, rows: &[Row], partitions: usize) -> DataFrame {
    let each = rows.len().div_ceil(partitions).max(1);
    let mut batches: Vec<RecordBatch> = rows.chunks(each).map(batch).collect();
    batches.resize(partitions.max(batches.len()), batch(&[]));
    session.from_batches(batches).unwrap()
}

fn whole(frame: &DataFrame) -> Result<RecordBatch> {
    let batches = frame.batches()?.collect::<Result<Vec<_>>>()?;
    Ok(concat_batches(frame.schema(), &batches).unwrap())
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let key = prop_oneof![6 => (0..6i64).prop_map(Some), 2 => (0..300i64).prop_map(Some), 1 => Just(None)];
    let text =
        prop::option::weighted(0.9, prop::sample::select(vec!["a", "b", "", "a longer text than sixteen bytes"]));
    let value = prop_oneof![
        8 => (-50..50i32).prop_map(|v| Some(f64::from(v) / 8.0)),
        1 => prop::sample::select(vec![f64::NAN, 1e300, -1e300, 1e-300]).prop_map(Some),
        1 => Just(None)
    ];
    prop::collection::vec((key, text, value), 0..500)
}

fn bits(value: Option<f64>) -> Option<u64> {
    value.map(f64::to_bits)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn groups_are_those_of_a_map(rows in any_rows(), dropna in any::<bool>()) {
        let mut map: BTreeMap<Keys, Vec<Option<f64>>> = BTreeMap::new();
        for (k, t, v) in &rows {
            if !dropna || k.is_some() && t.is_some() {
                map.entry((*k, *t)).or_default().push(*v);
            }
        }
        let mut before: Option<RecordBatch> = None;
        let ways = [(1, 1, u64::MAX, 1000), (2, 7, u64::MAX, 13), (2, 129, 1 << 20, 64)];
        for (threads, partitions, limit, batch_rows) in ways {
            let session = session(threads, limit, batch_rows);
            let grouped = frame(&session, &rows, partitions).groupby(["k", "t"]).unwrap().sort(false).dropna(dropna);
            let aggs = [col("v").sum(), size(), col("v").count().alias("n"), col("v").first().alias("first"), col("v").max().alias("max")];
            let found = whole(&grouped.agg(aggs).unwrap()).unwrap();
            prop_assert_eq!(found.num_rows(), map.len());
            for row in 0..found.num_rows() {
                let (k, t) = (found.column(0).as_primitive::<Int64Type>(), found.column(1).as_string::<i32>());
                let key = (k.is_valid(row).then(|| k.value(row)), t.is_valid(row).then(|| t.value(row)));
                let values = &map[&key];
                let there: Vec<f64> = values.iter().flatten().copied().filter(|v| !v.is_nan()).collect();
                let wholes = |i: usize| found.column(i).as_primitive::<Int64Type>().value(row);
                let floats = |i: usize| found.column(i).as_primitive::<Float64Type>().iter().nth(row).flatten();
                prop_assert_eq!((wholes(3), wholes(4)), (values.len() as i64, there.len() as i64));
                prop_assert_eq!(bits(floats(5)), bits(there.first().copied()));
                prop_assert_eq!(bits(floats(6)), bits(there.iter().copied().reduce(f64::max)));
            }
            if let Some(before) = &before {
                prop_assert_eq!(before, &found);
            }
            before = Some(found);
        }
    }
}

#[test]
fn many_groups_are_the_same_spilled_and_held() {
    let rows: Vec<Row> = (0..60_000i64).map(|i| (Some(i * 7 % 50_021), Some("x"), Some(i as f64 / 3.0))).collect();
    let mut before: Option<RecordBatch> = None;
    for (threads, limit) in [(2, u64::MAX), (1, 8 << 20), (2, 3 << 20)] {
        let session = session(threads, limit, 4096);
        let grouped = frame(&session, &rows, 9).groupby(col("k") % 30_000).unwrap().sort(false);
        let found = whole(&grouped.agg([col("v").sum(), size()]).unwrap()).unwrap();
        assert_eq!(found.num_rows(), 30_000);
        assert!(before.as_ref().is_none_or(|b| *b == found), "{limit}");
        before = Some(found);
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (*values.get(values.len().checked_sub(1)? / 2)?, *values.get(values.len() / 2)?);
    Some(if low == high { low } else { high - (high - low) * 0.5 })
}

#[test]
fn order_statistics_of_any_groups_and_any_memory() {
    let n = 40_000i64;
    let value = |i: i64| (i % 17 != 0).then(|| (i * 7919 % 1009) as f64 / 4.0);
    let keys: [&dyn Fn(i64) -> i64; 3] = [&|_| 5, &|i| i % 9_000, &|i| if i % 3 == 0 { i } else { -1 }];
    for key in keys {
        let rows: Vec<Row> = (0..n).map(|i| (Some(key(i)), Some("x"), value(i))).collect();
        let mut map: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        rows.iter().for_each(|r| map.entry(r.0.unwrap()).or_default().extend(r.2));
        let mut before: Option<RecordBatch> = None;
        for (threads, limit) in [(2, u64::MAX), (1, 8 << 20)] {
            let grouped = frame(&session(threads, limit, 2048), &rows, 5).groupby("k").unwrap().sort(false);
            let aggs = [
                col("v").median(),
                col("v").nunique().alias("distinct"),
                col("t").nunique(),
                col("v").sum().alias("sum"),
            ];
            let found = whole(&grouped.agg(aggs).unwrap()).unwrap();
            assert_eq!(found.num_rows(), map.len());
            for (row, k) in found.column(0).as_primitive::<Int64Type>().values().iter().enumerate() {
                let values = &map[k];
                let distinct = values.iter().map(|v| v.to_bits()).collect::<std::collections::BTreeSet<_>>().len();
                let middle = found.column(1).as_primitive::<Float64Type>().iter().nth(row).flatten();
                assert_eq!(bits(middle), bits(median(values.clone())), "{k}");
                assert_eq!(found.column(2).as_primitive::<Int64Type>().value(row), distinct as i64);
                assert_eq!(found.column(3).as_primitive::<Int64Type>().value(row), 1);
            }
            assert!(before.as_ref().is_none_or(|b| *b == found), "{limit}");
            before = Some(found);
        }
    }
}

#[test]
fn mistakes_are_named() {
    let df = frame(&session(1, u64::MAX, 100), &[(Some(1), Some("a"), None)], 1);
    let kind = |r: Result<DataFrame>| r.err().unwrap().kind().clone();
    let grouped = df.groupby("k").unwrap();
    assert!(matches!(df.groupby("q").err().unwrap().kind(), ErrorKind::UnknownColumn { .. }));
    assert!(matches!(kind(grouped.agg([col("t").sum()])), ErrorKind::TypeMismatch { .. }));
    assert!(matches!(kind(grouped.agg([col("v").sum(), col("v").mean()])), ErrorKind::Invalid { .. }));
    assert!(matches!(kind(grouped.agg([col("v").quantile(2.0)])), ErrorKind::Invalid { .. }));
    assert!(matches!(kind(grouped.agg([])), ErrorKind::Invalid { .. }));
}

#[test]
fn strings_of_a_file_come_as_codes_and_go_as_strings() {
    let session = session(2, u64::MAX, 1000);
    let rows: Vec<Row> =
        (0..5000).map(|i| (Some(i % 3), ["a", "b", "c"].get(i as usize % 4).copied(), Some(1.5))).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows").to_string_lossy().into_owned();
    frame(&session, &rows, 3).to_parquet(&path).unwrap();
    let file = session.read_parquet(path.as_str()).unwrap();
    let grouped = |df: &DataFrame| {
        let df = df.filter(col("k").lt(2)).unwrap();
        df.groupby(["t", "k"]).unwrap().dropna(false).agg([col("v").sum(), size()]).unwrap()
    };
    let (one, other) = (grouped(&file), grouped(&frame(&session, &rows, 1)));
    assert!(one.explain().unwrap().contains("as codes where it has them: t"), "{}", one.explain().unwrap());
    assert_eq!(whole(&one).unwrap(), whole(&other).unwrap());
    assert_eq!(one.schema(), other.schema());
    // who looks into the text gets it
    let computed = file.groupby(col("t").str().len().alias("long")).unwrap().size().unwrap();
    assert!(!computed.explain().unwrap().contains("as codes"));
    assert_eq!(computed.len().unwrap(), 1);
}

/// Each once, where it comes first.
fn firsts(keys: impl Iterator<Item = Keys>) -> Vec<Keys> {
    let mut seen = std::collections::BTreeSet::new();
    keys.filter(|key| seen.insert(*key)).collect()
}

#[test]
fn equal_rows_are_one() {
    let rows: Vec<Row> = (0..300i64)
        .map(|i| ((i % 7 != 0).then_some(i % 5), (i % 3 != 0).then_some("a"), Some(i as f64).filter(|_| i % 4 != 0)))
        .collect();
    let mut groups: BTreeMap<Keys, Vec<Option<u64>>> = BTreeMap::new();
    rows.iter().for_each(|r| groups.entry((r.0, r.1)).or_default().push(bits(r.2)));
    for (threads, partitions) in [(1, 1), (2, 11)] {
        let df = frame(&session(threads, u64::MAX, 50), &rows, partitions);
        for keep in [Keep::First, Keep::Last, Keep::Neither, Keep::Any] {
            let found = whole(&df.drop_duplicates(["t", "k"], keep).unwrap()).unwrap();
            assert_eq!(found.schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), ["k", "t", "v"]);
            let mut wanted = groups.clone();
            wanted.retain(|_, values| keep != Keep::Neither || values.len() == 1);
            assert_eq!(found.num_rows(), wanted.len());
            for row in 0..found.num_rows() {
                let (k, t) = (found.column(0).as_primitive::<Int64Type>(), found.column(1).as_string::<i32>());
                let values = &wanted[&(k.is_valid(row).then(|| k.value(row)), t.is_valid(row).then(|| t.value(row)))];
                let value = found.column(2).as_primitive::<Float64Type>().iter().nth(row).flatten();
                let expected = if keep == Keep::Last { values.last() } else { values.first() };
                assert_eq!(Some(&bits(value)), expected, "{keep:?}");
            }
            let kept: Vec<Keys> = match keep {
                Keep::Any => continue,
                // the last of each is the first from behind
                Keep::Last => firsts(rows.iter().rev().map(|r| (r.0, r.1))).into_iter().rev().collect(),
                _ => firsts(rows.iter().map(|r| (r.0, r.1))),
            };
            let kept: Vec<Keys> = kept.into_iter().filter(|key| wanted.contains_key(key)).collect();
            let (k, t) = (found.column(0).as_primitive::<Int64Type>(), found.column(1).as_string::<i32>());
            assert_eq!(k.iter().zip(t).collect::<Vec<_>>(), kept, "{keep:?}: rows stay in their order");
        }
        assert_eq!(df.unique(["t", "k"]).unwrap().len().unwrap(), groups.len() as u64);
        assert_eq!(df.drop_duplicates([] as [&str; 0], Keep::First).unwrap().len().unwrap(), 237);
        let counts = whole(&df.value_counts("t").unwrap()).unwrap();
        assert_eq!((counts.num_rows(), counts.column(1).as_primitive::<Int64Type>().value(0)), (1, 200));
        let counts = whole(&df.value_counts(["k"]).unwrap()).unwrap();
        let counts: Vec<i64> = counts.column(1).as_primitive::<Int64Type>().values().to_vec();
        assert!(counts.len() == 5 && counts.is_sorted_by(|a, b| a >= b) && counts.iter().sum::<i64>() == 257);
    }
}
