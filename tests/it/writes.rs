//! Frames to files: modes, folders by value, row groups under a limit, and processes that are killed while they write.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use partita::{
    Compression, CsvWriteOptions, DataFrame, ParquetWriteOptions, Scheduler, Session, WriteMode, col, read_csv,
    read_parquet,
};

/// Four partitions of `generation`, and a zone.
fn frame(generation: i64) -> DataFrame {
    let part = |p: i64| {
        let zone: ArrayRef = Arc::new(StringArray::from_iter_values((0..50).map(|i| format!("zone {}", i % 3))));
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(p * 50..p * 50 + 50));
        let g: ArrayRef = Arc::new(Int64Array::from(vec![generation; 50]));
        RecordBatch::try_from_iter([("zone", zone), ("id", id), ("g", g)]).unwrap()
    };
    let session = Session::builder().threads(2).build().unwrap();
    session.from_batches((0..4).map(part)).unwrap()
}

/// How many rows of each generation there are, and the sum of their ids.
fn generations(df: &DataFrame) -> BTreeMap<i64, (u64, i64)> {
    let mut found = BTreeMap::new();
    for batch in df.select(["g", "id"]).unwrap().compute().unwrap().batches() {
        let (g, id) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        for (g, id) in g.values().iter().zip(id.values()) {
            let (rows, sum) = found.entry(*g).or_insert((0, 0));
            *rows += 1;
            *sum += id;
        }
    }
    found
}

const WHOLE: (u64, i64) = (200, 199 * 100);

#[test]
fn modes_replace_and_add() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("out");
    let options = |mode| ParquetWriteOptions::new().mode(mode);
    frame(0).to_parquet(&target).unwrap();
    let error = frame(1).to_parquet(&target).unwrap_err().to_string();
    assert!(error.contains("already") && error.contains("WriteMode"), "{error}");
    frame(1).to_parquet_with(&target, options(WriteMode::Append)).unwrap();
    let both = read_parquet(&*target).unwrap();
    assert_eq!(generations(&both), BTreeMap::from([(0, WHOLE), (1, WHOLE)]));
    assert_eq!(both.partition_ids(), "0011", "what was added comes behind");
    // what is read is overwritten
    let kept = both.filter(col("g").eq(1)).unwrap();
    kept.to_parquet_with(&target, options(WriteMode::Overwrite)).unwrap();
    assert_eq!(generations(&read_parquet(&*target).unwrap()), BTreeMap::from([(1, WHOLE)]));

    let file = root.path().join("one.csv.gz");
    let csv = CsvWriteOptions::new().compression(Compression::Gzip);
    frame(0).write_file(&file, &csv).unwrap();
    assert!(frame(1).write_file(&file, &csv).is_err());
    frame(1).write_file(&file, &csv.clone().mode(WriteMode::Overwrite)).unwrap();
    assert_eq!(generations(&read_csv(&*file).unwrap()), BTreeMap::from([(1, WHOLE)]));
    let zst = root.path().join("zst");
    frame(2).to_csv_with(&zst, csv.compression(Compression::Zstd(3))).unwrap();
    assert!(zst.join("part-00003.csv.zst").exists());
    assert_eq!(generations(&read_csv(&*zst).unwrap()), BTreeMap::from([(2, WHOLE)]));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
}

