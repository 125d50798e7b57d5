//! The rows of a partition to sorted runs.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use rustc_hash::FxHashSet;

use super::gather::gather;
use super::run::{Run, tidy};
use super::sample::Sample;
use super::store::{Receipt, SortStore, checksum};
use crate::base::Result;
use crate::exec::{Reservation, TaskContext};
use crate::expr::order::{Keys, shared_bytes, sorted};
use crate::graph::Payload;
use crate::io::Batch;
use crate::plan::Flow;
use crate::plan::shape::Chunk;

/// What a row takes while it is sorted, beside its values: its key, its key with its place, its place in the order.
const ROW_BYTES: u64 = 16 + 16 + 8;
/// Bytes of a block: small enough that many fit into a task's share of memory, and large enough for the disk.
const SMALLEST_BLOCK: u64 = 16 << 10;
const LARGEST_BLOCK: u64 = 4 << 20;
/// Rows of a block, however many output partitions there are.
const FEWEST_ROWS: usize = 2048;
/// This part of the memory is not filled with sorted rows.
const SPARE: u64 = 8;
/// More batches than this are not sorted together.
const MOST_BATCHES: usize = 1 << 14;
/// More rows than this neither.
const MOST_ROWS: usize = 1 << 30;

/// Takes the batches of a partition, sorts as many of them together as there is room for, and leaves sorted runs.
pub(super) struct Sorter {
    store: Arc<SortStore>,
    ctx: TaskContext,
    receipt: Receipt,
    sample: Sample,
    runs: usize,
    records: Vec<RecordBatch>,
    keys: Vec<Keys>,
    rows: usize,
    known: FxHashSet<usize>,
    /// Bytes of the values.
    bytes: u64,
    reservation: Reservation,
}

impl Sorter {
    pub(super) fn new(store: Arc<SortStore>, partition: usize, ctx: &TaskContext) -> Sorter {
        Sorter {
            store,
            ctx: ctx.clone(),
            receipt: Receipt { partition, rows: 0, sum: 0 },
            sample: Sample::default(),
            runs: 0,
            records: Vec::new(),
            keys: Vec::new(),
            rows: 0,
            known: FxHashSet::default(),
            bytes: 0,
            reservation: ctx.budget.nothing(),
        }
    }

    /// A batch and the bytes that it adds. One that is a small part of something large is copied when the whole would be
    /// too much.
    fn own_rows(&mut self, batch: Batch) -> Result<(RecordBatch, u64)> {
        let whole = batch.bytes() as u64;
        let copy = whole > self.ctx.budget.share() / 4 && whole > 2 * slice_bytes(&batch)?;
        let batch = if copy {
            let rows: Vec<(usize, usize)> = (0..batch.rows()).map(|row| (0, row)).collect();
            let record = gather(&self.store.schema, std::slice::from_ref(&batch.record), &rows)?;
            batch.with_record(tidy(record)?)
        } else {
            batch
        };
        let own = batch.bytes_beside(&mut self.known) as u64;
        Ok((batch.record, own))
    }

    /// Takes in rows for which there is room, or will be when what is there has gone to a run.
    fn take_in(&mut self, batch: Batch) -> Result<()> {
        let rows = batch.rows();
        let (record, own) = self.own_rows(batch)?;
        self.make_room(own + ROW_BYTES * rows as u64)?;
        let keys = self.store.encoder.encode(&record)?;
        self.sample.push(&keys)?;
        self.receipt.rows += rows as u64;
        self.receipt.sum = self.receipt.sum.wrapping_add(checksum(&keys));
        self.records.push(record);
        self.keys.push(keys);
        self.rows += rows;
        self.bytes += own;
        Ok(())
    }

    /// Makes room for so many bytes more, with a run if need be.
    fn make_room(&mut self, more: u64) -> Result<()> {
        let full = self.records.len() >= MOST_BATCHES || self.rows >= MOST_ROWS;
        let within = self.reservation.bytes().saturating_add(more) <= self.ctx.budget.share();
        if !full && within && self.reservation.try_grow(more) {
            return Ok(());
        }
        self.cut()?;
        self.reservation.grow("a batch of rows to sort", more)
    }

    /// The keys behind the bytes that all of them share, where these leave no room for the rest.
    fn told_apart(&self, records: &[RecordBatch], mut keys: Vec<Keys>) -> Result<Vec<Keys>> {
        let shared = shared_bytes(&keys);
        if !shared.is_empty() && !keys.iter().all(Keys::is_exact) {
            for (keys, record) in keys.iter_mut().zip(records) {
                *keys = self.store.encoder.encode_behind(record, &shared)?;
            }
        }
        Ok(keys)
    }

    /// Sorts what is there to a run.
    fn cut(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let (records, keys) = (std::mem::take(&mut self.records), std::mem::take(&mut self.keys));
        let order = sorted(&self.told_apart(&records, keys)?);
        // not much larger than what an output partition takes of it
        let part = (self.rows / self.store.partitions).max(FEWEST_ROWS);
        let block = block_rows(self.bytes / self.rows as u64, &self.ctx).min(part);
        let mut run = Run::new(self.receipt.partition, self.runs, self.ctx.budget.nothing());
        let mut picked = Vec::with_capacity(block.min(self.rows));
        for places in order.chunks(block) {
            self.ctx.cancel.check()?;
            picked.clear();
            picked.extend(places.iter().map(|p| (p.batch as usize, p.row as usize)));
            let record = tidy(gather(&self.store.schema, &records, &picked)?)?;
            let keep = self.ctx.budget.free() > self.ctx.budget.limit() / SPARE;
            run.push(record, &self.store.encoder, &self.store.file, keep)?;
        }
        self.store.add(run);
        self.runs += 1;
        (self.rows, self.bytes) = (0, 0);
        self.known.clear();
        self.reservation.shrink_to(0);
        Ok(())
    }
}

/// Bytes of the rows of a batch, without those of the larger buffers that they may lie in.
fn slice_bytes(batch: &Batch) -> Result<u64> {
    let sizes = batch.record.columns().iter().map(|c| Ok(c.to_data().get_slice_memory_size()? as u64));
    sizes.sum()
}

/// How many rows of `row_bytes` bytes a block should have: as many as a batch, fewer where many blocks have to fit into
/// a task's share of memory.
pub(super) fn block_rows(row_bytes: u64, ctx: &TaskContext) -> usize {
    let bytes = (ctx.budget.share() / 64).clamp(SMALLEST_BLOCK, LARGEST_BLOCK);
    ((bytes / row_bytes.max(1)) as usize).clamp(1, ctx.batch_rows.max(1))
}

impl Chunk for Sorter {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        let rows = batch.rows();
        if rows == 0 {
            return Ok(Flow::More);
        }
        // where memory is short, so is what is reserved for a batch
        let most = self.ctx.rows_of(slice_bytes(&batch)? / rows as u64 + ROW_BYTES);
        for start in (0..rows).step_by(most) {
            self.take_in(batch.slice(start, most.min(rows - start)))?;
        }
        Ok(Flow::More)
    }

    fn end(mut self: Box<Self>) -> Result<Payload> {
        self.cut()?;
        self.store.add_sample(self.receipt.partition, std::mem::take(&mut self.sample));
        Ok(Payload::new(self.receipt))
    }
}
