//! Reading whole files: laws against what was written, and what damaged files say.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int32Array, Int64Array, ListArray, NullArray, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use proptest::prelude::*;

use super::{ParquetReadOptions, ParquetSource};
use crate::base::{Error, ErrorKind, Result, Token};
use crate::exec::TaskContext;
use crate::expr::{Expr, col};
use crate::io::{Scan, Source};

pub(super) fn write(path: &Path, batch: &RecordBatch, properties: WriterPropertiesBuilder) {
    let file = fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn small_pages(group_rows: usize) -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows))
        .set_data_page_row_count_limit(64)
        .set_write_batch_size(64)
}

/// Rows numbered in `row`, with strings, nulls and lists beside.
pub(super) fn rows(n: i64) -> RecordBatch {
    let row: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n));
    let text: ArrayRef = Arc::new(StringArray::from_iter((0..n).map(|i| (i % 7 > 0).then(|| format!("t{}", i % 5)))));
    let lists = (0..n).map(|i| (i % 3 > 0).then(|| (0..i % 4).map(|k| Some((i + k) as i32)).collect::<Vec<_>>()));
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    RecordBatch::try_from_iter_with_nullable([("row", row, false), ("text", text, true), ("list", list, true)]).unwrap()
}

pub(super) fn open(path: &Path, options: ParquetReadOptions) -> Result<ParquetSource> {
    ParquetSource::open(&[path.to_str().unwrap()], options)
}

/// All rows that a scan gives, and the places they say they are at.
fn collect(source: &ParquetSource, scan: &Scan, batch_rows: usize) -> Result<(RecordBatch, Vec<(u64, u64)>)> {
    let ctx = TaskContext { batch_rows, ..TaskContext::default() };
    let (mut batches, mut places) = (Vec::new(), Vec::new());
    for i in 0..source.partitions().len() {
        for batch in source.read(i, scan, &ctx)? {
            let batch = batch?;
            assert!(batch.rows() <= batch_rows && batch.rows() > 0);
            places.extend(batch.origin.rows.places(batch.rows()).into_iter().map(|row| (batch.origin.file, row)));
            batches.push(batch.record);
        }
    }
    Ok((concat_batches(&scan.project(&source.schema()), &batches).unwrap(), places))
}

