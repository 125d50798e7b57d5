//! The metadata of Parquet files, read in parallel.

use std::sync::Arc;

use arrow::datatypes::{DataType, Fields, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{Encoding, EncodingMask};
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use rayon::prelude::*;

use super::chunks::Chunks;
use super::partition::{Group, Target};
use super::{kept, layout, mend};
use crate::base::{self, Error, ErrorKind, Result};
use crate::io::store::FileInfo;
use crate::io::store::many::each;

/// What the end of a Parquet file says of it.
#[derive(Clone, Debug)]
pub struct Footer {
    /// The file as it was when it was opened.
    pub file: FileInfo,
    /// Its metadata and schema, ready for reading.
    pub reader: ArrowReaderMetadata,
    /// Its row groups.
    pub groups: Vec<Group>,
    /// The number of the first row of each row group, and the number of rows.
    pub starts: Vec<u64>,
}

/// Reads the footers of `files`, in parallel.
///
/// # Errors
/// The first in the order of the files: `Io`, `Corrupt` for a file that is damaged or not Parquet at all,
/// `Unsupported` for an encrypted one.
pub fn read_all(files: Vec<FileInfo>) -> Result<Vec<Footer>> {
    each(&files, |file| Footer::read(file.clone()))
}

/// Finds out how far the row groups that are too large can be split.
///
/// # Errors
/// The first in the order of the files, as [`read_all`].
pub fn find_parts(footers: &mut [Footer], target: Target) -> Result<()> {
    let done: Vec<Result<()>> = footers.par_iter_mut().map(|f| f.find_parts(target)).collect();
    done.into_iter().collect()
}

impl Footer {
    /// Reads the footer of one file, unless it is known.
    ///
    /// # Errors
    /// As [`read_all`].
    pub fn read(file: FileInfo) -> Result<Footer> {
        if let Some(known) = kept::get(&file) {
            return Ok(known);
        }
        let chunks =
            Chunks::new(file.open()?, file.size).with_end().map_err(|e| Error::io(&file.path, e).doing("read"))?;
        check_magic(&chunks, &file)?;
        let reader = guarded(|| load(&chunks)).map_err(|e| chunks.failure().unwrap_or(e));
        let reader = reader.map_err(|e| e.doing("read the footer of").at_path(&file.path))?;
        let metadata = reader.metadata().clone();
        let mut starts = vec![0];
        let mut groups = Vec::with_capacity(metadata.num_row_groups());
        for (i, group) in metadata.row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).map_err(|_| {
                let what = format!("the footer claims {} rows", group.num_rows());
                Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&file.path).at_row_group(i)
            })?;
            starts.push(starts.last().unwrap_or(&0) + rows);
            groups.push(Group { rows, bytes: decoded_bytes(group, rows), parts: 1 });
        }
        let footer = Footer { file, reader, groups, starts };
        kept::put(&footer);
        Ok(footer)
    }

    /// The metadata as the file has it.
    pub fn metadata(&self) -> &Arc<ParquetMetaData> {
        self.reader.metadata()
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The file, opened for reading pages.
    ///
    /// # Errors
    /// `Io`, also when the file has changed since its footer was read.
    pub fn open(&self) -> Result<Chunks> {
        Ok(Chunks::new(self.file.open()?, self.file.size))
    }

    /// Whether all pages of the string column at `root` are dictionary codes in this row group.
    pub fn is_coded(&self, group: usize, root: usize) -> bool {
        let schema = self.reader.parquet_schema();
        if *self.reader.schema().field(root).data_type() != DataType::Utf8 {
            return false;
        }
        let leaf = (0..schema.num_columns()).find(|&leaf| schema.get_column_root_idx(leaf) == root);
        let Some(leaf) = leaf else { return false };
        let column = self.metadata().row_group(group).column(leaf);
        let coded =
            |mask: &EncodingMask| mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY);
        column.dictionary_page_offset().is_some() && column.page_encoding_stats_mask().is_some_and(coded)
    }

    /// The same file read with dictionary codes in place of the strings at these roots.
    pub fn with_codes(&self, roots: &[usize]) -> Option<Footer> {
        let schema = self.reader.schema();
        let fields = schema.fields().iter().enumerate().map(|(root, field)| {
            if !roots.contains(&root) {
                return field.clone();
            }
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(field.as_ref().clone().with_data_type(coded))
        });
        let schema = Schema::new_with_metadata(fields.collect::<Fields>(), schema.metadata().clone());
        let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
        let reader = ArrowReaderMetadata::try_new(self.metadata().clone(), options).ok()?;
        Some(Footer { reader, ..self.clone() })
    }

    /// Pages are not decoded to be skipped where their number of rows is known: from an offset index, or, in columns
    /// without lists, from their headers. So a group can be split into as many parts as its columns have pages.
    fn find_parts(&mut self, target: Target) -> Result<()> {
        let large: Vec<usize> = (0..self.groups.len()).filter(|&i| target.splits(&self.groups[i])).collect();
        if large.is_empty() {
            return Ok(());
        }
        let chunks = self.open()?;
        let lists = self.reader.parquet_schema().columns().iter().any(|c| c.max_rep_level() > 0);
        if (lists || chunks.is_elsewhere())
            && let Ok(reader) = guarded(|| load_with_index(&chunks, &self.reader))
        {
            self.reader = reader;
        }
        for i in large {
            // in a store, headers cost a request each: what the index does not tell is not asked
            let index = has_offset_index(self.metadata(), i);
            if index && chunks.is_elsewhere() {
                self.groups[i].parts = pages_of_index(self.metadata(), i);
            } else if !chunks.is_elsewhere() && (!lists || index) {
                // damaged headers are reported when the pages are read
                self.groups[i].parts = guarded(|| pages(&chunks, self.metadata(), i)).unwrap_or(1);
            }
        }
        Ok(())
    }
}

