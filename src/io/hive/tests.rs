//! What is written by value comes back, with its types, from few open files and little memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use proptest::prelude::*;

use crate::base::{ErrorKind, Result};
use crate::col;
use crate::exec::{Budget, TaskContext};
use crate::io::csv::{CsvOptions, CsvSource, CsvWriteOptions};
use crate::io::sink::{FolderSink, Format, Sink};
use crate::io::staging::testing;
use crate::io::{Batch, ParquetReadOptions, ParquetSource, ParquetWriteOptions, Receipt, Scan, Source};

fn write(
    target: &Path,
    format: impl Format + 'static,
    parts: &[RecordBatch],
    ctx: &TaskContext,
) -> Result<Vec<Receipt>> {
    let sink = FolderSink::open(target, Arc::new(format), parts[0].schema())?;
    let mut receipts = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let pieces = (0..part.num_rows()).step_by(100).map(|at| part.slice(at, 100.min(part.num_rows() - at)));
        receipts.extend(sink.write(i, &mut pieces.map(|r| Ok(Batch::new(r, 0, 0))), ctx)?);
    }
    sink.commit(receipts)
}

fn open(target: &Path, options: ParquetReadOptions) -> Result<Arc<dyn Source>> {
    ParquetSource::open_hive(&[target.to_str().unwrap().to_string()], options)
}

fn read(source: &Arc<dyn Source>, scan: &Scan) -> RecordBatch {
    let parts = (0..source.partitions().len())
        .flat_map(|i| source.read(i, scan, &TaskContext::default()).unwrap())
        .map(|b| b.unwrap().record)
        .collect::<Vec<_>>();
    arrow::compute::concat_batches(&scan.project(&source.schema()), &parts).unwrap()
}

