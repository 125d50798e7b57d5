//! The rows of a partition, batch by batch.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::chunks::Chunks;
use super::footer::{Footer, guarded};
use super::partition::Cut;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Cancel, Reservation, TaskContext};
use crate::expr::fns::cast::convert;
use crate::io::{Batch, Batches, Scan};

/// What is read of a file: some rows of some row groups.
#[derive(Clone, Debug)]
pub struct Part {
    /// The file.
    pub footer: Arc<Footer>,
    /// Its ordinal.
    pub file: u64,
    /// The rows.
    pub cut: Cut,
    /// The row groups of the cut that statistics do not rule out.
    pub groups: Vec<usize>,
}

/// Which columns are read of a file, and what is made of them.
#[derive(Clone, Debug)]
pub struct Wanted {
    schema: SchemaRef,
    /// For each column that is wanted: the position among the columns read, if the file has it.
    from: Vec<Option<usize>>,
    /// The columns that are read, by their positions in the file, rising.
    roots: Vec<usize>,
    mask: ProjectionMask,
    limit: u64,
}

/// The part read with dictionary codes in place of the strings of these columns (by their places in the file), where all
/// its pages are coded: then codes are all there is to decode. Says which columns these are.
pub fn as_codes(part: &mut Part, roots: &[usize]) -> Vec<usize> {
    let footer = &part.footer;
    let coded: Vec<usize> =
        roots.iter().copied().filter(|&root| part.groups.iter().all(|&group| footer.is_coded(group, root))).collect();
    if coded.is_empty() || part.groups.is_empty() {
        return Vec::new();
    }
    match footer.with_codes(&coded) {
        Some(footer) => {
            part.footer = Arc::new(footer);
            coded
        }
        None => Vec::new(),
    }
}

impl Wanted {
    /// What `scan` wants of a file that has the columns of `schema` at `places`.
    pub fn new(scan: &Scan, schema: &SchemaRef, places: &[Option<usize>], footer: &Footer) -> Wanted {
        let columns: Vec<usize> = match &scan.projection {
            None => (0..places.len()).collect(),
            Some(keep) => keep.to_vec(),
        };
        let place = |c: &usize| places.get(*c).copied().flatten();
        let mut roots: Vec<usize> = columns.iter().filter_map(place).collect();
        roots.sort_unstable();
        roots.dedup();
        let from = columns.iter().map(|c| roots.binary_search(&place(c)?).ok()).collect();
        let mask = ProjectionMask::roots(footer.reader.parquet_schema(), roots.iter().copied());
        let limit = scan.limit.map_or(u64::MAX, |l| l as u64);
        Wanted { schema: scan.project(schema), from, roots, mask, limit }
    }

    /// The same with the columns at these places in the file as codes.
    #[must_use]
    pub fn with_codes(mut self, coded: &[usize], footer: &Footer) -> Wanted {
        let fields = self.schema.fields().iter().zip(&self.from).map(|(field, from)| {
            match from.and_then(|k| self.roots.get(k)).filter(|root| coded.contains(root)) {
                Some(&root) => {
                    let data_type = footer.reader.schema().field(root).data_type().clone();
                    Arc::new(field.as_ref().clone().with_data_type(data_type))
                }
                None => field.clone(),
            }
        });
        let fields: Vec<_> = fields.collect();
        self.schema = Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
        self
    }

    /// About how many bytes a row of the columns that are read takes, where it takes the most.
    fn row_bytes(&self, part: &Part) -> u64 {
        let bytes_of = |&group: &usize| {
            let group = part.footer.reader.metadata().row_group(group);
            let read = group.columns().iter().enumerate().filter(|(leaf, _)| self.mask.leaf_included(*leaf));
            let bytes: i64 = read.map(|(_, column)| column.uncompressed_size()).sum();
            bytes.max(0) as u64 / group.num_rows().max(1) as u64
        };
        part.groups.iter().map(bytes_of).max().unwrap_or(0)
    }

