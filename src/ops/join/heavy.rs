//! Keys with more rows than memory.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use super::JoinKind;
use super::exchange::Joining;
use super::layout::{BUILD, PROBE, joined};
use super::table::{NOWHERE, Pairs, Push, Table};
use crate::base::Result;
use crate::exec::Reservation;
use crate::io::{Batch, Buckets};
use crate::plan::{Flow, Gather, Partition};

/// Joins a bucket in which all rows of one side have the hash `hash`. Splitting it would not make it smaller: the rows
/// with this hash are taken out and joined as a stream; those before and after it are joined as buckets of their own.
pub fn join(
    joining: &Joining<'_>,
    sides: [&Arc<Buckets>; 2],
    bucket: usize,
    hash: u64,
    push: &mut Push<'_>,
) -> Result<Flow> {
    let ctx = joining.ctx;
    let build_bytes = sides[BUILD].bytes(bucket);
    let depth = sides[PROBE].depth().min(60);
    let [before, after] = [0, 1].map(|_| [0, 1].map(|_| Buckets::new(4, depth, ctx)));
    let mut same = [Gather::default(), Gather::default()];
    for side in [PROBE, BUILD] {
        let (mut low, mut high) = (before[side].writer(0), after[side].writer(0));
        for hashed in sides[side].take(bucket)? {
            let hashed = hashed?;
            let (record, hashes) = (&hashed.record, &hashed.hashes);
            if hashes.iter().all(|&h| h == hash) {
                same[side].push(Batch::new(record.clone(), 0, 0), ctx)?;
                continue;
            }
            let part = |keep: &dyn Fn(u64) -> bool| -> Result<(RecordBatch, Vec<u64>)> {
                let mask: BooleanArray = hashes.iter().map(|&h| Some(keep(h))).collect();
                Ok((filter_record_batch(record, &mask)?, hashes.iter().copied().filter(|&h| keep(h)).collect()))
            };
            let (below, its) = part(&|h| h < hash)?;
            low.push(&below, &its)?;
            let (above, its) = part(&|h| h > hash)?;
            high.push(&above, &its)?;
            same[side].push(Batch::new(part(&|h| h == hash)?.0, 0, 0), ctx)?;
        }
        low.finish()?;
        high.finish()?;
    }
    if joining.all([&before[PROBE], &before[BUILD]], push)? == Flow::Enough {
        return Ok(Flow::Enough);
    }
    let [probe, build] = same.map(|gather| gather.end(ctx));
    if Stream::new(joining, hash, build, build_bytes)?.run(probe, push)? == Flow::Enough {
        return Ok(Flow::Enough);
    }
    joining.all([&after[PROBE], &after[BUILD]], push)
}

/// Joins rows that have one hash and nearly always one key, block by block of the probe side: with the build side as a
/// whole if that fits, else with its blocks anew for every row that has partners, up to the first where one is enough:
/// that costs no more than the rows that come out.
struct Stream<'a> {
    joining: &'a Joining<'a>,
    hash: u64,
    build: Partition,
    /// The build side, if it fits.
    whole: Option<(Table, Reservation)>,
    /// Which rows of the build side have a partner; nothing where that does not matter.
    met: Vec<bool>,
}

const WHAT: &str = "the rows of one key in a join";

impl<'a> Stream<'a> {
    fn new(joining: &'a Joining<'a>, hash: u64, build: Partition, bytes: u64) -> Result<Self> {
        let met = vec![false; if joining.layout.keeps(BUILD) { build.rows() } else { 0 }];
        let mut stream = Stream { joining, hash, build, whole: None, met };
        if bytes * 3 <= joining.ctx.budget.share() {
            let (batches, mut held) = stream.build.clone().load(WHAT, &joining.ctx.budget)?;
            let records: Vec<RecordBatch> = batches.into_iter().map(|b| b.record).collect();
            let table = stream.table(&records)?;
            held.grow(WHAT, table.bytes() + bytes)?;
            stream.whole = Some((table, held));
        }
        Ok(stream)
    }

