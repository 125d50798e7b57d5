//! Both passes over rows that are held in between.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::datatypes::SchemaRef;

use super::call::{Bound, Place};
use super::run::{Around, RunStage, Runs};
use super::summary::{Looking, Summary};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::TaskContext;
use crate::graph::Payload;
use crate::io::Batch;
use crate::plan::shape::Chunk;
use crate::plan::{Exchange, Flow, Gather, Out, Partition, Stage, Store};

/// Holds the rows until it is known what lies around each partition.
pub struct Once {
    pub bound: Vec<Bound>,
    pub schema: SchemaRef,
    pub places: Vec<Place>,
    pub partitions: usize,
}

impl Exchange for Once {
    fn open(&self, _ctx: &TaskContext) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(Shelf {
            bound: self.bound.clone(),
            schema: self.schema.clone(),
            places: self.places.clone(),
            held: (0..self.partitions).map(|_| Mutex::default()).collect(),
            runs: OnceLock::new(),
        }))
    }
}

struct Shelf {
    bound: Vec<Bound>,
    schema: SchemaRef,
    places: Vec<Place>,
    held: Vec<Mutex<Option<Kept>>>,
    runs: OnceLock<Arc<Runs>>,
}

/// The rows of a partition, and what they mean to the others, until that is known of all.
type Kept = (Partition, Option<Summary>);

impl Store for Shelf {
    fn start(self: Arc<Self>, _input: usize, partition: usize, ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        let looking = Looking::new(&self.bound, ctx)?;
        Ok(Box::new(Filling { shelf: self, partition, looking, gather: Gather::default(), ctx: ctx.clone() }))
    }

    fn seal(&self, receipts: Vec<Payload>, _ctx: &TaskContext) -> Result<()> {
        let (mut parts, mut rows_out) = (Vec::with_capacity(self.held.len()), 0);
        for held in &self.held {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((partition, summary)) = held.as_mut() else { return Err(missing()) };
            rows_out += partition.rows() as u64;
            parts.extend(summary.take());
        }
        let rows_in: u64 = receipts.iter().filter_map(Payload::get::<u64>).sum();
        if rows_in != rows_out {
            let what = "a function of other rows".to_string();
            return Err(Error::new(ErrorKind::Conservation { what, rows_in, rows_out }));
        }
        let (bound, schema, places) = (self.bound.clone(), self.schema.clone(), self.places.clone());
        let around = Arc::new(Around::new(&bound, parts)?);
        self.runs
            .set(Arc::new(Runs { bound, schema, places, around }))
            .map_err(|_| Error::invalid("what lies around partitions was looked at twice"))
    }

    fn read(&self, partition: usize, ctx: &TaskContext, out: &mut Out<'_>) -> Result<Flow> {
        let runs = self.runs.get().ok_or_else(missing)?;
        let held = self.held.get(partition).ok_or_else(missing)?;
        let (rows, _) = held.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(missing)?;
        let mut stage = RunStage::new(runs, partition)?;
        for batch in rows.read() {
            ctx.cancel.check()?;
            if stage.push(batch?, out)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        stage.end(out)?;
        Ok(Flow::More)
    }
}

fn missing() -> Error {
    Error::invalid("the rows of a partition are not there")
}

struct Filling {
    shelf: Arc<Shelf>,
    partition: usize,
    looking: Looking,
    gather: Gather,
    ctx: TaskContext,
}

impl Chunk for Filling {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        self.looking.see(&batch.record)?;
        self.gather.push(batch, &self.ctx)?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        let rows = self.gather.end(&self.ctx);
        let count = rows.rows() as u64;
        let slot = self.shelf.held.get(self.partition).ok_or_else(missing)?;
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((rows, Some(self.looking.summary()?)));
        Ok(Payload::new(count))
    }
}
