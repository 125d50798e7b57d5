//! Frames to files.

use std::path::Path;
use std::sync::Arc;

use super::DataFrame;
use super::read::FileKind;
use crate::base::Result;
use crate::io::csv::CsvWriteOptions;
use crate::io::sink::{self, Compression, Format};
use crate::io::{Batch, IpcWriteOptions, JsonWriteOptions, ParquetWriteOptions, Receipt, Sink};
use crate::ops::Write;

impl DataFrame {
    /// Writes the rows as Parquet into a folder, a file for each partition (`part-00000.parquet`, …). The folder
    /// appears whole or not at all. Gives what was written, in the order of the partitions.
    ///
    /// # Errors
    /// `Invalid` when there is something at `folder` already; those of the tasks; `Io` when the disk is full. Nothing
    /// is left behind then.
    pub fn to_parquet(&self, folder: impl AsRef<Path>) -> Result<Vec<Receipt>> {
        self.to_parquet_with(folder, ParquetWriteOptions::new())
    }

    /// As [`to_parquet`](Self::to_parquet), with options: among them what becomes of what is there already
    /// ([`mode`](ParquetWriteOptions::mode)), and folders named by values
    /// ([`partition_by`](ParquetWriteOptions::partition_by)).
    ///
    /// A crash at any instant leaves the old folder or the new one, never a mixture; whoever reads or writes the folder
    /// next removes what a killed process has left beside it. The frame may be one of the folder that it overwrites.
    ///
    /// A folder of a store (`s3://bucket/trips`) gets its files when all of them have arrived there, one by one: they are
    /// whole, but for a moment not all of them are there; what is overwritten is removed last.
    ///
    /// # Errors
    /// As [`to_parquet`](Self::to_parquet); `UnknownColumn`, and `Unsupported` for columns whose values cannot be names.
    pub fn to_parquet_with(&self, folder: impl AsRef<Path>, options: ParquetWriteOptions) -> Result<Vec<Receipt>> {
        self.write_folder(folder.as_ref(), Arc::new(options))
    }

    /// Writes the rows as CSV into a folder, a file for each partition; [`write_file`](Self::write_file) makes one file.
    /// The folder appears whole or not at all.
    ///
    /// # Errors
    /// As [`to_parquet`](Self::to_parquet); `Unsupported` for columns that have no text form, as lists.
    pub fn to_csv(&self, folder: impl AsRef<Path>) -> Result<Vec<Receipt>> {
        self.to_csv_with(folder, CsvWriteOptions::new())
    }

    /// As [`to_csv`](Self::to_csv), with options, as [`to_parquet_with`](Self::to_parquet_with).
    ///
    /// # Errors
    /// As [`to_csv`](Self::to_csv).
    pub fn to_csv_with(&self, folder: impl AsRef<Path>, options: CsvWriteOptions) -> Result<Vec<Receipt>> {
        self.write_folder(folder.as_ref(), Arc::new(options))
    }

    /// Writes the rows as JSON lines into a folder, a file for each partition. The folder appears whole or not at all.
    ///
    /// # Errors
    /// As [`to_parquet`](Self::to_parquet).
    pub fn to_json(&self, folder: impl AsRef<Path>) -> Result<Vec<Receipt>> {
        self.to_json_with(folder, JsonWriteOptions::new())
    }

    /// As [`to_json`](Self::to_json), with options, as [`to_parquet_with`](Self::to_parquet_with).
    ///
    /// # Errors
    /// As [`to_parquet`](Self::to_parquet).
    pub fn to_json_with(&self, folder: impl AsRef<Path>, options: JsonWriteOptions) -> Result<Vec<Receipt>> {
        self.write_folder(folder.as_ref(), Arc::new(options))
    }

    /// Writes the rows as Arrow IPC files (Feather version 2) into a folder, a file for each partition. The folder appears
    /// whole or not at all.
    ///
    /// # Errors
    /// As [`to_parquet`](Self::to_parquet).
    pub fn to_ipc(&self, folder: impl AsRef<Path>) -> Result<Vec<Receipt>> {
        self.to_ipc_with(folder, IpcWriteOptions::new())
    }

