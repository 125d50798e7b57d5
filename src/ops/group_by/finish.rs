//! The groups of one bucket, finished.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;

use super::partial::{DEEPER, DEEPEST, Ended, Partial, Sinks};
use super::spec::{Spec, record};
use crate::base::Result;
use crate::base::deep::deep;
use crate::exec::{Reservation, TaskContext};
use crate::expr::keys::Grouper;
use crate::io::{Batch, Origin, Rows};
use crate::ops::categorize::Categories;
use crate::plan::{Flow, Out};

/// What the groups of all buckets have in common.
pub struct Shared {
    /// What stands for the file of the groups.
    pub file: u64,
    /// The categories of the keys that have some.
    pub categories: Vec<Categories>,
}

/// Finishes buckets, one after the other, and pushes their groups in the order of their hashes.
pub fn buckets(
    spec: &Arc<Spec>,
    sinks: &Sinks,
    range: Range<usize>,
    shared: &Shared,
    out: &mut Out<'_>,
) -> Result<Flow> {
    for bucket in range {
        out.context().cancel.check()?;
        if one(spec, sinks, bucket, shared, out)? == Flow::Enough {
            return Ok(Flow::Enough);
        }
    }
    Ok(Flow::More)
}

fn one(spec: &Arc<Spec>, sinks: &Sinks, bucket: usize, shared: &Shared, out: &mut Out<'_>) -> Result<Flow> {
    if sinks.groups.rows(bucket) + sinks.rows.rows(bucket) == 0 {
        return Ok(Flow::More);
    }
    let ctx = out.context();
    let depth = sinks.rows.depth();
    let separable = depth <= DEEPEST && (spec.bounded() || !sinks.is_one_hash(bucket));
    let mut partial = Partial::deeper(spec, depth, separable, ctx)?;
    // states that cannot leave again: where they would be too much, groups are told apart first
    if separable && !spec.bounded() {
        let bytes = sinks.rows.bytes(bucket);
        let bits = match bits_for(bytes, ctx) {
            0 => try_rows(&mut partial, sinks, bucket, ctx)?,
            bits => Some(bits),
        };
        if let Some(bits) = bits {
            drop(partial);
            let deeper = Sinks::new(bits, depth, ctx);
            deeper.refill(sinks, bucket)?;
            return deep(|| buckets(spec, &deeper, 0..deeper.rows.len(), shared, out));
        }
    } else {
        for hashed in sinks.rows.take(bucket)? {
            partial.push_rows(&hashed?)?;
        }
    }
    for hashed in sinks.groups.take(bucket)? {
        let hashed = hashed?;
        partial.push_groups(hashed.record.columns(), &hashed.hashes)?;
    }
    match partial.end()? {
        Ended::Here(groups, results, reservation) => {
            Finished::new(spec, groups, results, reservation).give(0..u32::MAX as usize, shared, out)
        }
        Ended::Sunk(deeper) => deep(|| buckets(spec, &deeper, 0..deeper.rows.len(), shared, out)),
    }
}

/// Folds the rows of a bucket whose states cannot leave again. If these become too much, gives by how many bits of the
/// hash the groups should be told apart first; the rows are still there then.
fn try_rows(partial: &mut Partial, sinks: &Sinks, bucket: usize, ctx: &TaskContext) -> Result<Option<u32>> {
    let mut seen = 0;
    for hashed in sinks.rows.look(bucket)? {
        let hashed = hashed?;
        partial.push_rows(&hashed)?;
        seen += hashed.hashes.len() as u64;
        if partial.is_full() {
            let all = partial.bytes().saturating_mul(sinks.rows.rows(bucket)) / seen.max(1);
            return Ok(Some(bits_for(all, ctx).max(1)));
        }
    }
    sinks.rows.clear(bucket);
    Ok(None)
}

/// The bits of the hash that divide so many bytes into parts that a task can hold.
fn bits_for(bytes: u64, ctx: &TaskContext) -> u32 {
    let parts = bytes.div_ceil((ctx.budget.share() / 3).max(1));
    parts.next_power_of_two().trailing_zeros().min(DEEPER)
}

/// Groups whose results are there.
pub struct Finished {
    spec: Arc<Spec>,
    groups: Box<Grouper>,
    /// The groups in the order of their hashes.
    order: Vec<u32>,
    results: Vec<ArrayRef>,
    _reservation: Reservation,
}

impl Finished {
    /// Groups and their results.
    pub fn new(spec: &Arc<Spec>, groups: Box<Grouper>, results: Vec<ArrayRef>, reservation: Reservation) -> Finished {
        let order = groups.in_hash_order();
        Finished { spec: spec.clone(), groups, order, results, _reservation: reservation }
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// How many groups have a hash below this.
    pub fn below(&self, hash: u64) -> usize {
        self.order.partition_point(|&group| self.groups.hashes()[group as usize] < hash)
    }

    /// Pushes some of the groups, in the order of their hashes.
    pub fn give(&self, range: Range<usize>, shared: &Shared, out: &mut Out<'_>) -> Result<Flow> {
        let order = self.order.get(range.start..range.end.min(self.len())).unwrap_or_default();
        let results: usize = self.results.iter().map(|r| r.get_array_memory_size()).sum();
        let group_bytes = (self.groups.bytes() + results) / self.len().max(1);
        for part in order.chunks(out.context().rows_of(group_bytes as u64)) {
            if out.push(self.batch(part, shared)?)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    /// A batch of these groups. A group stands at the place of its hash, so that a sample does not depend on partitions.
    fn batch(&self, groups: &[u32], shared: &Shared) -> Result<Batch> {
        let mut columns = self.groups.keys(Some(groups))?;
        for (&key, categories) in self.spec.categorical.iter().zip(&shared.categories) {
            columns[key] = categories.coded(&columns[key])?;
        }
        let rows = UInt32Array::from(groups.to_vec());
        for result in &self.results {
            columns.push(take(result, &rows, None)?);
        }
        let wanted = self.spec.output.iter().filter_map(|&i| columns.get(i).cloned()).collect();
        let record = record(&self.spec.schema, wanted, groups.len())?;
        let hashes: Vec<u64> = groups.iter().map(|&group| self.groups.hashes()[group as usize]).collect();
        Ok(Batch { record, origin: Origin { file: shared.file, rows: Rows::List(hashes.into()) } })
    }
}
