//! A folder of files.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::append;
use super::ground::Ground;
use super::part::{FileWriter, conserved};
use super::{Format, Output, Part, Placement, PortableSink, Receipt, WriteMode};
use crate::base::disk::{Disk, LocalDisk, Rename};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::TaskContext;
use crate::io::hive::{self, Split};
use crate::io::staging::Staging;
use crate::io::staging::prepare::{Item, carry, is_occupied};
use crate::io::{Batch, FileInfo};

/// A place that partitions are written to, in any order and at the same time, and that shows them only when all are
/// there: [`write`](Sink::write) each partition, then [`commit`](Sink::commit) the receipts. What is not committed
/// leaves nothing behind.
pub trait Sink: Debug + Send + Sync {
    /// One line for people: the format and where it goes.
    fn describe(&self) -> String;

    /// Begins partition `i`.
    ///
    /// # Errors
    /// `Io`, `Memory`.
    fn part(&self, i: usize, ctx: &TaskContext) -> Result<Box<dyn Part>>;

    /// Makes everything appear. Gives the receipts with the names that the files have now.
    ///
    /// # Errors
    /// `Io`, and `Conservation` when receipts are missing or say of other rows than were written; then nothing has
    /// appeared.
    fn commit(&self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>>;

    /// Removes whatever was written. Does nothing after a commit.
    fn abort(&self);

    /// The place as plain data, by which other processes write into it; `None` if only this one can.
    fn portable(&self) -> Option<PortableSink> {
        None
    }

    /// Takes up what other processes have written: gives the receipts to [`commit`](Sink::commit).
    ///
    /// # Errors
    /// `Io`, `Invalid` for files that are not there.
    fn adopt(&self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>> {
        Ok(receipts)
    }

    /// Writes partition `i`.
    ///
    /// # Errors
    /// Of the batches, `Io`, `Memory`, and `Conservation` if a row was lost.
    fn write(
        &self,
        i: usize,
        batches: &mut dyn Iterator<Item = Result<Batch>>,
        ctx: &TaskContext,
    ) -> Result<Vec<Receipt>> {
        let mut part = self.part(i, ctx)?;
        for batch in batches {
            part.push(&batch?.record)?;
        }
        part.finish()
    }
}

/// A folder with a file for each partition, `part-00000.parquet` and so on; or, partitioned by columns, with folders named
/// by their values (`year=2023/`) that hold such files, which lack these columns. It appears, changes and grows in one
/// step, as the [`WriteMode`] of the format says.
#[derive(Debug)]
pub struct FolderSink {
    folder: Arc<Folder>,
    staging: Arc<Staging>,
    mode: WriteMode,
    split: Option<Arc<Split>>,
    /// The columns of the rows, also those that are the names of folders.
    whole: SchemaRef,
}

/// What the parts of a folder share.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Where it will be.
    pub(super) target: PathBuf,
    /// Where it is until then.
    pub(super) ground: Arc<dyn Ground>,
    pub(super) format: Arc<dyn Format>,
    /// The columns of the files.
    pub(super) schema: SchemaRef,
    /// The number of the first file: those that are there have lower ones.
    pub(super) first: u64,
    pub(super) finished: Mutex<Finished>,
}

/// What the parts that are finished say.
#[derive(Debug, Default)]
pub(super) struct Finished {
    files: u64,
    rows: u64,
}

impl FolderSink {
    /// Begins a folder at `target`, placed as the format says.
    ///
    /// # Errors
    /// `Invalid` when there is something that is in the way, `Io`, `UnknownColumn` for a column to partition by.
    pub fn open(target: impl Into<PathBuf>, format: Arc<dyn Format>, schema: SchemaRef) -> Result<Self> {
        FolderSink::open_on(target, format, schema, Arc::new(LocalDisk))
    }

    /// As [`open`](Self::open), its files on another disk.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        target: impl Into<PathBuf>,
        format: Arc<dyn Format>,
        schema: SchemaRef,
        disk: Arc<dyn Disk>,
    ) -> Result<Self> {
        let target = target.into();
        let Placement { mode, partition_by, .. } = format.placement();
        let split = match &*partition_by {
            [] => None,
            names => Some(Arc::new(Split::new(names, &schema).map_err(|e| e.doing("write"))?)),
        };
        let staging = Staging::begin(&target, disk)?;
        may_replace(staging.target(), mode, &*format)?;
        let whole = schema.clone();
        let schema = split.as_ref().map_or(schema, |split| split.schema().clone());
        let first = if mode == WriteMode::Append { next_number(staging.target()) } else { 0 };
        let staging = Arc::new(staging);
        let (target, ground) = (staging.target().to_path_buf(), staging.clone());
        let folder = Folder { target, ground, format, schema, first, finished: Mutex::default() };
        let sink = FolderSink { folder: Arc::new(folder), staging, mode, split, whole };
        if mode == WriteMode::Append {
            sink.fits()?;
        }
        Ok(sink)
    }

