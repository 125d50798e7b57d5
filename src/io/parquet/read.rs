//! The rows of a partition, batch by batch.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::counts::Counts;
use super::footer::{Footer, guarded};
use super::pages::{Pages, Watch};
use super::partition::Cut;
use super::select::{Condition, Kept};
use super::wanted::Wanted;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Cancel, Reservation, TaskContext};
use crate::io::{Batch, Batches, Rows};

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
    /// What rows must satisfy to be wanted.
    pub condition: Option<Condition>,
    /// Where it is counted what is read and what is not.
    pub counts: Arc<Counts>,
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

/// The batches of a part.
///
/// # Errors
/// `Io` when the file is not what it was; the iterator gives `Corrupt` with row group and column, `Memory` when a page is
/// too large, and `Cancelled`.
pub fn read_part(mut part: Part, wanted: Wanted, ctx: &TaskContext) -> Result<Batches> {
    // columns that no page has to be read for: their number of rows is known
    let none = wanted.columns.read.is_empty() || part.groups.is_empty();
    let pages = if none { None } else { Some(pages_of(&part, &wanted, ctx)?) };
    if let (Some(pages), Some(condition)) = (&pages, &part.condition) {
        let groups = condition.groups(&part.groups, pages);
        part.counts.skip_groups((part.groups.len() - groups.len()) as u64);
        part.groups = groups;
    }
    let metadata = part.footer.metadata();
    let row_bytes = part.groups.iter().map(|&group| wanted.row_bytes(metadata.row_group(group))).max();
    let batch_rows = ctx.rows_of(row_bytes.unwrap_or(0));
    let mut left = wanted.limit;
    let mut runs = VecDeque::new();
    for mut run in runs_of(&part, batch_rows as u64) {
        run.rows = run.rows.min(left);
        left -= run.rows;
        if run.rows > 0 {
            runs.push_back(run);
        }
    }
    let mut working = ctx.budget.nothing();
    // rows must be read whatever is left: what is held should make room for it, but need not
    let _ = working.try_grow((wanted.columns.read.len() as u64 * COLUMN).min(ctx.budget.share() / 4));
    Ok(Box::new(PartReader {
        part,
        wanted,
        pages,
        batch_rows,
        cancel: ctx.cancel.clone(),
        runs,
        next: None,
        open: None,
        done: false,
        _working: working,
    }))
}

/// A column that is being read takes about this much: a page, the page before it was decompressed, a dictionary.
const COLUMN: u64 = 2 << 20;

/// The pages of the part, as far as they may be read.
fn pages_of(part: &Part, wanted: &Wanted, ctx: &TaskContext) -> Result<Pages> {
    let metadata = part.footer.metadata();
    let (mut largest, mut starts) = (0, Vec::new());
    for &group in &part.groups {
        let index = metadata.page_index_for_row_group(group);
        let read = wanted.leaves(metadata.row_group(group)).map(|(leaf, _)| leaf);
        let asked = part.condition.iter().flat_map(|c| c.leaves(metadata.row_group(group)));
        for leaf in read.chain(asked) {
            let column = metadata.row_group(group).column(leaf);
            largest = largest.max(u64::try_from(column.uncompressed_size()).unwrap_or(0));
            let locations = index.page_locations(leaf).into_iter().flatten();
            starts.extend(locations.filter_map(|page| u64::try_from(page.offset).ok()));
        }
    }
    Ok(Pages::new(
        part.footer.open()?.within(ctx),
        Watch::new(largest, starts, ctx.budget.nothing()),
        part.counts.clone(),
    ))
}