fn pick(columns: &[usize]) -> Scan {
    Scan { projection: Some(columns.into()), ..Scan::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rows_come_back_whatever_the_partitions(
        n in 1i64..1500, group in 1usize..900, target in 1u64..700, batch in 1usize..500,
        v2 in any::<bool>(), index in any::<bool>(), flat in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let written = if flat { rows(n).project(&[0, 1]).unwrap() } else { rows(n) };
        let version = if v2 { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        let level = if index { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
        let properties = small_pages(group).set_writer_version(version).set_statistics_enabled(level);
        write(&path, &written, properties.set_offset_index_disabled(!index));
        let source = open(&path, ParquetReadOptions::new().partition_rows(target)).unwrap();
        prop_assert_eq!(source.rows(), n as u64);
        prop_assert_eq!(source.partitions().iter().map(|p| p.rows.unwrap()).sum::<u64>(), n as u64);
        let (read, places) = collect(&source, &Scan::default(), batch).unwrap();
        prop_assert_eq!(&read.columns(), &written.columns());
        prop_assert_eq!(places, (0..n as u64).map(|row| (0, row)).collect::<Vec<_>>());

        let (read, places) = collect(&source, &pick(&[1]), batch).unwrap();
        prop_assert_eq!(read.column(0), written.column(1));
        prop_assert_eq!(places.len(), n as usize);
        let (counted, _) = collect(&source, &pick(&[]), batch).unwrap();
        prop_assert_eq!(counted.num_rows(), n as usize);

        // a limit is for each partition
        let (limited, places) = collect(&source, &Scan { limit: Some(10), ..Scan::default() }, batch).unwrap();
        let expected: u64 = source.partitions().iter().map(|p| p.rows.unwrap().min(10)).sum();
        prop_assert_eq!(limited.num_rows() as u64, expected);
        let numbers = limited.column(0).as_primitive::<Int64Type>();
        prop_assert!(numbers.values().iter().zip(&places).all(|(v, p)| *v as u64 == p.1));

        // pruning leaves out rows that do not match, and none that do
        let cut = n / 2;
        let scan = Scan { prune: Some(col("row").ge(cut)), ..Scan::default() };
        let (kept, places) = collect(&source, &scan, batch).unwrap();
        let numbers = kept.column(0).as_primitive::<Int64Type>();
        prop_assert!(numbers.values().iter().zip(&places).all(|(v, p)| *v as u64 == p.1));
        prop_assert_eq!(numbers.values().iter().filter(|v| **v >= cut).count() as i64, n - cut);
        for i in (0..source.partitions().len()).filter(|&i| source.skips(i, &scan)) {
            prop_assert_eq!(source.read(i, &scan, &TaskContext::default()).unwrap().count(), 0);
        }
    }
}

#[test]
fn whole_row_groups_are_ruled_out_by_their_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &rows(1000), small_pages(100));
    let source = open(&path, ParquetReadOptions::new().partition_rows(100)).unwrap();
    assert_eq!(source.partitions().len(), 10);
    let skipped = |prune: Expr| {
        let scan = Scan { prune: Some(prune), ..Scan::default() };
        (0..10).filter(|&i| source.skips(i, &scan)).count()
    };
    assert_eq!(skipped(col("row").lt(250)), 7);
    assert_eq!(skipped(col("row").eq(5.0)), 9);
    assert_eq!(skipped(col("row").ge(150) & col("row").lt(250)), 8);
    assert_eq!(skipped(col("text").gt("t9")), 10);
    assert_eq!(skipped(col("text").is_null()), 0);
    assert_eq!(skipped(col("row").is_null()), 10);
    assert_eq!(skipped(col("nowhere").gt(1)), 0);
}

#[test]
fn files_that_differ_become_one_frame() {
    let folder = tempfile::tempdir().unwrap();
    let first = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef, true),
        ("count", Arc::new(Float64Array::from(vec![Some(1.5), None])) as ArrayRef, true),
        ("fee", Arc::new(NullArray::new(2)) as ArrayRef, true),
    ])
    .unwrap();
    let second = RecordBatch::try_from_iter_with_nullable([
        ("extra", Arc::new(StringArray::from(vec!["x"])) as ArrayRef, true),
        ("fee", Arc::new(Float64Array::from(vec![9.0])) as ArrayRef, true),
        ("count", Arc::new(Int64Array::from(vec![3])) as ArrayRef, true),
        ("id", Arc::new(Int32Array::from(vec![3])) as ArrayRef, false),
    ])
    .unwrap();
    write(&folder.path().join("1.parquet"), &first, WriterProperties::builder());
    write(&folder.path().join("2.parquet"), &second, WriterProperties::builder());
    let source = open(folder.path(), ParquetReadOptions::new()).unwrap();
    let (all, places) = collect(&source, &Scan::default(), 10).unwrap();
    let expected = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef, true),
        ("count", Arc::new(Float64Array::from(vec![Some(1.5), None, Some(3.0)])) as ArrayRef, true),
        ("fee", Arc::new(Float64Array::from(vec![None, None, Some(9.0)])) as ArrayRef, true),
        ("extra", Arc::new(StringArray::from(vec![None, None, Some("x")])) as ArrayRef, true),
    ])
    .unwrap();
    assert_eq!(all.columns(), expected.columns());
    assert_eq!(all.schema().fields().iter().map(|f| f.name()).collect::<Vec<_>>(), ["id", "count", "fee", "extra"]);
    assert_eq!(places, [(0, 0), (0, 1), (1, 0)]);
    let (some, _) = collect(&source, &pick(&[3]), 10).unwrap();
    assert_eq!((some.num_rows(), some.column(0).null_count()), (3, 2));
    let none = Scan { prune: Some(col("extra").eq("x")), ..Scan::default() };
    assert!(source.skips(0, &none) && !source.skips(1, &none));
    let typed = open(folder.path(), ParquetReadOptions::new().dtype("count", DataType::Utf8)).unwrap();
    let (typed, _) = collect(&typed, &pick(&[1]), 10).unwrap();
    assert_eq!(typed.column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("1.5"), None, Some("3")]);
}

