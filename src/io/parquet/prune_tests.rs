//! What is skipped: never a row that is wanted, and as many of the others as the file tells of.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{Field, Fields, Int32Type, Int64Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use proptest::prelude::*;

use super::prune::tests::{float, predicate};
use super::tests::{open, write};
use super::{ParquetReadOptions, ParquetSource};
use crate::exec::TaskContext;
use crate::expr::{Expr, Program, col, lit};
use crate::io::{Batch, Scan, Source};

/// The rows that a scan gives and that satisfy its condition, with their places.
fn matching(source: &ParquetSource, scan: &Scan, predicate: &Expr) -> Vec<(u64, Vec<String>)> {
    let ctx = TaskContext { batch_rows: 37, ..TaskContext::default() };
    let program = Program::new(std::slice::from_ref(predicate), &scan.project(&source.schema())).unwrap();
    let mut found = Vec::new();
    for i in 0..source.partitions().len() {
        for batch in source.read(i, scan, &ctx).unwrap() {
            let batch: Batch = batch.unwrap();
            let mask = program.run(&batch.record).unwrap();
            let kept = batch.filter(mask.column(0).as_boolean()).unwrap();
            let places = kept.origin.rows.places(kept.rows());
            for (row, place) in places.into_iter().enumerate() {
                let cell = |c: &ArrayRef| arrow::util::display::array_value_to_string(c, row).unwrap();
                found.push((place, kept.record.columns().iter().map(cell).collect()));
            }
        }
    }
    found
}

type Row = (Option<f64>, Option<i64>, Option<&'static str>);

fn row() -> impl Strategy<Value = Row> {
    let text = proptest::sample::select(vec!["", "a", "ab", "b", "c", "é"]);
    (proptest::option::of(float()), proptest::option::of(-6i64..6), proptest::option::of(text))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let lists = (0..rows.len()).map(|i| (i % 5 > 0).then(|| (0..i % 3).map(|k| Some(k as i32)).collect::<Vec<_>>()));
    let wide: StringArray = (0..rows.len()).map(|i| Some(format!("a rather long text for row {i}"))).collect();
    let x: ArrayRef = Arc::new(rows.iter().map(|r| r.0).collect::<Float64Array>());
    let i: ArrayRef = Arc::new(rows.iter().map(|r| r.1).collect::<Int64Array>());
    let s: ArrayRef = Arc::new(rows.iter().map(|r| r.2).collect::<StringArray>());
    let field = |name: &str, of: &ArrayRef| Field::new(name, of.data_type().clone(), true);
    let fields = Fields::from(vec![field("x", &x), field("i", &i), field("s", &s)]);
    let nulls: Vec<bool> = (0..rows.len()).map(|row| row % 11 != 3).collect();
    let inside = StructArray::new(fields, vec![x.clone(), i.clone(), s.clone()], Some(nulls.into()));
    RecordBatch::try_from_iter_with_nullable([
        ("x", x, true),
        ("i", i, true),
        ("s", s, true),
        ("inside", Arc::new(inside) as ArrayRef, true),
        ("list", Arc::new(arrow::array::ListArray::from_iter_primitive::<Int32Type, _, _>(lists)) as ArrayRef, true),
        ("wide", Arc::new(wide) as ArrayRef, true),
    ])
    .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_skipped_is_not_wanted(
        mut rows in proptest::collection::vec(row(), 1..400),
        predicate in predicate(),
        (sorted, dictionary, bloom, index, inside) in any::<(bool, bool, bool, bool, bool)>(),
        (group, page, part) in (20usize..300, 5usize..60, 10u64..400),
    ) {
        if sorted {
            rows.sort_by_key(|row| row.1);
        }
        let of_struct = |name: &str| inside.then(|| col("inside").field(name));
        let predicate = predicate.substitute(&of_struct);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let level = if index { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(group))
            .set_data_page_row_count_limit(page)
            .set_write_batch_size(page)
            .set_statistics_enabled(level)
            .set_dictionary_enabled(dictionary)
            .set_bloom_filter_enabled(bloom);
        write(&path, &batch(&rows), properties);
        let source = open(&path, ParquetReadOptions::new().partition_rows(part)).unwrap();
        let whole = matching(&source, &Scan::default(), &predicate);
        let pruned = Scan { prune: Some(predicate.clone()), ..Scan::default() };
        prop_assert_eq!(matching(&source, &pruned, &predicate), whole);
    }
}

fn sorted(path: &Path, rows: i64, properties: parquet::file::properties::WriterPropertiesBuilder) -> ParquetSource {
    let number: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let even: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|i| i * 7919 % rows * 2)));
    let wide = (0..rows).map(|i| format!("a rather long text for row {i}, which is in no dictionary"));
    let wide: ArrayRef = Arc::new(StringArray::from_iter_values(wide));
    let rows = RecordBatch::try_from_iter([("number", number), ("even", even), ("wide", wide)]).unwrap();
    write(path, &rows, properties.set_data_page_row_count_limit(1000).set_write_batch_size(1000));
    open(path, ParquetReadOptions::new()).unwrap()
}

