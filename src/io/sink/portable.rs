//! Folders that are filled by several processes: each writes files of its own into what is not to be seen yet, and
//! whoever began the folder takes up those that count.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::folder::{Folder, number};
use super::ground::Ground;
use super::{Format, Part, Receipt, Sink};
use crate::base::disk::{Disk, DiskFile, LocalDisk, Rename};
use crate::base::{Error, Result, Token};
use crate::exec::TaskContext;
use crate::expr::Portable;
use crate::expr::portable::recorded;
use crate::io::csv::CsvWriteOptions;
use crate::io::hive::Split;
use crate::io::{IpcWriteOptions, JsonWriteOptions, ParquetWriteOptions};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

/// A folder in the making, as plain data: whoever sees it at the same path writes files into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortableSink {
    format: Portable,
    /// Where the folder will be, and where it is until then.
    target: PathBuf,
    staging: PathBuf,
    /// All columns, also those that are the names of folders.
    schema: String,
    partition_by: Vec<String>,
}

impl PortableSink {
    /// The description of a folder; `None` for a format of a user's own.
    pub(super) fn of(
        format: &dyn Format,
        (target, staging): (&Path, &Path),
        schema: &SchemaRef,
        partition_by: Vec<String>,
    ) -> Option<PortableSink> {
        let schema = recorded::text(&RecordBatch::new_empty(schema.clone())).ok()?;
        let (target, staging) = (target.to_path_buf(), std::path::absolute(staging).ok()?);
        Some(PortableSink { format: format.portable()?, target, staging, schema, partition_by })
    }

    /// The folder, for writing files into it.
    ///
    /// # Errors
    /// `Unsupported` for a format that this version does not have.
    pub fn open(&self) -> Result<Arc<dyn Sink>> {
        let schema = recorded::read(&self.schema).ok_or_else(|| Error::invalid("these are no columns"))?.schema();
        let split = match &*self.partition_by {
            [] => None,
            names => Some(Arc::new(Split::new(names, &schema)?)),
        };
        let schema = split.as_ref().map_or(schema, |split| split.schema().clone());
        let ground = Arc::new(Site { folder: self.staging.clone(), target: self.target.clone() });
        let format = format(&self.format)?;
        let folder =
            Folder { target: self.target.clone(), ground, format, schema, first: 0, finished: Mutex::default() };
        Ok(Arc::new(Guest { folder: Arc::new(folder), split }))
    }
}

/// The format that this stands for.
fn format(given: &Portable) -> Result<Arc<dyn Format>> {
    Ok(match given.name.as_str() {
        "csv" => Arc::new(given.settings::<CsvWriteOptions>()?),
        "ipc" => Arc::new(given.settings::<IpcWriteOptions>()?),
        "json" => Arc::new(given.settings::<JsonWriteOptions>()?),
        "parquet" => Arc::new(given.settings::<ParquetWriteOptions>()?),
        other => return Err(Error::unsupported(format!("files of `{other}` in this version"))),
    })
}

/// The place that another process has prepared.
#[derive(Debug)]
struct Site {
    folder: PathBuf,
    target: PathBuf,
}

impl Ground for Site {
    fn create(self: Arc<Self>, below: &Path, _ctx: &TaskContext) -> Result<Box<dyn DiskFile>> {
        let created = LocalDisk.create(&self.folder.join(below));
        created.map_err(|e| Error::io(self.target.join(below).display(), e).doing("write"))
    }

    fn create_folder(&self, below: &Path) -> Result<()> {
        let made = LocalDisk.create_folder(&self.folder.join(below));
        made.map_err(|e| Error::io(self.target.join(below).display(), e).doing("write"))
    }
}

/// Writes into a folder that another process has begun and will finish.
#[derive(Debug)]
struct Guest {
    folder: Arc<Folder>,
    split: Option<Arc<Split>>,
}

impl Sink for Guest {
    fn describe(&self) -> String {
        format!("{} files in {}", self.folder.format.extension(), self.folder.target.display())
    }

    fn part(&self, _i: usize, ctx: &TaskContext) -> Result<Box<dyn Part>> {
        // a task may be done twice, so no two attempts have a name in common; whoever finishes the folder gives others
        let any = (Token::fresh().0 as usize) & (usize::MAX >> 1);
        Folder::part(&self.folder, self.split.as_ref(), any, ctx)
    }

    fn commit(&self, _receipts: Vec<Receipt>) -> Result<Vec<Receipt>> {
        Err(Error::unsupported("finishing a folder that another process has begun"))
    }

    fn abort(&self) {}
}

impl Folder {
    /// Takes up files that other processes have written into the folder: gives them their numbers, in the order of the
    /// receipts, and removes those of attempts that do not count. `staged` says where a file is until it appears.
    pub(super) fn adopt(
        &self,
        receipts: Vec<Receipt>,
        staging: &Path,
        staged: &dyn Fn(&Path) -> PathBuf,
    ) -> Result<Vec<Receipt>> {
        let mut numbers: HashMap<u64, u64> = HashMap::new();
        let (mut adopted, mut known) = (Vec::with_capacity(receipts.len()), HashSet::new());
        for receipt in receipts {
            let name = receipt.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let unknown = || Error::invalid("this is no file of the folder").at_path(receipt.path.display());
            let (given, digits) = number(&name).ok_or_else(unknown)?;
            let next = self.first + numbers.len() as u64;
            let own = *numbers.entry(given).or_insert(next);
            let path = receipt.path.with_file_name(format!("part-{own:05}{}", &name["part-".len() + digits..]));
            let (from, to) = (staged(&receipt.path), staged(&path));
            let moved = LocalDisk.rename(&from, &to, Rename::Over);
            moved.map_err(|e| Error::io(receipt.path.display(), e).doing("write"))?;
            self.note(1, receipt.rows);
            known.insert(to);
            adopted.push(Receipt { path, ..receipt });
        }
        remove_others(staging, &known).map_err(|e| Error::io(staging.display(), e).doing("write"))?;
        Ok(adopted)
    }
}

/// Removes the files below a folder that are not among these.
fn remove_others(folder: &Path, known: &HashSet<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, known)?;
        } else if !known.contains(&path) && number(&path.file_name().unwrap_or_default().to_string_lossy()).is_some() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