    /// As [`to_ipc`](Self::to_ipc), with options, as [`to_parquet_with`](Self::to_parquet_with).
    ///
    /// # Errors
    /// As [`to_parquet`](Self::to_parquet).
    pub fn to_ipc_with(&self, folder: impl AsRef<Path>, options: IpcWriteOptions) -> Result<Vec<Receipt>> {
        self.write_folder(folder.as_ref(), Arc::new(options))
    }

    /// Writes all rows into one file of the format that its name ends in, as [`read_table`](crate::read_table) takes it:
    /// `.parquet`, `.csv`, `.tsv`, `.jsonl`, `.arrow`; text is compressed if the name says so (`.csv.gz`, `.jsonl.zst`).
    ///
    /// ```
    /// let trips = partita::read_table("data/*.parquet")?.head(3)?;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("trips.jsonl.gz");
    /// trips.write_table(&path)?;
    /// assert_eq!(partita::read_table(&path)?.len()?, 3);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for a name that tells no format; else as [`write_file`](Self::write_file).
    pub fn write_table(&self, path: impl AsRef<Path>) -> Result<Receipt> {
        let name = path.as_ref().to_string_lossy();
        let compression = match name.rsplit_once('.').map(|(_, end)| end) {
            Some("gz") => Compression::Gzip,
            Some("zst") => Compression::Zstd(3),
            _ => Compression::None,
        };
        let format: Box<dyn Format> = match FileKind::of(&name)
            .ok_or_else(|| FileKind::unknown(&name).doing("write"))?
        {
            FileKind::Parquet => Box::new(ParquetWriteOptions::new()),
            FileKind::Csv(delimiter) => Box::new(CsvWriteOptions::new().delimiter(delimiter).compression(compression)),
            FileKind::Json => Box::new(JsonWriteOptions::new().compression(compression)),
            FileKind::Ipc => Box::new(IpcWriteOptions::new()),
        };
        self.write_file(path.as_ref(), format.as_ref())
    }

    /// Writes all rows into one file, in their order, as they are computed: only a few partitions are held at a time.
    /// The file appears whole or not at all. The format is [`ParquetWriteOptions`], [`CsvWriteOptions`], or one of
    /// yours.
    ///
    /// ```no_run
    /// # let trips = partita::read_csv("trips/*.csv")?;
    /// trips.write_file("trips.parquet", &partita::ParquetWriteOptions::new())?;
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` when there is something at `path` already and it is not to be overwritten; `Unsupported` for appending
    /// and for `partition_by`, which need a folder; those of the tasks; `Io` when the disk is full. Nothing is left
    /// behind then.
    pub fn write_file(&self, path: impl AsRef<Path>, format: &dyn Format) -> Result<Receipt> {
        let mut batches = self.batches()?.map(|record| Ok(Batch::new(record?, 0, 0)));
        let world = (self.session.stores(), self.session.task_context());
        sink::write(path.as_ref(), format, self.schema(), &mut batches, world)
    }

    fn write_folder(&self, folder: &Path, format: Arc<dyn Format>) -> Result<Vec<Receipt>> {
        self.write_to(sink::open(folder, format, self.schema().clone(), self.session.stores())?)
    }

    /// Writes the rows to a sink, then has it commit; when something fails, nothing is left behind. As many rows are
    /// written as were computed, for each file and in all, or it is a `Conservation` error.
    ///
    /// # Errors
    /// Those of the tasks and of the sink.
    pub fn write_to(&self, sink: Arc<dyn Sink>) -> Result<Vec<Receipt>> {
        let written = || -> Result<Vec<Receipt>> {
            let table = self.then(Write::new(sink.clone()))?.compute()?;
            let receipts = table.batches().iter().map(Write::receipts).collect::<Result<Vec<_>>>()?.concat();
            if let Some(known) = self.plan.known_rows() {
                sink::conserved("writing", known.iter().sum(), receipts.iter().map(|r| r.rows).sum())?;
            }
            if self.session.is_here() { sink.commit(receipts) } else { sink.commit(sink.adopt(receipts)?) }
        };
        written().inspect_err(|_| sink.abort())
    }
}
