//! A column counted exactly: how often each distinct value occurs.

use super::number::{NOT_WHOLE, Number};
use super::tally::Tally;

/// Counts of the distinct values of a column, as long as they are few.
///
/// Most columns of few distinct values hold small whole numbers (in whatever type): those that fall into a window,
/// which follows the data, are counted by an index into a table; all others in a hash table. A value may be in both.
#[derive(Debug)]
pub struct Counts<N> {
    window: Window,
    rare: Tally,
    /// Values of the last batch inside and outside of the window.
    hits: usize,
    misses: usize,
    /// Times the window has moved; it settles down after a few.
    moves: u32,
    number: std::marker::PhantomData<N>,
}

/// The table of the whole numbers from `base` on: a power of two of cells, each with four counters that are used in turn, so that
/// the addition to a value need not wait for the last one to the same value.
#[derive(Debug)]
struct Window {
    base: i64,
    cells: Vec<[u32; 4]>,
    /// Additions until a counter could overflow.
    room: u32,
}

/// The widest window: 256 kB.
const WIDEST: u64 = 1 << 14;
/// Values between two looks at whether all of them were in the window.
const BLOCK: usize = 256;
/// Times the window may move.
const MOVES: u32 = 12;

impl<N: Number> Default for Counts<N> {
    fn default() -> Self {
        let window = Window { base: 0, cells: Vec::new(), room: u32::MAX };
        Counts { window, rare: Tally::default(), hits: 0, misses: 0, moves: 0, number: std::marker::PhantomData }
    }
}

impl<N: Number> Counts<N> {
    /// Distinct values outside of the window, which is what takes memory.
    pub fn rare(&self) -> usize {
        self.rare.distinct()
    }

    /// Counts a batch; NaN are skipped.
    pub fn add_all(&mut self, values: &[N]) {
        for values in values.chunks(u32::MAX as usize / 2) {
            self.aim(values);
            if self.window.room <= values.len() as u32 {
                self.empty_window();
            }
            self.window.room -= values.len() as u32;
            (self.hits, self.misses) = (0, 0);
            if self.window.cells.is_empty() {
                self.misses = values.len();
                for value in values {
                    if !value.is_nan() {
                        self.rare.add(value.key(), 1);
                    }
                }
            } else {
                values.chunks(BLOCK).for_each(|block| self.add_block(block));
            }
        }
    }

    /// Counts `value`, which is not NaN, `times` times.
    pub fn add(&mut self, value: N, times: u64) {
        let offset = value.offset(self.window.base);
        let room = u32::try_from(times).ok().and_then(|times| self.window.room.checked_sub(times));
        match (self.window.cells.get_mut(offset as usize), room) {
            (Some(cell), Some(room)) if offset != NOT_WHOLE => {
                cell[0] += times as u32;
                self.window.room = room;
            }
            _ => self.rare.add(value.key(), times),
        }
    }

    /// Counts all that `later` has counted.
    pub fn merge(&mut self, later: Counts<N>) {
        if self.window.cells.is_empty() && self.rare.distinct() == 0 {
            *self = later;
            return;
        }
        later.each(|value, count| self.add(value, count));
    }

    /// Gives every value and its count to `f`, in no order; a value may come twice.
    pub fn each(&self, mut f: impl FnMut(N, u64)) {
        for (i, count) in self.window.counts() {
            f(N::of_whole(self.window.base + i as i64), count);
        }
        for (key, count) in self.rare.iter() {
            f(N::of_key(key), count);
        }
    }

    /// The keys in order, each once, with their counts.
    pub fn sorted(&self) -> Vec<(u64, u64)> {
        let mut all = Vec::with_capacity(self.rare.distinct());
        self.each(|value, count| all.push((value.key(), count)));
        all.sort_unstable();
        all.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        all
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.window.cells.capacity() * size_of::<[u32; 4]>() + self.rare.bytes()
    }

    /// The hot loop: first all places, which the compiler turns into vector instructions, then all additions.
    fn add_block(&mut self, block: &[N]) {
        let mut offsets = [0u64; BLOCK];
        let offsets = &mut offsets[..block.len()];
        let cells = self.window.cells.as_mut_slice();
        let outside = !(cells.len() as u64 - 1);
        let mut all = 0;
        for (offset, value) in offsets.iter_mut().zip(block) {
            *offset = value.offset(self.window.base);
            all |= *offset;
        }
        if all & outside == 0 {
            self.hits += block.len();
            let (fours, rest) = offsets.as_chunks::<4>();
            for four in fours {
                for (lane, offset) in four.iter().enumerate() {
                    cells[*offset as usize][lane] += 1;
                }
            }
            for offset in rest {
                cells[*offset as usize][0] += 1;
            }
            return;
        }
        for (i, (offset, value)) in offsets.iter().zip(block).enumerate() {
            if offset & outside == 0 {
                self.hits += 1;
                cells[*offset as usize][i & 3] += 1;
            } else if !value.is_nan() {
                self.misses += 1;
                self.rare.add(value.key(), 1);
            }
        }
    }

