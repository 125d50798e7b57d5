use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, StringArray};
use proptest::prelude::*;

use super::*;
use crate::base::ErrorKind;
use crate::base::disk::{Disk, DiskFile};
use crate::exec::TaskContext;
use crate::io::parquet::{ParquetReadOptions, ParquetSource};
use crate::io::sink::{FolderSink, Sink, write_file, write_file_on};
use crate::io::{Batch, Scan, Source};

fn rows(n: i64) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter((0..n).map(|i| (i % 5 > 0).then_some(i % 97))));
    let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..n).map(|i| (i * i) as f64 / 7.0)));
    let s: ArrayRef = Arc::new(StringArray::from_iter_values((0..n).map(|i| format!("s{}", i % 3))));
    RecordBatch::try_from_iter_with_nullable([("id", id, true), ("x", x, false), ("s", s, true)]).unwrap()
}

fn batches(record: &RecordBatch) -> impl Iterator<Item = Result<Batch>> {
    let half = record.num_rows() / 2;
    let parts = [record.slice(0, half), record.slice(half, record.num_rows() - half)];
    parts.into_iter().map(|r| Ok(Batch::new(r, 0, 0)))
}

fn read(path: &Path) -> RecordBatch {
    let source = ParquetSource::open(&[path.to_str().unwrap()], ParquetReadOptions::new()).unwrap();
    let parts = (0..source.partitions().len())
        .flat_map(|i| source.read(i, &Scan::default(), &TaskContext::default()).unwrap())
        .map(|b| b.unwrap().record)
        .collect::<Vec<_>>();
    arrow::compute::concat_batches(&source.schema(), &parts).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let record = rows(1000);
    for (i, compression) in [
        Compression::None,
        Compression::Snappy,
        Compression::Gzip,
        Compression::Zstd(1),
        Compression::Lz4,
        Compression::Brotli,
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(format!("{i}.parquet"));
        let options = ParquetWriteOptions::new().compression(compression).row_group_rows(300);
        let receipt =
            write_file(&path, &options, &record.schema(), &mut batches(&record), &TaskContext::default()).unwrap();
        assert_eq!((receipt.rows, receipt.bytes), (1000, fs::metadata(&path).unwrap().len()));
        assert_eq!(read(&path), record);
        let again =
            write_file(&path, &options, &record.schema(), &mut batches(&record), &TaskContext::default()).unwrap_err();
        assert!(again.to_string().contains("already"), "{again}");
    }
    assert_eq!(names(folder.path()).len(), 6);
}

