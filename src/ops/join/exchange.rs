//! A join of two big sides: rows of both meet in buckets by the hash of their keys.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::heavy;
use super::layout::{BUILD, Layout, PROBE, joined};
use super::table::{NOWHERE, Pairs, Push, Table};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Reservation, TaskContext};
use crate::expr::keys::order::by_hash;
use crate::graph::Payload;
use crate::io::{Batch, BucketWriter, Buckets, Hashed};
use crate::plan::shape::Chunk;
use crate::plan::{Exchange, Flow, Out, Store};

/// What is exchanged.
pub struct Exchanged {
    pub layout: Arc<Layout>,
    /// The columns of the sides.
    pub schemas: [SchemaRef; 2],
    pub partitions: usize,
    /// About how many bytes the bigger side has.
    pub bytes: Option<u64>,
    /// Which input is the probe side.
    pub probe: usize,
}

impl Exchange for Arc<Exchanged> {
    fn open(&self, ctx: &TaskContext) -> Result<Arc<dyn Store>> {
        // at least a bucket for each partition: which rows are in it must not depend on the number of buckets
        let bits = Buckets::bits_for(self.bytes, ctx).max(self.partitions.trailing_zeros());
        let sides = [Buckets::new(bits, 0, ctx), Buckets::new(bits, 0, ctx)];
        Ok(Arc::new(JoinStore { exchanged: self.clone(), sides }))
    }
}

struct JoinStore {
    exchanged: Arc<Exchanged>,
    sides: [Arc<Buckets>; 2],
}

impl JoinStore {
    fn side_of(&self, input: usize) -> usize {
        if input == self.exchanged.probe { PROBE } else { BUILD }
    }
}

impl Store for JoinStore {
    fn start(self: Arc<Self>, input: usize, partition: usize, _ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        let side = self.side_of(input);
        let writer = self.sides[side].writer(partition as u32);
        Ok(Box::new(Filling { layout: self.exchanged.layout.clone(), side, writer }))
    }

    fn seal(&self, receipts: Vec<Payload>, _ctx: &TaskContext) -> Result<()> {
        let rows_in: u64 = receipts.iter().filter_map(Payload::get::<u64>).sum();
        let rows = |side: &Arc<Buckets>| (0..side.len()).map(|b| side.rows(b)).sum::<u64>();
        let rows_out: u64 = self.sides.iter().map(rows).sum();
        if rows_in != rows_out {
            let what = "the exchange of a join".to_string();
            return Err(Error::new(ErrorKind::Conservation { what, rows_in, rows_out }));
        }
        Ok(())
    }

    fn read(&self, partition: usize, ctx: &TaskContext, out: &mut Out<'_>) -> Result<Flow> {
        let Exchanged { layout, schemas, partitions, .. } = &*self.exchanged;
        let joining = Joining { layout, schemas, ctx };
        // where rows came from is a column, if anybody asks
        let mut push = |record: RecordBatch| out.push(Batch::new(record, 0, 0));
        for bucket in self.sides[PROBE].range(partition, *partitions) {
            if joining.bucket([&self.sides[PROBE], &self.sides[BUILD]], bucket, &mut push)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }
}

/// Rows of one side and partition on their way into buckets.
struct Filling {
    layout: Arc<Layout>,
    side: usize,
    writer: BucketWriter,
}

impl Chunk for Filling {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        let (record, hashes) = self.layout.hashed(self.side, &batch.record)?;
        self.writer.push(&record, &hashes)?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        Ok(Payload::new(self.writer.finish()?))
    }
}

/// What joining a bucket needs.
#[derive(Clone, Copy)]
pub struct Joining<'a> {
    pub layout: &'a Layout,
    pub schemas: &'a [SchemaRef; 2],
    pub ctx: &'a TaskContext,
}

/// A bucket that is split gets so many bits more.
const FINER: u32 = 4;
/// Buckets below this size are never split.
const SMALL: u64 = 16 << 10;
const WHAT: &str = "a bucket of a join";

