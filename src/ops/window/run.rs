//! The second pass: rows with their results.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;

use super::call::{Bound, Place, assemble};
use super::summary::{Edge, Summary, shorten};
use crate::base::{Error, Result};
use crate::exec::Reservation;
use crate::expr::windows::window::joined;
use crate::expr::windows::{Carry, Reach, Running};
use crate::io::Batch;
use crate::plan::{Flow, Out, Stage};

/// What lies around the rows of each partition.
pub struct Around {
    parts: Vec<Summary>,
    before: Vec<Before>,
}

/// What lies before the rows of a partition.
struct Before {
    /// The number of its first row.
    first: u64,
    /// What all rows before it mean to each call.
    carries: Vec<Option<Box<dyn Carry>>>,
}

impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Around({} partitions)", self.parts.len())
    }
}

impl Around {
    /// Nothing: there is one partition.
    pub fn nothing() -> Around {
        Around { parts: Vec::new(), before: Vec::new() }
    }

    pub fn new(bound: &[Bound], parts: Vec<Summary>) -> Result<Around> {
        let mut carries = bound.iter().map(|call| call.window.carry(&call.types)).collect::<Result<Vec<_>>>()?;
        let (mut rows, mut before) = (0, Vec::with_capacity(parts.len()));
        for part in &parts {
            let again = carries.iter().map(|c| c.as_ref().map(|c| c.again())).collect();
            before.push(Before { first: rows, carries: again });
            rows += part.rows;
            for (carry, own) in carries.iter_mut().zip(&part.carries) {
                if let (Some(carry), Some(own)) = (carry, own) {
                    carry.follow(own.as_ref())?;
                }
            }
        }
        Ok(Around { parts, before })
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
    fn later(&self, partition: usize, call: usize, reach: Reach) -> Edge {
        let Reach::Rows { after, .. } = reach else { return Edge::new() };
        let mut missing = after as usize;
        let mut edge = Edge::new();
        for part in self.parts.get(partition + 1..).unwrap_or_default() {
            for record in &part.heads[call] {
                let taken = missing.min(record.num_rows());
                edge.push_back(record.slice(0, taken));
                missing -= taken;
                if missing == 0 {
                    return edge;
                }
            }
        }
        edge
    }
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
    waiting: VecDeque<Batch>,
    reservation: Option<Reservation>,
}

const WHAT: &str = "the rows that a function of other rows looks at";

/// A call, and the results that were not passed on yet.
struct Lane {
    running: Box<dyn Running>,
    results: VecDeque<ArrayRef>,
    ready: usize,
}

impl Lane {
    fn start(runs: &Runs, partition: usize, call: usize) -> Result<Lane> {
        let Bound { window, types, .. } = &runs.bound[call];
        let (first, carry) = match runs.around.before.get(partition) {
            Some(before) => (before.first, before.carries[call].as_ref()),
            None => (0, None),
        };
        if let Some(carry) = carry {
            return Ok(Lane::of(carry.start()?));
        }
        let context = runs.around.context(partition, call, window.reach())?;
        let rows = rows_of(&context);
        let mut lane = Lane::of(window.start(types, first - rows as u64)?);
        for record in context {
            lane.running.lead_in(record.columns(), record.num_rows())?;
        }
        Ok(lane)
    }

    fn of(running: Box<dyn Running>) -> Lane {
        Lane { running, results: VecDeque::new(), ready: 0 }
    }

    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<()> {
        let results = self.running.push(args, rows)?;
        self.add(results);
        Ok(())
    }

    /// The partition is over; these rows follow it.
    fn end(&mut self, later: Edge) -> Result<()> {
        for record in later {
            let results = self.running.run_out(record.columns(), record.num_rows())?;
            self.add(results);
        }
        let results = self.running.end()?;
        self.add(results);
        Ok(())
    }

    fn add(&mut self, results: ArrayRef) {
        self.ready += results.len();
        self.results.push_back(results);
    }

    /// The next `rows` results.
    fn take(&mut self, rows: usize) -> Result<ArrayRef> {
        let (mut parts, mut missing) = (Vec::new(), rows);
        while let Some(mut front) = self.results.pop_front() {
            let taken = missing.min(front.len());
            parts.push(front.slice(0, taken));
            missing -= taken;
            // the last one stays even if it is empty: it knows the type
            if taken < front.len() || missing == 0 && self.results.is_empty() {
                front = front.slice(taken, front.len() - taken);
                self.results.push_front(front);
                break;
            }
        }
        if missing > 0 {
            return Err(Error::invalid("a function of other rows gave too few results"));
        }
        self.ready -= rows;
        joined(&parts)
    }
}

impl RunStage {
    pub fn new(runs: &Arc<Runs>, partition: usize) -> Result<RunStage> {
        let lanes = (0..runs.bound.len()).map(|call| Lane::start(runs, partition, call)).collect::<Result<_>>()?;
        Ok(RunStage { runs: runs.clone(), partition, lanes, waiting: VecDeque::new(), reservation: None })
    }

    /// Passes on what is complete.
    fn give(&mut self, out: &mut Out<'_>) -> Result<Flow> {
        while let Some(front) = self.waiting.front() {
            let rows = front.rows();
            if self.lanes.iter().any(|lane| lane.ready < rows) {
                break;
            }
            let Some(batch) = self.waiting.pop_front() else { break };
            let results = self.lanes.iter_mut().map(|lane| lane.take(rows)).collect::<Result<Vec<_>>>()?;
            let record = assemble(&self.runs.schema, &self.runs.places, &batch.record, &results)?;
            if out.push(batch.with_record(record))? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        Ok(Flow::More)
    }

    fn reserve(&mut self, out: &Out<'_>) -> Result<()> {
        let running: usize = self.lanes.iter().map(|lane| lane.running.bytes()).sum();
        let waiting: usize = self.waiting.iter().map(Batch::bytes).sum();
        let bytes = (running + waiting) as u64;
        if bytes > 0 || self.reservation.is_some() {
            self.reservation.get_or_insert_with(|| out.context().budget.nothing()).resize(WHAT, bytes)?;
        }
        Ok(())
    }
}

impl Stage for RunStage {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let rows = batch.rows();
        for (lane, call) in self.lanes.iter_mut().zip(&self.runs.bound) {
            lane.push(&call.columns(&batch.record)?, rows)?;
        }
        self.waiting.push_back(batch);
        let flow = self.give(out)?;
        self.reserve(out)?;
        Ok(flow)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        for (call, lane) in self.lanes.iter_mut().enumerate() {
            lane.end(self.runs.around.later(self.partition, call, self.runs.bound[call].window.reach()))?;
        }
        self.give(out).map(drop)
    }
}
