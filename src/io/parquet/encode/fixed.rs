//! A column of words of 4 or 8 bytes, from arrays to the bytes of a column chunk.

use arrow::array::BooleanBufferBuilder;
use std::collections::VecDeque;
use std::io::Read;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType,
};
use bytes::Bytes;
use parquet::basic::{self, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::codec::Codec;
use super::dictionary::Dictionary;
use super::rle;
use super::word::{Range, Word, count_nan, plain, statistics, widen};
use crate::base::{Error, Result};
use crate::io::parquet::write::refused;

/// Rows of a page: enough to compress well, few enough to skip.
const PAGE_ROWS: usize = 32 << 10;

/// A column is compressed only if that saves a tenth of its first page: numbers of words are dense already.
const WORTH: f64 = 0.9;

/// Whether columns of this type are encoded here.
pub fn takes(data_type: &DataType) -> bool {
    use DataType::{Date32, Float32, Float64, Int32, Int64, Timestamp};
    matches!(data_type, Int32 | Int64 | Float32 | Float64 | Date32)
        || matches!(data_type, Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond, _))
}

/// Calls a function for the Arrow type of a column that is taken.
macro_rules! typed {
    ($data_type:expr, $call:ident($($arg:expr),*)) => {
        match $data_type {
            DataType::Int32 => $call::<Int32Type>($($arg),*),
            DataType::Date32 => $call::<Date32Type>($($arg),*),
            DataType::Float32 => $call::<Float32Type>($($arg),*),
            DataType::Int64 => $call::<Int64Type>($($arg),*),
            DataType::Float64 => $call::<Float64Type>($($arg),*),
            DataType::Timestamp(TimeUnit::Millisecond, _) => $call::<TimestampMillisecondType>($($arg),*),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => $call::<TimestampNanosecondType>($($arg),*),
            _ => $call::<TimestampMicrosecondType>($($arg),*),
        }
    };
}

/// The words of a column chunk on their way into pages.
pub struct FixedColumn {
    descriptor: ColumnDescPtr,
    data_type: DataType,
    nullable: bool,
    statistics: bool,
    dictionary: Dictionary,
    /// Whether words still get numbers: until there are too many distinct ones.
    numbering: bool,
    page: PageBuffer,
    range: Range,
    /// Whether pages are compressed: the first one decides.
    compressed: Option<bool>,
    chunk: Chunk,
}

/// The page that is being filled.
struct PageBuffer {
    rows: usize,
    valid: BooleanBufferBuilder,
    /// The numbers of its words,
    numbers: Vec<u16>,
    /// or the words themselves.
    words: Vec<u64>,
}

/// Pages that were written.
struct Chunk {
    pages: Vec<Bytes>,
    /// Their size with headers.
    size: u64,
    index: OffsetIndexBuilder,
    rows: u64,
    uncompressed: i64,
    /// Whether one of them refers to the dictionary.
    numbered: bool,
}

/// The pages of a chunk, one after the other.
pub struct Pages(VecDeque<Bytes>);

impl Length for Pages {
    fn len(&self) -> u64 {
        self.0.iter().map(|page| page.len() as u64).sum()
    }
}

impl ChunkReader for Pages {
    type T = PagesReader;

    fn get_read(&self, start: u64) -> Result<PagesReader, ParquetError> {
        let mut reader = PagesReader(self.0.clone());
        std::io::copy(&mut (&mut reader).take(start), &mut std::io::sink())?;
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut bytes = vec![0; length];
        self.get_read(start)?.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Reads pages one after the other.
pub struct PagesReader(VecDeque<Bytes>);

impl Read for PagesReader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.0.front().is_some_and(Bytes::is_empty) {
            self.0.pop_front();
        }
        let Some(page) = self.0.front_mut() else { return Ok(0) };
        let count = page.len().min(out.len());
        out[..count].copy_from_slice(&page.split_to(count));
        Ok(count)
    }
}

