//! Batches held as a task's result.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::base::{Error, Result};
use crate::exec::{Reservation, TaskContext};
use crate::graph::{Held, Payload};
use crate::io::Batch;

/// The batches of a partition, held, and the memory that is reserved for them.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    /// The batches, in order.
    pub batches: Vec<Batch>,
    /// Given back when the last holder is gone.
    _reservation: Option<Arc<Reservation>>,
}

impl Partition {
    /// Batches that nothing is reserved for: small results.
    pub fn new(batches: Vec<Batch>) -> Partition {
        Partition { batches, _reservation: None }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(Batch::rows).sum()
    }

    /// The partition that a task gave.
    ///
    /// # Errors
    /// When it gave something else.
    pub fn from_payload(payload: Payload) -> Result<Partition> {
        match payload.take::<Partition>() {
            Ok(partition) => Ok(partition),
            Err(shared) => shared
                .get::<Partition>()
                .cloned()
                .ok_or_else(|| Error::invalid("the result of a task is not a partition of batches")),
        }
    }
}

impl Held for Partition {
    fn bytes(&self) -> u64 {
        let mut known = FxHashSet::default();
        self.batches.iter().map(|b| b.bytes_beside(&mut known) as u64).sum()
    }
}

/// Gathers batches, reserving memory for each before it is kept.
#[derive(Debug, Default)]
pub struct Gather {
    batches: Vec<Batch>,
    reservation: Option<Reservation>,
    /// The buffers that are reserved already.
    known: FxHashSet<usize>,
}

impl Gather {
    /// Keeps a batch.
    ///
    /// # Errors
    /// `Memory` when the limit does not leave room for it.
    pub fn push(&mut self, batch: Batch, ctx: &TaskContext) -> Result<()> {
        let more = batch.bytes_beside(&mut self.known) as u64;
        match &mut self.reservation {
            Some(reservation) => reservation.grow("a held partition", more)?,
            None => self.reservation = Some(ctx.budget.reserve("a held partition", more)?),
        }
        self.batches.push(batch);
        Ok(())
    }

    /// The batches so far.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// Bytes reserved so far.
    pub fn bytes(&self) -> u64 {
        self.reservation.as_ref().map_or(0, Reservation::bytes)
    }

    /// The batches and what is reserved for them.
    pub fn end(self) -> Partition {
        Partition { batches: self.batches, _reservation: self.reservation.map(Arc::new) }
    }
}
