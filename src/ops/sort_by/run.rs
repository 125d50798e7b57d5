//! A sorted run: blocks in memory and on disk.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};

use super::sample::SHOWN;
use crate::base::{Error, Result};
use crate::exec::{Reservation, SpillFile};
use crate::expr::order::Encoder;
use crate::io::{Batch, SpilledBatch};

/// Sorted rows of one input partition.
#[derive(Debug)]
pub(super) struct Run {
    /// The input partition they came from.
    pub(super) partition: usize,
    /// Which of its runs this is.
    pub(super) ordinal: usize,
    pub(super) blocks: Vec<Block>,
    pub(super) rows: usize,
    /// What is reserved for the blocks in memory.
    reservation: Mutex<Reservation>,
}

/// Some rows of a run that follow each other.
#[derive(Debug)]
pub(super) struct Block {
    /// The first bytes of the first and the last key.
    pub(super) first: Vec<u8>,
    pub(super) last: Vec<u8>,
    /// How many rows of the run come before it.
    pub(super) start: usize,
    pub(super) rows: usize,
    /// About how much memory it takes.
    pub(super) bytes: u64,
    /// How many output partitions still need it.
    users: AtomicUsize,
    place: Mutex<Place>,
}

#[derive(Clone, Debug)]
enum Place {
    Memory(RecordBatch),
    Disk(SpilledBatch),
    Gone,
}

impl Run {
    pub(super) fn new(partition: usize, ordinal: usize, reservation: Reservation) -> Run {
        Run { partition, ordinal, blocks: Vec::new(), rows: 0, reservation: Mutex::new(reservation) }
    }

    /// Adds the rows that follow: in memory if they may be kept and there is room for them, else on disk.
    pub(super) fn push(&mut self, record: RecordBatch, encoder: &Encoder, file: &SpillFile, keep: bool) -> Result<()> {
        let rows = record.num_rows();
        if rows == 0 {
            return Ok(());
        }
        let key = |row: usize| {
            let mut key = encoder.encode(&record.slice(row, 1))?.whole(0).to_vec();
            key.truncate(SHOWN);
            key.shrink_to_fit();
            Ok::<_, Error>(key)
        };
        let (first, last) = (key(0)?, key(rows - 1)?);
        let bytes = Batch::new(record.clone(), 0, 0).bytes() as u64;
        let place = if keep && lock(&self.reservation).try_take(bytes) {
            Place::Memory(record)
        } else {
            Place::Disk(SpilledBatch::write(file, &Batch::new(record, 0, 0))?)
        };
        let (users, place) = (AtomicUsize::new(usize::MAX), Mutex::new(place));
        self.blocks.push(Block { first, last, start: self.rows, rows, bytes, users, place });
        self.rows += rows;
        Ok(())
    }

    /// Moves blocks from memory to disk until `bytes` are given back; says how many were.
    pub(super) fn spill(&self, bytes: u64, file: &SpillFile) -> Result<u64> {
        let mut given = 0;
        for block in self.blocks.iter().rev() {
            if given >= bytes {
                break;
            }
            let Place::Memory(record) = lock(&block.place).clone() else { continue };
            let spilled = SpilledBatch::write(file, &Batch::new(record, 0, 0))?;
            let mut place = lock(&block.place);
            if let Place::Memory(_) = *place {
                *place = Place::Disk(spilled);
                self.give_back(block.bytes);
                given += block.bytes;
            }
        }
        Ok(given)
    }

    fn give_back(&self, bytes: u64) {
        let mut reservation = lock(&self.reservation);
        let left = reservation.bytes().saturating_sub(bytes);
        reservation.shrink_to(left);
    }

    /// How many output partitions need each block: what nobody needs any more is dropped.
    pub(super) fn count_users(&self, users: &[usize]) {
        for (block, &users) in self.blocks.iter().zip(users) {
            block.users.store(users, Ordering::Relaxed);
            if users == 0 {
                self.forget(block);
            }
        }
    }

    fn forget(&self, block: &Block) {
        if let Place::Memory(_) = std::mem::replace(&mut *lock(&block.place), Place::Gone) {
            self.give_back(block.bytes);
        }
    }

    /// The rows of a block, for one of its users.
    pub(super) fn fetch(&self, block: usize, schema: &SchemaRef, file: &SpillFile) -> Result<RecordBatch> {
        let gone = || Error::invalid("a block of a sorted run was read more often than announced");
        let block = self.blocks.get(block).ok_or_else(gone)?;
        let place = lock(&block.place).clone();
        if block.users.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.forget(block);
        }
        match place {
            Place::Memory(record) => Ok(record),
            Place::Disk(spilled) => conform(spilled.read(file)?.record, schema),
            Place::Gone => Err(gone()),
        }
    }

    /// The bytes of a block where it has to be read from disk.
    pub(super) fn read_bytes(&self, block: usize) -> u64 {
        self.blocks.get(block).map_or(0, |b| match *lock(&b.place) {
            Place::Disk(_) => b.bytes,
            _ => 0,
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same with the layouts of `schema`: what was spilled may have others.
fn conform(record: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = record.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| match column.data_type() == field.data_type() {
        true => Ok(column.clone()),
        false => Ok(cast(column, field.data_type())?),
    });
    let options = RecordBatchOptions::new().with_row_count(Some(record.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns.collect::<Result<_>>()?, &options)?)
}

/// The same without the texts of other rows: views into the batches that rows were taken from would keep all of them.
pub(in crate::ops) fn tidy(record: RecordBatch) -> Result<RecordBatch> {
    let has_views = |c: &ArrayRef| matches!(c.data_type(), DataType::Utf8View | DataType::BinaryView);
    if !record.columns().iter().any(has_views) {
        return Ok(record);
    }
    let columns = record.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()) as ArrayRef,
        _ => column.clone(),
    });
    Ok(RecordBatch::try_new(record.schema(), columns.collect())?)
}
