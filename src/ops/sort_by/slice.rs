//! The part of a run that lies in a range.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::run::Run;
use super::sample::Border;
use crate::base::Result;
use crate::exec::SpillFile;
use crate::expr::order::{Encoder, Keys};

/// The rows of a run between two borders, read block by block.
#[derive(Debug)]
pub(super) struct Slice {
    run: Arc<Run>,
    /// The blocks that are not read yet.
    blocks: Range<usize>,
    /// The border that cuts the first block.
    from: Option<Border>,
    /// The border that cuts the last block.
    to: Option<Border>,
    /// How many rows of the run come before it: known exactly when the first block has been read.
    start: usize,
}

impl Slice {
    pub(super) fn new(run: Arc<Run>, from: Option<&Border>, to: Option<&Border>) -> Slice {
        // the blocks that begin before a border, and whether the last of them also ends before it
        let before = |border: &Border| {
            let blocks = run.blocks.partition_point(|b| border.is_after(&b.first, run.partition));
            let last = blocks.checked_sub(1).and_then(|last| run.blocks.get(last));
            (blocks, last.is_none_or(|b| border.is_after(&b.last, run.partition)))
        };
        let (first, from) = match from.map(|border| (border, before(border))) {
            None => (0, None),
            Some((_, (blocks, true))) => (blocks, None),
            Some((border, (blocks, false))) => (blocks - 1, Some(border.clone())),
        };
        let (end, to) = match to.map(|border| (border, before(border))) {
            None => (run.blocks.len(), None),
            Some((_, (blocks, true))) => (blocks, None),
            Some((border, (blocks, false))) => (blocks, Some(border.clone())),
        };
        let start = run.blocks.get(first).map_or(run.rows, |b| b.start);
        Slice { blocks: first..end.max(first), from, to, start, run }
    }

    /// The blocks that are not read yet.
    pub(super) fn blocks(&self) -> Range<usize> {
        self.blocks.clone()
    }

    /// How many rows of the run come before it; exact when the first block has been read.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// What the smallest key begins with, or less.
    pub(super) fn lowest(&self) -> Option<&[u8]> {
        let block = self.run.blocks.get(self.blocks.clone().next()?)?;
        Some(self.from.as_ref().map_or(&block.first[..], Border::key))
    }

    /// What the largest key begins with, or more.
    pub(super) fn highest(&self) -> Option<&[u8]> {
        let block = self.run.blocks.get(self.blocks.clone().last()?)?;
        Some(self.to.as_ref().map_or(&block.last[..], Border::key))
    }

    /// The next rows, as many as one block has, and their keys, which all begin with `shared`.
    pub(super) fn next(
        &mut self,
        encoder: &Encoder,
        shared: &[u8],
        schema: &SchemaRef,
        file: &SpillFile,
    ) -> Result<Option<(RecordBatch, Keys)>> {
        while let Some(block) = self.blocks.next() {
            let record = self.run.fetch(block, schema, file)?;
            let mut rows = 0..record.num_rows();
            if let Some(border) = self.from.take() {
                rows.start = self.cut(&border, &record, encoder)?;
                self.start += rows.start;
            }
            let last = if self.blocks.is_empty() { self.to.take() } else { None };
            if let Some(border) = last {
                rows.end = self.cut(&border, &record, encoder)?;
            }
            if !rows.is_empty() {
                let record = record.slice(rows.start, rows.len());
                let keys = encoder.encode_behind(&record, shared)?;
                return Ok(Some((record, keys)));
            }
        }
        Ok(None)
    }

    /// How many rows of a block lie before a border. Only the rows that are looked at get keys.
    fn cut(&self, border: &Border, record: &RecordBatch, encoder: &Encoder) -> Result<usize> {
        let (mut low, mut high) = (0, record.num_rows());
        while low < high {
            let middle = low + (high - low) / 2;
            let keys = encoder.encode(&record.slice(middle, 1))?;
            if border.is_after(keys.whole(0), self.run.partition) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// About how much memory reading it takes at a time.
    pub(super) fn cost(&self) -> u64 {
        let costs = self.blocks.clone().map(|b| {
            let rows = self.run.blocks.get(b).map_or(0, |b| b.rows as u64);
            // once as read from disk, once decoded, and the keys
            2 * self.run.read_bytes(b) + 32 * rows
        });
        costs.max().unwrap_or(0)
    }

    /// Bytes of a row, in the block where they are most.
    pub(super) fn row_bytes(&self) -> u64 {
        let blocks = self.blocks.clone().filter_map(|b| self.run.blocks.get(b));
        blocks.map(|b| b.bytes / b.rows.max(1) as u64).max().unwrap_or(0)
    }
}
