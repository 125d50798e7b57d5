//! Writing Parquet files.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use serde::{Deserialize, Serialize};

use super::encode::codec::Codec;
use super::encode::fixed::{self, FixedColumn};
use super::footer::read_all;
use super::source::EXTENSIONS;
use super::unify::unify;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::expr::Portable;
use crate::io::FileInfo;
use crate::io::hive::columns::{TYPES, recorded};
use crate::io::sink::append;
use crate::io::sink::{Compression, Encoder, Format, Output, Placement, placed};

/// How Parquet files are written, and where they are placed.
///
/// ```no_run
/// use partita::{Compression, ParquetWriteOptions, WriteMode, read_csv};
/// let options = ParquetWriteOptions::new()
///     .compression(Compression::Zstd(3))
///     .partition_by(["year", "month"]) // year=2023/month=1/part-00000.parquet
///     .mode(WriteMode::Append); // beside the files that are there; they appear all at once
/// read_csv("trips/*.csv")?.to_parquet_with("trips", options)?;
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParquetWriteOptions {
    compression: Compression,
    row_group_rows: usize,
    statistics: bool,
    page_index: bool,
    #[serde(skip)]
    placement: Placement,
}

impl Default for ParquetWriteOptions {
    fn default() -> Self {
        ParquetWriteOptions {
            compression: Compression::Snappy,
            row_group_rows: 1 << 20,
            statistics: true,
            page_index: false,
            placement: Placement::default(),
        }
    }
}

impl ParquetWriteOptions {
    /// Snappy, row groups of a million rows with statistics, into a place where there is nothing yet.
    pub fn new() -> Self {
        ParquetWriteOptions::default()
    }

    /// Compresses pages in another way.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// At most so many rows in a row group. A group ends before, when what it holds encoded reaches the part of the
    /// memory limit that a task may have.
    #[must_use]
    pub fn row_group_rows(mut self, rows: usize) -> Self {
        self.row_group_rows = rows.max(1);
        self
    }

    /// Whether row groups tell the smallest and largest value and the number of nulls of each column, as they do unless
    /// told otherwise.
    #[must_use]
    pub fn statistics(mut self, statistics: bool) -> Self {
        self.statistics = statistics;
        self
    }

    /// Whether each page tells that too, for readers that look for few rows. Without, only where pages begin is told.
    #[must_use]
    pub fn page_index(mut self, page_index: bool) -> Self {
        self.page_index = page_index;
        self
    }

    placed!();

