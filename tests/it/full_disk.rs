//! A disk that takes no more: an error that names the file, nothing left of what was begun, and all that was there before.
//!
//! The operating system is told to let no file grow beyond a few KiB, which is only possible for a process as a whole: so
//! the test calls itself in one of its own.

use std::path::Path;
use std::process::Command;

use partita::{
    CsvWriteOptions, DataFrame, ErrorKind, IpcWriteOptions, JsonWriteOptions, ParquetWriteOptions, Result, WriteMode,
    col, read_csv_with, read_table,
};

const CHILD: &str = "PARTITA_TEST_FULL_DISK";
const ROWS: u64 = 20_000;

/// Rows that are many times what a file may hold, in several partitions.
fn trips(folder: &Path) -> DataFrame {
    let options = partita::CsvOptions::new().block_size(100_000u64);
    read_csv_with(folder.join("trips.csv"), options).unwrap().with_column("kind", col("id") % 3).unwrap()
}

fn text() -> String {
    let name = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..ROWS).fold(String::from("id,name\n"), |text, i| text + &format!("{i},{:x}\n", name(i)))
}

fn full(written: Result<()>, folder: &Path, before: &[String]) {
    let error = written.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(error.to_string().contains(&folder.display().to_string()), "{error}");
    assert_eq!(names(folder), before, "{error}");
}

/// All files below a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(self::names(&path));
        }
        names.push(path.display().to_string());
    }
    names.sort();
    names
}

/// What the process does in which files cannot grow.
fn child(folder: &Path) {
    let trips = trips(folder);
    let before = names(folder);
    let at = |name: &str| folder.join(name);
    let (csv, json) = (CsvWriteOptions::new(), JsonWriteOptions::new());
    let (ipc, parquet) = (IpcWriteOptions::new(), ParquetWriteOptions::new());
    full(trips.to_csv(at("a")).map(drop), folder, &before);
    full(trips.to_parquet(at("a")).map(drop), folder, &before);
    full(trips.to_parquet_with(at("a"), parquet.clone().partition_by(["kind"])).map(drop), folder, &before);
    full(trips.write_file(at("a.csv"), &csv).map(drop), folder, &before);
    full(trips.write_file(at("a.parquet"), &parquet).map(drop), folder, &before);
    full(trips.write_file(at("a.arrow"), &ipc).map(drop), folder, &before);
    full(trips.write_file(at("a.jsonl"), &json).map(drop), folder, &before);
    full(trips.write_table(at("a.csv.gz")).map(drop), folder, &before);
    // what was there stays, and is what it was
    full(trips.write_file(at("old.parquet"), &parquet.clone().mode(WriteMode::Overwrite)).map(drop), folder, &before);
    full(trips.to_parquet_with(at("old"), parquet.clone().mode(WriteMode::Overwrite)).map(drop), folder, &before);
    full(trips.to_parquet_with(at("old"), parquet.mode(WriteMode::Append)).map(drop), folder, &before);
    for old in ["old.parquet", "old"] {
        assert_eq!(read_table(at(old)).unwrap().len().unwrap(), 7);
    }
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    if let Ok(folder) = std::env::var(CHILD) {
        return child(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trips.csv"), text()).unwrap();
    let few = trips(folder.path()).head(7).unwrap();
    few.write_file(folder.path().join("old.parquet"), &ParquetWriteOptions::new()).unwrap();
    few.to_parquet(folder.path().join("old")).unwrap();
    let script =
        "trap '' XFSZ; ulimit -f 32; exec \"$0\" --exact full_disk::a_full_disk_is_an_error_and_leaves_nothing";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(std::env::current_exe().unwrap()).env(CHILD, folder.path());
    let output = shell.output().unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