/// Rows that one reader gives, one after the other in the file.
#[derive(Clone, Debug)]
pub struct Run {
    /// The row groups.
    pub groups: Range<usize>,
    /// Rows skipped in the first group.
    pub skip: u64,
    /// Rows that are still to come.
    pub rows: u64,
    /// The number of the next row in the file.
    pub at: u64,
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
    pages: Option<Pages>,
    batch_rows: usize,
    cancel: Cancel,
    runs: VecDeque<Run>,
    /// The pages of the run that comes after the first.
    next: Option<Pages>,
    /// The reader of the first run, and which of its rows it gives, if not all.
    open: Option<(ParquetRecordBatchReader, Option<Kept>)>,
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
            let Some(pages) = self.pages.clone() else {
                let record = self.counted(run)?;
                return self.given(record, None);
            };
            if self.open.is_none() && !self.begin(&pages)? {
                continue;
            }
            let record = self.decoded(&pages)?;
            let kept = self.open.as_mut().and_then(|(_, kept)| kept.as_mut());
            let places = kept.map(|kept| kept.next(record.num_rows()));
            return self.given(record, places);
        }
    }

    /// The next batch of the first run: rows in sequence, unless their places are given.
    fn given(&mut self, record: RecordBatch, places: Option<Rows>) -> Result<Option<Batch>> {
        let Some(run) = self.runs.front_mut() else { return Ok(None) };
        let rows = record.num_rows() as u64;
        let mut batch = Batch::new(record, self.part.file, run.at);
        match places {
            Some(places) => batch.origin.rows = places,
            None => run.at += rows,
        }
        run.rows = run.rows.saturating_sub(rows);
        Ok(Some(batch))
    }

    /// Rows whose columns are all missing, or none.
    fn counted(&self, run: &Run) -> Result<RecordBatch> {
        let rows = run.rows.min(self.batch_rows as u64) as usize;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let none = Arc::new(arrow::datatypes::Schema::empty());
        self.wanted.assemble(&RecordBatch::try_new_with_options(none, vec![], &options)?)
    }

    /// Opens the first run, for those of its rows that can be wanted; false if there is none.
    fn begin(&mut self, pages: &Pages) -> Result<bool> {
        let Some(run) = self.runs.front().cloned() else { return Ok(false) };
        let part = &self.part;
        let kept = match &part.condition {
            Some(condition) if self.wanted.limit == u64::MAX => {
                condition.rows_of(&part.footer, &run, pages, &self.wanted, self.batch_rows, &self.cancel)?
            }
            _ => None,
        };
        if let (Some(kept), Some(first)) = (&kept, self.runs.front_mut()) {
            part.counts.skip_rows(run.rows - kept.rows());
            first.rows = kept.rows();
            if first.rows == 0 {
                return Ok(false);
            }
        }
        let mask = &self.wanted.mask;
        let metadata = part.footer.metadata();
        let planned = |run: &Run, kept: Option<&Kept>| pages.planned(metadata, run, mask, kept);
        let now = self.next.take().filter(|_| kept.is_none()).unwrap_or_else(|| planned(&run, kept.as_ref()));
        // of a file in a store: what comes next is on its way while this is decoded
        self.next = self.runs.get(1).filter(|_| part.condition.is_none()).map(|next| planned(next, None));
        let reader = guarded(|| reader_of(&part.footer, &now, &run, mask, self.batch_rows, kept.as_ref()));
        match reader {
            Ok(reader) => self.open = Some((reader, kept)),
            Err(error) => return Err(self.located(error, &run, pages)),
        }
        Ok(true)
    }

    fn decoded(&mut self, pages: &Pages) -> Result<RecordBatch> {
        let Some(run) = self.runs.front().cloned() else { return Err(Error::invalid("no rows are left")) };
        let open = self.open.take();
        let mut again = None;
        let read = guarded(|| {
            let Some((mut reader, kept)) = open else { return Ok(None) };
            let batch = reader.next().transpose()?;
            again = Some((reader, kept));
            Ok(batch)
        });
        self.open = again;
        let short = || {
            let what = format!("the Parquet file is damaged: {} rows of the row group are missing", run.rows);
            Error::new(ErrorKind::Corrupt { what }).at_row_group(run.groups.start)
        };
        match read {
            Ok(Some(batch)) if batch.num_rows() as u64 <= run.rows => self.wanted.assemble(&batch),
            Ok(_) => Err(short()),
            Err(error) => Err(self.located(error, &run, pages)),
        }
    }

    /// Finds the row group and the column that an error comes from, by reading each by itself: errors are rare, and
    /// whoever has to mend a file wants to know.
    fn located(&self, error: Error, run: &Run, pages: &Pages) -> Error {
        let footer = &self.part.footer;
        if let Some(said) = pages.failure() {
            return said;
        }
        let error = pages.watch().refused().unwrap_or(error);
        let mut error = if run.groups.len() == 1 { error.at_row_group(run.groups.start) } else { error };
        if matches!(error.kind(), ErrorKind::Memory { .. }) {
            return error;
        }
        for group in run.groups.clone() {
            for &root in &self.wanted.columns.read {
                let mask = ProjectionMask::roots(footer.reader.parquet_schema(), [root]);
                let whole = Run { groups: group..group + 1, skip: 0, rows: footer.groups[group].rows, at: 0 };
                let read = guarded(|| {
                    let reader = reader_of(footer, pages, &whole, &mask, self.batch_rows, None)?;
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

/// A reader of the columns of `mask`, for the rows of a run or those of them that are kept.
///
/// # Errors
/// When the file is damaged.
pub fn reader_of(
    footer: &Footer,
    pages: &Pages,
    run: &Run,
    mask: &ProjectionMask,
    batch_rows: usize,
    kept: Option<&Kept>,
) -> Result<ParquetRecordBatchReader, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(pages.clone(), footer.reader.clone());
    let all: u64 = footer.groups.get(run.groups.clone()).unwrap_or_default().iter().map(|g| g.rows).sum();
    let mut builder =
        builder.with_row_groups(run.groups.clone().collect()).with_projection(mask.clone()).with_batch_size(batch_rows);
    if let Some(kept) = kept {
        return builder.with_row_selection(kept.selection(run.skip, all)?).build();
    }
    if run.skip > 0 {
        builder = builder.with_offset(usize::try_from(run.skip)?);
    }
    if run.skip + run.rows < all {
        builder = builder.with_limit(usize::try_from(run.rows)?);
    }
    builder.build()
}