    /// Whether the files go together with those that are there.
    fn fits(&self) -> Result<()> {
        let target = self.staging.target();
        if target.is_dir() { self.folder.fits(self.split.as_deref(), &append::files_below(target)?) } else { Ok(()) }
    }
}

impl Sink for FolderSink {
    fn describe(&self) -> String {
        self.folder.describe(self.split.as_deref(), self.mode)
    }

    fn part(&self, i: usize, ctx: &TaskContext) -> Result<Box<dyn Part>> {
        Folder::part(&self.folder, self.split.as_ref(), i, ctx)
    }

    fn commit(&self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>> {
        self.check_sizes(&receipts)?;
        self.folder.check(&receipts)?;
        let mut moved = 0;
        self.staging.place(Item::Folder, self.mode == WriteMode::Append, &mut || {
            may_replace(self.staging.target(), self.mode, &*self.folder.format)?;
            if self.mode == WriteMode::Append {
                // somebody else may have been there in the meantime
                self.fits()?;
                moved = self.join_those_there(&receipts, moved)?;
            }
            Ok(())
        })?;
        let renumbered = |r: Receipt| Receipt { path: renumbered(&r.path, moved), ..r };
        Ok(receipts.into_iter().map(renumbered).collect())
    }

    fn abort(&self) {
        self.staging.discard();
    }

    fn portable(&self) -> Option<PortableSink> {
        let Placement { partition_by, .. } = self.folder.format.placement();
        let places = (self.staging.target(), self.staging.folder());
        PortableSink::of(&*self.folder.format, places, &self.whole, partition_by)
    }

    fn adopt(&self, receipts: Vec<Receipt>) -> Result<Vec<Receipt>> {
        self.folder.adopt(receipts, self.staging.folder(), &|path| self.staged(path))
    }
}

impl FolderSink {
    /// Whether the files are as large as they were.
    fn check_sizes(&self, receipts: &[Receipt]) -> Result<()> {
        for receipt in receipts {
            let staged = self.staged(&receipt.path);
            let size = fs::metadata(staged).map_err(|e| Error::io(receipt.path.display(), e).doing("write"))?.len();
            if size != receipt.bytes {
                let what = format!("{} bytes were written, but the file has {size}", receipt.bytes);
                return Err(Error::new(ErrorKind::Io { what }).doing("write").at_path(receipt.path.display()));
            }
        }
        Ok(())
    }

    /// Where a file is until it appears.
    fn staged(&self, path: &Path) -> PathBuf {
        self.staging.folder().join(path.strip_prefix(self.staging.target()).unwrap_or(path))
    }

    /// Gives the files that are there a second name beside ours. Ours get higher numbers if somebody else has appended
    /// since they got theirs. Gives by how much, in all; `moved` is by how much they had.
    fn join_those_there(&self, receipts: &[Receipt], moved: u64) -> Result<u64> {
        let (disk, target) = (&**self.staging.disk(), self.staging.target());
        let failed = |e| Error::io(target.display(), e).doing("append to");
        let wanted = next_number(target).saturating_sub(self.folder.first).max(moved);
        if wanted > moved {
            for receipt in receipts.iter().rev() {
                let (was, will) = (renumbered(&receipt.path, moved), renumbered(&receipt.path, wanted));
                disk.rename(&self.staged(&was), &self.staged(&will), Rename::Over).map_err(failed)?;
            }
        }
        if let Ok(there) = fs::metadata(target) {
            let _ = fs::set_permissions(self.staging.folder(), there.permissions());
        }
        carry(disk, target, self.staging.folder(), &|a, b| disk.link(a, b)).map_err(failed)?;
        Ok(wanted)
    }
}

impl Folder {
    /// One line for people.
    pub(super) fn describe(&self, split: Option<&Split>, mode: WriteMode) -> String {
        let by = split.map_or_else(String::new, |split| format!(" by {}", split.names().join(", ")));
        let how = match mode {
            WriteMode::Error => "",
            WriteMode::Overwrite => ", replacing what is there",
            WriteMode::Append => ", added to what is there",
        };
        format!("{} files{by} in {}{how}", self.format.extension(), self.target.display())
    }

    /// Whether the files go together with these, which are there.
    pub(super) fn fits(&self, split: Option<&Split>, there: &[FileInfo]) -> Result<()> {
        let names = split.map(Split::names).unwrap_or_default();
        let end = format!(".{}", self.format.extension());
        append::same_folders(&self.target, &names, &append::ending(there, &[&end]).collect::<Vec<_>>())?;
        self.format.fits(there, &self.schema)
    }

