//! What each operation of a plan does while it runs: rows, batches, time, memory.
//!
//! Operations of one task push batches into each other. To measure them apart, each has a stage around its own and one
//! behind it. They are there only in plans that are analysed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::shape::{Chunk, StageOf};
use super::{Flow, Out, Plan, Stage};
use crate::base::{Result, Token};
use crate::exec::{Tally, TaskContext};
use crate::graph::Payload;
use crate::io::Batch;

/// Measures the operations of a plan. Operations of equal content are one.
#[derive(Debug, Default)]
pub struct Meter {
    parts: FxHashMap<Token, Arc<Part>>,
}

/// One operation.
#[derive(Debug, Default)]
pub(super) struct Part {
    rows_in: AtomicU64,
    rows_out: AtomicU64,
    batches: AtomicU64,
    tally: Arc<Tally>,
}

/// What an operation has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rows that came in, from all inputs; 0 for sources.
    pub rows_in: u64,
    /// Rows that went out. Where fewer are asked for than there are, as below `head`, it is those that were asked for.
    pub rows_out: u64,
    /// Batches that went out.
    pub batches: u64,
    /// How long threads worked for it, summed.
    pub time: Duration,
    /// The most bytes that it had reserved at once, all its tasks together.
    pub memory: u64,
    /// Bytes that it wrote to disk because memory was short.
    pub spilled: u64,
}

impl Meter {
    /// A meter for the operations of a plan as it runs.
    pub fn new(plan: &Plan) -> Meter {
        let mut parts = FxHashMap::default();
        plan.visit(&mut |node| {
            parts.insert(node.token(), Arc::default());
        });
        Meter { parts }
    }

    /// What an operation has done so far.
    pub fn figures(&self, plan: &Plan) -> Figures {
        let part = self.part(plan.token());
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Figures {
            rows_in: load(&part.rows_in),
            rows_out: load(&part.rows_out),
            batches: load(&part.batches),
            time: part.tally.time(),
            memory: part.tally.peak(),
            spilled: part.tally.spilled(),
        }
    }

    pub(super) fn part(&self, token: Token) -> Arc<Part> {
        self.parts.get(&token).cloned().unwrap_or_default()
    }
}

impl Part {
    /// Its stage, measured.
    pub(super) fn around(self: &Arc<Self>, stage: StageOf) -> StageOf {
        let part = self.clone();
        Arc::new(move |i| Ok(Box::new(Around { part: part.clone(), ctx: None, stage: stage(i)? })))
    }

    /// The stage behind it.
    pub(super) fn exit(self: &Arc<Self>) -> StageOf {
        let part = self.clone();
        Arc::new(move |_| Ok(Box::new(Exit(part.clone()))))
    }

    /// Works for it.
    pub(super) fn during<R>(&self, ctx: &TaskContext, work: impl FnOnce(&TaskContext) -> R) -> R {
        let _working = self.tally.work();
        work(&self.tally.context(ctx))
    }

    /// Counts a result that did not come in batches.
    pub(super) fn gave(&self, result: Result<Payload>) -> Result<Payload> {
        if let Ok(payload) = &result {
            self.rows_out.fetch_add(payload.rows().unwrap_or(0), Ordering::Relaxed);
            self.batches.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    /// Counts what goes into a state.
    pub(super) fn counting(self: &Arc<Self>, chunk: Box<dyn Chunk>) -> Box<dyn Chunk> {
        Box::new(Counting { part: self.clone(), chunk })
    }
}

struct Around {
    part: Arc<Part>,
    ctx: Option<TaskContext>,
    stage: Box<dyn Stage>,
}

impl Stage for Around {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        self.part.rows_in.fetch_add(batch.rows() as u64, Ordering::Relaxed);
        let _working = self.part.tally.work();
        let ctx = self.ctx.get_or_insert_with(|| self.part.tally.context(out.context()));
        self.stage.push(batch, &mut out.within(ctx))
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let _working = self.part.tally.work();
        let ctx = self.ctx.get_or_insert_with(|| self.part.tally.context(out.context()));
        self.stage.end(&mut out.within(ctx))
    }
}

struct Exit(Arc<Part>);

impl Stage for Exit {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        self.0.rows_out.fetch_add(batch.rows() as u64, Ordering::Relaxed);
        self.0.batches.fetch_add(1, Ordering::Relaxed);
        out.push(batch)
    }
}

struct Counting {
    part: Arc<Part>,
    chunk: Box<dyn Chunk>,
}

impl Chunk for Counting {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        self.part.rows_in.fetch_add(batch.rows() as u64, Ordering::Relaxed);
        let _working = self.part.tally.work();
        self.chunk.push(batch)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        let _working = self.part.tally.work();
        self.chunk.end()
    }
}
