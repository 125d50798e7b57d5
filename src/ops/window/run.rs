//! The second pass: rows with their results.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_empty_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use rustc_hash::FxHashSet;

use super::call::{Bound, Place, assemble};
use super::queue::Queue;
use super::summary::{Edge, Summary, shorten};
use crate::base::{Error, Result};
use crate::exec::{Reservation, TaskContext};
use crate::expr::windows::window::joined;
use crate::expr::windows::{Carry, Reach, Running, times};
use crate::io::Batch;
use crate::plan::{Flow, Out, Stage};

/// What lies around the rows of each partition.
pub struct Around {
    parts: Vec<Summary>,
    beyond: Vec<Beyond>,
}

/// What lies before and behind the rows of a partition.
struct Beyond {
    /// The number of its first row.
    first: u64,
    /// What all rows before it mean to each call.
    carries: Vec<Option<Box<dyn Carry>>>,
    /// What all rows behind it mean, to calls that look there.
    behind: Vec<Option<Box<dyn Carry>>>,
}

impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Around({} partitions)", self.parts.len())
    }
}

impl Around {
    /// Nothing: there is one partition.
    pub fn nothing() -> Around {
        Around { parts: Vec::new(), beyond: Vec::new() }
    }

    pub fn new(bound: &[Bound], parts: Vec<Summary>) -> Result<Around> {
        let none = || bound.iter().map(|call| call.window.carry(&call.types)).collect::<Result<Vec<_>>>();
        let (mut carries, mut rows, mut beyond) = (none()?, 0, Vec::with_capacity(parts.len()));
        for part in &parts {
            beyond.push(Beyond { first: rows, carries: again(&carries), behind: Vec::new() });
            rows += part.rows;
            for (carry, own) in carries.iter_mut().zip(&part.carries) {
                if let (Some(carry), Some(own)) = (carry, own) {
                    carry.follow(own.as_ref())?;
                }
            }
        }
        let looks_behind = |call: &Bound| call.window.reach() == Reach::All;
        let only = |(carry, call)| if looks_behind(call) { carry } else { None };
        let mut carries: Vec<_> = none()?.into_iter().zip(bound).map(only).collect();
        for (part, beyond) in parts.iter().zip(&mut beyond).rev() {
            beyond.behind = again(&carries);
            for (carry, own) in carries.iter_mut().zip(&part.carries) {
                if let (Some(behind), Some(own)) = (&carry, own) {
                    let mut own = own.again();
                    own.follow(behind.as_ref())?;
                    *carry = Some(own);
                }
            }
        }
        Ok(Around { parts, beyond })
    }

    /// The rows before a partition that a call looks at.
    fn context(&self, partition: usize, call: usize, reach: Reach) -> Result<Edge> {
        let mut edge = Edge::new();
        for part in self.parts.get(..partition).unwrap_or_default().iter().rev() {
            for record in part.tails[call].iter().rev() {
                edge.push_front(record.clone());
            }
            let all = rows_of(&edge);
            shorten(&mut edge, reach)?;
            // what lies further up is further away than what was left out
            if rows_of(&edge) < all || (rows_of(&part.tails[call]) as u64) < part.rows {
                break;
            }
        }
        Ok(edge)
    }

    /// The rows after a partition that a call looks at.
    fn later(&self, partition: usize, call: usize, reach: Reach) -> Result<Edge> {
        let later = self.parts.get(partition + 1..).unwrap_or_default();
        match reach {
            Reach::Rows { after, .. } => {
                let mut missing = after as usize;
                pick(later, call, |record| {
                    let taken = missing.min(record.num_rows());
                    missing -= taken;
                    Ok(taken)
                })
            }
            Reach::Time(span) if span.centred => {
                let last = self.parts.get(partition).and_then(|part| part.tails[call].back());
                let last = last.map(|record| times(record.column(1))).transpose()?;
                let Some(&last) = last.iter().flatten().last() else { return Ok(Edge::new()) };
                pick(later, call, |record| {
                    Ok(times(record.column(1))?.partition_point(|&time| !span.is_ahead(last, time)))
                })
            }
            _ => Ok(Edge::new()),
        }
    }
}

/// The first rows of partitions one after the other, until `wanted` does not take all that there are.
fn pick(later: &[Summary], call: usize, mut wanted: impl FnMut(&RecordBatch) -> Result<usize>) -> Result<Edge> {
    let mut edge = Edge::new();
    for part in later {
        for record in &part.heads[call] {
            let taken = wanted(record)?;
            if taken > 0 {
                edge.push_back(record.slice(0, taken));
            }
            if taken < record.num_rows() {
                return Ok(edge);
            }
        }
        if (rows_of(&part.heads[call]) as u64) < part.rows {
            break;
        }
    }
    Ok(edge)
}

/// The same carries again.
fn again(carries: &[Option<Box<dyn Carry>>]) -> Vec<Option<Box<dyn Carry>>> {
    carries.iter().map(|carry| carry.as_ref().map(|carry| carry.again())).collect()
}

fn rows_of(edge: &Edge) -> usize {
    edge.iter().map(RecordBatch::num_rows).sum()
}

/// How the partitions are run.
pub struct Runs {
    pub bound: Vec<Bound>,
    pub schema: SchemaRef,
    pub places: Vec<Place>,
    pub around: Arc<Around>,
}

/// The rows of one partition on their way.
pub struct RunStage {
    runs: Arc<Runs>,
    partition: usize,
    lanes: Vec<Lane>,
    /// Batches that wait for results.
    waiting: Queue,
    reservation: Option<Reservation>,
}

