//! Blocks of elements that tasks hand to each other, in memory or on disk.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::element::Element;
use super::held::copy;
use crate::base::{Error, Result};
use crate::exec::{Extent, Reclaim, Reservation, SpillFile, TaskContext};
use crate::graph::{Held, Payload};

/// Elements as bytes, for those that go to disk.
pub trait Stored: Sized {
    /// Writes them one after the other.
    fn store(values: &[Self], bytes: &mut Vec<u8>);

    /// Reads as many as `out` has places.
    fn load(bytes: &[u8], out: &mut [Self]);
}

macro_rules! stored {
    ($($number:ty)*) => {$(
        impl Stored for $number {
            fn store(values: &[Self], bytes: &mut Vec<u8>) {
                values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
            }

            fn load(bytes: &[u8], out: &mut [Self]) {
                let (whole, _) = bytes.as_chunks::<{ size_of::<$number>() }>();
                out.iter_mut().zip(whole).for_each(|(out, bytes)| *out = <$number>::from_le_bytes(*bytes));
            }
        }
    )*};
}

stored!(f64 f32 i64 i32 u8);

impl Stored for bool {
    fn store(values: &[bool], bytes: &mut Vec<u8>) {
        bytes.extend(values.iter().map(|&value| u8::from(value)));
    }

    fn load(bytes: &[u8], out: &mut [bool]) {
        out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = *byte != 0);
    }
}

/// A block of elements that is being made, and the memory that is spoken for by it.
#[derive(Debug)]
pub struct Block<T> {
    /// The elements, the last axis running fastest.
    pub values: Vec<T>,
    reservation: Reservation,
}

impl<T: Element> Block<T> {
    /// Memory for a block of so many elements.
    ///
    /// # Errors
    /// `Memory` when the limit does not leave that much.
    pub fn filled(len: usize, ctx: &TaskContext) -> Result<Block<T>> {
        let reservation = ctx.budget.reserve("a block of an array", (len * size_of::<T>()) as u64)?;
        Ok(Block { values: vec![T::default(); len], reservation })
    }

    /// These elements as a block.
    ///
    /// # Errors
    /// As [`filled`](Self::filled).
    pub fn of(values: Vec<T>, ctx: &TaskContext) -> Result<Block<T>> {
        let reservation = ctx.budget.reserve("a block of an array", (values.len() * size_of::<T>()) as u64)?;
        Ok(Block { values, reservation })
    }

    /// The block as a task's result, on this shelf: when memory is short it goes to disk.
    pub fn hold(self, shelf: &Shelf<T>, ctx: &TaskContext) -> Payload {
        let inner = &shelf.0;
        let state = State { values: Some(Arc::new(self.values)), reservation: self.reservation, extent: None };
        let len = state.values.as_ref().map_or(0, |values| values.len());
        let held = Arc::new(Place { state: Mutex::new(state), len, shelf: inner.clone() });
        if inner.file.get().is_none() && inner.file.set(ctx.spill.file()).is_ok() {
            let weak: Weak<Inner<T>> = Arc::downgrade(inner);
            ctx.budget.register(weak);
        }
        inner.lock().push_back(Arc::downgrade(&held));
        Payload::new(HeldBlock(held))
    }
}

/// Where the blocks of an array stand. When memory is short, they go to one file.
pub struct Shelf<T>(Arc<Inner<T>>);

struct Inner<T> {
    file: OnceLock<SpillFile>,
    /// The blocks in memory, those that came first in front.
    resident: Mutex<VecDeque<Weak<Place<T>>>>,
    /// How many threads are just moving some to disk.
    moving: AtomicUsize,
}

struct Place<T> {
    state: Mutex<State<T>>,
    len: usize,
    shelf: Arc<Inner<T>>,
}

struct State<T> {
    /// Absent when they are on disk only.
    values: Option<Arc<Vec<T>>>,
    reservation: Reservation,
    /// Where they are on disk, from when they were first written.
    extent: Option<Extent>,
}

