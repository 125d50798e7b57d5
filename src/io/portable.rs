//! Files as plain data, for an engine that runs elsewhere.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::batch::Rows;
use super::csv::{CsvOptions, CsvSource};
use super::files::FileSource;
use super::hive::HiveColumns;
use super::store::{self, Storage};
use super::{
    Batch, FileInfo, HiveSource, IpcOptions, JsonOptions, MemorySource, ParquetReadOptions, ParquetSource, Source,
};
use crate::base::{Error, ErrorKind, Result};
use crate::expr::portable::recorded;

/// Files of a format and how they are read, as plain data: whoever sees the files at the same paths opens the same rows
/// in the same partitions. Types are settled, nothing is inferred again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PortableSource {
    format: Format,
    /// In the order of the rows.
    files: Vec<File>,
    options: serde_json::Value,
    partitions: usize,
    /// What the folders of the files say: a row for each file.
    hive: Option<String>,
}

/// A file as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct File {
    /// An absolute path, or an address.
    path: String,
    size: u64,
    /// What a store tells versions apart by; absent: it is at a path.
    version: Option<String>,
    /// When it was last changed, where the plan was made: copies of it elsewhere may be younger.
    #[serde(skip)]
    modified: Option<u128>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Format {
    Csv,
    Ipc,
    Json,
    Parquet,
    /// Batches that go with the description itself.
    Values,
}

/// Batches with the place of their first row, and the columns as a batch without rows.
#[derive(Serialize, Deserialize)]
struct Values {
    schema: String,
    partitions: Vec<Vec<(u64, u64, String)>>,
}

/// Batches of more bytes than this do not go with the description of a plan.
const MOST_BYTES: usize = 8 << 20;

impl PortableSource {
    /// The description of files; `None` where one has a name that no other process understands.
    pub(super) fn of<'a>(
        format: Format,
        files: impl Iterator<Item = &'a FileInfo>,
        options: &impl Serialize,
        partitions: usize,
    ) -> Option<PortableSource> {
        let described = |file: &FileInfo| {
            let path = match file.is_elsewhere() {
                true => file.path.to_string(),
                false => std::path::absolute(Path::new(&*file.path)).ok()?.to_str()?.to_string(),
            };
            let modified = (!file.is_elsewhere()).then_some(file.modified);
            Some(File { path, size: file.size, version: file.version().map(str::to_string), modified })
        };
        let files = files.map(described).collect::<Option<Vec<_>>>()?;
        Some(PortableSource { format, files, options: serde_json::to_value(options).ok()?, partitions, hive: None })
    }

    /// The same with the columns that the folders of the files say.
    pub(super) fn with_folders(self, columns: &HiveColumns) -> Option<PortableSource> {
        Some(PortableSource { hive: Some(recorded::text(&columns.record()?).ok()?), ..self })
    }

    /// The description of batches in memory, which holds them; `None` where they are many.
    pub(super) fn of_values(schema: &SchemaRef, partitions: &[Vec<Batch>]) -> Option<PortableSource> {
        let bytes: usize = partitions.iter().flatten().map(Batch::bytes).sum();
        if bytes > MOST_BYTES {
            return None;
        }
        let batch = |batch: &Batch| match batch.origin.rows {
            Rows::Range { start } => Some((batch.origin.file, start, recorded::text(&batch.record).ok()?)),
            _ => None,
        };
        let partitions = partitions.iter().map(|p| p.iter().map(batch).collect::<Option<Vec<_>>>());
        let partitions = partitions.collect::<Option<Vec<_>>>()?;
        let schema = recorded::text(&RecordBatch::new_empty(schema.clone())).ok()?;
        let count = partitions.len();
        let options = serde_json::to_value(Values { schema, partitions }).ok()?;
        Some(PortableSource { format: Format::Values, files: Vec::new(), options, partitions: count, hive: None })
    }

    fn values(&self) -> Result<MemorySource> {
        let Values { schema, partitions } = self.options()?;
        let read = |text: &str| {
            recorded::read(text).ok_or_else(|| Error::invalid("these are no batches").doing("read a plan"))
        };
        let batch = |(file, start, text): &(u64, u64, String)| Ok(Batch::new(read(text)?, *file, *start));
        let partitions = partitions.iter().map(|p| p.iter().map(batch).collect()).collect::<Result<_>>()?;
        Ok(MemorySource::new(read(&schema)?.schema(), partitions))
    }

    /// How many partitions the files have.
    pub fn partitions(&self) -> usize {
        self.partitions
    }

    /// Whether the files at paths are still those that the plan is made for, in the process where it is made.
    ///
    /// # Errors
    /// `Io` when one is gone, or has changed since it was listed.
    pub fn unchanged(&self) -> Result<()> {
        for File { path, size, modified, .. } in &self.files {
            let Some(modified) = *modified else { continue };
            let found = FileInfo::of(Path::new(path))?;
            if (found.size, found.modified) != (*size, modified) {
                return Err(store::file::changed().doing("open").at_path(path));
            }
        }
        Ok(())
    }

    /// The files as they are here now.
    ///
    /// # Errors
    /// `Io` when a file is not there or not as long as where it was described.
    pub fn files(&self) -> Result<Vec<FileInfo>> {
        let file = |file: &File| {
            let found = match &file.version {
                None => FileInfo::of(Path::new(&file.path))?,
                Some(_) => {
                    let mut listed = store::list(std::slice::from_ref(&file.path), &[], &Storage::default())?;
                    listed.pop().ok_or_else(|| differs("there is no such file").at_path(&file.path))?.info
                }
            };
            let same = found.size == file.size && found.version() == file.version.as_deref();
            same.then_some(found)
                .ok_or_else(|| differs("the file is not the one that the plan was made for").at_path(&file.path))
        };
        self.files.iter().map(file).collect()
    }

    /// Opens the files.
    ///
    /// # Errors
    /// As [`files`](Self::files), and those of the source of their format.
    pub fn open(&self) -> Result<Arc<dyn Source>> {
        let files = self.files()?;
        let source: Arc<dyn Source> = match self.format {
            Format::Csv => Arc::new(CsvSource::of_files(files, self.options::<CsvOptions>()?)?),
            Format::Ipc => Arc::new(FileSource::of_files(files, self.options::<IpcOptions>()?)?),
            Format::Json => Arc::new(FileSource::of_files(files, self.options::<JsonOptions>()?)?),
            Format::Values => Arc::new(self.values()?),
            Format::Parquet => Arc::new(ParquetSource::of_files(files, self.options::<ParquetReadOptions>()?)?),
        };
        let source = match &self.hive {
            None => source,
            Some(text) => {
                let columns = recorded::read(text).ok_or_else(|| Error::invalid("these are no folders"))?;
                Arc::new(HiveSource::new(source, HiveColumns::of(&columns)))
            }
        };
        match source.partitions().len() {
            found if found == self.partitions => Ok(source),
            found => Err(differs(&format!("the files have {found} partitions instead of {}", self.partitions))),
        }
    }

    fn options<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.options.clone()).map_err(|e| Error::invalid(e.to_string()).doing("read options"))
    }
}

