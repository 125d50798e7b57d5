//! The first pass: what the rows of a partition mean to the others.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::Call;
use super::call::Bound;
use crate::base::schema::index_of;
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::expr::windows::window::{Span, own_bytes};
use crate::expr::windows::{Carry, Reach, times};
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::shape::Chunk;
use crate::plan::{Flow, Op, Plan, Reduce, Shape};

/// The first pass as an operation; its result is not rows but [`Summaries`].
#[derive(Clone, Debug)]
pub struct Summarise {
    pub calls: Vec<Call>,
}

impl fmt::Display for Summarise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.calls.iter().map(Call::to_string).collect();
        write!(f, "window {}, the borders of partitions", shown.join(", "))
    }
}

impl Identity for Summarise {
    fn token(&self, t: &mut Tokenizer) {
        t.str("window_summary");
        t.list(&self.calls, |t, call| t.identity(call));
    }
}

impl Op for Summarise {
    fn name(&self) -> &'static str {
        "window"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(Arc::new(Schema::empty()))
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.schema();
        let bound = self.calls.iter().map(|call| Bound::new(call, input)).collect::<Result<_>>()?;
        Ok(Shape::Reduce(Arc::new(Summing { bound })))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        let names = self.calls.iter().flat_map(|call| &call.args);
        Some(vec![names.map(|name| index_of(input, name).ok()).collect::<Option<_>>()?])
    }
}

/// What the rows of one partition mean to the others.
pub struct Summary {
    pub rows: u64,
    /// For each call that needs no more.
    pub carries: Vec<Option<Box<dyn Carry>>>,
    /// For each call: the columns of its first and last rows, as far as others may look at them.
    pub heads: Vec<Edge>,
    pub tails: Vec<Edge>,
    reservation: Reservation,
}

/// Some rows of the columns of a call.
pub type Edge = VecDeque<RecordBatch>;

/// Those of all partitions, in order.
pub struct Summaries(Mutex<Vec<Summary>>);

impl Summaries {
    pub fn into_parts(self) -> Vec<Summary> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held for Summaries {
    fn bytes(&self) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|s| s.reservation.bytes()).sum()
    }
}

struct Summing {
    bound: Vec<Bound>,
}

impl Reduce for Summing {
    fn start(&self, ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        Ok(Box::new(Looking::new(&self.bound, ctx)?))
    }

    fn combine(&self, states: Vec<Payload>) -> Result<Payload> {
        let parts = states.into_iter().map(|state| match state.take::<Summaries>() {
            Ok(summaries) => Ok(summaries.into_parts()),
            Err(_) => Err(Error::invalid("the borders of partitions are held elsewhere")),
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        Ok(Payload::new(Summaries(Mutex::new(parts.into_iter().flatten().collect()))))
    }

    fn finish(&self, state: Payload) -> Result<Payload> {
        Ok(state)
    }
}

/// Looks at the rows of a partition.
pub struct Looking {
    bound: Vec<Bound>,
    summary: Summary,
}

const WHAT: &str = "the rows around the borders of partitions";

impl Looking {
    pub fn new(bound: &[Bound], ctx: &TaskContext) -> Result<Looking> {
        let carries = bound.iter().map(|call| call.window.carry(&call.types)).collect::<Result<_>>()?;
        let edges = || bound.iter().map(|_| Edge::new()).collect::<Vec<_>>();
        let reservation = ctx.budget.nothing();
        let summary = Summary { rows: 0, carries, heads: edges(), tails: edges(), reservation };
        Ok(Looking { bound: bound.to_vec(), summary })
    }

    pub fn see(&mut self, record: &RecordBatch) -> Result<()> {
        let Summary { rows, carries, heads, tails, .. } = &mut self.summary;
        let count = record.num_rows();
        for (i, call) in self.bound.iter().enumerate() {
            if let Some(carry) = &mut carries[i] {
                carry.push(&call.columns(record)?, count)?;
                continue;
            }
            let record = call.record(record)?;
            let wanted = match call.window.reach() {
                Reach::Rows { after, .. } => after.saturating_sub(*rows).min(count as u64) as usize,
                Reach::Time(span) if span.centred => near_first(&heads[i], &record, *rows, span)?,
                _ => 0,
            };
            if wanted > 0 {
                heads[i].push_back(record.slice(0, wanted));
            }
            tails[i].push_back(record);
            shorten(&mut tails[i], call.window.reach())?;
        }
        *rows += count as u64;
        self.settle()
    }

    fn settle(&mut self) -> Result<()> {
        let Summary { heads, tails, reservation, .. } = &mut self.summary;
        let held = heads.iter().chain(tails.iter()).flatten();
        reservation.resize(WHAT, held.flat_map(RecordBatch::columns).map(|c| own_bytes(c) as u64).sum())
    }

    pub fn summary(mut self) -> Result<Summary> {
        // slices would hold the whole batches
        let edges = self.summary.heads.iter_mut().chain(&mut self.summary.tails);
        for record in edges.flatten() {
            *record = own_rows(record)?;
        }
        self.settle()?;
        Ok(self.summary)
    }
}

impl Chunk for Looking {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        self.see(&batch.record)?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        Ok(Payload::new(Summaries(Mutex::new(vec![self.summary()?]))))
    }
}

/// How many rows of `record`, of which `rows` come before, may be looked at by rows before the first one.
fn near_first(head: &Edge, record: &RecordBatch, rows: u64, span: Span) -> Result<usize> {
    if (head.iter().map(RecordBatch::num_rows).sum::<usize>() as u64) < rows {
        return Ok(0);
    }
    let own = times(record.column(1))?;
    let first = head.front().map(|record| times(&record.column(1).slice(0, 1))).transpose()?;
    let first = first.iter().flatten().chain(&own).next().copied().unwrap_or(0);
    Ok(own.partition_point(|&time| !span.is_ahead(first, time)))
}

/// The rows of a slice without those around it.
fn own_rows(record: &RecordBatch) -> Result<RecordBatch> {
    let rows = arrow::array::UInt32Array::from_iter_values(0..record.num_rows() as u32);
    Ok(arrow::compute::take_record_batch(record, &rows)?)
}

/// Forgets the first of some rows in order, as far as no row behind them looks at them.
pub fn shorten(edge: &mut Edge, reach: Reach) -> Result<()> {
    match reach {
        Reach::Rows { before, .. } => {
            let rows: u64 = edge.iter().map(|r| r.num_rows() as u64).sum();
            drop_rows(edge, rows.saturating_sub(before));
        }
        Reach::Time(span) => {
            // the last row stays, so that it is seen whether time goes on
            let rows: usize = edge.iter().map(RecordBatch::num_rows).sum();
            let Some(last) = edge.iter().rev().find(|r| r.num_rows() > 0) else { return Ok(()) };
            let last = times(last.column(1))?.last().copied().unwrap_or(0);
            let mut old = 0;
            for record in edge.iter() {
                let times = times(record.column(1))?;
                let own = times.partition_point(|&time| span.is_past(last, time));
                old += own;
                if own < times.len() {
                    break;
                }
            }
            drop_rows(edge, old.min(rows.saturating_sub(1)) as u64);
        }
        Reach::Before | Reach::All | Reach::Group => edge.clear(),
    }
    Ok(())
}

fn drop_rows(edge: &mut Edge, mut rows: u64) {
    while let Some(front) = edge.front_mut() {
        let own = front.num_rows() as u64;
        if own > rows {
            if rows > 0 {
                *front = front.slice(rows as usize, (own - rows) as usize);
            }
            return;
        }
        rows -= own;
        edge.pop_front();
    }
}
