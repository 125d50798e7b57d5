//! A disk that fails at any step, and one that dies there: the old or the new, and nothing left behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::*;
use crate::base::disk::{Disk, LocalDisk};
use crate::base::{ErrorKind, Result};
use crate::exec::TaskContext;
use crate::io::csv::CsvWriteOptions;
use crate::io::staging::recover;
use crate::io::staging::testing::{self, Faulty, sound};
use crate::io::{Batch, ParquetWriteOptions};

fn rows(from: i64, n: i64) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + n));
    let zone: ArrayRef = Arc::new(StringArray::from_iter((0..n).map(|i| (i % 4 > 0).then(|| format!("z {}", i % 4)))));
    RecordBatch::try_from_iter_with_nullable([("id", id, true), ("zone", zone, true)]).unwrap()
}

fn batches(record: &RecordBatch) -> impl Iterator<Item = Result<Batch>> {
    [record.slice(0, 7), record.slice(7, record.num_rows() - 7)].into_iter().map(|r| Ok(Batch::new(r, 0, 0)))
}

/// Everything below a folder, hidden files too.
fn tree(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let (mut left, mut found) = (vec![root.to_path_buf()], BTreeMap::new());
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            if path.is_dir() {
                left.push(path);
                found.insert(name, None);
            } else {
                found.insert(name, Some(fs::read(path).unwrap()));
            }
        }
    }
    found
}

/// Writes two partitions into a folder.
fn folder(target: &Path, format: impl Format + 'static, from: i64, disk: Arc<dyn Disk>) -> Result<Vec<Receipt>> {
    let (a, b) = (rows(from, 20), rows(from + 20, 11));
    let sink = FolderSink::open_on(target, Arc::new(format), a.schema(), disk)?;
    let ctx = TaskContext::default();
    let receipts = [sink.write(0, &mut batches(&a), &ctx)?, sink.write(1, &mut batches(&b), &ctx)?].concat();
    sink.commit(receipts)
}

fn file(target: &Path, format: impl Format, from: i64, disk: Arc<dyn Disk>) -> Result<Vec<Receipt>> {
    let record = rows(from, 20);
    let ctx = TaskContext::default();
    write_file_on(disk, target.into(), &format, &record.schema(), &mut batches(&record), &ctx).map(|r| vec![r])
}

type Change = Box<dyn Fn(&Path, Arc<dyn Disk>) -> Result<Vec<Receipt>>>;

/// What is there first, and what is done to it.
fn changes() -> Vec<(&'static str, Option<Change>, Change)> {
    let parquet = |mode| ParquetWriteOptions::new().row_group_rows(6).mode(mode);
    let csv = |mode| CsvWriteOptions::new().mode(mode);
    let by_zone = move |mode| csv(mode).partition_by(["zone"]);
    let first: fn() -> Option<Change> =
        || Some(Box::new(|t, d| folder(t, CsvWriteOptions::new().partition_by(["zone"]), 0, d)));
    let plain: Option<Change> = Some(Box::new(move |t, d| folder(t, csv(WriteMode::Error), 0, d)));
    let one: Option<Change> = Some(Box::new(move |t, d| file(t, csv(WriteMode::Error), 0, d)));
    vec![
        ("new", None, Box::new(move |t, d| folder(t, parquet(WriteMode::Error), 100, d))),
        ("overwrite", first(), Box::new(move |t, d| folder(t, csv(WriteMode::Overwrite), 100, d))),
        ("append", plain, Box::new(move |t, d| folder(t, csv(WriteMode::Append), 100, d))),
        ("append to nothing", None, Box::new(move |t, d| folder(t, csv(WriteMode::Append), 100, d))),
        ("by zone", None, Box::new(move |t, d| folder(t, by_zone(WriteMode::Error), 100, d))),
        ("overwrite by zone", first(), Box::new(move |t, d| folder(t, by_zone(WriteMode::Overwrite), 100, d))),
        ("append by zone", first(), Box::new(move |t, d| folder(t, by_zone(WriteMode::Append), 100, d))),
        ("file", None, Box::new(move |t, d| file(t, csv(WriteMode::Error), 100, d))),
        ("overwrite file", one, Box::new(move |t, d| file(t, csv(WriteMode::Overwrite), 100, d))),
    ]
}