/// A finished block, in memory or on disk. Clones are handles to the same block.
pub struct HeldBlock<T>(Arc<Place<T>>);

/// The elements of a block, for a while.
pub(super) enum Pinned<'a, T> {
    Memory(Arc<Vec<T>>),
    Disk(&'a HeldBlock<T>, Extent),
}

impl<T: Element> Default for Shelf<T> {
    fn default() -> Self {
        Shelf(Arc::new(Inner { file: OnceLock::new(), resident: Mutex::default(), moving: AtomicUsize::new(0) }))
    }
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Shelf(self.0.clone())
    }
}

impl<T> fmt::Debug for Shelf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

impl<T> Inner<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Weak<Place<T>>>> {
        self.resident.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> Result<&SpillFile> {
        self.file.get().ok_or_else(|| Error::invalid("a spilled block has no file"))
    }
}

impl<T: Element> Reclaim for Inner<T> {
    fn reclaim(&self, bytes: u64) -> Option<u64> {
        let (mut given, mut busy) = (0, Vec::new());
        let others = self.moving.fetch_add(1, Ordering::SeqCst) > 0;
        while given < bytes {
            let Some(next) = self.lock().pop_front() else { break };
            let Some(place) = next.upgrade() else { continue };
            match place.spill() {
                // a full disk is reported to whoever has to spill, not to who happens to ask here
                Some(more) => given += more.unwrap_or(0),
                None => busy.push(next),
            }
        }
        // what another thread has just taken off the shelf will be free in a moment
        let all_there = busy.is_empty() && !others;
        self.lock().extend(busy);
        self.moving.fetch_sub(1, Ordering::SeqCst);
        (all_there || given >= bytes).then_some(given)
    }
}

impl<T: Element> Place<T> {
    /// Moves the elements to disk and says how many bytes that gives back; nothing while somebody reads them.
    fn spill(&self) -> Option<Result<u64>> {
        let mut state = self.state.try_lock().ok()?;
        let Some(values) = state.values.take() else { return Some(Ok(0)) };
        if Arc::strong_count(&values) > 1 {
            state.values = Some(values);
            return None;
        }
        if state.extent.is_none() {
            let mut bytes = Vec::with_capacity(size_of_val(values.as_slice()));
            T::store(&values, &mut bytes);
            match self.shelf.file().and_then(|file| file.append(&bytes)) {
                Ok(extent) => state.extent = Some(extent),
                Err(error) => {
                    state.values = Some(values);
                    return Some(Err(error));
                }
            }
        }
        drop(values);
        let given = state.reservation.bytes();
        state.reservation.shrink_to(0);
        Some(Ok(given))
    }
}

impl<T: Element> HeldBlock<T> {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its elements; those that are on disk come back to memory where there is room.
    pub(super) fn pin(&self) -> Result<Pinned<'_, T>> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(values) = &state.values {
            return Ok(Pinned::Memory(values.clone()));
        }
        let Some(extent) = state.extent else { return Err(Error::invalid("a block is nowhere")) };
        if !state.reservation.try_take((self.0.len * size_of::<T>()) as u64) {
            return Ok(Pinned::Disk(self, extent));
        }
        let mut values = vec![T::default(); self.0.len];
        self.load(extent, 0, &mut values)?;
        let values = Arc::new(values);
        state.values = Some(values.clone());
        drop(state);
        self.0.shelf.lock().push_back(Arc::downgrade(&self.0));
        Ok(Pinned::Memory(values))
    }

    /// Its elements, for those who want few of them: what is on disk stays there.
    pub(super) fn pin_part(&self) -> Result<Pinned<'_, T>> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (&state.values, state.extent) {
            (Some(values), _) => Ok(Pinned::Memory(values.clone())),
            (None, Some(extent)) => Ok(Pinned::Disk(self, extent)),
            (None, None) => Err(Error::invalid("a block is nowhere")),
        }
    }

    fn load(&self, extent: Extent, first: usize, out: &mut [T]) -> Result<()> {
        let size = size_of::<T>() as u64;
        let part = Extent { offset: extent.offset + first as u64 * size, len: out.len() as u64 * size };
        T::load(&self.0.shelf.file()?.read(part)?, out);
        Ok(())
    }
}

