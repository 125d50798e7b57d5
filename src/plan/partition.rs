//! Batches held as a task's result, in memory or on disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rustc_hash::FxHashSet;

use crate::base::{Error, Result};
use crate::exec::{Budget, Reclaim, Reservation, Spill, SpillFile, TaskContext};
use crate::graph::{Held, Payload};
use crate::io::{Batch, SpilledBatch};

/// The batches of a partition, held, and the memory that is reserved for them. When memory is short they go to disk,
/// and are read back batch by batch. Clones are handles to the same batches.
#[derive(Clone, Debug)]
pub struct Partition(Arc<Shelf>);

#[derive(Debug)]
struct Shelf {
    held: Mutex<Content>,
    rows: usize,
    /// Where it can go; absent for small results.
    spill: Option<Spill>,
}

#[derive(Debug, Default)]
struct Content {
    batches: Vec<Place>,
    /// For the batches in memory; absent for small results.
    reservation: Option<Reservation>,
    /// Where the others are.
    file: Option<Arc<SpillFile>>,
}

#[derive(Clone, Debug)]
enum Place {
    Memory(Batch),
    Disk(SpilledBatch),
}

impl Partition {
    /// Batches that nothing is reserved for: small results.
    pub fn new(batches: Vec<Batch>) -> Partition {
        let batches = batches.into_iter().map(Place::Memory).collect();
        Partition::of(Content { batches, reservation: None, file: None }, None)
    }

    fn of(held: Content, spill: Option<Spill>) -> Partition {
        let rows = held.batches.iter().map(Place::rows).sum();
        Partition(Arc::new(Shelf { held: Mutex::new(held), rows, spill }))
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.0.rows
    }

    /// The partition that a task gave.
    ///
    /// # Errors
    /// When it gave something else.
    pub fn from_payload(payload: Payload) -> Result<Partition> {
        let partition = payload.get::<Partition>().cloned();
        partition.ok_or_else(|| Error::invalid("the result of a task is not a partition of batches"))
    }

    /// The batches in order, those on disk read back one at a time.
    pub fn read(self) -> impl Iterator<Item = Result<Batch>> + Send {
        let mut next = 0;
        std::iter::from_fn(move || {
            // a batch may have moved to disk since the last one was read
            let (place, file) = {
                let held = self.0.lock();
                (held.batches.get(next)?.clone(), held.file.clone())
            };
            next += 1;
            Some(place.load(file.as_deref()))
        })
    }

    /// About how many bytes the batches take in memory, those on disk too.
    pub fn size(&self) -> u64 {
        let mut known = FxHashSet::default();
        let held = self.0.lock();
        let bytes = held.batches.iter().map(|place| match place {
            Place::Memory(batch) => batch.bytes_beside(&mut known) as u64,
            Place::Disk(spilled) => spilled.bytes(),
        });
        bytes.sum()
    }

    /// All batches in memory, and what is reserved for them, which is given back when it is dropped.
    ///
    /// # Errors
    /// `Memory`, naming `what`, when they do not fit; `Io` and `Corrupt` when they cannot be read back.
    pub fn load(self, what: &str, budget: &Budget) -> Result<(Vec<Batch>, Reservation)> {
        self.load_into(what, &mut budget.nothing())
    }

    /// As [`load`](Self::load); what is not reserved yet is taken from `room`, as far as that goes.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_into(self, what: &str, room: &mut Reservation) -> Result<(Vec<Batch>, Reservation)> {
        let (held, own) = match Arc::try_unwrap(self.0) {
            Ok(shelf) => (shelf.held.into_inner().unwrap_or_else(PoisonError::into_inner), true),
            // the others keep what they have reserved, and may give it back while these batches stay
            Err(shared) => (shared.lock().handle(), false),
        };
        let mut reservation = held.reservation.unwrap_or_else(|| room.split(0));
        let mut grow = |reservation: &mut Reservation, more: u64| {
            let from_room = room.split(more);
            let lacking = more - from_room.bytes();
            reservation.join(from_room);
            reservation.grow(what, lacking)
        };
        let mut known = FxHashSet::default();
        let mut batches = Vec::with_capacity(held.batches.len());
        for place in held.batches {
            match &place {
                Place::Disk(spilled) => grow(&mut reservation, spilled.bytes())?,
                Place::Memory(batch) if !own => grow(&mut reservation, batch.bytes_beside(&mut known) as u64)?,
                Place::Memory(_) => {}
            }
            batches.push(place.load(held.file.as_deref())?);
        }
        Ok((batches, reservation))
    }
}

