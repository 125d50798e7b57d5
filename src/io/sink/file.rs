//! All rows in one file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::folder::in_the_way;
use super::ground::Ground;
use super::part::FileWriter;
use super::{Format, Output, Placement, Receipt, WriteMode};
use crate::base::disk::{Disk, LocalDisk};
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::io::Batch;
use crate::io::staging::Staging;
use crate::io::staging::prepare::Item;

/// Writes `batches` to one file, which appears whole or not at all.
///
/// # Errors
/// `Invalid` when there is such a file already and it is not to be overwritten, `Unsupported` for appending, those of
/// the batches, `Io`, `Memory`, `Conservation`.
pub fn write_file(
    path: impl Into<PathBuf>,
    format: &dyn Format,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<Batch>>,
    ctx: &TaskContext,
) -> Result<Receipt> {
    write_file_on(Arc::new(LocalDisk), path.into(), format, schema, batches, ctx)
}

/// As [`write_file`], on another disk.
///
/// # Errors
/// As [`write_file`].
pub fn write_file_on(
    disk: Arc<dyn Disk>,
    path: PathBuf,
    format: &dyn Format,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<Batch>>,
    ctx: &TaskContext,
) -> Result<Receipt> {
    let placement = one_file(&path, format)?;
    let check = |target: &Path| match (placement.mode, target.is_dir()) {
        (WriteMode::Overwrite, false) => Ok(()),
        _ if target.symlink_metadata().is_err() => Ok(()),
        _ => Err(in_the_way(target)),
    };
    check(&path)?;
    let staging = Arc::new(Staging::begin(&path, disk)?);
    let name = staging.target().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = staging.clone().create(Path::new(&name), ctx).map_err(|e| e.at_path(path.display()))?;
    let mut file = FileWriter::begin(file, format, schema, path, Output::BUFFER, ctx)?;
    for batch in batches {
        file.push(&batch?.record)?;
    }
    let receipt = file.finish()?;
    staging.place(Item::File(&name), false, &mut || check(staging.target()))?;
    Ok(receipt)
}

/// How a format is placed, if it can be in one file of this name.
pub(super) fn one_file(path: &Path, format: &dyn Format) -> Result<Placement> {
    let placement = format.placement();
    let refused = |what: &str, help: &str| {
        Err(Error::unsupported(what).doing("write").at_path(path.display()).help(help.to_string()))
    };
    if placement.mode == WriteMode::Append {
        return refused("appending to a file", "append to a folder of files instead");
    }
    if !placement.partition_by.is_empty() {
        return refused("partition_by within one file", "write a folder instead");
    }
    let packed = [".gz", ".zst"].into_iter().find(|end| path.to_string_lossy().ends_with(end));
    if let Some(end) = packed.filter(|end| !format!(".{}", format.extension()).ends_with(end)) {
        return refused(&format!("writing {} to a file that ends in {end}", format.extension()), "set the compression");
    }
    Ok(placement)
}
