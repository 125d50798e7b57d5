//! The batches of one partition.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{FieldRef, SchemaRef};

use super::chunks::{Chunks, broken};
use super::column::{Column, column};
use super::file::CsvFile;
use super::infer::misfit;
use super::options::CsvOptions;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::TaskContext;
use crate::io::store::Demand;
use crate::io::store::recent::Reader;
use crate::io::text::{CHUNK, NOT_UTF8, at_line, line_of};
use crate::io::{Batch, Origin, Rows};

/// A batch is closed early when its columns hold this much.
const FULL: usize = 64 << 20;

/// What to read: which block of which file, as which columns.
pub struct Reading {
    /// The file.
    pub file: Arc<CsvFile>,
    /// Its ordinal among the files.
    pub ordinal: u64,
    /// The block of it.
    pub block: usize,
    /// The columns that come out.
    pub schema: SchemaRef,
    /// How it is written.
    pub options: Arc<CsvOptions>,
    /// Only so many rows are wanted.
    pub limit: usize,
}

/// Reads one partition batch by batch.
pub struct Batches {
    reading: Reading,
    ctx: TaskContext,
    chunks: Chunks,
    /// For each column that comes out: which of the file it is, and what it has so far; none if the file lacks it.
    columns: Vec<Option<(usize, Box<dyn Column>)>>,
    /// Where records may start.
    range: (u64, u64),
    /// The next record of the chunk.
    next: usize,
    /// The places of the rows so far, from the first one on.
    base: u64,
    offsets: Vec<u32>,
    last: Option<u64>,
    /// How many records were left out, and where the first of them starts.
    skipped: Option<(u64, u64)>,
    left: usize,
    ended: bool,
    /// What others may need of the file is kept from the search for the start of the block to its end.
    _reader: Reader,
}

impl Batches {
    /// Opens the partition.
    pub fn open(reading: Reading, ctx: &TaskContext) -> Result<Batches> {
        ctx.cancel.check()?;
        let Reading { file, schema, options, .. } = &reading;
        let range = file.range(reading.block);
        let _reader = file.recent.reader();
        let cut = file.cut(reading.block, &options.dialect, ctx)?;
        let mut about = range.1.saturating_sub(cut.0);
        if reading.limit != usize::MAX {
            about = about.min(CHUNK as u64);
        }
        let dialect = (options.dialect, file.names.len());
        let demand = Demand::of(about, ctx).beside(&file.recent);
        let chunks = Chunks::open((&file.info, file.form), dialect, cut, &demand)?;
        // columns have room for all rows from the start: where they are many, batches are of fewer rows
        let fit = FULL / (size_of::<u64>() * schema.fields().len().max(1));
        let rows = ctx.batch_rows.min(fit).clamp(1, reading.limit.max(1));
        let places: HashMap<&str, usize> = file.names.iter().enumerate().map(|(i, name)| (&**name, i)).collect();
        let own = |field: &FieldRef| match places.get(field.name().as_str()) {
            Some(&place) => Ok(Some((place, column(field, options, rows)?))),
            None => Ok(None),
        };
        let columns = schema.fields().iter().map(own).collect::<Result<_>>()?;
        let left = reading.limit;
        let ctx = TaskContext { batch_rows: rows, ..ctx.clone() };
        let (offsets, ended) = (Vec::with_capacity(rows), left == 0);
        let (last, skipped) = (None, None);
        Ok(Batches {
            reading,
            ctx,
            chunks,
            columns,
            range,
            next: 0,
            base: 0,
            offsets,
            last,
            skipped,
            left,
            ended,
            _reader,
        })
    }

    /// The next batch, if there is one.
    fn pull(&mut self) -> Result<Option<Batch>> {
        self.ctx.cancel.check()?;
        while !self.ended && self.offsets.len() < self.ctx.batch_rows.min(self.left) {
            if self.next < self.chunks.records().len() {
                if !self.take()? {
                    break;
                }
                continue;
            }
            if let Some(fault) = self.chunks.fault() {
                let at = self.chunks.at() + fault.start() as u64;
                // rows before it come first; what starts in the next partition is for that one to tell
                if at < self.range.1 && self.offsets.is_empty() {
                    let file = &self.reading.file;
                    return Err(broken(&file.info, file.form, file.names.len(), at, fault));
                }
                self.ended = at >= self.range.1;
                break;
            }
            self.next = 0;
            if self.chunks.advance()? {
                self.count_skipped();
                self.ended |= self.chunks.at() >= self.range.1;
            } else {
                self.ended = true;
            }
        }
        if self.ended && self.left > 0 {
            self.tell();
        }
        if self.offsets.is_empty() { Ok(None) } else { self.finish().map(Some) }
    }

