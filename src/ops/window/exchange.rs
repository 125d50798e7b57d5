//! Rows meet by the hash of their keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, UInt64Array};
use arrow::compute::{concat_batches, filter_record_batch, take};
use arrow::datatypes::{DataType, SchemaRef};

use super::Call;
use super::call::{Bound, Output, assemble, plain};
use super::place::PARTITION;
use super::run::{Around, RunStage, Runs};
use crate::base::deep::deep;
use crate::base::schema::{index_of, logical};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::TaskContext;
use crate::expr::SortKey;
use crate::expr::keys::{Grouper, hash_rows};
use crate::expr::order::{Encoder, Keys};
use crate::expr::windows::Reach;
use crate::graph::Payload;
use crate::io::{Batch, BucketWriter, Buckets, Hashed};
use crate::ops::SortBy;
use crate::plan::shape::Chunk;
use crate::plan::{Exchange, Flow, Out, Stage, Store};

/// What is exchanged.
pub struct Exchanged {
    runs: Arc<Runs>,
    /// The columns of the rows on their way: those of the input, and the place.
    placed: SchemaRef,
    keys: Vec<usize>,
    key_types: Vec<DataType>,
    /// What the rows of a group are ordered by; absent: they stay in their order.
    order: Option<(SortBy, Encoder)>,
    partitions: usize,
    /// About how many bytes come in.
    bytes: Option<u64>,
}

impl Exchanged {
    pub fn new(
        calls: &[Call],
        keys: &[String],
        output: &Output,
        placed: SchemaRef,
        partitions: usize,
        bytes: Option<u64>,
    ) -> Result<Exchanged> {
        let bound = calls.iter().map(|call| Bound::new(call, &placed)).collect::<Result<_>>()?;
        let (schema, places) = output.places(calls, &placed)?;
        let runs = Arc::new(Runs { bound, schema, places, around: Arc::new(Around::nothing()) });
        let keys = keys.iter().map(|key| index_of(&placed, key)).collect::<Result<Vec<_>>>()?;
        let key_types = keys.iter().map(|&key| logical(placed.field(key).data_type())).collect();
        Ok(Exchanged { runs, placed, keys, key_types, order: None, partitions, bytes })
    }

    /// The same with the rows of a group in this order.
    pub fn in_order(mut self, order: &[SortKey]) -> Result<Exchanged> {
        if !order.is_empty() {
            self.order = Some((SortBy::new(order.iter().cloned())?, Encoder::new(order, &self.placed)?));
        }
        Ok(self)
    }

    fn keys_of(&self, record: &RecordBatch) -> Vec<ArrayRef> {
        self.keys.iter().map(|&key| record.column(key).clone()).collect()
    }
}

impl Exchange for Arc<Exchanged> {
    fn open(&self, ctx: &TaskContext) -> Result<Arc<dyn Store>> {
        let bits = Buckets::bits_for(self.bytes, ctx).max(self.partitions.trailing_zeros());
        let buckets = Buckets::new(bits, 0, ctx);
        Ok(Arc::new(KeyStore { exchanged: self.clone(), buckets }))
    }
}

struct KeyStore {
    exchanged: Arc<Exchanged>,
    buckets: Arc<Buckets>,
}

impl Store for KeyStore {
    fn start(self: Arc<Self>, _input: usize, partition: usize, _ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        let writer = self.buckets.writer(partition as u32);
        Ok(Box::new(Filling { exchanged: self.exchanged.clone(), writer, place: (partition as u64) << PARTITION }))
    }

    fn seal(&self, receipts: Vec<Payload>, _ctx: &TaskContext) -> Result<()> {
        let rows_in: u64 = receipts.iter().filter_map(Payload::get::<u64>).sum();
        let rows_out: u64 = (0..self.buckets.len()).map(|b| self.buckets.rows(b)).sum();
        if rows_in == rows_out {
            return Ok(());
        }
        let what = "the exchange of rows by keys".to_string();
        Err(Error::new(ErrorKind::Conservation { what, rows_in, rows_out }))
    }

    fn read(&self, partition: usize, ctx: &TaskContext, out: &mut Out<'_>) -> Result<Flow> {
        let reading = Reading { exchanged: &self.exchanged, ctx };
        reading.buckets(&self.buckets, self.buckets.range(partition, self.exchanged.partitions), out)
    }
}

