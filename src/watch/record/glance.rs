//! For somebody who looks often, while work goes on: what is new, with little copied.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::recorder::lock;
use super::shard::Span;
use super::{OperationTotals, Recorder, RunRecord, Sample};

/// A task that has ended, as it is shown to a glance. It is a [`TaskSpan`](super::TaskSpan) in little; times are
/// nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    /// Its number among all that have ended.
    pub number: u64,
    /// The run.
    pub run: u64,
    /// What it did.
    pub operation: &'a Arc<str>,
    /// The same as a number.
    pub name: u32,
    /// For which partition.
    pub partition: u32,
    /// The thread of the pool, from 0; absent on another thread.
    pub worker: Option<usize>,
    /// Tells threads apart, those of several pools too.
    pub thread: u32,
    /// Inside how many other tasks of this thread it ran.
    pub depth: u32,
    /// When it began.
    pub start: u64,
    /// When it ended.
    pub end: u64,
    /// Bytes of its result.
    pub bytes: u64,
    /// Rows of its result, where it is rows.
    pub rows: Option<u64>,
    /// Whether it failed.
    pub failed: bool,
}

impl Recorder {
    /// Shows the tasks whose numbers are in a range, as far as they are remembered: one thread after the other, each in the
    /// order in which its tasks ended.
    pub fn glance(&self, numbers: Range<u64>, mut see: impl FnMut(&Glance<'_>)) {
        let others: Arc<str> = "others".into();
        let mut found: Vec<Span> = Vec::new();
        for shard in &self.shards {
            found.clear();
            {
                let shard = lock(shard);
                // numbers of a thread rise; it waits for as long as this takes, so nothing is done with them here
                let from = shard.spans.partition_point(|s| s.number < numbers.start);
                let to = shard.spans.partition_point(|s| s.number < numbers.end);
                found.extend(shard.spans.range(from..to.max(from)));
            }
            if found.is_empty() {
                continue;
            }
            let names = lock(&self.names).list.clone();
            for s in &found {
                see(&Glance {
                    number: s.number,
                    run: s.run,
                    operation: names.get(s.name as usize).unwrap_or(&others),
                    name: s.name,
                    partition: s.partition,
                    worker: (s.worker != u32::MAX).then_some(s.worker as usize),
                    thread: s.thread,
                    depth: s.depth,
                    start: s.start,
                    end: s.end,
                    bytes: s.bytes,
                    rows: s.rows,
                    failed: s.failed,
                });
            }
        }
    }

    /// The runs and the totals by operation, of one moment: as [`runs`](Self::runs) and [`operations`](Self::operations).
    pub fn overview(&self) -> (Vec<RunRecord>, Vec<OperationTotals>) {
        let runs = self.runs();
        let operations = self.summed(&runs);
        (runs, operations)
    }

    /// The samples taken after a moment.
    pub fn samples_after(&self, moment: Duration) -> Vec<Sample> {
        let samples = lock(&self.samples);
        samples[samples.partition_point(|s| s.at <= moment)..].to_vec()
    }
}