    fn properties(&self, compression: parquet::basic::Compression) -> WriterProperties {
        let level = match (self.page_index, self.statistics) {
            (true, _) => EnabledStatistics::Page,
            (false, true) => EnabledStatistics::Chunk,
            (false, false) => EnabledStatistics::None,
        };
        WriterProperties::builder()
            .set_compression(compression)
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

    fn begin(&self, schema: &SchemaRef, out: Output, ctx: &TaskContext) -> Result<Box<dyn Encoder>> {
        let codec = Codec::new(self.compression);
        let options = ArrowWriterOptions::new().with_properties(self.properties(codec.name()?));
        // this one keeps the Arrow types in the footer; its parts are then used by themselves
        let writer = ArrowWriter::try_new_with_options(out, schema.clone(), options).map_err(refused)?;
        let (file, factory) = writer.into_serialized_writer().map_err(refused)?;
        Ok(Box::new(ParquetEncoder {
            file,
            factory,
            schema: schema.clone(),
            options: self.clone(),
            codec,
            group: None,
            rows: 0,
            held: ctx.budget.nothing(),
            most: ctx.budget.share(),
        }))
    }

    fn fits(&self, there: &[FileInfo], schema: &SchemaRef) -> Result<()> {
        let footers = read_all(append::ending(there, &EXTENSIONS).cloned().collect())?;
        let schemas: Vec<_> = footers.iter().map(|f| (&*f.file.path, f.reader.schema())).collect();
        let unified = unify(&schemas, &BTreeMap::new())?;
        let Some((first, _)) = schemas.first().filter(|_| !unified.schema.fields().is_empty()) else { return Ok(()) };
        let there = unified.schema.fields().iter().enumerate().map(|(i, field)| {
            let has = |file: &usize| unified.places.get(*file).is_some_and(|places| places[i].is_some());
            let path = (0..schemas.len()).find(has).map_or(*first, |file| schemas[file].0);
            (field.name().as_str(), Some(field.data_type()), path)
        });
        append::same_columns(schema, &there.collect::<Vec<_>>())?;
        // the types of what the folders say
        let types = |schema: &SchemaRef| recorded(schema.metadata().get(TYPES));
        let (ours, theirs) = (types(schema), schemas.first().map(|(_, schema)| types(schema)).unwrap_or_default());
        let columns: Vec<_> = theirs.iter().map(|(name, to)| (name.as_str(), Some(to), *first)).collect();
        let ours = Schema::new(ours.into_iter().map(|(name, to)| Field::new(name, to, true)).collect::<Vec<_>>());
        if columns.is_empty() { Ok(()) } else { append::same_columns(&ours, &columns) }
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("parquet", self)
    }
}

struct ParquetEncoder {
    file: SerializedFileWriter<Output>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    options: ParquetWriteOptions,
    codec: Codec,
    group: Option<Group>,
    /// Rows of the groups that were written.
    rows: u64,
    /// What the group holds.
    held: Reservation,
    /// What it may hold before it ends.
    most: u64,
}

/// A row group that is being filled.
struct Group {
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    /// A column of fixed width.
    Fixed(Box<FixedColumn>),
    /// Any other one, by its leaves.
    Other(Vec<ArrowColumnWriter>),
}

impl Encoder for ParquetEncoder {
    fn push(&mut self, record: &RecordBatch) -> Result<()> {
        let mut offset = 0;
        while offset < record.num_rows() {
            let filled = self.group.as_ref().map_or(0, |g| g.rows);
            let rows = (self.options.row_group_rows - filled).min(record.num_rows() - offset);
            let (rows, bytes) = self.within(record, offset, rows)?;
            self.make_room(bytes)?;
            self.add(&record.slice(offset, rows))?;
            offset += rows;
            if self.group.as_ref().is_some_and(|g| g.rows == self.options.row_group_rows) {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.end_group()
    }

    fn finish(mut self: Box<Self>) -> Result<(u64, Output)> {
        self.end_group()?;
        Ok((self.rows, self.file.into_inner().map_err(refused)?))
    }
}

impl ParquetEncoder {
    /// As many of the next rows as are encoded at once, and their bytes: all, unless they are many for the memory limit.
    fn within(&self, record: &RecordBatch, offset: usize, mut rows: usize) -> Result<(usize, u64)> {
        loop {
            let bytes = bytes_of(&record.slice(offset, rows))?;
            if bytes <= self.most / 4 || rows == 1 {
                return Ok((rows, bytes));
            }
            rows = rows.div_ceil(2);
        }
    }

    /// Reserves memory for more rows; ends the group if there is none left.
    fn make_room(&mut self, more: u64) -> Result<()> {
        if self.held.bytes() + more > self.most {
            self.end_group()?;
        }
        if self.held.grow(HELD, more).is_err() {
            self.end_group()?;
            self.held.grow(HELD, more)?;
        }
        Ok(())
    }

    fn add(&mut self, record: &RecordBatch) -> Result<()> {
        let mut group = match self.group.take() {
            Some(group) => group,
            None => self.begin_group()?,
        };
        let mut held = 0;
        for ((column, array), field) in group.columns.iter_mut().zip(record.columns()).zip(self.schema.fields()) {
            match column {
                Column::Fixed(fixed) => {
                    fixed.push(array, &mut self.codec)?;
                    held += fixed.held();
                }
                Column::Other(leaves) => {
                    let values = compute_leaves(field, array).map_err(|e| refused(e).at_column(field.name()))?;
                    for (leaf, values) in leaves.iter_mut().zip(&values) {
                        leaf.write(values).map_err(|e| refused(e).at_column(field.name()))?;
                        held += leaf.memory_size();
                    }
                }
            }
        }
        group.rows += record.num_rows();
        self.group = Some(group);
        let held = held as u64;
        if held > self.most || self.held.resize(HELD, held).is_err() {
            self.end_group()?;
        }
        Ok(())
    }

    fn begin_group(&self) -> Result<Group> {
        let descriptor = self.file.schema_descr();
        let writers = self.factory.create_column_writers(self.file.flushed_row_groups().len()).map_err(refused)?;
        let mut leaves = writers.into_iter().zip(0..descriptor.num_columns()).peekable();
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        // our encoder keeps no ranges of pages
        let takes = self.codec.takes() && !self.options.page_index;
        for (root, field) in self.schema.fields().iter().enumerate() {
            let mut own = Vec::new();
            let mut first = None;
            while let Some((writer, leaf)) = leaves.next_if(|(_, leaf)| descriptor.get_column_root_idx(*leaf) == root) {
                first.get_or_insert(leaf);
                own.push(writer);
            }
            columns.push(match first.filter(|_| takes && fixed::takes(field.data_type())) {
                Some(leaf) => Column::Fixed(Box::new(FixedColumn::new(
                    descriptor.column(leaf),
                    field.data_type().clone(),
                    self.options.statistics,
                ))),
                None => Column::Other(own),
            });
        }
        Ok(Group { columns, rows: 0 })
    }

    fn end_group(&mut self) -> Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut writer = self.file.next_row_group().map_err(refused)?;
        for column in group.columns {
            match column {
                Column::Fixed(fixed) => {
                    let (pages, close) = fixed.finish(&mut self.codec)?;
                    writer.append_column(&pages, close).map_err(refused)?;
                }
                Column::Other(leaves) => {
                    for leaf in leaves {
                        let chunk = leaf.close().map_err(refused)?;
                        chunk.append_to_row_group(&mut writer).map_err(refused)?;
                    }
                }
            }
        }
        let written = writer.close().map_err(refused)?;
        self.rows += u64::try_from(written.num_rows()).unwrap_or(0);
        self.held.resize(HELD, 0)
    }
}

/// What the memory is for, in errors.
const HELD: &str = "a row group that is being written";

/// Bytes of the values of a batch.
fn bytes_of(record: &RecordBatch) -> Result<u64> {
    let mut bytes = 0;
    for column in record.columns() {
        bytes += column.to_data().get_slice_memory_size()? as u64;
    }
    Ok(bytes)
}

/// An error of writing as ours: of the disk, or of columns that the format does not have.
pub(super) fn refused(error: ParquetError) -> Error {
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
#[path = "write_tests.rs"]
mod tests;
