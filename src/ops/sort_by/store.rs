//! All runs of a sort.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::run::Run;
use super::sample::{Border, Sample, borders};
use super::slice::Slice;
use super::sorter::{Sorter, block_rows};
use super::weave::Weave;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Reclaim, SpillFile, TaskContext};
use crate::expr::order::{Encoder, Keys, Merge};
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::plan::shape::Chunk;
use crate::plan::{Flow, Out, Store};

/// The sorted runs of all input partitions, and the borders of the output partitions.
pub(super) struct SortStore {
    pub(super) encoder: Encoder,
    pub(super) schema: SchemaRef,
    /// The columns that are passed on; absent: all.
    pub(super) keep: Option<Vec<usize>>,
    pub(super) file: SpillFile,
    pub(super) partitions: usize,
    /// The borders, where they were known before.
    between: Option<Vec<Border>>,
    runs: Mutex<Vec<Arc<Run>>>,
    samples: Mutex<Vec<(usize, Sample)>>,
    sealed: OnceLock<Sealed>,
    given: Mutex<Tally>,
    /// Held by whoever moves blocks to disk.
    spilling: Mutex<()>,
}

/// What is known when all rows are in.
struct Sealed {
    runs: Vec<Arc<Run>>,
    borders: Vec<Border>,
    taken: Tally,
}

/// Rows, and a sum over their keys that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    partitions: usize,
    rows: u64,
    sum: u64,
}

/// What one input partition gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt {
    pub(super) partition: usize,
    pub(super) rows: u64,
    pub(super) sum: u64,
}

impl Held for Receipt {
    fn bytes(&self) -> u64 {
        0
    }
}