    fn table(&self, records: &[RecordBatch]) -> Result<Table> {
        let record = joined(&self.joining.schemas[BUILD], records)?;
        let hashes = vec![self.hash; record.num_rows()];
        Table::new(self.joining.layout, record, &hashes)
    }

    fn run(&mut self, probe: Partition, push: &mut Push<'_>) -> Result<Flow> {
        for batch in probe.read() {
            self.joining.ctx.cancel.check()?;
            let record = joined(&self.joining.schemas[PROBE], &[batch?.record])?;
            let flow = match self.whole.take() {
                Some((table, held)) => {
                    let flow = self.with_whole(&record, &table, push);
                    self.whole = Some((table, held));
                    flow
                }
                None => self.with_blocks(&record, push),
            };
            if flow? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        self.lonely(push)
    }

    fn ids(&self, probe: &RecordBatch, table: &Table) -> Result<Vec<u32>> {
        let layout = self.joining.layout;
        table.find(layout, &layout.keys_of(PROBE, probe)?, &vec![self.hash; probe.num_rows()])
    }

    fn with_whole(&mut self, probe: &RecordBatch, table: &Table, push: &mut Push<'_>) -> Result<Flow> {
        let both = (probe, &table.record);
        let mut pairs = Pairs::new(self.joining.layout, self.joining.ctx, both);
        for (row, &id) in self.ids(probe, table)?.iter().enumerate() {
            let partners = table.rows_of(id);
            self.meet(0, partners);
            if pairs.row(row as u32, partners, both, push)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        pairs.flush(both, push)
    }

    fn with_blocks(&mut self, probe: &RecordBatch, push: &mut Push<'_>) -> Result<Flow> {
        let (layout, ctx) = (self.joining.layout, self.joining.ctx);
        let once = matches!(layout.kind, JoinKind::Semi | JoinKind::Anti);
        let nothing = joined(&self.joining.schemas[BUILD], &[])?;
        let partnered = layout.partnered(&layout.keys_of(PROBE, probe)?);
        for row in 0..probe.num_rows() {
            let one = probe.slice(row, 1);
            let alone = partnered.as_ref().is_some_and(|valid| valid.is_null(row));
            let (mut partners, mut offset) = (0, 0);
            let build = self.build.clone();
            for batch in build.read() {
                if alone || once && partners > 0 {
                    break;
                }
                let table = self.table(&[batch?.record])?;
                let found = table.rows_of(self.ids(&one, &table)?[0]);
                self.meet(offset, found);
                offset += table.record.num_rows();
                partners += found.len();
                if once || found.is_empty() {
                    continue;
                }
                let both = (&one, &table.record);
                let mut pairs = Pairs::new(layout, ctx, both);
                if pairs.row(0, found, both, push)? == Flow::Enough || pairs.flush(both, push)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
            if once || partners == 0 {
                let both = (&one, &nothing);
                let mut pairs = Pairs::new(layout, ctx, both);
                let any: &[u32] = if partners > 0 { &[0] } else { &[] };
                if pairs.row(0, any, both, push)? == Flow::Enough || pairs.flush(both, push)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
        }
        Ok(Flow::More)
    }

    fn meet(&mut self, offset: usize, partners: &[u32]) {
        if !self.met.is_empty() {
            partners.iter().for_each(|&at| self.met[offset + at as usize] = true);
        }
    }

    /// The rows of the build side that are in the result without a partner.
    fn lonely(&mut self, push: &mut Push<'_>) -> Result<Flow> {
        if self.met.iter().all(|met| *met) {
            return Ok(Flow::More);
        }
        let (nothing, mut offset) = (joined(&self.joining.schemas[PROBE], &[])?, 0);
        for batch in self.build.clone().read() {
            let record = joined(&self.joining.schemas[BUILD], &[batch?.record])?;
            let mut pairs = Pairs::new(self.joining.layout, self.joining.ctx, (&nothing, &record));
            let met = &self.met[offset..offset + record.num_rows()];
            met.iter().enumerate().filter(|(_, met)| !**met).for_each(|(at, _)| pairs.pair(NOWHERE, at as u32));
            offset += record.num_rows();
            if pairs.flush((&nothing, &record), push)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }
}
