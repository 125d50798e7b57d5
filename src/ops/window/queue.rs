//! Rows that wait, in memory or on disk.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::base::Result;
use crate::exec::{Spill, SpillFile};
use crate::io::{Batch, SpilledBatch};

/// Batches that are taken out in the order in which they came. When memory is short those that are taken out last go to
/// disk first.
#[derive(Debug, Default)]
pub struct Queue {
    batches: VecDeque<Place>,
    rows: usize,
    file: Option<Arc<SpillFile>>,
}

#[derive(Debug)]
enum Place {
    Memory(Batch),
    Disk(SpilledBatch),
}

impl Queue {
    /// The rows that wait.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of the first batch.
    pub fn first_rows(&self) -> Option<usize> {
        self.batches.front().map(|place| match place {
            Place::Memory(batch) => batch.rows(),
            Place::Disk(spilled) => spilled.rows(),
        })
    }

    /// Bytes in memory beside the buffers in `known`, to which its own are added.
    pub fn bytes_beside(&self, known: &mut FxHashSet<usize>) -> usize {
        let bytes = self.batches.iter().map(|place| match place {
            Place::Memory(batch) => batch.bytes_beside(known),
            Place::Disk(_) => 0,
        });
        bytes.sum()
    }

    /// Adds a batch behind the others.
    pub fn push(&mut self, batch: Batch) {
        self.rows += batch.rows();
        self.batches.push_back(Place::Memory(batch));
    }

    /// Takes out the first batch.
    ///
    /// # Errors
    /// `Io` and `Corrupt` when it cannot be read back.
    pub fn pop(&mut self) -> Result<Option<Batch>> {
        let batch = match (self.batches.pop_front(), &self.file) {
            (Some(Place::Memory(batch)), _) => batch,
            (Some(Place::Disk(spilled)), Some(file)) => spilled.read(file)?,
            _ => return Ok(None),
        };
        self.rows -= batch.rows();
        Ok(Some(batch))
    }

    /// Puts back the rest of the first batch.
    pub fn put_back(&mut self, batch: Batch) {
        self.rows += batch.rows();
        self.batches.push_front(Place::Memory(batch));
    }

    /// Moves all but the first batch to disk.
    ///
    /// # Errors
    /// `Io` when the disk is full.
    pub fn spill(&mut self, spill: &Spill) -> Result<()> {
        for place in self.batches.iter_mut().skip(1) {
            if let Place::Memory(batch) = place {
                let file = self.file.get_or_insert_with(|| Arc::new(spill.file()));
                *place = Place::Disk(SpilledBatch::write(file, batch)?);
            }
        }
        Ok(())
    }
}