/// A sum over the keys of some rows that does not depend on their order.
pub(super) fn checksum(keys: &Keys) -> u64 {
    keys.starts().fold(0, |sum: u64, start| {
        let mixed = (start as u64 ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul((start >> 64) as u64 | 1);
        sum.wrapping_add(mixed ^ mixed >> 32)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const WHAT: &str = "merging sorted runs";

impl SortStore {
    pub(super) fn new(
        encoder: Encoder,
        schema: SchemaRef,
        keep: Option<Vec<usize>>,
        partitions: usize,
        ctx: &TaskContext,
    ) -> SortStore {
        SortStore {
            encoder,
            schema,
            keep,
            file: ctx.spill.file(),
            partitions,
            between: None,
            runs: Mutex::default(),
            samples: Mutex::default(),
            sealed: OnceLock::new(),
            given: Mutex::default(),
            spilling: Mutex::default(),
        }
    }

    /// With these borders, one fewer than partitions, where they are known before.
    pub(super) fn between(self, borders: Option<Vec<Border>>) -> SortStore {
        SortStore { between: borders, ..self }
    }

    pub(super) fn add(&self, run: Run) {
        lock(&self.runs).push(Arc::new(run));
    }

    pub(super) fn add_sample(&self, partition: usize, sample: Sample) {
        lock(&self.samples).push((partition, sample));
    }

    /// The slices of all runs that lie in output partition `partition`.
    fn slices<'a>(sealed: &'a Sealed, partition: usize) -> impl Iterator<Item = Slice> + 'a {
        let from = partition.checked_sub(1).and_then(|before| sealed.borders.get(before));
        let to = sealed.borders.get(partition);
        // without enough rows for as many borders, what lies behind the last one is in the partition that it begins
        let empty = partition > sealed.borders.len();
        let runs = if empty { &[][..] } else { &sealed.runs[..] };
        runs.iter().map(move |run| Slice::new(run.clone(), from, to))
    }

    /// Merges neighbouring slices to runs on disk until the rest can be merged at once.
    fn merge_down(&self, mut slices: Vec<Slice>, ctx: &TaskContext) -> Result<(Vec<Slice>, u64)> {
        let (mut start, room) = (0, ctx.budget.share() / 2);
        loop {
            let mut groups: Vec<(Vec<Slice>, u64)> = Vec::new();
            for slice in slices {
                let cost = slice.cost();
                match groups.last_mut() {
                    Some((group, all)) if group.len() < 2 || all.saturating_add(cost) <= room => {
                        group.push(slice);
                        *all += cost;
                    }
                    _ => groups.push((vec![slice], cost)),
                }
            }
            if groups.len() <= 1 {
                return Ok((groups.pop().map(|(group, _)| group).unwrap_or_default(), start));
            }
            slices = Vec::with_capacity(groups.len());
            for (group, _) in groups {
                let mut run = Run::new(0, 0, ctx.budget.nothing());
                let mut merging = Merging::open(self, group, None, ctx)?;
                start += merging.start;
                merging.drain(ctx, &mut |record| {
                    run.push(record, &self.encoder, &self.file, false)?;
                    Ok(Flow::More)
                })?;
                slices.push(Slice::new(Arc::new(run), None, None));
            }
        }
    }

    fn sealed(&self) -> Result<&Sealed> {
        self.sealed.get().ok_or_else(|| Error::invalid("a sort was read before all rows were in"))
    }

    /// Counts what an output partition gave; after the last one everything must have come out.
    fn check(&self, rows: u64, sum: u64) -> Result<()> {
        let given = {
            let mut given = lock(&self.given);
            given.partitions += 1;
            given.rows += rows;
            given.sum = given.sum.wrapping_add(sum);
            *given
        };
        let taken = self.sealed()?.taken;
        if given.partitions == taken.partitions && given != taken { Err(lost(taken.rows, given.rows)) } else { Ok(()) }
    }
}

fn lost(rows_in: u64, rows_out: u64) -> Error {
    Error::new(ErrorKind::Conservation { what: "sorting".into(), rows_in, rows_out })
}

impl Store for SortStore {
    fn start(self: Arc<Self>, _input: usize, partition: usize, ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        Ok(Box::new(Sorter::new(self, partition, ctx)))
    }

    fn seal(&self, receipts: Vec<Payload>, _ctx: &TaskContext) -> Result<()> {
        let mut taken = Tally { partitions: self.partitions, ..Tally::default() };
        for receipt in &receipts {
            let receipt = receipt.get::<Receipt>().ok_or_else(|| Error::invalid("not a receipt of a sort"))?;
            taken.rows += receipt.rows;
            taken.sum = taken.sum.wrapping_add(receipt.sum);
        }
        let mut runs = lock(&self.runs).clone();
        runs.sort_by_key(|run| (run.partition, run.ordinal));
        let held: u64 = runs.iter().map(|run| run.rows as u64).sum();
        if held != taken.rows {
            return Err(lost(taken.rows, held));
        }
        let mut samples = std::mem::take(&mut *lock(&self.samples));
        samples.sort_by_key(|(partition, _)| *partition);
        let samples = samples.into_iter().map(|(_, sample)| sample).collect();
        let borders = self.between.clone().unwrap_or_else(|| borders(samples, self.partitions));
        let sealed = Sealed { runs, borders, taken };
        let mut users: Vec<Vec<usize>> = sealed.runs.iter().map(|run| vec![0; run.blocks.len()]).collect();
        for partition in 0..self.partitions {
            for (users, slice) in users.iter_mut().zip(Self::slices(&sealed, partition)) {
                users.get_mut(slice.blocks()).unwrap_or_default().iter_mut().for_each(|n| *n += 1);
            }
        }
        sealed.runs.iter().zip(&users).for_each(|(run, users)| run.count_users(users));
        self.sealed.set(sealed).map_err(|_| Error::invalid("a sort was sealed twice"))
    }

    fn read(&self, partition: usize, ctx: &TaskContext, out: &mut Out<'_>) -> Result<Flow> {
        let slices: Vec<Slice> = Self::slices(self.sealed()?, partition).collect();
        let (slices, before) = self.merge_down(slices, ctx)?;
        let mut merging = Merging::open(self, slices, self.keep.as_deref(), ctx)?;
        let mut place = before + merging.start;
        let flow = merging.drain(ctx, &mut |record| {
            let rows = record.num_rows() as u64;
            // rows have a new place: the one in the order
            let flow = out.push(Batch::new(record, 0, place))?;
            place += rows;
            Ok(flow)
        })?;
        if flow == Flow::More {
            self.check(merging.rows, merging.sum)?;
        }
        Ok(flow)
    }
}

impl Reclaim for SortStore {
    fn reclaim(&self, bytes: u64) -> Option<u64> {
        let _spilling = self.spilling.try_lock().ok()?;
        let runs = lock(&self.runs).clone();
        let mut given = 0;
        for run in runs {
            if given >= bytes {
                break;
            }
            // a disk that fails is met again, and named, by whoever spills for itself
            given += run.spill(bytes - given, &self.file).unwrap_or(0);
        }
        Some(given)
    }
}

/// Slices of runs that are being merged.
struct Merging<'a> {
    store: &'a SortStore,
    slices: Vec<Slice>,
    merge: Merge,
    weave: Weave,
    /// The keys of the blocks are with the merge; their sums are counted when they go there.
    keep: Option<&'a [usize]>,
    /// What all keys begin with.
    shared: Vec<u8>,
    /// How many rows of all runs come before these.
    start: u64,
    rows: u64,
    sum: u64,
    _reservation: crate::exec::Reservation,
}

impl<'a> Merging<'a> {
    fn open(store: &'a SortStore, slices: Vec<Slice>, keep: Option<&'a [usize]>, ctx: &TaskContext) -> Result<Self> {
        let row_bytes = slices.iter().map(Slice::row_bytes).max().unwrap_or(0);
        let batch = block_rows(row_bytes, ctx);
        let cost: u64 = slices.iter().map(Slice::cost).sum::<u64>() + batch as u64 * (row_bytes + 16);
        let schema = match keep {
            Some(keep) => Arc::new(store.schema.project(keep)?),
            None => store.schema.clone(),
        };
        let mut merging = Merging {
            store,
            merge: Merge::new(slices.len()),
            weave: Weave::new(schema, slices.len(), batch),
            keep,
            shared: shared(&slices),
            start: 0,
            rows: 0,
            sum: 0,
            _reservation: ctx.budget.reserve(WHAT, cost)?,
            slices,
        };
        for lane in 0..merging.slices.len() {
            merging.supply(lane)?;
        }
        merging.start = merging.slices.iter().map(|s| s.start() as u64).sum();
        Ok(merging)
    }

    fn supply(&mut self, lane: usize) -> Result<()> {
        let SortStore { encoder, schema, file, .. } = self.store;
        let Some(slice) = self.slices.get_mut(lane) else { return Ok(()) };
        let Some((record, keys)) = slice.next(encoder, &self.shared, schema, file)? else { return Ok(()) };
        self.sum = self.sum.wrapping_add(checksum(&keys));
        let record = match self.keep {
            Some(keep) => record.project(keep)?,
            None => record,
        };
        self.weave.supply(lane, record);
        self.merge.supply(lane, keys);
        Ok(())
    }

    /// Pushes all rows in their order.
    fn drain(&mut self, ctx: &TaskContext, push: &mut dyn FnMut(RecordBatch) -> Result<Flow>) -> Result<Flow> {
        while let Some(step) = self.merge.step(self.weave.room()) {
            self.rows += step.rows.len() as u64;
            let ready = self.weave.pick(step.run, step.rows)?;
            if step.last {
                self.supply(step.run)?;
            }
            if let Some(record) = ready {
                ctx.cancel.check()?;
                if push(record)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
        }
        match self.weave.end()? {
            Some(record) => push(record),
            None => Ok(Flow::More),
        }
    }
}

/// What all keys of some slices begin with.
fn shared(slices: &[Slice]) -> Vec<u8> {
    let low = slices.iter().filter_map(Slice::lowest).min().unwrap_or_default();
    let high = slices.iter().filter_map(Slice::highest).max().unwrap_or_default();
    low.iter().zip(high).take_while(|(a, b)| a == b).map(|(&a, _)| a).collect()
}