#[test]
fn what_is_appended_has_the_columns_that_are_there() {
    let root = tempfile::tempdir().unwrap();
    let (parquet, csv, hive) = (root.path().join("parquet"), root.path().join("csv"), root.path().join("hive"));
    let as_parquet = || ParquetWriteOptions::new().mode(WriteMode::Append);
    let as_csv = || CsvWriteOptions::new().mode(WriteMode::Append);
    frame(0).to_parquet(&parquet).unwrap();
    frame(0).to_csv(&csv).unwrap();
    frame(0).to_parquet_with(&hive, as_parquet().partition_by(["zone"])).unwrap();
    let refused = |df: DataFrame, expected: &str| {
        let said = df.to_parquet_with(&parquet, as_parquet()).unwrap_err();
        assert!(matches!(said.kind(), partita::ErrorKind::Schema { .. }));
        let said = said.to_string();
        assert!(said.contains(expected) && said.contains("part-0000"), "{said}");
        said
    };
    refused(
        frame(1).drop(["id"]).unwrap(),
        "column `id`: the files that are there have this column, the frame does not",
    );
    refused(
        frame(1).with_column("more", col("id") * 2).unwrap(),
        "column `more`: the files that are there have no such",
    );
    let wider = frame(1).astype([("g", DataType::Float64)]).unwrap();
    let said = refused(wider.clone(), "column `g`: the column is Int64 there, and Float64 here");
    assert!(said.contains("astype()"), "{said}");
    let said = frame(1).rename([("g", "h")]).unwrap().to_csv_with(&csv, as_csv()).unwrap_err().to_string();
    assert!(said.contains("column `h`") && said.contains("no such column"), "{said}");
    let by = |names: &[&str]| as_parquet().partition_by(names.iter().copied());
    let said = frame(1).to_parquet_with(&hive, by(&["g"])).unwrap_err().to_string();
    assert!(said.contains("column `zone`: the folders there are named by `zone`, and here named by `g`"), "{said}");
    let said = frame(1).to_parquet_with(&hive, by(&[])).unwrap_err().to_string();
    assert!(said.contains("and here not named by it") && said.contains("partition_by"), "{said}");
    let zones = frame(1).with_column("zone", col("id") % 3).unwrap();
    let said = zones.to_parquet_with(&hive, by(&["zone"])).unwrap_err().to_string();
    assert!(said.contains("column `zone`: the column is Utf8 there, and Int64 here"), "{said}");
    // nothing has changed
    for folder in [&parquet, &hive] {
        assert_eq!(generations(&read_parquet(&**folder).unwrap()), BTreeMap::from([(0, WHOLE)]));
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
    // their order does not matter, of CSV only names do, and what is null everywhere goes with everything
    let turned = frame(1).select(["g", "id", "zone"]).unwrap();
    turned.to_parquet_with(&parquet, as_parquet()).unwrap();
    wider.to_csv_with(&csv, as_csv()).unwrap();
    frame(1).to_parquet_with(&hive, by(&["zone"])).unwrap();
    for folder in [&parquet, &hive] {
        assert_eq!(generations(&read_parquet(&**folder).unwrap()), BTreeMap::from([(0, WHOLE), (1, WHOLE)]));
    }
    let nulls: ArrayRef = Arc::new(arrow::array::NullArray::new(2));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let columns = [("zone", nulls, true), ("id", ids.clone(), true), ("g", ids, true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    DataFrame::from_batches([batch]).unwrap().to_parquet_with(&parquet, as_parquet()).unwrap();
    assert_eq!(read_parquet(&*parquet).unwrap().len().unwrap(), 402);
}

trait PartitionIds {
    /// The generation that each of four pieces of the rows begins with.
    fn partition_ids(&self) -> String;
}

impl PartitionIds for DataFrame {
    fn partition_ids(&self) -> String {
        let g: Vec<i64> = self
            .compute()
            .unwrap()
            .batches()
            .iter()
            .flat_map(|b| b.column_by_name("g").unwrap().as_primitive::<Int64Type>().values().to_vec())
            .collect();
        g.chunks(g.len() / 4).map(|c| c[0].to_string()).collect()
    }
}

#[test]
fn folders_by_value_are_pruned_and_explained() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("out");
    let receipts = frame(7).to_parquet_with(&target, ParquetWriteOptions::new().partition_by(["zone"])).unwrap();
    assert_eq!((receipts.len(), receipts.iter().map(|r| r.rows).sum::<u64>()), (12, 200));
    let all = read_parquet(&*target).unwrap();
    assert_eq!(all.columns(), ["id", "g", "zone"]);
    let one = all.filter(col("zone").eq("zone 1")).unwrap();
    let plan = one.explain().unwrap();
    assert!(plan.contains("zone by folder") && plan.contains("reads 4 of 12 files"), "{plan}");
    assert_eq!(one.len().unwrap(), 68);
    // what is ruled out is not opened
    for receipt in receipts.iter().filter(|r| !r.path.to_string_lossy().contains("zone%201")) {
        fs::remove_file(&receipt.path).unwrap();
    }
    assert_eq!(one.select(["zone", "id"]).unwrap().compute().unwrap().num_rows(), 68);
    assert!(all.compute().is_err());
}

#[test]
fn row_groups_end_early_under_a_limit() {
    let root = tempfile::tempdir().unwrap();
    let x: Vec<ArrayRef> = (1..9u64)
        .map(|seed| {
            let value = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed << 32) >> 11) as f64;
            Arc::new(Float64Array::from_iter_values((0..100_000).map(value))) as ArrayRef
        })
        .collect();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let batch = RecordBatch::try_from_iter(names.into_iter().zip(x)).unwrap();
    let groups = |limit: &str| {
        let session = Session::builder().scheduler(Scheduler::Synchronous).memory_limit(limit).build().unwrap();
        let target = root.path().join(limit);
        session.from_batches([batch.clone()]).unwrap().to_parquet(&target).unwrap();
        crate::memory::given_back(&session);
        let file = fs::File::open(target.join("part-00000.parquet")).unwrap();
        let file = parquet::file::reader::SerializedFileReader::new(file).unwrap();
        let groups = parquet::file::reader::FileReader::metadata(&file).num_row_groups();
        (groups, session.budget().peak(), read_parquet(&*target).unwrap().max().unwrap().compute().unwrap())
    };
    let (one, _, all) = groups("1GB");
    let (many, peak, same) = groups("2MB");
    assert_eq!(one, 1);
    assert!((5..60).contains(&many), "{many}");
    assert!(peak > 100_000 && peak <= 2_000_000, "{peak}");
    assert_eq!(all.batches(), same.batches());
}