impl Joining<'_> {
    /// Joins the rows of one bucket of both sides. Rows come by the hash of their keys, those of one hash by their
    /// places, so that it does not matter how often a bucket had to be split.
    pub fn bucket(&self, sides: [&Arc<Buckets>; 2], bucket: usize, push: &mut Push<'_>) -> Result<Flow> {
        self.ctx.cancel.check()?;
        let bytes: u64 = sides.iter().map(|s| s.bytes(bucket)).sum();
        let matters = |side: usize| sides[side].rows(bucket) > 0 && self.layout.keeps(side);
        let both = sides.iter().all(|s| s.rows(bucket) > 0);
        if !both && !matters(PROBE) && !matters(BUILD) {
            return Ok(Flow::More);
        }
        if bytes <= SMALL || bytes * 3 <= self.ctx.budget.share() {
            return self.in_memory(sides, bucket, push);
        }
        if let Some(hash) = sides.iter().find_map(|s| s.single_hash(bucket)) {
            return heavy::join(self, sides, bucket, hash, push);
        }
        let finer = [0, 1].map(|_| Buckets::new(FINER, sides[PROBE].depth(), self.ctx));
        for (side, finer) in sides.iter().zip(&finer) {
            let mut writer = finer.writer(0);
            for hashed in side.take(bucket)? {
                let hashed = hashed?;
                writer.push(&hashed.record, &hashed.hashes)?;
            }
            writer.finish()?;
        }
        self.all([&finer[PROBE], &finer[BUILD]], push)
    }

    /// Joins all buckets of both sides.
    pub fn all(&self, sides: [&Arc<Buckets>; 2], push: &mut Push<'_>) -> Result<Flow> {
        for bucket in 0..sides[PROBE].len() {
            if crate::base::deep::deep(|| self.bucket(sides, bucket, push))? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    /// All rows of one side of a bucket.
    fn load(&self, side: usize, buckets: &Arc<Buckets>, bucket: usize) -> Result<(RecordBatch, Vec<u64>, Reservation)> {
        let mut pieces = self.ctx.budget.nothing();
        let (mut records, mut hashes) = (Vec::new(), Vec::new());
        for hashed in buckets.take(bucket)? {
            let Hashed { record, hashes: more, reservation } = hashed?;
            pieces.join(reservation);
            hashes.extend_from_slice(&more);
            records.push(record);
        }
        // the pieces are copied into one, and given back then
        let reservation = self.ctx.budget.reserve(WHAT, pieces.bytes())?;
        Ok((joined(&self.schemas[side], &records)?, hashes, reservation))
    }

    fn in_memory(&self, sides: [&Arc<Buckets>; 2], bucket: usize, push: &mut Push<'_>) -> Result<Flow> {
        let layout = self.layout;
        let (probe, hashes, _held) = self.load(PROBE, sides[PROBE], bucket)?;
        let (build, build_hashes, mut held) = self.load(BUILD, sides[BUILD], bucket)?;
        let table = Table::new(layout, build, &build_hashes)?;
        held.grow(WHAT, table.bytes())?;
        let ids = table.find(layout, &layout.keys_of(PROBE, &probe)?, &hashes)?;
        let mut lonely = self.lonely(&table, &ids, &build_hashes).into_iter().peekable();
        let both = (&probe, &table.record);
        let mut pairs = Pairs::new(layout, self.ctx, both);
        for row in by_hash(&hashes, |a, b| a.cmp(&b)) {
            while let Some(alone) = lonely.next_if(|&at| build_hashes[at as usize] < hashes[row as usize]) {
                pairs.pair(NOWHERE, alone);
            }
            if pairs.row(row, table.rows_of(ids[row as usize]), both, push)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        lonely.for_each(|alone| pairs.pair(NOWHERE, alone));
        pairs.flush(both, push)
    }

    /// The rows of the build side that are in the result without a partner, in the order of their hashes.
    fn lonely(&self, table: &Table, ids: &[u32], hashes: &[u64]) -> Vec<u32> {
        if !self.layout.keeps(BUILD) {
            return Vec::new();
        }
        let mut met = vec![false; hashes.len()];
        for &id in ids {
            // a group that was met is met as a whole
            if let Some(first) = table.rows_of(id).first().filter(|&&row| !met[row as usize]) {
                debug_assert!(!met[*first as usize]);
                table.rows_of(id).iter().for_each(|&row| met[row as usize] = true);
            }
        }
        by_hash(hashes, |a, b| a.cmp(&b)).into_iter().filter(|&row| !met[row as usize]).collect()
    }
}