impl<T: Element> Pinned<'_, T> {
    /// Copies elements that lie `step` apart.
    pub(super) fn copy(&self, at: usize, step: isize, out: &mut [T]) -> Result<()> {
        let (block, extent) = match self {
            Pinned::Memory(values) => {
                copy(values, at, step, out);
                return Ok(());
            }
            Pinned::Disk(block, extent) => (block, *extent),
        };
        let Some(last) = out.len().checked_sub(1) else { return Ok(()) };
        let end = at.wrapping_add_signed(step * last as isize);
        let first = at.min(end);
        if step == 1 {
            return block.load(extent, first, out);
        }
        let mut between = vec![T::default(); at.max(end) - first + 1];
        block.load(extent, first, &mut between)?;
        copy(&between, at - first, step, out);
        Ok(())
    }
}

impl<T: Element> Held for HeldBlock<T> {
    fn bytes(&self) -> u64 {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.values.as_ref().map_or(0, |values| size_of_val(values.as_slice()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Budget;

    #[test]
    fn blocks_go_to_disk_and_come_back() {
        let ctx = TaskContext { budget: Budget::new(10_000), ..TaskContext::default() };
        let shelf = Shelf::default();
        let numbers = |from: i32| (from..from + 1000).map(f64::from).collect::<Vec<_>>();
        let payloads: Vec<Payload> =
            (0..20).map(|i| Block::of(numbers(i * 1000), &ctx).unwrap().hold(&shelf, &ctx)).collect();
        assert!(ctx.budget.peak() <= 10_000 && ctx.spill.written().0 >= 19 * 8000);
        let hold = ctx.budget.reserve("all there is", 10_000).unwrap();
        for (i, payload) in payloads.iter().enumerate() {
            let block = payload.get::<HeldBlock<f64>>().unwrap();
            let pinned = block.pin().unwrap();
            assert!(matches!(pinned, Pinned::Disk(..)), "there is no room");
            let mut out = [0.0; 4];
            pinned.copy(30, -10, &mut out).unwrap();
            assert_eq!(out, [30.0, 20.0, 10.0, 0.0].map(|v| v + i as f64 * 1000.0));
        }
        drop(hold);
        let written = ctx.spill.written();
        for (i, payload) in payloads.iter().enumerate() {
            let pinned = payload.get::<HeldBlock<f64>>().unwrap().pin().unwrap();
            assert!(matches!(pinned, Pinned::Memory(_)));
            let mut out = [0.0];
            pinned.copy(7, 1, &mut out).unwrap();
            assert_eq!(out[0], i as f64 * 1000.0 + 7.0);
            assert!(!ctx.budget.nothing().try_grow(10_000), "a block that is read stays");
            drop(pinned);
            drop(ctx.budget.reserve("room", 10_000).unwrap());
        }
        assert_eq!(ctx.spill.written(), written, "what is on disk is not written again");
    }

    #[test]
    fn every_type_survives_as_bytes() {
        fn back<T: Element>(values: &[T]) {
            let mut bytes = Vec::new();
            T::store(values, &mut bytes);
            let mut out = vec![T::default(); values.len()];
            T::load(&bytes, &mut out);
            assert_eq!(out, values);
        }
        back(&[1.5, -0.0, f64::INFINITY]);
        back(&[1.5f32, -2.0]);
        back(&[i64::MIN, 7]);
        back(&[i32::MIN, 7]);
        back(&[0u8, 255]);
        back(&[true, false]);
    }
}
