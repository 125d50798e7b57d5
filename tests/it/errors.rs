//! Bad input gives a typed error that names the place and the next step, and leaves nothing half done.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use partita::base::disk::{Disk, DiskFile};
use partita::io::sink::FolderSink;
use partita::{
    CsvOptions, DataFrame, Error, ErrorKind, ParquetWriteOptions, Session, col, read_csv, read_csv_with, read_parquet,
};

fn frame() -> DataFrame {
    let columns: [(&str, ArrayRef); 3] = [
        ("fare_amount", Arc::new(Float64Array::from(vec![Some(1.5), Some(f64::NAN), None]))),
        ("zone", Arc::new(StringArray::from(vec!["1", "two", "3"]))),
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ];
    DataFrame::from_batches([RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

/// The error's kind fits and its text has all of `words`.
fn says(error: Error, kind: fn(&ErrorKind) -> bool, words: &[&str]) {
    let text = error.to_string();
    assert!(kind(error.kind()), "{:?}: {text}", error.kind());
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn files_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no.parquet").to_str().unwrap().to_string();
    says(read_parquet(&*missing).unwrap_err(), |k| matches!(k, ErrorKind::Io { .. }), &["no.parquet", "no such file"]);
    let pattern = format!("{}/*.csv", folder.path().display());
    says(
        read_csv(&*pattern).unwrap_err(),
        |k| matches!(k, ErrorKind::Io { .. } | ErrorKind::Invalid { .. }),
        &["*.csv"],
    );
}

#[test]
fn parquet_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = write(folder.path(), "text.parquet", "a,b\n1,2\n".repeat(20));
    says(read_parquet(&*text).unwrap_err(), |k| matches!(k, ErrorKind::Corrupt { .. }), &["text.parquet"]);
    frame().to_parquet(folder.path().join("good")).unwrap();
    let whole = fs::read(folder.path().join("good/part-00000.parquet")).unwrap();
    let cut = write(folder.path(), "cut.parquet", &whole[..whole.len() - 20]);
    says(read_parquet(&*cut).unwrap_err(), |k| matches!(k, ErrorKind::Corrupt { .. }), &["cut.parquet"]);
}

#[test]
fn broken_csv() {
    let folder = tempfile::tempdir().unwrap();
    let ragged = write(folder.path(), "ragged.csv", format!("a,b\n{}7,8,9\n1,2\n", "1,2\n".repeat(879)));
    let error = read_csv(&*ragged).unwrap().compute().unwrap_err();
    says(
        error,
        |k| matches!(k, ErrorKind::Ragged { found: 3, expected: 2 }),
        &["ragged.csv", "line 881", "partition 0"],
    );

    let late = format!("fare,b\n{}12x,2\n{}", "1,2\n".repeat(100_003), "1,2\n".repeat(250_119));
    let late = write(folder.path(), "late.csv", late);
    for block_size in [10_000u64, 1 << 30] {
        let options = CsvOptions::new().block_size(block_size);
        let error = read_csv_with(&*late, options).unwrap().sum().unwrap().compute().unwrap_err();
        let words = ["late.csv", "line 100005", "column `fare`", "`12x` is not", "Int64", ".dtype(\"fare\""];
        says(error, |k| matches!(k, ErrorKind::Parse { .. }), &words);
    }
}

#[test]
fn unknown_columns_in_every_call() {
    let df = frame();
    let calls: Vec<(&str, Result<DataFrame, Error>)> = vec![
        ("filter", df.filter(col("fare_amout").gt(0))),
        ("select", df.select(["fare_amout"])),
        ("with_columns", df.with_column("x", col("fare_amout") * 2)),
        ("drop", df.drop(["fare_amout"])),
        ("rename", df.rename([("fare_amout", "x")])),
        ("astype", df.astype([("fare_amout", DataType::Float64)])),
        ("fillna", df.fillna([("fare_amout", 1.0)])),
        ("describe", df.describe_with(partita::Include::Columns(vec!["fare_amout".into()]), &[0.5])),
    ];
    for (call, result) in calls {
        let words = [call, "fare_amout", "did you mean `fare_amount`"];
        says(result.unwrap_err(), |k| matches!(k, ErrorKind::UnknownColumn { .. }), &words);
    }
    says(df.dtype("fare_amout").unwrap_err(), |k| matches!(k, ErrorKind::UnknownColumn { .. }), &["fare_amount"]);
    let table = df.compute().unwrap();
    says(table.column("fare_amout").unwrap_err(), |k| matches!(k, ErrorKind::UnknownColumn { .. }), &["fare_amount"]);
}

#[test]
fn values_that_do_not_convert() {
    let text = frame().astype([("zone", DataType::Float64)]).unwrap().compute().unwrap_err();
    says(text, |k| matches!(k, ErrorKind::Parse { .. }), &["two", "Float64", "zone"]);
    let nan = frame().filter(col("fare_amount").is_not_null()).unwrap();
    let nan = nan.astype([("fare_amount", DataType::Int64)]).unwrap().compute().unwrap_err();
    says(nan, |k| matches!(k, ErrorKind::Value { .. }), &["NaN", "Int64", "fare_amount", "fillna"]);
    let null = frame().astype([("fare_amount", DataType::Int64)]).unwrap().compute().unwrap_err();
    says(null, |k| matches!(k, ErrorKind::Value { .. }), &["null", "Int64", "fare_amount"]);
    let types = frame().filter(col("zone").gt(1)).unwrap_err();
    says(types, |k| matches!(k, ErrorKind::TypeMismatch { .. }), &["zone", "cast()"]);
}

#[test]
fn schemas_that_do_not_go_together() {
    let folder = tempfile::tempdir().unwrap();
    for (name, values) in [
        ("a", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("b", Arc::new(StringArray::from(vec!["x"])) as ArrayRef),
    ] {
        let batch = RecordBatch::try_from_iter([("id", values)]).unwrap();
        DataFrame::from_batches([batch]).unwrap().to_parquet(folder.path().join(name)).unwrap();
    }
    let pattern = format!("{}/*/*.parquet", folder.path().display());
    let error = read_parquet(&*pattern).unwrap_err();
    says(error, |k| matches!(k, ErrorKind::Schema { .. }), &["part-00000.parquet", "id", "Int64", "Utf8"]);
}

/// A disk that is full after so many bytes.
#[derive(Debug)]
struct Full(Arc<AtomicI64>);

struct FullFile(fs::File, Arc<AtomicI64>);

impl Disk for Full {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FullFile(fs::File::create_new(path)?, self.0.clone())))
    }
}

