//! Work larger than memory: the same answer as without a limit, within it, on a disk that may fail at any write.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use partita::exec::{LocalScratch, Scratch, ScratchFile, Spill};
use partita::{DataFrame, ErrorKind, Join, Result, Session, col};

/// A disk that fails at one write and works before and after.
#[derive(Debug, Clone)]
struct Failing {
    left: Arc<AtomicI64>,
    writes: Arc<AtomicU64>,
    open: Arc<AtomicI64>,
}

struct FailingFile {
    disk: Failing,
    file: Box<dyn ScratchFile>,
}

impl Failing {
    fn at(write: i64) -> Failing {
        Failing { left: Arc::new(AtomicI64::new(write)), writes: Arc::default(), open: Arc::default() }
    }
}

impl Scratch for Failing {
    fn file(&self) -> io::Result<Box<dyn ScratchFile>> {
        self.open.fetch_add(1, Ordering::Relaxed);
        let file = LocalScratch::new(std::env::temp_dir()).file()?;
        Ok(Box::new(FailingFile { disk: self.clone(), file }))
    }

    fn describe(&self) -> String {
        "a failing disk".into()
    }
}

impl ScratchFile for FailingFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.writes.fetch_add(1, Ordering::Relaxed);
        match self.disk.left.fetch_sub(1, Ordering::Relaxed) {
            0 => Err(io::Error::from(io::ErrorKind::StorageFull)),
            _ => self.file.write_at(bytes, offset),
        }
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(bytes, offset)
    }
}

impl Drop for FailingFile {
    fn drop(&mut self) {
        self.disk.open.fetch_sub(1, Ordering::Relaxed);
    }
}

const LIMIT: u64 = 3_000_000;
const SMALL: u64 = 400_000;

fn session(disk: &Failing, limit: u64) -> Session {
    Session::builder().threads(2).memory_limit(limit).batch_rows(500).spill(Spill::new(disk.clone())).build().unwrap()
}

/// Numbers in no order, with texts of about 100 bytes, in eight partitions of `size` rows.
fn rows(session: &Session, size: i64) -> DataFrame {
    let part = |p: i64| {
        let numbers: Vec<i64> = (0..size).map(|i| (i * 7919 + p * 104_729) % 48_611).collect();
        let texts = numbers.iter().map(|n| format!("{n:0100}"));
        let columns: [(&str, ArrayRef); 3] = [
            ("k", Arc::new(Int64Array::from(numbers.clone()))),
            ("text", Arc::new(StringArray::from_iter_values(texts))),
            ("x", Arc::new(Float64Array::from_iter_values(numbers.iter().map(|n| *n as f64 / 7.0)))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    // read from memory that is not the session's, so that only the work counts
    session.from_batches((0..8).map(part)).unwrap()
}

type Work = fn(&DataFrame) -> Result<DataFrame>;

/// What is to be computed, by name.
const WORK: [(&str, Work); 4] = [
    ("sort", |df| df.sort_by(["text"])),
    ("join", |df| df.join(&df.rename([("x", "y")])?, Join::inner("k").broadcast(false))),
    ("group", |df| df.groupby(["text"])?.agg([col("x").sum(), col("k").count()])),
    ("persist", |df| df.with_column("z", col("x") * 2)?.persist()),
];

/// How many rows there are, and a sum over what they say that depends on their order.
fn digest(df: &DataFrame) -> Result<(usize, u64)> {
    let (mut rows, mut sum) = (0, 0u64);
    for batch in df.batches()? {
        let batch = batch?;
        rows += batch.num_rows();
        for row in 0..batch.num_rows() {
            for column in batch.columns() {
                let word = match partita::Scalar::of(column, row).as_f64() {
                    Some(number) => number.to_bits(),
                    None => partita::Token::of(|t| t.debug(&partita::Scalar::of(column, row))).0 as u64,
                };
                sum = sum.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(word);
            }
        }
    }
    Ok((rows, sum))
}

#[test]
fn a_limit_changes_no_answer_and_holds() {
    for (name, work) in WORK {
        let never = Failing::at(i64::MAX);
        let whole = session(&never, 1 << 30);
        let expected = digest(&work(&rows(&whole, 6000)).unwrap()).unwrap();
        assert_eq!(never.writes.load(Ordering::Relaxed), 0, "{name}");
        let disk = Failing::at(i64::MAX);
        let limited = session(&disk, LIMIT);
        assert_eq!(digest(&work(&rows(&limited, 6000)).unwrap()).unwrap(), expected, "{name}");
        assert!(disk.writes.load(Ordering::Relaxed) > 0, "{name} has spilled");
        assert!(limited.budget().peak() <= LIMIT, "{name}");
        assert_eq!((limited.budget().held(), disk.open.load(Ordering::Relaxed)), (0, 0), "{name}");
    }
}

#[test]
fn a_disk_that_fails_at_any_write_is_a_typed_error() {
    for (name, work) in WORK {
        let count = Failing::at(i64::MAX);
        let expected = digest(&work(&rows(&session(&count, SMALL), 600)).unwrap()).unwrap();
        let writes = count.writes.load(Ordering::Relaxed) as i64;
        let mut failed = 0;
        // the first ones, and some of the many that follow
        for n in (0..writes.min(8)).chain((8..writes).step_by(writes as usize / 16 + 1)) {
            let disk = Failing::at(n);
            let session = session(&disk, SMALL);
            match work(&rows(&session, 600)).and_then(|df| digest(&df)) {
                // what could not be moved to disk has stayed, and somebody else made room
                Ok(found) => assert_eq!(found, expected, "{name}, write {n}"),
                Err(error) => {
                    let typed = matches!(error.kind(), ErrorKind::Io { .. } | ErrorKind::Memory { .. });
                    assert!(typed, "{name}, write {n}: {error}");
                    failed += 1;
                }
            }
            // what runs beside a task that fails ends soon after
            let left = || (session.budget().held(), disk.open.load(Ordering::Relaxed));
            let begun = Instant::now();
            while left() != (0, 0) && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(left(), (0, 0), "{name}, write {n}");
        }
        assert!(failed > 0 || name == "persist", "{name}: none of {writes} failed");
    }
}

#[test]
fn a_strict_session_refuses_what_cannot_fit() {
    let session = Session::builder().threads(2).memory_limit("1MB").strict(true).build().unwrap();
    let df = rows(&session, 6000);
    let one = df.repartition(1).unwrap();
    let held = one.map_partitions(Ok, one.schema().clone()).unwrap();
    let error = held.len().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { .. }), "{error}");
    assert!(error.to_string().contains("failed to plan") && error.to_string().contains("map_partitions"), "{error}");
    let plan = held.explain().unwrap();
    assert!(plan.contains("holds one partition a thread, about 8."), "{plan}");
}