fn differs(what: &str) -> Error {
    Error::new(ErrorKind::Io { what: what.to_string() }).doing("open")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::TaskContext;
    use crate::io::Scan;
    use std::fs;

    fn rows(source: &dyn Source) -> String {
        let read = |i| source.read(i, &Scan::default(), &TaskContext::default()).unwrap();
        let batches: Vec<_> = (0..source.partitions().len()).flat_map(read).map(|b| b.unwrap().record).collect();
        format!("{batches:?}")
    }

    fn sent(source: &dyn Source) -> Arc<dyn Source> {
        let text = serde_json::to_string(&source.portable().unwrap()).unwrap();
        serde_json::from_str::<PortableSource>(&text).unwrap().open().unwrap()
    }

    #[test]
    fn files_are_opened_elsewhere_as_they_were_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv").to_str().unwrap().to_string();
        fs::write(&path, "when;n;s\n31.12.2023 08:00;1;N/A\n01.01.2024 09:30;2,5;\n02.01.2024 10:00;;x\n").unwrap();
        let options = CsvOptions::new().delimiter(b';').decimal(',').parse_dates(["when"]).assume_missing(true);
        let here = CsvSource::open(std::slice::from_ref(&path), options.block_size(20u64)).unwrap();
        let there = sent(&here);
        assert_eq!((there.schema(), rows(&*there)), (here.schema(), rows(&here)));
        assert!(there.partitions().len() > 1 && there.partitions() == here.partitions());
        fs::write(&path, "when;n;s\n").unwrap();
        let error = here.portable().unwrap().open().unwrap_err().to_string();
        assert!(error.contains("a.csv") && error.contains("not the one that the plan was made for"), "{error}");
    }

    #[test]
    fn a_file_that_has_changed_is_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "n\n1\n").unwrap();
        let here = CsvSource::open(&[path.to_str().unwrap().to_string()], CsvOptions::new()).unwrap();
        here.portable().unwrap().unchanged().unwrap();
        fs::write(&path, "n\n2\n").unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1);
        fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        let error = here.portable().unwrap().unchanged().unwrap_err().to_string();
        assert!(error.contains("a.csv") && error.contains("has changed since it was listed"), "{error}");
    }

    #[test]
    fn parquet_keeps_its_partitions_and_types() {
        let options =
            ParquetReadOptions::new().partition_rows(1000).dtype("fare_amount", arrow::datatypes::DataType::Float32);
        let here = ParquetSource::open(&[concat!(env!("CARGO_MANIFEST_DIR"), "/data/trips.parquet")], options).unwrap();
        let there = sent(&here);
        assert_eq!((there.schema(), there.partitions()), (here.schema(), here.partitions()));
    }
}
