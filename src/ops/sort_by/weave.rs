//! Rows picked from several batches, gathered to batches of a good size.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use std::ops::Range;

use super::gather::gather;
use crate::base::Result;

/// So many rows of one batch that follow each other are passed on without copying them.
const LONG: usize = 4096;

/// Gathers rows of batches in the order in which they are picked.
#[derive(Debug)]
pub(super) struct Weave {
    schema: SchemaRef,
    /// The batch that each lane has now, and its place among the sources.
    lanes: Vec<(Option<RecordBatch>, Option<usize>)>,
    /// The batches that rows were picked from.
    sources: Vec<RecordBatch>,
    picked: Vec<(usize, usize)>,
    /// How many rows a batch should have.
    rows: usize,
}

impl Weave {
    pub(super) fn new(schema: SchemaRef, lanes: usize, rows: usize) -> Weave {
        let lanes = (0..lanes).map(|_| (None, None)).collect();
        Weave { schema, lanes, sources: Vec::new(), picked: Vec::new(), rows: rows.max(1) }
    }

    /// From now on lane `lane` has this batch.
    pub(super) fn supply(&mut self, lane: usize, record: RecordBatch) {
        if let Some(at) = self.lanes.get_mut(lane) {
            *at = (Some(record), None);
        }
    }

    /// How many rows may be picked before the batch is full.
    pub(super) fn room(&self) -> usize {
        self.rows - self.picked.len()
    }

    /// Picks rows of the batch of a lane. Gives a batch when one is ready.
    pub(super) fn pick(&mut self, lane: usize, rows: Range<usize>) -> Result<Option<RecordBatch>> {
        let Some((Some(record), source)) = self.lanes.get_mut(lane) else { return Ok(None) };
        if self.picked.is_empty() && rows.len() >= LONG.min(self.rows) {
            return Ok(Some(record.slice(rows.start, rows.len())));
        }
        let source = *source.get_or_insert_with(|| {
            self.sources.push(record.clone());
            self.sources.len() - 1
        });
        self.picked.extend(rows.map(|row| (source, row)));
        if self.picked.len() >= self.rows { self.flush().map(Some) } else { Ok(None) }
    }

    /// The rows that were picked and not given yet.
    pub(super) fn end(&mut self) -> Result<Option<RecordBatch>> {
        if self.picked.is_empty() { Ok(None) } else { self.flush().map(Some) }
    }

    fn flush(&mut self) -> Result<RecordBatch> {
        let record = gather(&self.schema, &self.sources, &self.picked)?;
        self.sources.clear();
        self.picked.clear();
        self.lanes.iter_mut().for_each(|(_, source)| *source = None);
        Ok(record)
    }
}
