//! Where batches go: files that appear whole or not at all.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Batch;
use crate::base::disk::{Disk, DiskFile, LocalDisk};
use crate::base::{Error, ErrorKind, Result, Token};

/// A place that partitions are written to, in any order and at the same time, and that shows them only when all are
/// there: [`write`](Sink::write) each partition, then [`commit`](Sink::commit) the receipts. What is not committed
/// leaves nothing behind.
pub trait Sink: Debug + Send + Sync {
    /// One line for people: the format and where it goes.
    fn describe(&self) -> String;

    /// Begins partition `i`.
    ///
    /// # Errors
    /// `Io`.
    fn part(&self, i: usize) -> Result<PartWriter>;

    /// Makes everything appear.
    ///
    /// # Errors
    /// `Io`; then nothing has appeared.
    fn commit(&self, receipts: &[Receipt]) -> Result<()>;

    /// Removes whatever was written. Does nothing after a commit.
    fn abort(&self);

    /// Writes partition `i`.
    ///
    /// # Errors
    /// Of the batches, `Io`, and `Conservation` if a row was lost.
    fn write(&self, i: usize, batches: &mut dyn Iterator<Item = Result<Batch>>) -> Result<Receipt> {
        let mut part = self.part(i)?;
        for batch in batches {
            part.push(&batch?.record)?;
        }
        part.finish()
    }
}

/// What was written for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The file, where it will be after the commit.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A file format, for writing.
pub trait Format: Debug + Send + Sync {
    /// What files of this format end in, without the dot.
    fn extension(&self) -> &str;

    /// Begins a file with these columns.
    ///
    /// # Errors
    /// `Unsupported` for columns that the format does not have, `Io`.
    fn begin(&self, schema: &SchemaRef, out: Output) -> Result<Box<dyn Encoder>>;
}

/// A file that is being written.
pub trait Encoder: Send {
    /// Adds rows.
    ///
    /// # Errors
    /// `Io`, `Unsupported`.
    fn push(&mut self, record: &RecordBatch) -> Result<()>;

    /// Writes what is left; gives the number of rows that the file holds, counted by what was written, and the output.
    ///
    /// # Errors
    /// `Io`.
    fn finish(self: Box<Self>) -> Result<(u64, Output)>;
}

/// The bytes of a file that is being written, buffered and counted.
pub struct Output {
    file: BufWriter<Box<dyn DiskFile>>,
    bytes: u64,
}

impl Output {
    fn new(file: Box<dyn DiskFile>) -> Self {
        Output { file: BufWriter::with_capacity(256 << 10, file), bytes: 0 }
    }

    /// Flushes and syncs; gives the number of bytes.
    fn close(mut self) -> io::Result<u64> {
        self.file.flush()?;
        self.file.get_mut().sync()?;
        Ok(self.bytes)
    }
}

impl Write for Output {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buf)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes the rows of one partition to a file; dropped unfinished, it removes the file.
pub struct PartWriter {
    /// Where the file is being written.
    staged: PathBuf,
    /// Where it will be.
    path: PathBuf,
    encoder: Option<Box<dyn Encoder>>,
    rows: u64,
    finished: bool,
}

impl PartWriter {
    fn create(
        disk: &dyn Disk,
        format: &dyn Format,
        schema: &SchemaRef,
        staged: PathBuf,
        path: PathBuf,
    ) -> Result<Self> {
        let file = disk.create(&staged).map_err(|e| Error::io(path.display(), e).doing("write"))?;
        let mut part = PartWriter { staged, path, encoder: None, rows: 0, finished: false };
        let begun = format.begin(schema, Output::new(file));
        part.encoder = Some(begun.map_err(|e| part.placed(e))?);
        Ok(part)
    }

    fn placed(&self, error: Error) -> Error {
        error.doing("write").at_path(self.path.display())
    }

    /// Adds rows.
    ///
    /// # Errors
    /// `Io` naming the file, for example when the disk is full.
    pub fn push(&mut self, record: &RecordBatch) -> Result<()> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        let pushed = encoder.push(record);
        self.rows += record.num_rows() as u64;
        pushed.map_err(|e| self.placed(e))
    }

    /// Finishes the file; it does not appear yet.
    ///
    /// # Errors
    /// `Io`; `Conservation` when the file does not hold all rows.
    pub fn finish(mut self) -> Result<Receipt> {
        let Some(encoder) = self.encoder.take() else { return Err(self.placed(Error::invalid("nothing was begun"))) };
        let (rows, out) = encoder.finish().map_err(|e| self.placed(e))?;
        let bytes = out.close().map_err(|e| Error::io(self.path.display(), e).doing("write"))?;
        if rows != self.rows {
            let what = "writing".to_string();
            return Err(self.placed(Error::new(ErrorKind::Conservation { what, rows_in: self.rows, rows_out: rows })));
        }
        self.finished = true;
        Ok(Receipt { path: self.path.clone(), rows, bytes })
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        if !self.finished {
            self.encoder = None;
            // the error that led here is the one to report
            let _ = fs::remove_file(&self.staged);
        }
    }
}