    /// Appends records of the chunk, as many as the batch has room for. `false` says that the batch is to be closed.
    fn take(&mut self) -> Result<bool> {
        let records = self.chunks.records();
        let (starts, at) = (records.starts(), self.chunks.at());
        let (from, to) = self.range;
        let from = starts.partition_point(|&s| at + u64::from(s) < from).max(self.next);
        let to = starts.partition_point(|&s| at + u64::from(s) < to);
        let room = self.ctx.batch_rows.min(self.left) - self.offsets.len();
        let rows = from..to.min(from + room).max(from);
        self.ended = rows.end == to && to < starts.len();
        self.next = rows.end;
        let Some(&first) = starts.get(rows.start).filter(|_| !rows.is_empty()) else { return Ok(true) };
        if self.offsets.is_empty() {
            self.base = at + u64::from(first);
        }
        for (field, column) in self.columns.iter_mut().flatten() {
            if let Err(wrong) = column.read(&records, *field, rows.clone()) {
                let place = at + records.place(wrong.record, *field).0 as u64;
                let Reading { file, schema, options, .. } = &self.reading;
                let name = &file.names[*field];
                let expected = schema.field_with_name(name)?.data_type();
                return Err(misfit(file, name, expected, &wrong.text, place, options));
            }
        }
        // a batch spans less than 4 GiB, being closed when it is full
        let shift = (at as i64 - self.base as i64) as u32;
        self.offsets.extend(starts[rows.clone()].iter().map(|&s| s.wrapping_add(shift)));
        self.last = Some(at + u64::from(starts[rows.end - 1]));
        let held: usize = self.columns.iter().flatten().map(|(_, c)| c.bytes()).sum();
        Ok(held < FULL && at - self.base.min(at) < u64::from(u32::MAX) / 2)
    }

    fn count_skipped(&mut self) {
        for at in self.chunks.skipped().filter(|at| (self.range.0..self.range.1).contains(at)) {
            self.skipped.get_or_insert((0, at)).0 += 1;
        }
    }

    /// Tells the file where the next block starts, and what is left out of this one, which is known now.
    fn tell(&self) {
        if let Some((count, first)) = self.skipped {
            self.reading.file.skip(self.reading.block, count, first);
        }
        if let Some(last) = self.last {
            self.reading.file.learn(self.reading.block + 1, last);
        }
    }

    fn finish(&mut self) -> Result<Batch> {
        let rows = self.offsets.len();
        self.left -= rows;
        self.ended |= self.left == 0;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (column, field) in self.columns.iter_mut().zip(self.reading.schema.fields()) {
            arrays.push(match column {
                None => new_null_array(field.data_type(), rows),
                Some((_, column)) => column.finish().map_err(|row| {
                    let file = &self.reading.file;
                    let at = self.base + u64::from(self.offsets.get(row).copied().unwrap_or_default());
                    let what = "the text is not valid UTF-8".to_string();
                    let error = Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&file.info.path);
                    let error = at_line(error, line_of(&file.info, file.form, at));
                    error.at_column(field.name()).help(NOT_UTF8)
                })?,
            });
        }
        let offsets = std::mem::replace(&mut self.offsets, Vec::with_capacity(self.ctx.batch_rows));
        let rows_option = RecordBatchOptions::new().with_row_count(Some(rows));
        let record = RecordBatch::try_new_with_options(self.reading.schema.clone(), arrays, &rows_option)?;
        let rows = Rows::Offsets { base: self.base, offsets: offsets.into() };
        Ok(Batch { record, origin: Origin { file: self.reading.ordinal, rows } })
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Result<Batch>> {
        if self.ended && self.offsets.is_empty() {
            return None;
        }
        let pulled = self.pull();
        self.ended |= pulled.is_err();
        if pulled.is_err() {
            self.offsets.clear();
        }
        pulled.transpose()
    }
}