impl Place {
    fn rows(&self) -> usize {
        match self {
            Place::Memory(batch) => batch.rows(),
            Place::Disk(spilled) => spilled.rows(),
        }
    }

    fn load(self, file: Option<&SpillFile>) -> Result<Batch> {
        match (self, file) {
            (Place::Memory(batch), _) => Ok(batch),
            (Place::Disk(spilled), Some(file)) => spilled.read(file),
            (Place::Disk(_), None) => Err(Error::invalid("a spilled batch has no file")),
        }
    }
}

impl Content {
    /// The same batches without the reservation.
    fn handle(&self) -> Content {
        Content { batches: self.batches.clone(), reservation: None, file: self.file.clone() }
    }

    /// Moves everything to disk and gives the memory back; says how much.
    fn spill(&mut self, spill: &Spill) -> Result<u64> {
        let file = self.file.get_or_insert_with(|| Arc::new(spill.file())).clone();
        for place in &mut self.batches {
            if let Place::Memory(batch) = place {
                *place = Place::Disk(SpilledBatch::write(&file, batch)?);
            }
        }
        let bytes = self.reservation.as_ref().map_or(0, Reservation::bytes);
        if let Some(reservation) = &mut self.reservation {
            reservation.shrink_to(0);
        }
        Ok(bytes)
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reclaim for Shelf {
    fn reclaim(&self, _bytes: u64) -> Option<u64> {
        let mut held = self.held.try_lock().ok()?;
        match &self.spill {
            Some(spill) if held.reservation.as_ref().is_some_and(|r| r.bytes() > 0) => {
                // a full disk is reported to whoever has to spill, not to who happens to ask here
                Some(held.spill(spill).unwrap_or(0))
            }
            _ => Some(0),
        }
    }
}

impl Held for Partition {
    fn bytes(&self) -> u64 {
        let mut known = FxHashSet::default();
        let held = self.0.lock();
        let bytes = held.batches.iter().map(|place| match place {
            Place::Memory(batch) => batch.bytes_beside(&mut known) as u64,
            Place::Disk(_) => 0,
        });
        bytes.sum()
    }

    fn rows(&self) -> Option<u64> {
        Some(self.0.rows as u64)
    }
}

/// Gathers batches, reserving memory for each before it is kept; what does not fit goes to disk.
#[derive(Debug, Default)]
pub struct Gather {
    content: Content,
    /// The buffers that are reserved already.
    known: FxHashSet<usize>,
}

impl Gather {
    /// Keeps a batch.
    ///
    /// # Errors
    /// `Io` when the disk is full.
    pub fn push(&mut self, batch: Batch, ctx: &TaskContext) -> Result<()> {
        let reservation = self.content.reservation.get_or_insert_with(|| ctx.budget.nothing());
        let more = batch.bytes_beside(&mut self.known) as u64;
        let within = reservation.bytes() + more <= ctx.budget.share();
        if within && reservation.try_grow(more) {
            self.content.batches.push(Place::Memory(batch));
            return Ok(());
        }
        self.known.clear();
        self.content.batches.push(Place::Memory(batch));
        self.content.spill(&ctx.spill).map(drop)
    }

    /// The batches and what is reserved for them. From now on they can be asked to make room.
    pub fn end(self, ctx: &TaskContext) -> Partition {
        let partition = Partition::of(self.content, Some(ctx.spill.clone()));
        let shelf: Weak<Shelf> = Arc::downgrade(&partition.0);
        ctx.budget.register(shelf);
        partition
    }
}