fn read(source: &ParquetSource, scan: &Scan) -> Vec<RecordBatch> {
    let parts = 0..source.partitions().len();
    parts.flat_map(|i| source.read(i, scan, &TaskContext::default()).unwrap()).map(|b| b.unwrap().record).collect()
}

fn given(source: &ParquetSource, predicate: Expr) -> usize {
    let scan = Scan { prune: Some(predicate), ..Scan::default() };
    read(source, &scan).iter().map(RecordBatch::num_rows).sum()
}

#[test]
fn pages_are_skipped_by_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let properties = WriterProperties::builder().set_statistics_enabled(EnabledStatistics::Page);
    let source = sorted(&folder.path().join("a.parquet"), 20_000, properties.set_dictionary_enabled(false));
    read(&source, &Scan::default());
    let whole = source.counts().bytes_read();
    let few = given(&source, col("number").ge(12_345) & col("number").lt(12_350));
    assert_eq!(few, 5, "one page is looked at, and five rows are kept");
    let bytes = source.counts().bytes_read() - whole;
    assert!(bytes < whole / 10, "{bytes} of {whole} bytes");
    assert_eq!(source.counts().rows_skipped(), 19_995);
    assert_eq!(given(&source, col("number").lt(-1)), 0);
}

#[test]
fn other_columns_are_read_for_matching_rows_only() {
    let folder = tempfile::tempdir().unwrap();
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let source = sorted(&folder.path().join("a.parquet"), 20_000, properties);
    read(&source, &Scan::default());
    let whole = source.counts().bytes_read();
    assert_eq!(given(&source, col("even").eq(1000)), 1);
    let bytes = source.counts().bytes_read() - whole;
    assert!(bytes < whole / 2, "{bytes} of {whole} bytes");
    // where many match, all rows are given, and the filter above sorts them out
    assert_eq!(given(&source, col("even").ge(1000)), 20_000);
}

#[test]
fn groups_are_skipped_by_bloom_filters() {
    let folder = tempfile::tempdir().unwrap();
    let properties = WriterProperties::builder().set_bloom_filter_enabled(true).set_max_row_group_row_count(Some(5000));
    let source = sorted(&folder.path().join("a.parquet"), 20_000, properties);
    let skipped = |predicate: Expr| {
        let before = source.counts().groups_skipped();
        given(&source, predicate);
        source.counts().groups_skipped() - before
    };
    assert!(skipped(col("even").eq(1001)) >= 3, "no odd number is there");
    assert!(skipped(col("even").is_in([1001i64, 3003])) >= 3);
    assert!(skipped(col("wide").eq("b")) == 4);
    assert_eq!(skipped(col("even").ne(1001)), 0);
    assert_eq!(skipped(col("even").eq(1000) | lit(true)), 0);
    let found = read(&source, &Scan { prune: Some(col("even").eq(1000)), ..Scan::default() });
    let numbers = found.iter().flat_map(|b| b.column(1).as_primitive::<Int64Type>().values().to_vec());
    assert!(numbers.into_iter().any(|n| n == 1000));
}

#[test]
fn of_structs_only_what_is_looked_at_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let number: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5000));
    let wide: ArrayRef = Arc::new(StringArray::from_iter_values((0..5000).map(|i| format!("a long text for row {i}"))));
    let field = |name: &str, of: &ArrayRef| Field::new(name, of.data_type().clone(), true);
    let fields = Fields::from(vec![field("number", &number), field("wide", &wide)]);
    let inside: ArrayRef = Arc::new(StructArray::new(fields, vec![number.clone(), wide], None));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(1000))
        .set_statistics_enabled(EnabledStatistics::Page);
    write(&path, &RecordBatch::try_from_iter([("inside", inside)]).unwrap(), properties);
    let source = open(&path, ParquetReadOptions::new()).unwrap();
    read(&source, &Scan::default());
    let whole = source.counts().bytes_read();
    let fields = vec![(0, vec![vec!["number".into()]].into())];
    let scan = Scan { fields, ..Scan::default() };
    let found = read(&source, &scan);
    let bytes = source.counts().bytes_read() - whole;
    assert!(bytes < whole / 2, "{bytes} of {whole} bytes");
    assert_eq!(found[0].schema(), source.schema());
    let structs = found[0].column(0).as_struct();
    assert_eq!((structs.column(0).len(), structs.column(1).logical_null_count()), (5000, 5000));
    assert_eq!(structs.column(0).as_primitive::<Int64Type>().value(7), 7);
    // their statistics tell of fields too
    given(&source, col("inside").field("number").lt(10));
    assert_eq!(source.counts().groups_skipped(), 4);
}
