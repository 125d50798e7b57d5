//! Writing Parquet files.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::io::sink::{Encoder, Format, Output};

/// How pages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast, and read everywhere: the default, as in pandas.
    #[default]
    Snappy,
    /// Slower, for other programs.
    Gzip,
    /// Smaller files, at the usual level.
    Zstd,
}

/// How Parquet files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParquetWriteOptions {
    /// How pages are compressed.
    pub compression: Compression,
    /// At most so many rows in a row group.
    pub row_group_rows: usize,
    /// Whether row groups tell the smallest and largest value and the number of nulls of each column.
    pub statistics: bool,
}

impl Default for ParquetWriteOptions {
    fn default() -> Self {
        ParquetWriteOptions { compression: Compression::Snappy, row_group_rows: 1 << 20, statistics: true }
    }
}

impl ParquetWriteOptions {
    /// The usual options.
    pub fn new() -> Self {
        ParquetWriteOptions::default()
    }

    /// Compresses pages in another way.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// At most so many rows in a row group.
    #[must_use]
    pub fn row_group_rows(mut self, rows: usize) -> Self {
        self.row_group_rows = rows.max(1);
        self
    }

    /// With or without statistics.
    #[must_use]
    pub fn statistics(mut self, statistics: bool) -> Self {
        self.statistics = statistics;
        self
    }

    fn properties(&self) -> WriterProperties {
        let codec = match self.compression {
            Compression::None => basic::Compression::UNCOMPRESSED,
            Compression::Snappy => basic::Compression::SNAPPY,
            Compression::Gzip => basic::Compression::GZIP(basic::GzipLevel::default()),
            Compression::Zstd => basic::Compression::ZSTD(basic::ZstdLevel::default()),
        };
        let level = if self.statistics { EnabledStatistics::Chunk } else { EnabledStatistics::None };
        WriterProperties::builder()
            .set_compression(codec)
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .set_statistics_enabled(level)
            .set_created_by(concat!("partita ", env!("CARGO_PKG_VERSION")).to_string())
            .build()
    }
}

impl Identity for ParquetWriteOptions {
    fn token(&self, t: &mut Tokenizer) {
        t.str("parquet write options");
        t.debug(self);
    }
}

impl Format for ParquetWriteOptions {
    fn extension(&self) -> &str {
        "parquet"
    }

    fn begin(&self, schema: &SchemaRef, out: Output) -> Result<Box<dyn Encoder>> {
        let options = ArrowWriterOptions::new().with_properties(self.properties());
        let writer = ArrowWriter::try_new_with_options(out, schema.clone(), options).map_err(refused)?;
        Ok(Box::new(ParquetEncoder { writer }))
    }
}

struct ParquetEncoder {
    writer: ArrowWriter<Output>,
}

impl Encoder for ParquetEncoder {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        self.writer.write(record).map_err(refused)
    }

    fn finish(mut self: Box<Self>) -> Result<(u64, Output)> {
        self.writer.flush().map_err(refused)?;
        let groups = self.writer.flushed_row_groups();
        let rows = groups.iter().map(|g| u64::try_from(g.num_rows()).unwrap_or(0)).sum();
        Ok((rows, self.writer.into_inner().map_err(refused)?))
    }
}