    /// Moves the window to where the values are, if too many have missed it.
    fn aim(&mut self, values: &[N]) {
        let first = self.hits + self.misses == 0;
        if self.moves >= MOVES || (!first && self.misses <= self.hits / 16) {
            return;
        }
        let step = (values.len() / 512).max(1);
        let mut whole: Vec<i64> =
            values.iter().step_by(step).filter_map(|v| v.whole()).filter(|w| w.unsigned_abs() < 1 << 50).collect();
        if whole.len() * 8 < values.len().div_ceil(step) {
            return;
        }
        whole.sort_unstable();
        // the ends are left out where they are far away
        let (mut low, mut high) = (whole[0], whole[whole.len() - 1]);
        if high.abs_diff(low) >= WIDEST / 2 {
            (low, high) = (whole[whole.len() / 20], whole[whole.len() - 1 - whole.len() / 20]);
        }
        let cells = &self.window.cells;
        if !cells.is_empty() {
            let end = self.window.base + cells.len() as i64 - 1;
            let (wider_low, wider_high) = (low.min(self.window.base), high.max(end));
            if low >= self.window.base && high <= end {
                return;
            }
            if wider_high.abs_diff(wider_low) < WIDEST {
                (low, high) = (wider_low, wider_high);
            }
        }
        let span = high.abs_diff(low);
        if span < WIDEST {
            self.move_window(low, span);
        }
    }

    /// A new window from `low` to at least `low + span`, with some room around them.
    fn move_window(&mut self, low: i64, span: u64) {
        self.moves += 1;
        self.empty_window();
        let width = (span + span / 4 + 32).next_power_of_two().min(WIDEST);
        let before = ((width - span - 1) / 2).min(16) as i64;
        // whole numbers of an unsigned type begin at 0
        let base = if low >= 0 { (low - before).max(0) } else { low - before };
        self.window.base = base;
        self.window.cells = vec![[0; 4]; width as usize];
        let old = std::mem::take(&mut self.rare);
        for (key, count) in old.iter() {
            self.add(N::of_key(key), count);
        }
    }

    fn empty_window(&mut self) {
        for (i, count) in self.window.counts() {
            self.rare.add(N::of_whole(self.window.base + i as i64).key(), count);
        }
        self.window.cells.fill([0; 4]);
        self.window.room = u32::MAX;
    }
}

impl Window {
    /// Offsets and counts of what occurred.
    fn counts(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let total = |cell: &[u32; 4]| cell.iter().map(|lane| u64::from(*lane)).sum();
        self.cells.iter().map(total).enumerate().filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn slow<N: Number>(values: &[N]) -> Vec<(u64, u64)> {
        let mut map = BTreeMap::new();
        for value in values.iter().filter(|v| !v.is_nan()) {
            *map.entry(value.key()).or_insert(0) += 1;
        }
        map.into_iter().collect()
    }

    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (-20i32..200).prop_map(f64::from),
            2 => (-200_000i32..200_000).prop_map(f64::from),
            2 => (0i32..4000).prop_map(|cents| f64::from(cents) / 100.0),
            1 => any::<f64>(),
            1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5]),
        ]
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_map(
            batches in prop::collection::vec((prop::collection::vec(any_value(), 0..700), -300i32..300, any::<bool>()), 1..5)
        ) {
            let (mut counts, mut other, mut all) = (Counts::<f64>::default(), Counts::default(), Vec::new());
            for (mut batch, shift, to_other) in batches {
                batch.iter_mut().for_each(|v| *v += f64::from(shift));
                if to_other { other.add_all(&batch) } else { counts.add_all(&batch) }
                all.extend(batch);
            }
            counts.merge(other);
            prop_assert_eq!(counts.sorted(), slow(&all));
        }

        #[test]
        fn integers_too(values in prop::collection::vec(prop_oneof![0i64..300, any::<i64>()], 0..600)) {
            let mut counts = Counts::default();
            values.chunks(200).for_each(|batch| counts.add_all(batch));
            prop_assert_eq!(counts.sorted(), slow(&values));
            let values: Vec<u64> = values.iter().map(|v| *v as u64).collect();
            let mut counts = Counts::default();
            values.chunks(200).for_each(|batch| counts.add_all(batch));
            prop_assert_eq!(counts.sorted(), slow(&values));
        }
    }

    #[test]
    fn small_whole_numbers_take_little_memory() {
        let mut counts = Counts::default();
        let values: Vec<f64> = (0..100_000).map(|i| f64::from(i % 265)).collect();
        values.chunks(32_768).for_each(|batch| counts.add_all(batch));
        assert!(counts.bytes() <= 16 * 1024, "{}", counts.bytes());
        assert_eq!(counts.rare(), 0);
    }
}