/// Takes in the rows of a partition.
struct Filling {
    exchanged: Arc<Exchanged>,
    writer: BucketWriter,
    place: u64,
}

impl Chunk for Filling {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        let rows = batch.rows();
        if rows == 0 {
            return Ok(Flow::More);
        }
        let places = UInt64Array::from_iter_values(self.place..self.place + rows as u64);
        self.place += rows as u64;
        let declared = batch.record.columns().iter().zip(self.exchanged.placed.fields());
        let mut columns = declared.map(|(c, f)| plain(c, f.data_type())).collect::<Result<Vec<_>>>()?;
        columns.push(Arc::new(places));
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let record = RecordBatch::try_new_with_options(self.exchanged.placed.clone(), columns, &options)?;
        let hashes = hash_rows(&self.exchanged.keys_of(&record))?;
        self.writer.push(&record, &hashes)?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        Ok(Payload::new(self.writer.finish()?))
    }
}

const WHAT: &str = "the rows with the same keys";
/// Bits of the hash that tell keys apart whose rows do not fit into memory together.
const DEEPER: u32 = 5;

/// Gives the rows of one output partition.
struct Reading<'a> {
    exchanged: &'a Exchanged,
    ctx: &'a TaskContext,
}

impl Reading<'_> {
    fn buckets(&self, buckets: &Arc<Buckets>, range: std::ops::Range<usize>, out: &mut Out<'_>) -> Result<Flow> {
        for bucket in range {
            self.ctx.cancel.check()?;
            if self.bucket(buckets, bucket, out)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    fn bucket(&self, buckets: &Arc<Buckets>, bucket: usize, out: &mut Out<'_>) -> Result<Flow> {
        if buckets.rows(bucket) == 0 {
            return Ok(Flow::More);
        }
        // the rows, their copy in the order of groups, and the results
        let fits = buckets.bytes(bucket).saturating_mul(3) <= self.ctx.budget.share();
        if fits {
            return self.whole(buckets, bucket, out);
        }
        if buckets.single_hash(bucket).is_none() && buckets.depth() + DEEPER <= u64::BITS {
            let deeper = Buckets::new(DEEPER, buckets.depth(), self.ctx);
            let mut writer = deeper.writer(0);
            for hashed in buckets.look(bucket)? {
                let hashed = hashed?;
                writer.push(&hashed.record, &hashed.hashes)?;
            }
            buckets.clear(bucket);
            writer.finish()?;
            return deep(|| self.buckets(&deeper, 0..deeper.len(), out));
        }
        let in_order = |call: &Bound| call.window.reach() != Reach::Group;
        if !self.exchanged.runs.bound.iter().all(in_order) {
            return self.whole(buckets, bucket, out);
        }
        match &self.exchanged.order {
            None => self.streamed(buckets, bucket, out),
            Some((by, _)) => self.sorted(by, buckets, bucket, out),
        }
    }

    /// All rows of a bucket at once, in the order of their groups.
    fn whole(&self, buckets: &Arc<Buckets>, bucket: usize, out: &mut Out<'_>) -> Result<Flow> {
        let Exchanged { runs, placed, key_types, .. } = self.exchanged;
        let _copies = self.ctx.budget.reserve(WHAT, buckets.bytes(bucket).saturating_mul(2))?;
        let hashed = buckets.take(bucket)?.collect::<Result<Vec<Hashed>>>()?;
        let record = concat_batches(placed, hashed.iter().map(|h| &h.record))?;
        let hashes: Vec<u64> = hashed.iter().flat_map(|h| h.hashes.iter().copied()).collect();
        drop(hashed);
        let mut grouper = Grouper::new(key_types)?;
        let mut ids = Vec::new();
        grouper.ids(&self.exchanged.keys_of(&record), &hashes, &mut ids)?;
        let keys = self.exchanged.order.as_ref().map(|(_, encoder)| encoder.encode(&record)).transpose()?;
        let (order, back, starts) = by_group(&ids, grouper.len(), keys.as_ref());
        let results = runs.bound.iter().map(|call| {
            let args = call.columns(&record)?;
            let args = args.iter().map(|arg| Ok(take(arg, &order, None)?)).collect::<Result<Vec<_>>>()?;
            Ok(take(&call.window.grouped(&args, &starts)?, &back, None)?)
        });
        let results = results.collect::<Result<Vec<ArrayRef>>>()?;
        let record = assemble(&runs.schema, &runs.places, &record, &results)?;
        let rows = self.ctx.batch_rows.max(1);
        for start in (0..record.num_rows()).step_by(rows) {
            let part = record.slice(start, rows.min(record.num_rows() - start));
            if out.push(Batch::new(part, 0, 0))? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    /// The rows of a bucket as they come: those of one key, or of the few that share its hash.
    fn streamed(&self, buckets: &Arc<Buckets>, bucket: usize, out: &mut Out<'_>) -> Result<Flow> {
        let mut groups = Groups::new(self)?;
        for hashed in buckets.look(bucket)? {
            let hashed = hashed?;
            if groups.push(&hashed.record, &hashed.hashes, out)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        buckets.clear(bucket);
        groups.end(out)
    }

    /// The same in another order.
    fn sorted(&self, by: &SortBy, buckets: &Arc<Buckets>, bucket: usize, out: &mut Out<'_>) -> Result<Flow> {
        // beside it, rows run to where they are wanted
        let ctx = TaskContext { budget: self.ctx.budget.divided(2), ..self.ctx.clone() };
        let store = by.store(&self.exchanged.placed, &ctx)?;
        let mut rows = store.clone().start(0, 0, &ctx)?;
        for hashed in buckets.look(bucket)? {
            rows.push(Batch::new(hashed?.record, 0, 0))?;
        }
        buckets.clear(bucket);
        store.seal(vec![rows.end()?], &ctx)?;
        let mut groups = Groups::new(self)?;
        let mut sink = |batch: Batch| {
            let hashes = hash_rows(&self.exchanged.keys_of(&batch.record))?;
            groups.push(&batch.record, &hashes, out)
        };
        if store.read(0, &ctx, &mut Out::new(&mut [], &mut sink, &ctx))? == Flow::Enough {
            return Ok(Flow::Enough);
        }
        groups.end(out)
    }
}

/// A few groups whose rows come mixed, in order.
struct Groups<'a> {
    reading: &'a Reading<'a>,
    grouper: Grouper,
    stages: Vec<RunStage>,
    ids: Vec<u32>,
}

impl<'a> Groups<'a> {
    fn new(reading: &'a Reading<'a>) -> Result<Groups<'a>> {
        let grouper = Grouper::new(&reading.exchanged.key_types)?;
        Ok(Groups { reading, grouper, stages: Vec::new(), ids: Vec::new() })
    }

    fn push(&mut self, record: &RecordBatch, hashes: &[u64], out: &mut Out<'_>) -> Result<Flow> {
        let Reading { exchanged, ctx, .. } = self.reading;
        ctx.cancel.check()?;
        self.ids.clear();
        self.grouper.ids(&exchanged.keys_of(record), hashes, &mut self.ids)?;
        while self.stages.len() < self.grouper.len() {
            self.stages.push(RunStage::new(&exchanged.runs, 0)?);
        }
        for (group, stage) in self.stages.iter_mut().enumerate() {
            let own = BooleanArray::from_iter(self.ids.iter().map(|&id| Some(id as usize == group)));
            let record = filter_record_batch(record, &own)?;
            if stage.push(Batch::new(record, 0, 0), out)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    fn end(mut self, out: &mut Out<'_>) -> Result<Flow> {
        for stage in &mut self.stages {
            stage.end(out)?;
        }
        Ok(Flow::More)
    }
}

/// The rows by group, each group's in the order of their keys, or as they are; where each row is then; and where each
/// group begins.
fn by_group(ids: &[u32], groups: usize, keys: Option<&Keys>) -> (UInt32Array, UInt32Array, Vec<usize>) {
    let mut starts = vec![0usize; groups + 1];
    ids.iter().for_each(|&id| starts[id as usize + 1] += 1);
    (0..groups).for_each(|g| starts[g + 1] += starts[g]);
    let mut next = starts.clone();
    let mut order = vec![0u32; ids.len()];
    for (row, &id) in ids.iter().enumerate() {
        let at = &mut next[id as usize];
        order[*at] = row as u32;
        *at += 1;
    }
    if let Some(keys) = keys {
        for bounds in starts.windows(2) {
            order[bounds[0]..bounds[1]].sort_by(|&a, &b| keys.compare(a as usize, keys, b as usize));
        }
    }
    let mut back = vec![0u32; ids.len()];
    order.iter().zip(0u32..).for_each(|(&row, at)| back[row as usize] = at);
    (order.into(), back.into(), starts)
}