impl FixedColumn {
    /// An empty chunk of a column.
    pub fn new(descriptor: ColumnDescPtr, data_type: DataType, statistics: bool) -> Self {
        FixedColumn {
            nullable: descriptor.max_def_level() > 0,
            descriptor,
            data_type,
            statistics,
            dictionary: Dictionary::new(),
            numbering: true,
            page: PageBuffer { rows: 0, valid: BooleanBufferBuilder::new(0), numbers: Vec::new(), words: Vec::new() },
            range: Range::default(),
            compressed: None,
            chunk: Chunk::new(),
        }
    }

    /// Adds the values of an array.
    ///
    /// # Errors
    /// When a null is in a column that has none.
    pub fn push(&mut self, array: &ArrayRef, codec: &mut Codec) -> Result<()> {
        if array.null_count() > 0 && !self.nullable {
            return Err(Error::value("a null in a column that is not nullable").at_column(self.descriptor.name()));
        }
        let mut offset = 0;
        while offset < array.len() {
            let rows = (PAGE_ROWS - self.page.rows).min(array.len() - offset);
            let part = array.slice(offset, rows);
            typed!(&self.data_type, add(self, &part));
            self.page.rows += rows;
            offset += rows;
            if self.page.rows == PAGE_ROWS {
                self.end_page(codec)?;
            }
        }
        Ok(())
    }

    /// Bytes that it holds.
    pub fn held(&self) -> usize {
        let page = self.page.words.capacity() * 8 + self.page.numbers.capacity() * 2 + self.page.rows / 8;
        self.chunk.size as usize + page + self.dictionary.held()
    }

    fn take(&mut self, words: impl Iterator<Item = u64> + Clone) {
        let page = &mut self.page;
        if !self.numbering {
            page.words.extend(words);
            return;
        }
        let before = page.numbers.len();
        if !self.dictionary.number(words.clone(), &mut page.numbers) {
            let rest = words.skip(page.numbers.len() - before);
            page.spell_out(&self.dictionary);
            page.words.extend(rest);
            self.numbering = false;
        }
    }

    fn end_page(&mut self, codec: &mut Codec) -> Result<()> {
        if self.page.rows == 0 {
            return Ok(());
        }
        // a first page of mostly distinct words: numbers would be larger than what they stand for
        if self.numbering && !self.chunk.numbered && self.dictionary.words().len() * 2 > self.page.numbers.len() {
            self.page.spell_out(&self.dictionary);
            self.numbering = false;
        }
        let mut bytes = Vec::with_capacity(64 << 10);
        let valid = self.page.valid.finish();
        if self.nullable {
            let some_null = Some(&valid).filter(|v: &&BooleanBuffer| v.count_set_bits() < v.len());
            rle::encode_levels(some_null, self.page.rows, &mut bytes);
        }
        // a page of nothing but nulls needs no dictionary, and an empty one confuses readers
        let encoding = if self.numbering && !self.dictionary.words().is_empty() {
            typed!(&self.data_type, count_nan(&mut self.range, &self.page.numbers, self.dictionary.words()));
            // one bit where none would do: not all readers take 0
            let width = (usize::BITS - (self.dictionary.words().len() - 1).leading_zeros()).max(1);
            bytes.push(width as u8);
            rle::encode(&self.page.numbers, width, &mut bytes);
            self.chunk.numbered = true;
            Encoding::RLE_DICTIONARY
        } else {
            typed!(&self.data_type, widen(&mut self.range, &self.page.words, true));
            typed!(&self.data_type, plain(&self.page.words, &mut bytes));
            Encoding::PLAIN
        };
        let (rows, size) = (self.page.rows, bytes.len());
        let page = Page::DataPage {
            buf: self.compress(bytes, codec)?,
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.chunk.write(page, size, rows).map_err(refused)?;
        self.page.rows = 0;
        self.page.numbers.clear();
        self.page.words.clear();
        Ok(())
    }

    fn compress(&mut self, page: Vec<u8>, codec: &mut Codec) -> Result<Bytes> {
        if self.compressed == Some(false) {
            return Ok(page.into());
        }
        let smaller = codec.compress(&page)?;
        let worth = *self.compressed.get_or_insert(smaller.len() as f64 <= page.len() as f64 * WORTH);
        Ok(if worth { smaller } else { page.into() })
    }

    /// Ends the chunk: its pages, the dictionary first, and what the footer says of it.
    ///
    /// # Errors
    /// `Unsupported` if the pages do not make a chunk.
    pub fn finish(mut self, codec: &mut Codec) -> Result<(Pages, ColumnCloseResult)> {
        self.end_page(codec)?;
        let mut head = Chunk::new();
        if self.chunk.numbered {
            typed!(&self.data_type, widen(&mut self.range, self.dictionary.words(), false));
            let mut bytes = Vec::new();
            typed!(&self.data_type, plain(self.dictionary.words(), &mut bytes));
            let size = bytes.len();
            let num_values = self.dictionary.words().len() as u32;
            let buf = self.compress(bytes, codec)?;
            let page = Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false };
            head.write(page, size, 0).map_err(refused)?;
        }
        let name = codec.name()?;
        self.close(head, name).map_err(refused)
    }