    /// Begins partition `i`.
    pub(super) fn part(
        folder: &Arc<Folder>,
        split: Option<&Arc<Split>>,
        i: usize,
        ctx: &TaskContext,
    ) -> Result<Box<dyn Part>> {
        match split {
            Some(split) => Ok(Box::new(hive::SplitPart::new(folder.clone(), split.clone(), i, ctx)?)),
            None => {
                let file = folder.create(Path::new(""), i, 0, Output::BUFFER, ctx)?;
                Ok(Box::new(WholePart { folder: folder.clone(), file }))
            }
        }
    }

    /// Begins file `piece` of partition `i` in the folder `below`.
    pub(crate) fn create(
        &self,
        below: &Path,
        i: usize,
        piece: usize,
        buffer: usize,
        ctx: &TaskContext,
    ) -> Result<FileWriter> {
        let number = self.first + i as u64;
        let piece = if piece > 0 { format!("-{piece}") } else { String::new() };
        let below = below.join(format!("part-{number:05}{piece}.{}", self.format.extension()));
        let file = self.ground.clone().create(&below, ctx)?;
        FileWriter::begin(file, &*self.format, &self.schema, self.target.join(below), buffer, ctx)
    }

    /// Makes a folder below.
    pub(crate) fn create_folder(&self, below: &Path) -> Result<()> {
        self.ground.create_folder(below)
    }

    /// Notes files that are finished and the rows that were given to them.
    pub(crate) fn note(&self, files: usize, rows: u64) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.files += files as u64;
        finished.rows += rows;
    }

    /// Whether the receipts are those of all files, and tell of all rows.
    pub(super) fn check(&self, receipts: &[Receipt]) -> Result<()> {
        let Finished { files, rows } = *self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let placed = |e: Error| e.doing("write").at_path(self.target.display());
        conserved("writing", rows, receipts.iter().map(|r| r.rows).sum()).map_err(placed)?;
        if files != receipts.len() as u64 {
            return Err(placed(Error::invalid(format!(
                "{files} files were written, but {} are to appear",
                receipts.len()
            ))));
        }
        Ok(())
    }
}

/// A partition in one file.
struct WholePart {
    folder: Arc<Folder>,
    file: FileWriter,
}

impl Part for WholePart {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        self.file.push(record)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Receipt>> {
        let rows = self.file.rows();
        let receipt = self.file.finish()?;
        self.folder.note(1, rows);
        Ok(vec![receipt])
    }
}

/// Endings of files that are data.
pub(super) const DATA: [&str; 15] = [
    ".parquet", ".parq", ".pq", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".arrow", ".arrows", ".feather", ".ipc",
    ".crc", ".gz", ".zst",
];

/// Whether a write in this mode may change what is at the target.
fn may_replace(target: &Path, mode: WriteMode, format: &dyn Format) -> Result<()> {
    if !is_occupied(target) {
        return Ok(());
    }
    if mode == WriteMode::Error || !target.is_dir() {
        return Err(in_the_way(target));
    }
    if mode == WriteMode::Overwrite {
        let own = format!(".{}", format.extension());
        let foreign = first_file(target, &|name| {
            !name.starts_with(['.', '_']) && !name.ends_with(&own) && !DATA.iter().any(|e| name.ends_with(e))
        });
        if let Some(file) = foreign {
            let what = format!("the folder is not replaced: {} in it is no data file", file.display());
            let error = Error::invalid(what).doing("write").at_path(target.display());
            return Err(error.help("name a folder that holds nothing else, or remove it first"));
        }
    }
    Ok(())
}

/// The first file in a folder and those below it whose name fits.
fn first_file(folder: &Path, fits: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            if let Some(found) = first_file(&path, fits) {
                return Some(found);
            }
        } else if fits(&entry.file_name().to_string_lossy()) {
            return Some(path);
        }
    }
    None
}

/// The number in `part-00012.parquet` or `part-00012-3.parquet`, and how many digits it has.
pub(super) fn number(name: &str) -> Option<(u64, usize)> {
    let rest = name.strip_prefix("part-")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    Some((rest.get(..digits)?.parse().ok()?, digits))
}

/// A number that is larger than that of any file in a folder and those below it.
fn next_number(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let numbers = entries.flatten().map(|entry| match entry.file_type() {
        Ok(t) if t.is_dir() => next_number(&entry.path()),
        _ => number(&entry.file_name().to_string_lossy()).map_or(0, |(number, _)| number + 1),
    });
    numbers.max().unwrap_or(0)
}

/// The path of a file whose number is higher by so much.
fn renumbered(path: &Path, by: u64) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match number(&name).filter(|_| by > 0) {
        None => path.to_path_buf(),
        Some((number, digits)) => {
            path.with_file_name(format!("part-{:05}{}", number + by, &name["part-".len() + digits..]))
        }
    }
}

pub(super) fn in_the_way(path: &Path) -> Error {
    let error = Error::invalid("there is something at this place already").doing("write").at_path(path.display());
    error.help("choose a WriteMode, remove it first, or write to another place")
}