/// Does a change on a disk that fails at each step; gives the number of steps and what the steps led to.
fn at_every_step(dies: bool, exchanges: bool, check: impl Fn(&str, &Path, Result<Vec<Receipt>>, [&Tree; 2])) {
    for (name, first, change) in changes() {
        let root = testing::folder();
        let target = root.path().join("deep/out");
        if let Some(first) = &first {
            first(&target, sound()).unwrap();
        }
        let old = tree(root.path());
        let prepare = || {
            let _ = fs::remove_dir_all(root.path().join("deep"));
            for (name, content) in &old {
                match content {
                    None => fs::create_dir(root.path().join(name)).unwrap(),
                    Some(bytes) => fs::write(root.path().join(name), bytes).unwrap(),
                }
            }
        };
        change(&target, sound()).unwrap();
        let new = tree(root.path());
        assert_ne!(old, new);
        for at in 0.. {
            prepare();
            let steps = Arc::new(AtomicU64::new(0));
            let disk = Faulty { at, dies, exchanges, steps: steps.clone() };
            let result = change(&target, Arc::new(disk));
            let done = steps.load(Ordering::Relaxed) <= at;
            assert!(!done || result.is_ok(), "{name} {at}");
            if let Err(error) = &result {
                assert!(
                    matches!(error.kind(), ErrorKind::Io { what } if what == "the disk is full"),
                    "{name}: {error}"
                );
                assert!(error.location().path.is_some(), "{error}");
            }
            check(&format!("{name} at step {at}"), &target, result, [&old, &new]);
            if done {
                assert!(at > 5, "{name} has {at} steps");
                break;
            }
        }
    }
}

type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

fn root_of(target: &Path) -> &Path {
    target.parent().unwrap().parent().unwrap()
}

#[test]
fn a_disk_that_fails_at_any_step_leaves_what_was_there() {
    for exchanges in [true, false] {
        at_every_step(false, exchanges, |name, target, result, [old, new]| {
            let now = tree(root_of(target));
            assert!(&now == if result.is_ok() { new } else { old }, "{name}: {result:?}, {:?}", now.keys());
        });
    }
}

#[test]
fn a_disk_that_dies_at_any_step_leaves_the_old_or_the_new() {
    for exchanges in [true, false] {
        at_every_step(true, exchanges, |name, target, result, [old, new]| {
            recover(&LocalDisk, [target]);
            let mut now = tree(root_of(target));
            if old.is_empty() && now.len() == 1 {
                // an empty folder that was made for it
                now.clear();
            }
            assert!(&now == new || (result.is_err() && &now == old), "{name}: {result:?}, {:?}", now.keys());
        });
    }
}

#[test]
fn two_that_append_at_once_both_do() {
    let root = testing::folder();
    let target = root.path().join("out");
    let options = ParquetWriteOptions::new().mode(WriteMode::Append);
    let record = rows(0, 20);
    let open = || FolderSink::open(&target, Arc::new(options.clone()), record.schema()).unwrap();
    let sinks = [open(), open(), open()];
    for (i, sink) in sinks.iter().enumerate() {
        let receipts = sink.write(0, &mut batches(&record), &TaskContext::default()).unwrap();
        let receipts = sink.commit(receipts).unwrap();
        assert_eq!(receipts[0].path, fs::canonicalize(&target).unwrap().join(format!("part-{i:05}.parquet")));
        assert!(receipts[0].path.exists());
    }
    drop(sinks);
    let names: Vec<_> = tree(root.path()).into_keys().collect();
    assert_eq!(names.len(), 4, "{names:?}");
}

#[test]
fn only_data_is_overwritten() {
    let root = testing::folder();
    let target = root.path().join("out");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("thesis.tex"), "years of work").unwrap();
    let refused = |mode| {
        let options = ParquetWriteOptions::new().mode(mode);
        folder(&target, options, 0, sound()).unwrap_err()
    };
    let error = refused(WriteMode::Overwrite).to_string();
    assert!(error.contains("thesis.tex") && error.contains("no data file"), "{error}");
    assert!(refused(WriteMode::Error).to_string().contains("already"));
    fs::remove_file(target.join("thesis.tex")).unwrap();
    fs::write(target.join("_SUCCESS"), "").unwrap();
    folder(&target, ParquetWriteOptions::new().mode(WriteMode::Overwrite), 0, sound()).unwrap();
    let error = file(&target, ParquetWriteOptions::new().mode(WriteMode::Overwrite), 0, sound());
    assert!(error.unwrap_err().to_string().contains("already"));
    let named = root.path().join("a.csv.gz");
    let error = file(&named, CsvWriteOptions::new(), 0, sound()).unwrap_err().to_string();
    assert!(error.contains("ends in .gz") && error.contains("compression"), "{error}");
    let append = CsvWriteOptions::new().mode(WriteMode::Append);
    assert!(file(&named, append, 0, sound()).unwrap_err().to_string().contains("not supported"));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn receipts_that_are_lost_or_wrong_are_a_conservation_error() {
    let root = testing::folder();
    let record = rows(0, 20);
    let open = || {
        let sink =
            FolderSink::open(root.path().join("out"), Arc::new(CsvWriteOptions::new()), record.schema()).unwrap();
        let receipts = sink.write(0, &mut batches(&record), &TaskContext::default()).unwrap();
        (sink, receipts)
    };
    let (sink, mut receipts) = open();
    receipts[0].rows += 1;
    let error = sink.commit(receipts).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conservation { rows_in: 20, rows_out: 21, .. }), "{error}");
    drop(sink);
    let (sink, _) = open();
    assert!(matches!(sink.commit(Vec::new()).unwrap_err().kind(), ErrorKind::Conservation { .. }));
    drop(sink);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}