impl Write for FullFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1.fetch_sub(bytes.len() as i64, Ordering::Relaxed) < bytes.len() as i64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DiskFile for FullFile {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let big =
        RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from_iter_values(0..50_000)) as ArrayRef)]).unwrap();
    let df = DataFrame::from_batches([big.clone(), big.clone(), big]).unwrap();
    let formats: [Arc<dyn partita::io::sink::Format>; 2] =
        [Arc::new(ParquetWriteOptions::new()), Arc::new(partita::CsvWriteOptions::new())];
    for format in formats {
        for room in [0, 1000, 200_000] {
            let target = folder.path().join("out");
            let disk = Arc::new(Full(Arc::new(AtomicI64::new(room))));
            let sink = FolderSink::open_on(&target, format.clone(), df.schema().clone(), disk).unwrap();
            let error = df.write_to(Arc::new(sink)).unwrap_err();
            says(error, |k| matches!(k, ErrorKind::Io { .. }), &["failed to write", "full", "part-0000"]);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
}

#[test]
fn a_memory_limit_that_is_too_small_is_named() {
    let session = Session::builder().threads(2).memory_limit("100 kB").build().unwrap();
    let big =
        RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from_iter_values(0..50_000)) as ArrayRef)]).unwrap();
    let df = session.from_batches([big]).unwrap().with_column("y", col("x") * 2).unwrap();
    says(df.compute().unwrap_err(), |k| matches!(k, ErrorKind::Memory { .. }), &["a result in memory", "batches()"]);
    crate::memory::given_back(&session);
    // what streams does not need it
    assert_eq!(df.max().unwrap().compute().unwrap().value("y", 0).unwrap().as_i64(), Some(99_998));
}

#[test]
fn a_partition_held_for_a_closure_is_in_the_limit() {
    let session = Session::builder().threads(1).memory_limit("600 kB").build().unwrap();
    let big =
        RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from_iter_values(0..50_000)) as ArrayRef)]).unwrap();
    let df = session.from_batches([big]).unwrap().with_column("y", col("x") * 2).unwrap();
    let held = df.map_partitions(Ok, df.schema().clone()).unwrap();
    says(
        held.count().unwrap().compute().unwrap_err(),
        |k| matches!(k, ErrorKind::Memory { .. }),
        &["memory limit", "partition"],
    );
}