/// A column of any fixed type from 64-bit seeds: few or many distinct values, nulls, NaN, both zeros.
fn column(kind: usize, seeds: &[Option<u64>], distinct: u64) -> ArrayRef {
    use arrow::array::*;
    let words = seeds.iter().map(|s| s.map(|s| s % distinct));
    let float = |w: u64| match w % 9 {
        0 => f64::NAN,
        1 => -0.0,
        2 => 0.0,
        _ => (w as f64 - 5.0) / 3.0,
    };
    match kind {
        0 => Arc::new(Int32Array::from_iter(words.map(|w| w.map(|w| w as i32 - 7)))),
        1 => Arc::new(Int64Array::from_iter(words.map(|w| w.map(|w| (w as i64 - 7) << 30)))),
        2 => Arc::new(Float32Array::from_iter(words.map(|w| w.map(|w| float(w) as f32)))),
        3 => Arc::new(Float64Array::from_iter(words.map(|w| w.map(float)))),
        4 => Arc::new(Date32Array::from_iter(words.map(|w| w.map(|w| w as i32)))),
        5 => Arc::new(TimestampNanosecondArray::from_iter(words.map(|w| w.map(|w| w as i64))).with_timezone("UTC")),
        6 => Arc::new(TimestampMillisecondArray::from_iter(words.map(|w| w.map(|w| w as i64)))),
        7 => Arc::new(BooleanArray::from_iter(words.map(|w| w.map(|w| w % 2 == 0)))),
        _ => Arc::new(StringArray::from_iter(words.map(|w| w.map(|w| format!("s{w}"))))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn every_value_comes_back(
        seeds in proptest::collection::vec(proptest::option::weighted(0.9, any::<u64>()), 1..400),
        distinct in prop_oneof![1u64..6, Just(50), Just(u64::from(u32::MAX))],
        repeat in prop_oneof![Just(1usize), Just(40), Just(300)],
        group in prop_oneof![1usize..500, Just(70_000)],
        nullable in any::<bool>(),
    ) {
        let seeds: Vec<Option<u64>> = seeds
            .into_iter()
            .map(|s| if nullable { s } else { Some(s.unwrap_or(1)) })
            .flat_map(|s| std::iter::repeat_n(s, repeat))
            .collect();
        let columns = (0..9).map(|kind| (format!("c{kind}"), column(kind, &seeds, distinct), nullable));
        let record = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let group = group.max(seeds.len() / 20);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let options = ParquetWriteOptions::new().row_group_rows(group);
        write_file(&path, &options, &record.schema(), &mut batches(&record), &TaskContext::default()).unwrap();
        let back = read(&path);
        for (was, is) in record.columns().iter().zip(back.columns()) {
            // bits: NaN and the sign of zero count
            prop_assert_eq!(was.to_data(), is.to_data());
        }
        let source = ParquetSource::open(&[path.to_str().unwrap()], ParquetReadOptions::new()).unwrap();
        for (kind, value) in [(0, -6.0), (1, 0.0), (2, -1.0), (3, 0.0), (3, 1.5)] {
            for predicate in [crate::col(format!("c{kind}")).gt(value), crate::col(format!("c{kind}")).le(value)] {
                let schema = record.schema();
                let mask = crate::expr::Program::new(std::slice::from_ref(&predicate), &schema).unwrap().run(&record).unwrap();
                let any = arrow::array::AsArray::as_boolean(mask.column(0)).true_count() > 0;
                let scan = Scan { prune: Some(predicate), ..Scan::default() };
                let skipped = (0..source.partitions().len()).all(|i| source.skips(i, &scan));
                prop_assert!(!any || !skipped);
            }
        }
    }
}

#[test]
fn a_folder_appears_whole() {
    let root = tempfile::tempdir().unwrap();
    let (target, record) = (root.path().join("out"), rows(100));
    let format = Arc::new(ParquetWriteOptions::new());
    let sink = FolderSink::open(&target, format.clone(), record.schema()).unwrap();
    let ctx = TaskContext::default();
    let second = sink.write(1, &mut batches(&record), &ctx).unwrap();
    let first = sink.write(0, &mut batches(&record.slice(0, 10)), &ctx).unwrap();
    assert!(!target.exists());
    sink.commit([first, second].concat()).unwrap();
    drop(sink);
    assert_eq!(names(root.path()), ["out"]);
    assert_eq!(names(&target), ["part-00000.parquet", "part-00001.parquet"]);
    assert_eq!(read(&target).num_rows(), 110);
    let occupied = FolderSink::open(&target, format, record.schema()).unwrap_err();
    assert!(matches!(occupied.kind(), ErrorKind::Invalid { .. }));
}

#[test]
fn what_fails_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let record = rows(100);
    let sink = FolderSink::open(root.path().join("out"), Arc::new(ParquetWriteOptions::new()), record.schema());
    let sink = sink.unwrap();
    sink.write(0, &mut batches(&record), &TaskContext::default()).unwrap();
    let failing = [Ok(Batch::new(record.clone(), 0, 0)), Err(Error::invalid("no"))];
    assert!(sink.write(1, &mut failing.into_iter(), &TaskContext::default()).is_err());
    drop(sink);
    assert!(names(root.path()).is_empty());
}

/// A disk with so many bytes left.
#[derive(Debug)]
struct Full(usize);

struct FullFile(fs::File, usize);

impl Disk for Full {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FullFile(fs::File::create_new(path)?, self.0)))
    }
}

impl Write for FullFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.1 < buf.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1 -= buf.len();
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for FullFile {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let record = rows(2000);
    let options = ParquetWriteOptions::new().row_group_rows(500);
    for space in [0, 3, 100, 5_000, 15_000] {
        let path = root.path().join("a.parquet");
        let disk = Arc::new(Full(space));
        let error = write_file_on(
            disk.clone(),
            path,
            &options,
            &record.schema(),
            &mut batches(&record),
            &TaskContext::default(),
        )
        .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { what } if what == "the disk is full"), "{error}");
        assert!(error.location().path.as_ref().unwrap().ends_with("a.parquet"));
        assert!(names(root.path()).is_empty());
        let target = root.path().join("out");
        let sink = FolderSink::open_on(target, Arc::new(options.clone()), record.schema(), disk).unwrap();
        assert!(sink.write(0, &mut batches(&record), &TaskContext::default()).is_err());
        drop(sink);
        assert!(names(root.path()).is_empty());
    }
}
