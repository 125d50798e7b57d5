//! Laws of the store beside a slow obvious twin: all rows at once, ordered by comparison of plain values.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Float64Type, Int64Type};
use proptest::prelude::*;

use super::store::SortStore;
use crate::base::{ErrorKind, Result};
use crate::exec::{Budget, LocalScratch, Scratch, ScratchFile, Spill, TaskContext};
use crate::expr::order::Encoder;
use crate::expr::{SortKey, col};
use crate::io::Batch;
use crate::plan::{Flow, Out, Store};

/// Rows: a text, a float with gaps, a number of its own for each row, and some weight.
fn rows(draws: &[(u8, u8)], weight: usize) -> RecordBatch {
    let texts = draws.iter().map(|(a, _)| (a % 11 > 0).then(|| format!("zone-0000000000-{:03}", a % 23)));
    let floats = [0.0, -0.0, f64::NAN, 1.5, -7.25, f64::INFINITY];
    let floats = draws.iter().map(|(_, b)| (b % 7 > 0).then(|| floats[usize::from(b % 6)]));
    let weights = draws.iter().map(|(a, b)| format!("{a}-{b}-").repeat(weight / 4 + usize::from(a % 3)));
    let columns: [(&str, ArrayRef); 4] = [
        ("text", Arc::new(StringArray::from_iter(texts))),
        ("float", Arc::new(Float64Array::from_iter(floats))),
        ("row", Arc::new(Int64Array::from_iter_values(0..draws.len() as i64))),
        ("weight", Arc::new(StringArray::from_iter_values(weights))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap()
}

fn keys() -> Vec<SortKey> {
    vec![col("text").asc().nulls_first(), col("float").desc()]
}

/// The numbers of the rows in order.
fn slow(record: &RecordBatch) -> Vec<i64> {
    let (text, float) = (record.column(0).as_string::<i32>(), record.column(1).as_primitive::<Float64Type>());
    let text_at = |i: usize| text.is_valid(i).then(|| text.value(i));
    let float_at = |i: usize| Some(float.value(i)).filter(|x| float.is_valid(i) && !x.is_nan());
    let mut order: Vec<usize> = (0..record.num_rows()).collect();
    // nothing is less than something: first among texts, last among falling floats
    order.sort_by(|&a, &b| text_at(a).cmp(&text_at(b)).then(float_at(b).partial_cmp(&float_at(a)).unwrap()));
    order.into_iter().map(|i| i as i64).collect()
}

/// What a store gives: the rows of each output partition, and their places.
fn sort(parts: &[Vec<RecordBatch>], keys: &[SortKey], ctx: &TaskContext) -> Result<Vec<(RecordBatch, Vec<u64>)>> {
    let schema = parts[0][0].schema();
    let encoder = Encoder::new(keys, &schema)?;
    let store = Arc::new(SortStore::new(encoder, schema.clone(), None, parts.len(), ctx));
    let weak: std::sync::Weak<SortStore> = Arc::downgrade(&store);
    ctx.budget.register(weak);
    let mut receipts = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let mut chunk = store.clone().start(0, i, ctx)?;
        for record in part {
            chunk.push(Batch::new(record.clone(), 7, 0))?;
        }
        receipts.push(chunk.end()?);
    }
    store.seal(receipts, ctx)?;
    (0..parts.len())
        .map(|p| {
            let (mut records, mut places) = (vec![RecordBatch::new_empty(schema.clone())], Vec::new());
            let mut sink = |batch: Batch| {
                places.extend(batch.origin.rows.places(batch.rows()));
                records.push(batch.record);
                Ok(Flow::More)
            };
            store.read(p, ctx, &mut Out::new(&mut [], &mut sink, ctx))?;
            Ok((concat_batches(&schema, &records)?, places))
        })
        .collect()
}

/// The rows cut into partitions and batches.
fn cut(record: &RecordBatch, partitions: usize, batch: usize) -> Vec<Vec<RecordBatch>> {
    let rows = record.num_rows();
    let part = |p: usize| {
        let (start, end) = (rows * p / partitions, rows * (p + 1) / partitions);
        let starts = (start..end.max(start + 1)).step_by(batch);
        starts.map(|s| record.slice(s.min(rows), batch.min(end.saturating_sub(s)))).collect()
    };
    (0..partitions).map(part).collect()
}

fn context(limit: u64, batch_rows: usize) -> TaskContext {
    TaskContext { budget: Budget::shared(limit, 2), batch_rows, ..TaskContext::default() }
}

fn check(record: &RecordBatch, partitions: usize, batch: usize, ctx: &TaskContext) -> Vec<RecordBatch> {
    let found = sort(&cut(record, partitions, batch), &keys(), ctx).unwrap();
    let places: Vec<u64> = found.iter().flat_map(|(_, places)| places.clone()).collect();
    assert_eq!(places, (0..record.num_rows() as u64).collect::<Vec<_>>(), "rows have their place in the order");
    let found: Vec<RecordBatch> = found.into_iter().map(|(record, _)| record).collect();
    let whole = concat_batches(&record.schema(), &found).unwrap();
    let expected = slow(record);
    assert_eq!(whole.column(2).as_primitive::<Int64Type>().values().to_vec(), expected);
    let order = UInt32Array::from_iter_values(expected.iter().map(|&r| r as u32));
    let expected = take_record_batch(record, &order).unwrap();
    assert_eq!(whole.column(3), expected.column(3), "whole rows are moved");
    assert_eq!(ctx.budget.held(), 0);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn rows_come_in_order(
        draws in proptest::collection::vec(any::<(u8, u8)>(), 0..400),
        partitions in prop_oneof![1..9usize, Just(127), Just(128), Just(129), Just(257), Just(300)],
        batch in 1..200usize,
        batch_rows in 1..100usize,
    ) {
        let record = rows(&draws, 1);
        let free = check(&record, partitions, batch, &context(u64::MAX, batch_rows));
        let other = check(&record, partitions, batch.div_ceil(3), &context(600 << 10, batch_rows * 2));
        prop_assert_eq!(free, other, "the borders of partitions depend on the partitioning alone");
    }
}

fn draws(rows: usize) -> Vec<(u8, u8)> {
    let mut state = 1u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as u8
    };
    (0..rows).map(|_| (draw(), draw())).collect()
}

