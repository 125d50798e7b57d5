//! What one thread has noted. Each thread has a shard of its own, so its lock is nearly never waited for.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ledger::{OPERATIONS, OTHERS};
use crate::exec::event::Key;

/// What one thread has noted.
#[derive(Default)]
pub(super) struct Shard {
    pub spans: VecDeque<Span>,
    /// Tasks that were begun: the last one is the innermost.
    pub running: Vec<Begun>,
    slots: Vec<Slot>,
    /// The slot of an operation of a run.
    places: FxHashMap<u64, FxHashMap<Arc<str>, usize>>,
    /// Slots that may be used again.
    free: Vec<usize>,
    last: usize,
}

/// A task that has ended, in few bytes. Times are nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub number: u64,
    pub run: u64,
    pub key: Key,
    pub start: u64,
    pub end: u64,
    pub bytes: u64,
    pub rows: Option<u64>,
    pub name: u32,
    pub partition: u32,
    pub worker: u32,
    pub thread: u32,
    pub depth: u32,
    pub failed: bool,
}

/// A task that was begun.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub run: u64,
    pub key: Key,
    pub slot: usize,
    pub name: u32,
    pub partition: u32,
    pub worker: u32,
    pub thread: u32,
    pub start: u64,
    /// Of its time, what tasks inside it took.
    pub inside: u64,
}

/// An operation of a run.
#[derive(Clone)]
pub(super) struct Slot {
    pub run: u64,
    pub operation: Arc<str>,
    pub name: u32,
    pub sums: Sums,
}

/// Totals of the tasks that have ended.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    pub done: u64,
    pub failed: u64,
    pub busy: u64,
    pub longest: u64,
    pub bytes: u64,
    pub rows: u64,
}

impl Sums {
    pub fn add(&mut self, other: &Sums) {
        self.done += other.done;
        self.failed += other.failed;
        self.busy += other.busy;
        self.longest = self.longest.max(other.longest);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.rows = self.rows.saturating_add(other.rows);
    }
}

impl Shard {
    /// The slot of an operation of a run; `number` is asked for the number of a name that is new here.
    pub fn slot(&mut self, run: u64, operation: &Arc<str>, number: impl FnOnce(&Arc<str>) -> u32) -> usize {
        if let Some(slot) = self.slots.get(self.last)
            && slot.run == run
            && Arc::ptr_eq(&slot.operation, operation)
        {
            return self.last;
        }
        let places = self.places.get(&run);
        let many = places.is_some_and(|places| places.len() >= OPERATIONS);
        self.last = match places.and_then(|places| places.get(operation)) {
            Some(&at) => at,
            None if many => self.place(run, OTHERS.into(), number),
            None => self.place(run, operation.clone(), number),
        };
        self.last
    }

    fn place(&mut self, run: u64, operation: Arc<str>, number: impl FnOnce(&Arc<str>) -> u32) -> usize {
        let Shard { places, slots, free, .. } = self;
        *places.entry(run).or_default().entry(operation).or_insert_with_key(|operation| {
            let slot = Slot { run, operation: operation.clone(), name: number(operation), sums: Sums::default() };
            let at = free.pop().unwrap_or(slots.len());
            match slots.get_mut(at) {
                Some(place) => *place = slot,
                None => slots.push(slot),
            }
            at
        })
    }

    pub fn name_of(&self, slot: usize) -> u32 {
        self.slots.get(slot).map_or(0, |s| s.name)
    }

    /// Whether a task was begun and has not ended.
    pub fn is_running(&self, key: Key, run: u64) -> bool {
        self.running.iter().rev().any(|b| b.run == run && b.key == key)
    }

    /// Notes that a task has ended; gives the span without its number.
    pub fn end(&mut self, key: Key, run: u64, end: u64, sums: Sums) -> Option<Span> {
        let at = self.running.iter().rposition(|b| b.run == run && b.key == key)?;
        let begun = self.running.remove(at);
        let took = end.saturating_sub(begun.start);
        let mut depth = 0;
        for (k, outer) in self.running[..at].iter_mut().rev().filter(|b| b.thread == begun.thread).enumerate() {
            if k == 0 {
                outer.inside += took;
            }
            depth += 1;
        }
        let busy = took.saturating_sub(begun.inside);
        if let Some(slot) = self.slots.get_mut(begun.slot) {
            slot.sums.add(&Sums { busy, longest: took, ..sums });
        }
        let Begun { name, partition, worker, thread, start, .. } = begun;
        let (failed, bytes) = (sums.failed > 0, sums.bytes);
        Some(Span {
            number: 0,
            run,
            key,
            start,
            end,
            bytes,
            rows: None,
            name,
            partition,
            worker,
            thread,
            depth,
            failed,
        })
    }

    /// Keeps a span, and lets the oldest go when there are more than `most`.
    pub fn keep(&mut self, span: Span, most: usize) {
        if self.spans.len() >= most {
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }

    /// The totals of the operations of all runs.
    pub fn totals(&self) -> impl Iterator<Item = &Slot> {
        let slot = |&at: &usize| self.slots.get(at);
        self.places.values().flat_map(|places| places.values()).filter_map(slot)
    }

    /// Takes the totals of a run out.
    pub fn forget(&mut self, run: u64, mut fold: impl FnMut(&Slot)) {
        for at in self.places.remove(&run).into_iter().flat_map(FxHashMap::into_values) {
            if let Some(slot) = self.slots.get_mut(at) {
                fold(slot);
                // no run has this number
                slot.run = u64::MAX;
                self.free.push(at);
            }
        }
    }
}