    /// The columns wanted, from those read.
    fn assemble(&self, read: &RecordBatch) -> Result<RecordBatch> {
        let rows = read.num_rows();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.from.len());
        for (field, from) in self.schema.fields().iter().zip(&self.from) {
            columns.push(match from {
                None => new_null_array(field.data_type(), rows),
                Some(k) => widen(read.column(*k), field.data_type()).map_err(|e| e.at_column(field.name()))?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

/// The column in the type that all files share. Null stays null.
fn widen(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if column.data_type() == to {
        return Ok(column.clone());
    }
    if to.is_integer() && column.logical_null_count() > 0 && !column.data_type().is_null() {
        // a conversion that was asked for: only values that are there are checked
        let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
        return Ok(arrow::compute::cast_with_options(column, to, &options)?);
    }
    convert(column, to)
}

/// The batches of a part.
///
/// # Errors
/// `Io` when the file is not what it was; the iterator gives `Corrupt` with row group and column, and `Cancelled`.
pub fn read_part(part: Part, wanted: Wanted, ctx: &TaskContext) -> Result<Batches> {
    let batch_rows = ctx.rows_of(wanted.row_bytes(&part));
    let mut left = wanted.limit;
    let mut runs = VecDeque::new();
    for mut run in runs_of(&part, batch_rows as u64) {
        run.rows = run.rows.min(left);
        left -= run.rows;
        if run.rows > 0 {
            runs.push_back(run);
        }
    }
    // columns that no page has to be read for: their number of rows is known
    let chunks = if wanted.roots.is_empty() || runs.is_empty() { None } else { Some(part.footer.open()?) };
    let mut working = ctx.budget.nothing();
    // rows must be read whatever is left: what is held should make room for it, but need not
    let _ = working.try_grow((wanted.roots.len() as u64 * COLUMN).min(ctx.budget.share() / 4));
    Ok(Box::new(PartReader {
        part,
        wanted,
        chunks,
        batch_rows,
        cancel: ctx.cancel.clone(),
        runs,
        open: None,
        done: false,
        _working: working,
    }))
}

/// A column that is being read takes about this much: a page, the page before it was decompressed, a dictionary.
const COLUMN: u64 = 2 << 20;

/// Rows that one reader gives, one after the other in the file.
#[derive(Clone, Debug)]
struct Run {
    groups: Range<usize>,
    /// Rows skipped in the first group.
    skip: u64,
    rows: u64,
    /// The number of the next row in the file.
    at: u64,
}

/// The runs of a part: a row group each, but small neighbours together, so that batches are not small.
fn runs_of(part: &Part, batch_rows: u64) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &group in &part.groups {
        let split = part.cut.groups.len() == 1;
        let (skip, rows) = if split { (part.cut.skip, part.cut.rows) } else { (0, part.footer.groups[group].rows) };
        match runs.last_mut() {
            Some(last) if last.groups.end == group && last.rows.max(rows) < batch_rows * 2 => {
                last.groups.end = group + 1;
                last.rows += rows;
            }
            _ => {
                let at = part.footer.starts[group] + skip;
                runs.push(Run { groups: group..group + 1, skip, rows, at });
            }
        }
    }
    runs
}

struct PartReader {
    part: Part,
    wanted: Wanted,
    chunks: Option<Chunks>,
    batch_rows: usize,
    cancel: Cancel,
    runs: VecDeque<Run>,
    open: Option<ParquetRecordBatchReader>,
    done: bool,
    _working: Reservation,
}

impl Iterator for PartReader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        if self.done {
            return None;
        }
        let next = self.cancel.check().and_then(|()| self.advance());
        if !matches!(next, Ok(Some(_))) {
            self.done = true;
            self.open = None;
        }
        next.map_err(|e| e.doing("read").at_path(&self.part.footer.file.path)).transpose()
    }
}

impl PartReader {
    fn advance(&mut self) -> Result<Option<Batch>> {
        loop {
            let Some(run) = self.runs.front() else { return Ok(None) };
            if run.rows == 0 {
                self.open = None;
                self.runs.pop_front();
                continue;
            }
            let record = match &self.chunks {
                None => self.counted(run)?,
                Some(chunks) => self.decoded(&run.clone(), &chunks.clone())?,
            };
            let Some(run) = self.runs.front_mut() else { return Ok(None) };
            let batch = Batch::new(record, self.part.file, run.at);
            let rows = batch.rows() as u64;
            (run.at, run.rows) = (run.at + rows, run.rows.saturating_sub(rows));
            return Ok(Some(batch));
        }
    }

    /// Rows whose columns are all missing, or none.
    fn counted(&self, run: &Run) -> Result<RecordBatch> {
        let rows = run.rows.min(self.batch_rows as u64) as usize;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let none = Arc::new(arrow::datatypes::Schema::empty());
        self.wanted.assemble(&RecordBatch::try_new_with_options(none, vec![], &options)?)
    }

    fn decoded(&mut self, run: &Run, chunks: &Chunks) -> Result<RecordBatch> {
        let (open, part, wanted, batch_rows) = (&mut self.open, &self.part, &self.wanted, self.batch_rows);
        let read = guarded(|| {
            let mut reader = match open.take() {
                Some(reader) => reader,
                None => reader_of(&part.footer, chunks, run, &wanted.mask, batch_rows)?,
            };
            let batch = reader.next().transpose()?;
            *open = Some(reader);
            Ok(batch)
        });
        let short = || {
            let what = format!("the Parquet file is damaged: {} rows of the row group are missing", run.rows);
            Error::new(ErrorKind::Corrupt { what }).at_row_group(run.groups.start)
        };
        match read {
            Ok(Some(batch)) if batch.num_rows() as u64 <= run.rows => wanted.assemble(&batch),
            Ok(_) => Err(short()),
            Err(error) => Err(self.located(error, run, chunks)),
        }
    }

    /// Finds the row group and the column that an error comes from, by reading each by itself: errors are rare, and
    /// whoever has to mend a file wants to know.
    fn located(&self, error: Error, run: &Run, chunks: &Chunks) -> Error {
        let footer = &self.part.footer;
        let mut error = if run.groups.len() == 1 { error.at_row_group(run.groups.start) } else { error };
        for group in run.groups.clone() {
            for &root in &self.wanted.roots {
                let mask = ProjectionMask::roots(footer.reader.parquet_schema(), [root]);
                let whole = Run { groups: group..group + 1, skip: 0, rows: footer.groups[group].rows, at: 0 };
                let read = guarded(|| {
                    let reader = reader_of(footer, chunks, &whole, &mask, self.batch_rows)?;
                    for batch in reader {
                        batch?;
                    }
                    Ok(())
                });
                if read.is_err() {
                    error = error.at_row_group(group).at_column(footer.reader.schema().field(root).name());
                    return error;
                }
            }
        }
        error
    }
}

fn reader_of(
    footer: &Footer,
    chunks: &Chunks,
    run: &Run,
    mask: &ProjectionMask,
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunks.clone(), footer.reader.clone());
    let all: u64 = footer.groups.get(run.groups.clone()).unwrap_or_default().iter().map(|g| g.rows).sum();
    let mut builder =
        builder.with_row_groups(run.groups.clone().collect()).with_projection(mask.clone()).with_batch_size(batch_rows);
    if run.skip > 0 {
        builder = builder.with_offset(usize::try_from(run.skip)?);
    }
    if run.skip + run.rows < all {
        builder = builder.with_limit(usize::try_from(run.rows)?);
    }
    builder.build()
}