#[test]
fn the_layout_of_strings_does_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let plain: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    for (name, to) in [("1", DataType::LargeUtf8), ("2", DataType::Utf8View), ("3", dictionary)] {
        let array = arrow::compute::cast(&plain, &to).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("s", to, true)]));
        let batch = RecordBatch::try_new(schema, vec![array]).unwrap();
        write(&folder.path().join(format!("{name}.parquet")), &batch, WriterProperties::builder());
    }
    let source = open(folder.path(), ParquetReadOptions::new()).unwrap();
    assert_eq!(source.schema().field(0).data_type(), &DataType::Utf8);
    assert_eq!(collect(&source, &Scan::default(), 10).unwrap().0.num_rows(), 9);
}

#[test]
fn identity_is_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &rows(10), WriterProperties::builder());
    let token = |options| Token::of(|t| t.identity(&open(&path, options).unwrap()));
    let before = token(ParquetReadOptions::new());
    assert_eq!(before, token(ParquetReadOptions::new()));
    assert_ne!(before, token(ParquetReadOptions::new().partition_rows(3)));
    let old = open(&path, ParquetReadOptions::new()).unwrap();
    write(&path, &rows(11), WriterProperties::builder());
    assert_ne!(before, token(ParquetReadOptions::new()));
    let changed = collect(&old, &Scan::default(), 10).unwrap_err().to_string();
    assert!(changed.contains("has changed"), "{changed}");
}

#[test]
fn cancelling_stops_between_batches() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &rows(100), WriterProperties::builder());
    let source = open(&path, ParquetReadOptions::new()).unwrap();
    let ctx = TaskContext { batch_rows: 10, ..TaskContext::default() };
    let mut batches = source.read(0, &Scan::default(), &ctx).unwrap();
    assert!(batches.next().unwrap().is_ok());
    ctx.cancel.cancel();
    assert!(batches.next().unwrap().unwrap_err().is_cancelled());
    assert!(batches.next().is_none());
}

fn error_of(path: &Path) -> Error {
    open(path, ParquetReadOptions::new()).and_then(|s| collect(&s, &Scan::default(), 100).map(|_| ())).unwrap_err()
}

#[test]
fn what_is_not_whole_or_not_parquet_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let shown = |name: &str| error_of(&at(name)).to_string().replace(&*folder.path().to_string_lossy(), "");
    fs::write(at("text.parquet"), "fare,tip\n1,2\n3,4\n").unwrap();
    insta::assert_snapshot!(shown("text.parquet"), @r#"failed to read /text.parquet: not a Parquet file: it begins with "fare"; if it is text, read it with read_csv"#);
    fs::write(at("empty.parquet"), "").unwrap();
    insta::assert_snapshot!(shown("empty.parquet"), @r#"failed to read /empty.parquet: not a Parquet file: it has only 0 bytes; write or copy it again"#);
    write(&at("whole.parquet"), &rows(500), small_pages(100));
    let bytes = fs::read(at("whole.parquet")).unwrap();
    fs::write(at("half.parquet"), &bytes[..bytes.len() / 2]).unwrap();
    insta::assert_snapshot!(shown("half.parquet"), @r#"failed to read /half.parquet: the Parquet file is truncated: it begins as one, but has no end; write or copy it again"#);
    fs::write(at("secret.parquet"), [&bytes[..bytes.len() - 4], b"PARE"].concat()).unwrap();
    insta::assert_snapshot!(shown("secret.parquet"), @r#"failed to read /secret.parquet: an encrypted Parquet file is not supported; decrypt it first"#);
    insta::assert_snapshot!(shown("none.parquet"), @r#"failed to open /none.parquet: no such file or folder"#);
    insta::assert_snapshot!(shown("x*.parquet").replace(&*folder.path().to_string_lossy(), ""), @r#"failed to open /x*.parquet: no file matches the pattern; looked in /"#);
}

#[test]
fn damage_is_placed_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &rows(300), small_pages(100));
    let bytes = fs::read(&path).unwrap();
    let mut placed = 0;
    for at in (0..bytes.len()).step_by(bytes.len() / 150) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        fs::write(&path, damaged).unwrap();
        let source = open(&path, ParquetReadOptions::new());
        if let Err(error) = source.and_then(|s| collect(&s, &Scan::default(), 50)) {
            assert!(matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::Unsupported { .. }), "{error}");
            assert!(error.location().path.is_some(), "{error}");
            placed += usize::from(error.location().row_group.is_some() && error.location().column.is_some());
        }
    }
    assert!(placed > 10, "only {placed} errors name row group and column");
}