/// An error of writing as ours: of the disk, or of columns that the format does not have.
fn refused(error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => Error::system(*io),
            Err(other) => Error::unsupported(other.to_string()),
        },
        ParquetError::NYI(what) | ParquetError::General(what) | ParquetError::ArrowError(what) => {
            Error::unsupported(what)
        }
        other => Error::unsupported(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{self, Write};
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::*;
    use crate::base::ErrorKind;
    use crate::exec::TaskContext;
    use crate::io::parquet::{ParquetReadOptions, ParquetSource};
    use crate::io::sink::{Disk, DiskFile, FolderSink, Sink, write_file, write_file_on};
    use crate::io::{Batch, Scan, Source};

    fn rows(n: i64) -> RecordBatch {
        let id: ArrayRef = Arc::new(Int64Array::from_iter((0..n).map(|i| (i % 5 > 0).then_some(i % 97))));
        let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..n).map(|i| (i * i) as f64 / 7.0)));
        let s: ArrayRef = Arc::new(StringArray::from_iter_values((0..n).map(|i| format!("s{}", i % 3))));
        RecordBatch::try_from_iter_with_nullable([("id", id, true), ("x", x, false), ("s", s, true)]).unwrap()
    }

    fn batches(record: &RecordBatch) -> impl Iterator<Item = Result<Batch>> {
        let half = record.num_rows() / 2;
        let parts = [record.slice(0, half), record.slice(half, record.num_rows() - half)];
        parts.into_iter().map(|r| Ok(Batch::new(r, 0, 0)))
    }

    fn read(path: &Path) -> RecordBatch {
        let source = ParquetSource::open(&[path.to_str().unwrap()], ParquetReadOptions::new()).unwrap();
        let parts = (0..source.partitions().len())
            .flat_map(|i| source.read(i, &Scan::default(), &TaskContext::default()).unwrap())
            .map(|b| b.unwrap().record)
            .collect::<Vec<_>>();
        arrow::compute::concat_batches(&source.schema(), &parts).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let record = rows(1000);
        for (i, compression) in
            [Compression::None, Compression::Snappy, Compression::Gzip, Compression::Zstd].into_iter().enumerate()
        {
            let path = folder.path().join(format!("{i}.parquet"));
            let options = ParquetWriteOptions::new().compression(compression).row_group_rows(300);
            let receipt = write_file(&path, &options, &record.schema(), &mut batches(&record)).unwrap();
            assert_eq!((receipt.rows, receipt.bytes), (1000, fs::metadata(&path).unwrap().len()));
            assert_eq!(read(&path), record);
            let again = write_file(&path, &options, &record.schema(), &mut batches(&record)).unwrap_err();
            assert!(again.to_string().contains("already"), "{again}");
        }
        assert_eq!(names(folder.path()).len(), 4);
    }

    #[test]
    fn a_folder_appears_whole() {
        let root = tempfile::tempdir().unwrap();
        let (target, record) = (root.path().join("out"), rows(100));
        let format = Arc::new(ParquetWriteOptions::new());
        let sink = FolderSink::open(&target, format.clone(), record.schema()).unwrap();
        let second = sink.write(1, &mut batches(&record)).unwrap();
        let first = sink.write(0, &mut batches(&record.slice(0, 10))).unwrap();
        assert!(!target.exists());
        sink.commit(&[first, second]).unwrap();
        drop(sink);
        assert_eq!(names(root.path()), ["out"]);
        assert_eq!(names(&target), ["part-00000.parquet", "part-00001.parquet"]);
        assert_eq!(read(&target).num_rows(), 110);
        let occupied = FolderSink::open(&target, format, record.schema()).unwrap_err();
        assert!(matches!(occupied.kind(), ErrorKind::Invalid { .. }));
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let record = rows(100);
        let sink = FolderSink::open(root.path().join("out"), Arc::new(ParquetWriteOptions::new()), record.schema());
        let sink = sink.unwrap();
        sink.write(0, &mut batches(&record)).unwrap();
        let failing = [Ok(Batch::new(record.clone(), 0, 0)), Err(Error::invalid("no"))];
        assert!(sink.write(1, &mut failing.into_iter()).is_err());
        drop(sink);
        assert!(names(root.path()).is_empty());
    }

    /// A disk with so many bytes left.
    #[derive(Debug)]
    struct Full(usize);

    struct FullFile(fs::File, usize);

    impl Disk for Full {
        fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
            Ok(Box::new(FullFile(fs::File::create_new(path)?, self.0)))
        }
    }

    impl Write for FullFile {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            if self.1 < buf.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.1 -= buf.len();
            self.0.write(buf)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl DiskFile for FullFile {
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_named_and_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let record = rows(2000);
        let options = ParquetWriteOptions::new().row_group_rows(500);
        for space in [0, 3, 100, 5_000, 15_000] {
            let path = root.path().join("a.parquet");
            let disk = Full(space);
            let error = write_file_on(&disk, path, &options, &record.schema(), &mut batches(&record)).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Io { what } if what == "the disk is full"), "{error}");
            assert!(error.location().path.as_ref().unwrap().ends_with("a.parquet"));
            assert!(names(root.path()).is_empty());
            let target = root.path().join("out");
            let sink = FolderSink::open_on(target, Arc::new(options.clone()), record.schema(), Arc::new(disk)).unwrap();
            assert!(sink.write(0, &mut batches(&record)).is_err());
            drop(sink);
            assert!(names(root.path()).is_empty());
        }
    }
}