const WHAT: &str = "the rows that a function of other rows looks at";

/// A call, and the results that were not passed on yet: those that come early wait for the others.
struct Lane {
    running: Box<dyn Running>,
    results: Queue,
    /// The schema of the results, alone in their records.
    schema: Option<SchemaRef>,
}

impl Lane {
    fn start(runs: &Runs, partition: usize, call: usize) -> Result<Lane> {
        let Bound { window, types, .. } = &runs.bound[call];
        let beyond = runs.around.beyond.get(partition);
        if let Some((beyond, carry)) = beyond.and_then(|beyond| Some((beyond, beyond.carries[call].as_ref()?))) {
            return Ok(Lane::of(carry.start(beyond.behind[call].as_deref())?));
        }
        let first = beyond.map_or(0, |beyond| beyond.first);
        let context = runs.around.context(partition, call, window.reach())?;
        let rows = rows_of(&context);
        let mut lane = Lane::of(window.start(types, first - rows as u64)?);
        for record in context {
            lane.running.lead_in(record.columns(), record.num_rows())?;
        }
        Ok(lane)
    }

    fn of(running: Box<dyn Running>) -> Lane {
        Lane { running, results: Queue::default(), schema: None }
    }

    fn add(&mut self, results: ArrayRef) -> Result<()> {
        let field = || Field::new("result", results.data_type().clone(), true);
        let schema = self.schema.get_or_insert_with(|| Arc::new(Schema::new(vec![field()])));
        if !results.is_empty() {
            self.results.push(Batch::new(RecordBatch::try_new(schema.clone(), vec![results])?, 0, 0));
        }
        Ok(())
    }

    /// The next `rows` results.
    fn take(&mut self, rows: usize) -> Result<ArrayRef> {
        let (mut parts, mut missing) = (Vec::new(), rows);
        while missing > 0 {
            let too_few = || Error::invalid("a function of other rows gave too few results");
            let front = self.results.pop()?.ok_or_else(too_few)?;
            let taken = missing.min(front.rows());
            parts.push(front.record.column(0).slice(0, taken));
            if taken < front.rows() {
                self.results.put_back(front.slice(taken, front.rows() - taken));
            }
            missing -= taken;
        }
        match (&self.schema, parts.is_empty()) {
            (Some(schema), true) => Ok(new_empty_array(schema.field(0).data_type())),
            _ => joined(&parts),
        }
    }
}

impl RunStage {
    pub fn new(runs: &Arc<Runs>, partition: usize) -> Result<RunStage> {
        let lanes = (0..runs.bound.len()).map(|call| Lane::start(runs, partition, call)).collect::<Result<_>>()?;
        Ok(RunStage { runs: runs.clone(), partition, lanes, waiting: Queue::default(), reservation: None })
    }

    /// Passes on what is complete, and holds the rest.
    fn give(&mut self, out: &mut Out<'_>) -> Result<Flow> {
        while let Some(rows) = self.waiting.first_rows() {
            if self.lanes.iter().any(|lane| lane.results.rows() < rows) {
                break;
            }
            let Some(batch) = self.waiting.pop()? else { break };
            let results = self.lanes.iter_mut().map(|lane| lane.take(rows)).collect::<Result<Vec<_>>>()?;
            let record = assemble(&self.runs.schema, &self.runs.places, &batch.record, &results)?;
            if out.push(batch.with_record(record))? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        self.hold(out.context())?;
        Ok(Flow::More)
    }

    /// Reserves memory for what is held; rows and results that wait go to disk where that is too much.
    fn hold(&mut self, ctx: &TaskContext) -> Result<()> {
        let bytes = self.bytes();
        let reservation = self.reservation.get_or_insert_with(|| ctx.budget.nothing());
        let more = bytes.saturating_sub(reservation.bytes());
        if more == 0 || bytes <= ctx.budget.share() && reservation.try_grow(more) {
            reservation.shrink_to(bytes);
            return Ok(());
        }
        self.waiting.spill(&ctx.spill)?;
        for lane in &mut self.lanes {
            lane.results.spill(&ctx.spill)?;
        }
        let bytes = self.bytes();
        self.reservation.get_or_insert_with(|| ctx.budget.nothing()).resize(WHAT, bytes)
    }

    fn bytes(&self) -> u64 {
        let mut known = FxHashSet::default();
        let lanes = self.lanes.iter().map(|lane| lane.running.bytes() + lane.results.bytes_beside(&mut known));
        let lanes: usize = lanes.sum();
        (lanes + self.waiting.bytes_beside(&mut known)) as u64
    }
}

impl Stage for RunStage {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let rows = batch.rows();
        for (lane, call) in self.lanes.iter_mut().zip(&self.runs.bound) {
            let results = lane.running.push(&call.columns(&batch.record)?, rows)?;
            lane.add(results)?;
        }
        self.waiting.push(batch);
        self.give(out)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        for call in 0..self.lanes.len() {
            let later = self.runs.around.later(self.partition, call, self.runs.bound[call].window.reach())?;
            for record in later {
                let lane = &mut self.lanes[call];
                let results = lane.running.run_out(record.columns(), record.num_rows())?;
                lane.add(results)?;
                if self.give(out)? == Flow::Enough {
                    return Ok(());
                }
            }
            let lane = &mut self.lanes[call];
            let results = lane.running.end()?;
            lane.add(results)?;
        }
        self.give(out).map(drop)
    }
}