fn has_offset_index(metadata: &ParquetMetaData, group: usize) -> bool {
    let index = metadata.page_index_for_row_group(group);
    (0..metadata.row_group(group).num_columns()).all(|column| index.page_locations(column).is_some())
}

/// As [`pages`], of a group whose pages the index tells.
fn pages_of_index(metadata: &ParquetMetaData, group: usize) -> u64 {
    let index = metadata.page_index_for_row_group(group);
    let (mut weighted, mut weight) = (0u128, 0u128);
    for (leaf, column) in metadata.row_group(group).columns().iter().enumerate() {
        let bytes = column.uncompressed_size().max(1) as u128;
        weighted += bytes * index.page_locations(leaf).map_or(1, |pages| pages.len()) as u128;
        weight += bytes;
    }
    u64::try_from(weighted / weight.max(1)).unwrap_or(1).max(1)
}

/// The usual number of pages of a column, large columns counting more.
fn pages(chunks: &Chunks, metadata: &ParquetMetaData, group: usize) -> Result<u64, ParquetError> {
    let group = metadata.row_group(group);
    let rows = usize::try_from(group.num_rows()).unwrap_or(0);
    let (mut weighted, mut weight) = (0u128, 0u128);
    for column in group.columns() {
        let mut reader = SerializedPageReader::new(Arc::new(chunks.clone()), column, rows, None)?;
        let mut count = 0u128;
        while let Some(page) = reader.peek_next_page()? {
            count += u128::from(!page.is_dict);
            reader.skip_next_page()?;
        }
        let bytes = column.uncompressed_size().max(1) as u128;
        weighted += count * bytes;
        weight += bytes;
    }
    Ok(u64::try_from(weighted / weight.max(1)).unwrap_or(1).max(1))
}

fn load(chunks: &Chunks) -> Result<ArrowReaderMetadata, ParquetError> {
    let end = chunks.len() - TAIL;
    let tail = chunks.get_bytes(end, TAIL as usize)?;
    let length = tail.first_chunk::<4>().map_or(0, |four| u64::from(u32::from_le_bytes(*four)));
    let start = end.checked_sub(length).ok_or_else(|| {
        ParquetError::EOF(format!("the footer should have {length} bytes, but only {end} are before its end"))
    })?;
    let footer = chunks.get_bytes(start, length as usize)?;
    layout::read_as(mend::mended(mend::decode(&footer)?, start)?)
}

/// What stands behind the footer: its length, and four letters.
const TAIL: u64 = 8;