/// Where a child process writes, and how.
const PLACE: &str = "PARTITA_TEST_WRITES";

/// Not a test by itself: what the process does that is killed.
#[test]
fn child() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let [round, how, target] = place.splitn(3, ':').collect::<Vec<_>>()[..] else { unreachable!() };
    let first = 1000 * round.parse::<i64>().unwrap();
    for g in first + 1..first + 400 {
        write(how, Path::new(target), g);
    }
}

fn write(how: &str, target: &Path, g: i64) {
    let parquet = ParquetWriteOptions::new().row_group_rows(20);
    match how {
        "overwrite" => drop(frame(g).to_parquet_with(target, parquet.mode(WriteMode::Overwrite)).unwrap()),
        "append" => drop(frame(g).to_parquet_with(target, parquet.mode(WriteMode::Append)).unwrap()),
        "by value" => {
            let options = parquet.partition_by(["zone"]).mode(WriteMode::Overwrite);
            frame(g).to_parquet_with(target, options).unwrap();
        }
        _ => drop(frame(g).write_file(target, &CsvWriteOptions::new().mode(WriteMode::Overwrite)).unwrap()),
    }
}

#[test]
fn a_process_that_is_killed_leaves_the_old_or_the_new() {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    for (how, name) in [("overwrite", "a"), ("append", "b"), ("by value", "c"), ("file", "d.csv")] {
        let target = root.path().join(name);
        write(how, &target, 0);
        for round in 0..5 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "writes::child", "--test-threads=1"])
                .env(PLACE, format!("{round}:{how}:{}", target.display()))
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let before = listed(root.path());
            let began = Instant::now();
            while listed(root.path()) == before && began.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(37_000 * round * round % 41_000));
            child.kill().unwrap();
            child.wait().unwrap();
            let df = if how == "file" { read_csv(&*target) } else { read_parquet(&*target) }.unwrap();
            let found = generations(&df);
            assert!(found.values().all(|g| *g == WHOLE), "{how}: {found:?}");
            assert!(how == "append" || found.len() == 1, "{how}: {found:?}");
            let left: Vec<_> = listed(root.path()).into_iter().filter(|n| n.starts_with('.')).collect();
            assert!(left.is_empty(), "{how}: {left:?}");
        }
    }
}

/// The names in a folder.
fn listed(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