fn trips(n: i64) -> RecordBatch {
    let zones = [Some("Old Town/ä"), Some(""), None, Some("01")];
    let days = [Some(0), Some(19_358), None];
    let columns: [(&str, ArrayRef, bool); 4] = [
        ("zone", Arc::new(StringArray::from_iter((0..n).map(|i| zones[i as usize % 4]))), true),
        ("id", Arc::new(Int64Array::from_iter_values(0..n)), false),
        ("day", Arc::new(Date32Array::from_iter((0..n).map(|i| days[i as usize / 7 % 3]))), true),
        ("x", Arc::new(Float64Array::from_iter_values((0..n).map(|i| i as f64 / 7.0))), false),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Rows by their ids: `zone`, `day`, `x`, as text.
fn by_id(record: &RecordBatch) -> BTreeMap<i64, String> {
    let ids = record.column_by_name("id").unwrap().as_primitive::<Int64Type>().clone();
    let shown = |name: &str, row: usize| {
        arrow::util::display::array_value_to_string(record.column_by_name(name).unwrap(), row).unwrap()
            + if record.column_by_name(name).unwrap().is_null(row) { " null" } else { "" }
    };
    let row = |i: usize| (ids.value(i), ["zone", "day", "x"].map(|name| shown(name, i)).join("|"));
    let all: BTreeMap<i64, String> = (0..record.num_rows()).map(row).collect();
    assert_eq!(all.len(), record.num_rows());
    all
}

#[test]
fn folders_give_back_values_and_types() {
    let root = testing::folder();
    let target = root.path().join("out");
    let parts = [trips(500), trips(0), trips(13)];
    let options = ParquetWriteOptions::new().partition_by(["zone", "day"]);
    let receipts = write(&target, options, &parts[..1], &TaskContext::default()).unwrap();
    assert_eq!((receipts.len(), receipts.iter().map(|r| r.rows).sum::<u64>()), (12, 500));
    assert!(target.join("zone=Old%20Town%2F%C3%A4/day=2023-01-01/part-00000.parquet").exists());
    assert!(target.join("zone=__HIVE_DEFAULT_PARTITION__/day=1970-01-01/part-00000.parquet").exists());
    let source = open(&target, ParquetReadOptions::new()).unwrap();
    let names: Vec<_> = source.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
    let typed = |n: &str, t: DataType| (n.to_string(), t);
    let expected =
        [("id", DataType::Int64), ("x", DataType::Float64), ("zone", DataType::Utf8), ("day", DataType::Date32)];
    assert_eq!(names, expected.map(|(n, t)| typed(n, t)));
    assert_eq!(by_id(&read(&source, &Scan::default())), by_id(&parts[0]));
    // only columns of folders, only columns of files, both
    for keep in [vec![2], vec![0], vec![1, 3], vec![]] {
        let scan = Scan { projection: Some(keep.clone().into()), ..Scan::default() };
        let record = read(&source, &scan);
        assert_eq!((record.num_rows(), record.num_columns()), (500, keep.len()));
    }
    let given = open(&target, ParquetReadOptions::new().dtype("day", DataType::Utf8)).unwrap();
    assert_eq!(given.schema().field(3).data_type(), &DataType::Utf8);
    let wrong = open(&target, ParquetReadOptions::new().dtype("zone", DataType::Int64)).unwrap_err();
    assert!(wrong.to_string().contains("column `zone`") && wrong.location().path.is_some(), "{wrong}");
    let without = open(&target, ParquetReadOptions::new().hive(false)).unwrap();
    assert_eq!(without.schema().fields().len(), 2);
}

#[test]
fn types_are_found_where_nobody_recorded_them() {
    let root = testing::folder();
    let target = root.path().join("out");
    write(&target, CsvWriteOptions::new().partition_by(["day", "zone"]), &[trips(50)], &TaskContext::default())
        .unwrap();
    let pattern = format!("{}/*/*/*.csv", target.display());
    for path in [target.to_str().unwrap().to_string(), pattern] {
        let source = CsvSource::open_hive(&[path], CsvOptions::new()).unwrap();
        let types: Vec<_> = source.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        assert_eq!(types, [DataType::Int64, DataType::Float64, DataType::Date32, DataType::Utf8]);
        assert_eq!(by_id(&read(&source, &Scan::default())), by_id(&trips(50)));
    }
    let one = target.join("day=1970-01-01");
    std::fs::rename(&one, target.join("day=7")).unwrap();
    std::fs::remove_dir_all(target.join("day=2023-01-01")).unwrap();
    let source = CsvSource::open_hive(&[target.to_str().unwrap().to_string()], CsvOptions::new()).unwrap();
    assert_eq!(source.schema().field(2).data_type(), &DataType::Int64);
    // below the folder that is named: its own name says nothing
    let below = CsvSource::open_hive(&[target.join("day=7").to_str().unwrap().to_string()], CsvOptions::new()).unwrap();
    assert_eq!(below.schema().fields().len(), 3);
}

#[test]
fn conditions_on_folders_leave_out_files() {
    let root = testing::folder();
    let target = root.path().join("out");
    write(&target, ParquetWriteOptions::new().partition_by(["zone"]), &[trips(400)], &TaskContext::default()).unwrap();
    let source = open(&target, ParquetReadOptions::new()).unwrap();
    let kept = |condition: crate::Expr| {
        let scan = Scan { prune: Some(condition), ..Scan::default() };
        let kept: Vec<_> = (0..4).filter(|&i| !source.skips(i, &scan)).collect();
        let rows = read(&source, &scan).num_rows();
        assert!(rows <= kept.len() * 100, "what is skipped is not read");
        kept.len()
    };
    assert_eq!(source.partitions().len(), 4);
    assert_eq!(kept(col("zone").eq("01")), 1);
    assert_eq!(kept(col("zone").is_null()), 1);
    assert_eq!(kept(col("zone").is_in(["01", "", "nowhere"])), 2);
    assert_eq!(kept(col("zone").str().len().gt(3) & col("id").gt(5)), 1);
    assert_eq!(kept(col("zone").eq("01") | col("id").gt(5)), 4);
    assert_eq!(kept(col("zone").eq("01") | col("zone").eq("")), 2);
    assert_eq!(kept(col("id").gt(1_000)), 0);
    assert_eq!(kept(col("zone").eq("01") & col("id").lt(0)), 0);
}

#[test]
fn little_memory_is_enough_for_many_folders() {
    let root = testing::folder();
    let n = 20_000;
    let zone: ArrayRef = Arc::new(Int64Array::from_iter_values((0..n).map(|i| i * 7919 % 300)));
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..n));
    let record = RecordBatch::try_from_iter([("zone", zone), ("id", id)]).unwrap();
    let budget = Budget::new(1 << 20);
    let ctx = TaskContext { budget: budget.clone(), ..TaskContext::default() };
    let target = root.path().join("out");
    let receipts =
        write(&target, CsvWriteOptions::new().partition_by(["zone"]), std::slice::from_ref(&record), &ctx).unwrap();
    assert_eq!(receipts.iter().map(|r| r.rows).sum::<u64>(), n as u64);
    assert_eq!(receipts.len(), 300, "a file for each");
    let tight = TaskContext { budget: Budget::new(64 << 10), ..TaskContext::default() };
    let target = root.path().join("tight");
    let receipts = write(&target, CsvWriteOptions::new().partition_by(["zone"]), &[record], &tight).unwrap();
    assert_eq!(receipts.iter().map(|r| r.rows).sum::<u64>(), n as u64);
    assert!(receipts.len() > 300);
    let source = CsvSource::open_hive(&[target.to_str().unwrap().to_string()], CsvOptions::new()).unwrap();
    let back = read(&source, &Scan::default());
    let (zone, id) = (back.column_by_name("zone").unwrap(), back.column_by_name("id").unwrap());
    let pairs = zone.as_primitive::<Int64Type>().values().iter().zip(id.as_primitive::<Int64Type>().values());
    assert!(pairs.clone().all(|(z, i)| i * 7919 % 300 == *z));
    assert_eq!(pairs.map(|(_, i)| *i).collect::<std::collections::BTreeSet<_>>().len(), n as usize);
    assert_eq!((budget.held(), tight.budget.held()), (0, 0));
}