    fn close(self, head: Chunk, codec: basic::Compression) -> Result<(Pages, ColumnCloseResult), ParquetError> {
        let chunk = self.chunk;
        let (data_at, size) = (i64::try_from(head.size)?, head.size + chunk.size);
        let pages = Pages(head.pages.into_iter().chain(chunk.pages).collect());
        let compression = if self.compressed == Some(true) { codec } else { basic::Compression::UNCOMPRESSED };
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        encodings.extend(chunk.numbered.then_some(Encoding::RLE_DICTIONARY));
        let mut metadata = ColumnChunkMetaData::builder(self.descriptor.clone())
            .set_compression(compression)
            .set_encodings(encodings)
            .set_num_values(chunk.rows as i64)
            .set_total_compressed_size(i64::try_from(size)?)
            .set_total_uncompressed_size(head.uncompressed + chunk.uncompressed)
            .set_data_page_offset(data_at)
            .set_dictionary_page_offset(chunk.numbered.then_some(0));
        if self.statistics {
            metadata = metadata.set_statistics(typed!(&self.data_type, statistics(&self.range)));
        }
        let mut offset_index = chunk.index.build();
        offset_index.page_locations.iter_mut().for_each(|page| page.offset += data_at);
        let close = ColumnCloseResult {
            bytes_written: size,
            rows_written: chunk.rows,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(offset_index),
        };
        Ok((pages, close))
    }
}

impl PageBuffer {
    /// Turns the numbers of the page back into words.
    fn spell_out(&mut self, dictionary: &Dictionary) {
        let words = dictionary.words();
        self.words.extend(self.numbers.drain(..).map(|number| words[number as usize]));
    }
}

impl Chunk {
    fn new() -> Self {
        Chunk {
            pages: Vec::new(),
            size: 0,
            index: OffsetIndexBuilder::new(),
            rows: 0,
            uncompressed: 0,
            numbered: false,
        }
    }

    /// Writes a page that has `size` bytes when it is not compressed.
    fn write(&mut self, page: Page, size: usize, rows: usize) -> Result<(), ParquetError> {
        let mut out = TrackedWrite::new(Vec::with_capacity(page.buffer().len() + 64));
        let written = SerializedPageWriter::new(&mut out).write_page(CompressedPage::new(page, size))?;
        self.index.append_row_count(rows as i64);
        self.index.append_offset_and_size(i64::try_from(self.size)?, i32::try_from(written.compressed_size)?);
        self.rows += rows as u64;
        self.uncompressed += i64::try_from(written.uncompressed_size)?;
        self.size += written.bytes_written;
        self.pages.push(out.into_inner()?.into());
        Ok(())
    }
}

fn add<T: ArrowPrimitiveType>(column: &mut FixedColumn, part: &ArrayRef)
where
    T::Native: Word,
{
    let array = part.as_primitive::<T>();
    let values = array.values();
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => {
            column.page.valid.append_n(values.len(), true);
            column.take(values.iter().map(|v| v.word()));
        }
        Some(nulls) => {
            column.page.valid.append_buffer(nulls.inner());
            column.range.nulls += nulls.null_count() as u64;
            let there: Vec<u64> = nulls.valid_indices().map(|i| values[i].word()).collect();
            column.take(there.iter().copied());
        }
    }
}