/// A folder with one file for each partition: `part-00000.parquet` and so on. It is written under another name beside
/// its place and renamed by the commit, so that it appears whole or not at all.
#[derive(Debug)]
pub struct FolderSink {
    target: PathBuf,
    staging: PathBuf,
    format: Arc<dyn Format>,
    schema: SchemaRef,
    disk: Arc<dyn Disk>,
    committed: AtomicBool,
}

impl FolderSink {
    /// Begins a folder at `target`, which must not exist yet or be empty.
    ///
    /// # Errors
    /// `Invalid` when there is something, `Io`.
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
        let occupied = match fs::read_dir(&target) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => target.symlink_metadata().is_ok(),
        };
        if occupied {
            return Err(in_the_way(&target));
        }
        let staging = beside(&target);
        fs::create_dir_all(&staging).map_err(|e| Error::io(target.display(), e).doing("write"))?;
        Ok(FolderSink { target, staging, format, schema, disk, committed: AtomicBool::new(false) })
    }
}

impl Sink for FolderSink {
    fn describe(&self) -> String {
        format!("{} files in {}", self.format.extension(), self.target.display())
    }

    fn part(&self, i: usize) -> Result<PartWriter> {
        let name = format!("part-{i:05}.{}", self.format.extension());
        let (staged, path) = (self.staging.join(&name), self.target.join(&name));
        PartWriter::create(&*self.disk, &*self.format, &self.schema, staged, path)
    }

    fn commit(&self, receipts: &[Receipt]) -> Result<()> {
        let failed = |e| Error::io(self.target.display(), e).doing("write");
        for receipt in receipts {
            let staged = self.staging.join(receipt.path.file_name().unwrap_or_default());
            let size = fs::metadata(staged).map_err(failed)?.len();
            if size != receipt.bytes {
                let what = format!("{} bytes were written, but the file has {size}", receipt.bytes);
                return Err(Error::new(ErrorKind::Io { what }).doing("write").at_path(receipt.path.display()));
            }
        }
        sync_folder(&self.staging);
        // an empty folder in the way is what we were allowed to fill
        let _ = fs::remove_dir(&self.target);
        fs::rename(&self.staging, &self.target).map_err(failed)?;
        self.committed.store(true, Ordering::Release);
        sync_folder(self.target.parent().unwrap_or(Path::new(".")));
        Ok(())
    }

    fn abort(&self) {
        if !self.committed.load(Ordering::Acquire) {
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

impl Drop for FolderSink {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Writes `batches` to one file, which appears whole or not at all.
///
/// # Errors
/// `Invalid` when there is such a file already, those of the batches, `Io`, `Conservation`.
pub fn write_file(
    path: impl Into<PathBuf>,
    format: &dyn Format,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<Batch>>,
) -> Result<Receipt> {
    write_file_on(&LocalDisk, path.into(), format, schema, batches)
}

/// As [`write_file`], on another disk.
///
/// # Errors
/// As [`write_file`].
pub fn write_file_on(
    disk: &dyn Disk,
    path: PathBuf,
    format: &dyn Format,
    schema: &SchemaRef,
    batches: &mut dyn Iterator<Item = Result<Batch>>,
) -> Result<Receipt> {
    if path.symlink_metadata().is_ok() {
        return Err(in_the_way(&path));
    }
    let staged = beside(&path);
    let mut part = PartWriter::create(disk, format, schema, staged.clone(), path.clone())?;
    for batch in batches {
        part.push(&batch?.record)?;
    }
    let receipt = part.finish()?;
    if let Err(error) = fs::rename(&staged, &path) {
        let _ = fs::remove_file(&staged);
        return Err(Error::io(path.display(), error).doing("write"));
    }
    sync_folder(path.parent().unwrap_or(Path::new(".")));
    Ok(receipt)
}

fn in_the_way(path: &Path) -> Error {
    let error = Error::invalid("there is something at this place already").doing("write").at_path(path.display());
    error.help("remove it first, or write to another place")
}

/// A name beside `path` that nothing else has.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{:08x}.partial", Token::fresh().0 as u32))
}

/// Makes renames survive a power cut, where the system can.
fn sync_folder(path: &Path) {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    // not all file systems can: the files themselves were synced
    let _ = File::open(path).and_then(|folder| folder.sync_all());
}
