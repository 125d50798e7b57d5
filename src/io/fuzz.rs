//! What must hold for any bytes that somebody calls a file: called by the fuzzer with bytes that it makes up, and by the
//! tests of every build with files that are damaged here. It panics where it does not hold.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a finding is a panic")]

use std::sync::Arc;

use super::csv::{CsvOptions, CsvSource};
use super::files::FileSource;
use super::{IpcOptions, JsonOptions, ParquetReadOptions, ParquetSource, Scan, Source};
use crate::base::{ErrorKind, Result};
use crate::exec::{Budget, TaskContext};
use crate::expr::{Expr, col};

/// The bytes as a Parquet file: its rows over all scans.
pub fn parquet(data: &[u8]) -> Option<usize> {
    rows_of("a.parquet", data, |path| {
        Ok(Arc::new(ParquetSource::open(&[path], ParquetReadOptions::new().partition_rows(60))?))
    })
}

/// As an Arrow IPC file or stream.
pub fn ipc(data: &[u8]) -> Option<usize> {
    rows_of("a.arrow", data, |path| FileSource::open(&[path], IpcOptions::new()))
}

/// As JSON lines.
pub fn json(data: &[u8]) -> Option<usize> {
    rows_of("a.jsonl", data, |path| FileSource::open(&[path], JsonOptions::new()))
}

/// As a CSV file in small partitions.
pub fn csv(data: &[u8]) -> Option<usize> {
    rows_of("a.csv", data, |path| Ok(Arc::new(CsvSource::open(&[path], CsvOptions::new().block_size(64u64))?)))
}

/// A file of these bytes gives rows, whole and with conditions, and says how many; or a typed error that names the file.
fn rows_of(name: &str, data: &[u8], open: impl Fn(String) -> Result<Arc<dyn Source>>) -> Option<usize> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, data).unwrap();
    match open(path.display().to_string()).and_then(|source| scans(&*source)) {
        Ok(rows) => Some(rows),
        Err(error) => {
            use ErrorKind::{
                Corrupt, Io, Memory, Parse, Ragged, Schema, TypeMismatch, UnknownColumn, Unsupported, Value,
            };
            let kind = error.kind();
            let file = matches!(kind, Corrupt { .. } | Io { .. } | Memory { .. } | Schema { .. } | Unsupported { .. });
            let text = matches!(kind, Parse { .. } | Ragged { .. });
            let value = matches!(kind, TypeMismatch { .. } | UnknownColumn { .. } | Value { .. });
            assert!((file || text || value) && error.location().path.is_some(), "{error:?}");
            None
        }
    }
}

fn scans(source: &dyn Source) -> Result<usize> {
    let ctx = TaskContext { budget: Budget::new(256 << 20), batch_rows: 50, ..TaskContext::default() };
    let mut all = 0;
    for prune in [None, Some((col("row").gt(20) & col("float").lt(30.0)) | col("words").eq("text 7")), first(source)] {
        let scan = Scan { prune, ..Scan::default() };
        for i in 0..source.partitions().len() {
            for batch in source.read(i, &scan, &ctx)? {
                all += batch?.rows();
            }
        }
    }
    Ok(all)
}

/// A condition on the first column, whatever it is.
fn first(source: &dyn Source) -> Option<Expr> {
    let schema = source.schema();
    let name = schema.fields().first()?.name().clone();
    Some(col(&name).eq(1) | col(&name).is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes a file in one place after the other.
    fn damaged(good: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        (0..good.len()).step_by(3).map(|at| {
            let mut bytes = good.to_vec();
            match at % 4 {
                0 => bytes[at] ^= 0x40,
                1 => bytes[at] = b"{}[]\",:\n-\\e\xff"[at % 12],
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
            bytes
        })
    }

    #[test]
    fn texts_of_any_bytes_give_rows_or_typed_errors() {
        let line = |i: i32| {
            format!("{{\"a\": {i}, \"b\": [1, 2.5], \"f\": {{\"c\": \"\\u00e9{i}\"}}, \"d\": null, \"e\": true}}\n")
        };
        let lines: String = (0..8).map(line).collect();
        assert_eq!(json(lines.as_bytes()), Some(24));
        let read = damaged(lines.as_bytes()).filter_map(|bytes| json(&bytes)).count();
        assert!(read > 9, "{read}");
        let records: String = (0..20).map(|i| format!("{i},\"x\n{i}\",2023-01-02 03:04:05,{i}.5\n")).collect();
        let table = format!("a,b,c,d\n{records}");
        assert_eq!(csv(table.as_bytes()), Some(60));
        let read = damaged(table.as_bytes()).filter_map(|bytes| csv(&bytes)).count();
        assert!(read > 9, "{read}");
    }
}
