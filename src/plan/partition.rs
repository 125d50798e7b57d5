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

/// Gathers batches into a [`Partition`], reserving memory for each before it is kept.
pub(super) struct Gather {
    batches: Vec<Batch>,
    reservation: Reservation,
    /// The buffers that are reserved already.
    known: FxHashSet<usize>,
}

impl Gather {
    pub(super) fn new(ctx: &TaskContext) -> Result<Gather> {
        let reservation = ctx.budget.reserve("a held partition", 0)?;
        Ok(Gather { batches: Vec::new(), reservation, known: FxHashSet::default() })
    }

    pub(super) fn push(&mut self, batch: Batch) -> Result<()> {
        self.reservation.grow("a held partition", batch.bytes_beside(&mut self.known) as u64)?;
        self.batches.push(batch);
        Ok(())
    }

    pub(super) fn end(self) -> Partition {
        Partition { batches: self.batches, _reservation: Some(Arc::new(self.reservation)) }
    }
}