#[test]
fn a_small_memory_gives_the_same_as_a_large_one() {
    // 8 MB of rows
    let record = rows(&draws(4000), 1000);
    let free = check(&record, 5, 100, &context(u64::MAX, 500));
    for limit in [8 << 20, 2 << 20, 1 << 20] {
        let ctx = context(limit, 500);
        assert_eq!(check(&record, 5, 100, &ctx), free);
        assert!(ctx.budget.peak() <= limit);
        assert!(limit > 4 << 20 || ctx.spill.written().0 > 0, "nothing was spilled at {limit}");
    }
}

#[test]
fn equal_presorted_reversed_and_heavy_rows() {
    let equal = rows(&vec![(3, 3); 3000], 100);
    let found = check(&equal, 6, 64, &context(1 << 20, 256));
    assert!(found.iter().all(|p| p.num_rows() == 500), "equal keys are spread over the partitions");
    let mut rising = draws(3000);
    rising.sort_unstable_by_key(|(a, b)| (a % 11 > 0, a % 23, *b));
    check(&rows(&rising, 40), 7, 100, &context(1 << 20, 64));
    rising.reverse();
    check(&rows(&rising, 40), 7, 100, &context(1 << 20, 64));
    let heavy = rows(&draws(60), 12_000);
    check(&heavy, 3, 4, &context(3 << 20, 1000));
}

#[test]
fn long_keys_that_begin_alike() {
    let texts = (0..900).map(|i| format!("{}{:04}", "x".repeat(if i % 2 == 0 { 100 } else { 20 }), (i * 7919) % 900));
    let texts = StringArray::from_iter_values(texts);
    let record = RecordBatch::try_from_iter([("t", Arc::new(texts.clone()) as ArrayRef)]).unwrap();
    let mut expected: Vec<&str> = texts.iter().flatten().collect();
    expected.sort_unstable();
    for limit in [u64::MAX, 400 << 10] {
        let found = sort(&cut(&record, 4, 50), &["t".into()], &context(limit, 32)).unwrap();
        let found: Vec<&str> =
            found.iter().flat_map(|(r, _)| r.column(0).as_string::<i32>().iter().flatten()).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_row_that_does_not_fit_is_named() {
    let heavy = rows(&draws(1), 4_000_000);
    let error = sort(&cut(&heavy, 1, 1), &keys(), &context(1 << 20, 32)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    assert!(error.to_string().contains("a batch of rows to sort"), "{error}");
}

/// A disk that takes so many writes and no more.
#[derive(Debug)]
struct Failing(tempfile::TempDir, Arc<AtomicUsize>);

struct FailingFile(Box<dyn ScratchFile>, Arc<AtomicUsize>);

impl Scratch for Failing {
    fn file(&self) -> io::Result<Box<dyn ScratchFile>> {
        let file = LocalScratch::new(self.0.path()).file()?;
        Ok(Box::new(FailingFile(file, self.1.clone())))
    }

    fn describe(&self) -> String {
        "a failing disk".into()
    }
}

impl ScratchFile for FailingFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.1.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => self.0.write_at(bytes, offset),
            Err(_) => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_at(bytes, offset)
    }
}

#[test]
fn a_disk_that_fails_at_any_write_is_named_and_loses_nothing() {
    let record = rows(&draws(500), 600);
    let expected = slow(&record);
    let mut failures = 0;
    for writes in 0.. {
        let left = Arc::new(AtomicUsize::new(writes));
        let spill = Spill::new(Failing(tempfile::tempdir().unwrap(), left.clone()));
        let ctx = TaskContext { budget: Budget::shared(300 << 10, 1), spill, batch_rows: 50, ..TaskContext::default() };
        match sort(&cut(&record, 3, 20), &keys(), &ctx) {
            Ok(found) => {
                let numbers = found.iter().flat_map(|(r, _)| r.column(2).as_primitive::<Int64Type>().values().to_vec());
                assert_eq!(numbers.collect::<Vec<_>>(), expected);
            }
            Err(error) => {
                failures += 1;
                assert!(matches!(error.kind(), ErrorKind::Io { .. } | ErrorKind::Memory { .. }), "{error}");
            }
        }
        assert_eq!(ctx.budget.held(), 0);
        if left.load(Relaxed) > 0 {
            break;
        }
    }
    assert!(failures > 3, "{failures} failures");
}