#[test]
fn what_cannot_be_a_name_is_refused() {
    let root = testing::folder();
    let target = root.path().join("out");
    let by = |names: &[&str]| CsvWriteOptions::new().partition_by(names.iter().copied());
    let fails =
        |names: &[&str], part: RecordBatch| write(&target, by(names), &[part], &TaskContext::default()).unwrap_err();
    assert!(matches!(fails(&["zoen"], trips(3)).kind(), ErrorKind::UnknownColumn { .. }));
    assert!(fails(&["zone", "zone"], trips(3)).to_string().contains("twice"));
    assert!(fails(&["zone", "id", "day", "x"], trips(3)).to_string().contains("no column"));
    let null: ArrayRef = Arc::new(StringArray::from(vec![super::names::NULL]));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let record = RecordBatch::try_from_iter([("zone", null), ("id", id)]).unwrap();
    assert!(matches!(fails(&["zone"], record).kind(), ErrorKind::Value { .. }));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn every_value_comes_back(
        rows in proptest::collection::vec((proptest::option::of(-3i64..3), proptest::option::of("[a-c/=% ]{0,2}"), any::<bool>()), 1..60),
        parts in 1usize..4,
        limit in prop_oneof![Just(40_000u64), Just(u64::MAX)],
    ) {
        let root = testing::folder();
        let target = root.path().join("out");
        let record = RecordBatch::try_from_iter_with_nullable([
            ("k", Arc::new(Int64Array::from_iter(rows.iter().map(|r| r.0))) as ArrayRef, true),
            ("id", Arc::new(Int64Array::from_iter_values(0..rows.len() as i64)), false),
            ("s", Arc::new(StringArray::from_iter(rows.iter().map(|r| r.1.clone()))), true),
            ("b", Arc::new(arrow::array::BooleanArray::from_iter(rows.iter().map(|r| Some(r.2)))), false),
        ]).unwrap();
        let cut = rows.len().div_ceil(parts);
        let pieces: Vec<_> = (0..rows.len()).step_by(cut).map(|at| record.slice(at, cut.min(rows.len() - at))).collect();
        let ctx = TaskContext { budget: Budget::new(limit), ..TaskContext::default() };
        write(&target, ParquetWriteOptions::new().partition_by(["s", "k", "b"]), &pieces, &ctx).unwrap();
        let source = open(&target, ParquetReadOptions::new()).unwrap();
        let back = read(&source, &Scan::default());
        prop_assert_eq!(back.num_rows(), rows.len());
        for row in 0..rows.len() {
            let (k, s, b) = &rows[back.column(0).as_primitive::<Int64Type>().value(row) as usize];
            let (ks, bs) = (back.column_by_name("k").unwrap().as_primitive::<Int64Type>(), back.column_by_name("b").unwrap());
            prop_assert_eq!(ks.iter().nth(row).unwrap(), *k);
            prop_assert_eq!(back.column_by_name("s").unwrap().as_string::<i32>().iter().nth(row).unwrap(), s.as_deref());
            prop_assert_eq!(bs.as_boolean().value(row), *b);
        }
    }
}
