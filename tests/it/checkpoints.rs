//! Partitions that are made durable: what the next run finds, and what a killed one has left.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use partita::{DataFrame, Sample, Session, col, read_parquet};

/// Twelve files of 100 rows.
fn files(root: &Path) -> std::path::PathBuf {
    let part = |p: i64| {
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(p * 100..p * 100 + 100));
        let zone: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(|i| format!("z{}", i * 7 % 13))));
        RecordBatch::try_from_iter([("id", id), ("zone", zone)]).unwrap()
    };
    let folder = root.join("in");
    DataFrame::from_batches((0..12).map(part)).unwrap().to_parquet(&folder).unwrap();
    folder
}

fn rows(df: &DataFrame) -> RecordBatch {
    let table = df.compute().unwrap();
    arrow::compute::concat_batches(df.schema(), table.batches().iter()).unwrap()
}

#[test]
fn what_is_there_is_not_computed_again() {
    let root = tempfile::tempdir().unwrap();
    let (input, kept) = (files(root.path()), root.path().join("kept"));
    let calls = Arc::new(AtomicUsize::new(0));
    let slow = |version: &str| {
        let (df, calls) = (read_parquet(&*input).unwrap(), calls.clone());
        let counted = move |batch: RecordBatch| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(batch)
        };
        df.map_partitions(counted, df.schema().clone()).unwrap().named("slow", version).unwrap()
    };
    let took = |df: &DataFrame| {
        let before = calls.load(Ordering::Relaxed);
        let kept = df.checkpoint(&kept).unwrap();
        let took = calls.load(Ordering::Relaxed) - before;
        (took, rows(&kept), kept)
    };
    let expected = rows(&read_parquet(&*input).unwrap());
    let (first, all, frame) = took(&slow("1"));
    assert_eq!((first, &all), (12, &expected));
    assert_eq!(frame.len().unwrap(), 1200);
    assert!(frame.explain().unwrap().contains("checkpoint"));
    assert_eq!(took(&slow("1")).0, 0);
    // parts that are gone, and only those
    let folder = fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path();
    for part in ["part-00003.arrow", "part-00011.arrow"] {
        fs::remove_file(folder.join(part)).unwrap();
    }
    let (again, all, _) = took(&slow("1"));
    assert_eq!((again, &all), (2, &expected));
    assert_eq!(took(&slow("2")).0, 12, "another version is other work");
    // rows keep their places: a sample draws the same
    let sample = |df: &DataFrame| rows(&df.sample(Sample::fraction(0.3).seed(7)).unwrap());
    assert_eq!(sample(&frame), sample(&slow("1")));
    // one after the other
    let later = |df: DataFrame| df.with_column("two", col("id") * 2).unwrap();
    let (_, all, _) = took(&later(slow("1").checkpoint(&kept).unwrap()));
    assert_eq!(all, rows(&later(read_parquet(&*input).unwrap())));
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 3);
}

#[test]
fn what_depends_on_results_is_kept_too() {
    let root = tempfile::tempdir().unwrap();
    let (input, kept) = (files(root.path()), root.path().join("kept"));
    let df = read_parquet(&*input).unwrap();
    let odd = df.filter((col("id") % 2).eq(1)).unwrap();
    let frames = [
        odd.repartition(17).unwrap(),
        odd.head(250).unwrap(),
        odd.describe().unwrap(),
        odd.sort_by(["zone", "id"]).unwrap(),
    ];
    for frame in frames {
        let expected = rows(&frame);
        for _ in 0..2 {
            assert_eq!(rows(&frame.checkpoint(&kept).unwrap()), expected);
        }
        let before = fs::read_dir(&kept).unwrap().count();
        let newest = fs::read_dir(&kept)
            .unwrap()
            .map(|e| e.unwrap().path())
            .max_by_key(|p| fs::metadata(p.join("manifest.json")).unwrap().modified().unwrap());
        fs::remove_file(newest.unwrap().join("part-00000.arrow")).unwrap();
        assert_eq!(rows(&frame.checkpoint(&kept).unwrap()), expected);
        assert_eq!(fs::read_dir(&kept).unwrap().count(), before);
    }
}

#[test]
fn what_could_not_be_found_again_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let df = read_parquet(&*files(root.path())).unwrap();
    let closure = df.map_partitions(Ok, df.schema().clone()).unwrap();
    for frame in [closure.select(["id"]).unwrap(), df.sample(0.5).unwrap()] {
        let error = frame.checkpoint(root.path().join("kept")).unwrap_err().to_string();
        assert!(error.contains("closure") && error.contains("seed") && error.contains("named"), "{error}");
    }
    assert!(df.named("x", "1").is_err());
}

/// Where a child process works.
const PLACE: &str = "PARTITA_TEST_CHECKPOINTS";

fn work(root: &Path, pause: Duration) -> DataFrame {
    let session = Session::builder().threads(2).build().unwrap();
    let df = session.read_parquet(&*root.join("in")).unwrap();
    let log = root.join("log");
    let noted = move |batch: RecordBatch| {
        std::thread::sleep(pause);
        let id = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0)).value(0);
        fs::write(log.join(format!("{id}-{}", std::process::id())), "").unwrap();
        Ok(batch)
    };
    df.map_partitions(noted, df.schema().clone()).unwrap().named("noted", "1").unwrap()
}

/// Not a test by itself: what the process does that is killed.
#[test]
fn child() {
    let Ok(root) = std::env::var(PLACE) else { return };
    let root = Path::new(&root);
    work(root, Duration::from_millis(20)).checkpoint(root.join("kept")).unwrap();
}

#[test]
fn a_killed_run_is_gone_on_with() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    files(root);
    fs::create_dir(root.join("log")).unwrap();
    let finished = || {
        let folder = fs::read_dir(root.join("kept")).ok().and_then(|mut f| f.next());
        let parts = folder.and_then(|f| fs::read_dir(f.unwrap().path()).ok()).into_iter().flatten();
        parts.filter(|p| p.as_ref().unwrap().file_name().to_string_lossy().starts_with("part-")).count()
    };
    let mut killed = 0;
    while finished() < 9 {
        let before = finished();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "checkpoints::child", "--test-threads=1"])
            .env(PLACE, root)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let began = Instant::now();
        while finished() < before + 3 && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    let (there, computed) = (finished(), fs::read_dir(root.join("log")).unwrap().count());
    let kept = work(root, Duration::ZERO).checkpoint(root.join("kept")).unwrap();
    assert_eq!(fs::read_dir(root.join("log")).unwrap().count() - computed, 12 - there, "only the rest is computed");
    assert!(computed <= there + 2 * killed, "{computed} for {there}: at most what was under way is lost");
    assert_eq!(rows(&kept), rows(&read_parquet(&*root.join("in")).unwrap()));
    let folder = fs::read_dir(root.join("kept")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 13, "twelve parts and the manifest");
}
