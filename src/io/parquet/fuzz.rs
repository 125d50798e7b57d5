//! What must hold for any bytes at all: called by the fuzzer with bytes that it makes up, and by the tests of every build
//! with files that are damaged here. It panics where it does not hold.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a finding is a panic")]

use std::path::Path;

use super::{ParquetReadOptions, ParquetSource};
use crate::base::{ErrorKind, Result};
use crate::exec::{Budget, TaskContext};
use crate::expr::{Expr, col};
use crate::io::{Scan, Source};

/// A file of these bytes gives rows, whole and with conditions, and says how many; or a typed error that names the file.
pub fn read(data: &[u8]) -> Option<usize> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    std::fs::write(&path, data).unwrap();
    match rows(&path) {
        Ok(rows) => Some(rows),
        Err(error) => {
            use ErrorKind::{Corrupt, Io, Memory, Schema, TypeMismatch, UnknownColumn, Unsupported, Value};
            let kind = error.kind();
            let file = matches!(kind, Corrupt { .. } | Io { .. } | Memory { .. } | Schema { .. } | Unsupported { .. });
            let typed = file || matches!(kind, TypeMismatch { .. } | UnknownColumn { .. } | Value { .. });
            assert!(typed && error.location().path.is_some(), "{error:?}");
            None
        }
    }
}

fn rows(path: &Path) -> Result<usize> {
    let source = ParquetSource::open(&[path.to_str().unwrap()], ParquetReadOptions::new().partition_rows(60))?;
    let ctx = TaskContext { budget: Budget::new(256 << 20), batch_rows: 50, ..TaskContext::default() };
    let mut all = 0;
    for prune in [None, Some((col("row").gt(20) & col("float").lt(30.0)) | col("words").eq("text 7")), first(&source)] {
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
fn first(source: &ParquetSource) -> Option<Expr> {
    let schema = source.schema();
    let name = schema.fields().first()?.name().clone();
    Some(col(&name).eq(1) | col(&name).is_null())
}
