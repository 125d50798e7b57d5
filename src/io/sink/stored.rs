//! Folders and files in a store.
//!
//! A store has no step that shows many files at once, so this is what holds: nothing is seen before all files have arrived
//! in full and their rows are counted. Then they appear one by one, a moment apart, each whole; if one of them cannot, those
//! before it are removed again. They have names that are not taken, so that nothing is lost then. What is replaced is
//! removed when the others are there, so that no row is ever missing; for a moment rows are there twice. A process that is
//! killed leaves uploads that nobody sees, and that stores remove by their own rules.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;

use super::folder::{DATA, Finished, Folder, in_the_way, number};
use super::ground::Ground;
use super::part::FileWriter;
use super::{Format, Output, Part, Placement, Receipt, Sink, WriteMode};
use crate::base::disk::DiskFile;
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::io::Batch;
use crate::io::hive::Split;
use crate::io::store::address::Address;
use crate::io::store::remote::uploads::Uploads;
use crate::io::store::{FileInfo, Storage};

/// A folder of a store, with a file for each partition, as [`FolderSink`](super::FolderSink) has them on a disk.
#[derive(Debug)]
pub struct StoredSink {
    folder: Arc<Folder>,
    uploads: Arc<Uploads>,
    mode: WriteMode,
    split: Option<Arc<Split>>,
}

impl Ground for Uploads {
    fn create(self: Arc<Self>, below: &Path, ctx: &TaskContext) -> Result<Box<dyn DiskFile>> {
        self.begin(&key(self.address(), below), &ctx.budget)
    }

    fn create_folder(&self, _below: &Path) -> Result<()> {
        Ok(())
    }
}

/// The key of a file below an address.
fn key(address: &Address, below: &Path) -> String {
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    match address.key.trim_end_matches('/') {
        "" => parts.join("/"),
        root => format!("{root}/{}", parts.join("/")),
    }
}

impl StoredSink {
    /// Begins a folder at an address, placed as the format says.
    ///
    /// # Errors
    /// `Invalid` when there is something that is in the way, `Store`, `UnknownColumn` for a column to partition by.
    pub fn open(address: &Address, storage: &Storage, format: Arc<dyn Format>, schema: SchemaRef) -> Result<Self> {
        let Placement { mode, partition_by, .. } = format.placement();
        let split = match &*partition_by {
            [] => None,
            names => Some(Arc::new(Split::new(names, &schema).map_err(|e| e.doing("write"))?)),
        };
        let uploads = Uploads::new(storage.store(address)?, address.clone());
        let schema = split.as_ref().map_or(schema, |split| split.schema().clone());
        let there = uploads.there()?;
        // also what is replaced stays until the others are there
        let first = next_number(&there);
        let target = PathBuf::from(address.to_string().trim_end_matches('/'));
        let ground = uploads.clone();
        let folder = Folder { target, ground, format, schema, first, finished: Mutex::new(Finished::default()) };
        let sink = StoredSink { folder: Arc::new(folder), uploads, mode, split };
        sink.may_write(&there)?;
        Ok(sink)
    }

    /// Whether what is there may be what it is.
    fn may_write(&self, there: &[FileInfo]) -> Result<()> {
        match self.mode {
            _ if there.is_empty() => Ok(()),
            WriteMode::Error => Err(in_the_way(&self.folder.target)),
            WriteMode::Append => {
                let hidden = |file: &FileInfo| name(file).starts_with(['.', '_']);
                let read: Vec<_> = there.iter().filter(|file| !hidden(file)).cloned().collect();
                self.folder.fits(self.split.as_deref(), &read)
            }
            WriteMode::Overwrite => {
                let own = format!(".{}", self.folder.format.extension());
                let is_data = |name: &str| {
                    name.starts_with(['.', '_']) || name.ends_with(&own) || DATA.iter().any(|e| name.ends_with(e))
                };
                match there.iter().find(|file| !is_data(name(file))) {
                    None => Ok(()),
                    Some(file) => {
                        let what = format!("the folder is not replaced: {} in it is no data file", file.path);
                        let error = Error::invalid(what).doing("write").at_path(self.folder.target.display());
                        Err(error.help("name a folder that holds nothing else, or remove it first"))
                    }
                }
            }
        }
    }
}

impl Sink for StoredSink {
    fn describe(&self) -> String {
        self.folder.describe(self.split.as_deref(), self.mode)
    }

    fn part(&self, i: usize, ctx: &TaskContext) -> Result<Box<dyn Part>> {
        Folder::part(&self.folder, self.split.as_ref(), i, ctx)
    }

    fn commit(&self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>> {
        self.folder.check(&receipts)?;
        let there = self.uploads.there()?;
        self.may_write(&there)?;
        if next_number(&there) > self.folder.first {
            let error = Error::invalid("somebody else has added files meanwhile").doing("write");
            return Err(error.at_path(self.folder.target.display()).help("write again"));
        }
        self.uploads.commit(None)?;
        if self.mode == WriteMode::Overwrite {
            let place = self.uploads.address().with_key("").to_string();
            let keys = there.iter().filter_map(|file| Some(file.path.strip_prefix(&place)?.to_string())).collect();
            self.uploads.remove(keys)?;
        }
        Ok(receipts)
    }

    fn abort(&self) {
        self.uploads.abort();
    }
}

fn name(file: &FileInfo) -> &str {
    file.path.rsplit('/').next().unwrap_or_default()
}

/// A number that is larger than that of any of these files.
fn next_number(there: &[FileInfo]) -> u64 {
    let numbers = there.iter().filter_map(|file| number(name(file)));
    numbers.map(|(number, _)| number + 1).max().unwrap_or(0)
}

/// Writes `batches` to one file of a store, which appears whole or not at all.
///
/// # Errors
/// `Invalid` when there is such a file already and it is not to be overwritten, those of the batches, `Store`, `Memory`,
/// `Conservation`.
pub fn write_stored(
    address: &Address,
    storage: &Storage,
    format: &dyn Format,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<Batch>>,
    ctx: &TaskContext,
) -> Result<Receipt> {
    let path = PathBuf::from(address.to_string());
    super::file::one_file(&path, format)?;
    let uploads = Uploads::new(storage.store(address)?, address.clone());
    let before = || match uploads.before()? {
        Some(_) if format.placement().mode == WriteMode::Error => Err(in_the_way(&path)),
        before => Ok(before),
    };
    before()?;
    let file = uploads.begin(&address.key, &ctx.budget)?;
    let mut file = FileWriter::begin(file, format, schema, path.clone(), Output::BUFFER, ctx)?;
    for batch in batches {
        file.push(&batch?.record)?;
    }
    let receipt = file.finish()?;
    uploads.commit(before()?)?;
    Ok(receipt)
}