/// The same with the places of pages.
fn load_with_index(chunks: &Chunks, known: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ParquetError> {
    let mut reader = ParquetMetaDataReader::new_with_metadata(known.metadata().as_ref().clone())
        .with_offset_index_policy(PageIndexPolicy::Optional);
    reader.read_page_indexes(chunks)?;
    let options = ArrowReaderOptions::new().with_schema(known.schema().clone());
    ArrowReaderMetadata::try_new(Arc::new(reader.finish()?), options)
}

/// The size of a row group in memory, about: fixed widths are known; of strings the file may tell, else what it
/// stores is taken.
fn decoded_bytes(group: &RowGroupMetaData, rows: u64) -> u64 {
    use parquet::basic::Type;
    let of = |column: &parquet::file::metadata::ColumnChunkMetaData| {
        let values = u64::try_from(column.num_values()).unwrap_or(0).max(rows);
        let stored = u64::try_from(column.uncompressed_size()).unwrap_or(0);
        let text = column.unencoded_byte_array_data_bytes().and_then(|b| u64::try_from(b).ok()).unwrap_or(stored);
        match column.column_type() {
            Type::BOOLEAN => values / 8,
            Type::INT32 | Type::FLOAT => values.saturating_mul(4),
            Type::INT64 | Type::DOUBLE | Type::INT96 => values.saturating_mul(8),
            Type::FIXED_LEN_BYTE_ARRAY => values.saturating_mul(column.column_descr().type_length().max(1) as u64),
            Type::BYTE_ARRAY => values.saturating_mul(4).saturating_add(text),
        }
    };
    group.columns().iter().map(of).fold(0, u64::saturating_add)
}

/// Looks at both ends of the file, so that what is no Parquet file, and half of one, is told from a damaged one.
fn check_magic(chunks: &Chunks, file: &FileInfo) -> Result<()> {
    let corrupt = |what: String, step: &str| {
        Err(Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&file.path).help(step))
    };
    let fetch = "write or copy it again";
    let size = chunks.len();
    if size < 12 {
        return corrupt(format!("not a Parquet file: it has only {size} bytes"), fetch);
    }
    let at = |start: u64| chunks.read(start, 4).map_err(|e| Error::io(&file.path, e).doing("read"));
    let tail = at(size - 4)?;
    // the beginning says more only of what does not end as it should
    let head = if tail == b"PAR1" { Vec::new() } else { at(0)? };
    match (head.as_slice(), tail.as_slice()) {
        (b"PARE", _) | (_, b"PARE") => Err(Error::unsupported("an encrypted Parquet file")
            .doing("read")
            .at_path(&file.path)
            .help("decrypt it first")),
        (_, b"PAR1") => Ok(()),
        (b"PAR1", _) => corrupt("the Parquet file is truncated: it begins as one, but has no end".to_string(), fetch),
        (head, _) => {
            let what = format!("not a Parquet file: it begins with {:?}", String::from_utf8_lossy(head));
            corrupt(what, "if it is text, read it with read_csv")
        }
    }
}

/// Runs code of the Parquet library over bytes that may be damaged: its errors become ours, and so does a panic.
pub fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    base::guarded(|| read().map_err(translate), damaged)
}

/// An error of the Parquet library as ours.
pub fn translate(error: ParquetError) -> Error {
    match error {
        ParquetError::NYI(what) => Error::unsupported(what),
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => Error::system(*io),
            Err(other) => damaged(&other.to_string()),
        },
        ParquetError::General(what) | ParquetError::EOF(what) | ParquetError::ArrowError(what) => damaged(&what),
        other => damaged(&other.to_string()),
    }
}

fn damaged(what: &str) -> Error {
    if what.contains("without the encryption feature") || what.contains("crypt") {
        return Error::unsupported("an encrypted Parquet file").help("decrypt it first");
    }
    let error = Error::new(ErrorKind::Corrupt { what: format!("the Parquet file is damaged: {}", what.trim_end()) });
    // columns can be encrypted under a footer that is not: their page headers are then no headers
    let header = what.contains("Required field") || what.contains("page header");
    if header { error.help("or this column is encrypted, which is not supported") } else { error }
}
