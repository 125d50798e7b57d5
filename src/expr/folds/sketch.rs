//! A summary of many keys that says between which two keys the one of a given rank lies, for sure.
//!
//! Buffers of keys on levels: a key on level h stands for 2^h values. A buffer that is full is sorted and every second
//! key of it goes one level up, odd and even places in turn (J. I. Munro and M. S. Paterson, *Selection and sorting
//! with limited storage*, 1980; G. S. Manku, S. Rajagopalan and B. G. Lindsay, *Approximate medians and other quantiles in one
//! pass and with limited memory*, 1998). Nothing is drawn at random and every step adds the error it makes to a total, so that the
//! bounds are proven, whatever the keys and however sketches are merged.
//!
//! How wide they are: a step on level h makes an error of 2^h (above and below taken together) and takes in at least k
//! keys of that weight, so that all steps of a level make at most n/k; values enter as a sorted run, thinned to at least k keys, with an
//! error of at most n/k in all. With L levels above the one that runs enter, the total is at most (L + 1)·n/k. Where runs are not sorted but
//! counted between the keys of an earlier one (see `histogram`), these enter with an error of at most n/256 + n/k instead, usually about
//! 4·n/k.

use super::histogram::{Histogram, Learner};

/// The keys of a column, in bounded memory.
#[derive(Debug)]
pub struct Sketch {
    /// Keys a level holds before it is thinned.
    k: usize,
    n: u64,
    least: u64,
    greatest: u64,
    /// Keys that wait for a run long enough.
    waiting: Vec<u64>,
    levels: Vec<Level>,
    /// How much the rank of a key may be overestimated, and how much underestimated.
    over: u64,
    under: u64,
    turn: bool,
    learner: Option<Learner>,
}

#[derive(Debug, Default)]
struct Level {
    keys: Vec<u64>,
    turn: bool,
}

/// Where the key of a rank lies: it is `low`, `high` or between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bracket {
    /// A key that is not above it.
    pub low: u64,
    /// A key that is not below it.
    pub high: u64,
    /// At most so many values lie strictly between the two.
    pub between: u64,
}

impl Sketch {
    /// An empty sketch; `k` is a power of two, 2 at least.
    pub fn new(k: usize) -> Self {
        Sketch {
            k,
            n: 0,
            least: u64::MAX,
            greatest: 0,
            waiting: Vec::new(),
            levels: Vec::new(),
            over: 0,
            under: 0,
            turn: false,
            learner: None,
        }
    }

    /// An empty sketch that counts runs like an earlier one instead of sorting them: faster, less exact at worst. `floats` says that
    /// the keys are those of floating numbers.
    pub fn learning(k: usize, floats: bool) -> Self {
        Sketch { learner: Some(Learner::new(floats)), ..Sketch::new(k) }
    }

    /// The number of values.
    pub fn n(&self) -> u64 {
        self.n + self.waiting.len() as u64
    }

    /// The least and the greatest key, if there are any.
    pub fn ends(&self) -> Option<(u64, u64)> {
        let least = self.waiting.iter().fold(self.least, |a, b| a.min(*b));
        let greatest = self.waiting.iter().fold(self.greatest, |a, b| a.max(*b));
        (self.n() > 0).then_some((least, greatest))
    }

    /// Takes in keys.
    pub fn extend(&mut self, keys: impl Iterator<Item = u64>) {
        self.waiting.extend(keys);
        if self.waiting.len() >= 2 * self.k {
            self.take_run();
        }
    }

    /// Takes in `key`, `times` times, without an error: on the levels of the bits of `times`. To be followed by [`Self::thin`].
    pub fn add(&mut self, key: u64, times: u64) {
        if times == 0 {
            return;
        }
        for level in 0..u64::BITS - times.leading_zeros() {
            if times >> level & 1 == 1 {
                self.level(level as usize).keys.push(key);
            }
        }
        self.note(times, key, key);
    }

    /// Takes in all that `other` has.
    pub fn merge(&mut self, mut other: Sketch) {
        other.pour_histogram();
        self.pour_histogram();
        self.waiting.extend_from_slice(&other.waiting);
        for (level, theirs) in other.levels.into_iter().enumerate() {
            self.level(level).keys.extend(theirs.keys);
        }
        self.over += other.over;
        self.under += other.under;
        if other.n > 0 {
            self.note(other.n, other.least, other.greatest);
        }
        if self.waiting.len() >= 2 * self.k {
            self.take_run();
        }
        self.thin();
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        let levels: usize = self.levels.iter().map(|level| level.keys.capacity()).sum();
        let learned = self.learner.as_ref().map_or(0, Learner::bytes);
        (levels + self.waiting.capacity()) * size_of::<u64>() + self.levels.capacity() * size_of::<Level>() + learned
    }

    fn note(&mut self, more: u64, least: u64, greatest: u64) {
        self.n += more;
        self.least = self.least.min(least);
        self.greatest = self.greatest.max(greatest);
    }

    fn level(&mut self, level: usize) -> &mut Level {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::default);
        }
        &mut self.levels[level]
    }

    /// Sorts the waiting keys, thins them to at least k, and puts them on the level of their weight.
    fn take_run(&mut self) {
        let mut run = std::mem::take(&mut self.waiting);
        if let Some((least, greatest)) = self.learner.as_mut().and_then(|learner| learner.absorb(&run)) {
            return self.note(run.len() as u64, least, greatest);
        }
        run.sort_unstable();
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
        self.note(run.len() as u64, *first, *last);
        let level = (run.len() / self.k).max(1).ilog2();
        let stride = 1 << level;
        let rest = run.len() % stride;
        let (body, tail) = run.split_at(run.len() - rest);
        let start = self.start(stride);
        self.level(level as usize).keys.extend(body[start..].iter().step_by(stride));
        self.level(0).keys.extend(tail);
        self.blame(stride, start, 1);
        if let Some(learned) = self.learner.as_mut().and_then(|learner| learner.learn(&run)) {
            self.pour(&learned);
        }
        self.thin();
    }

    /// Turns what was counted between learned keys into keys on levels.
    fn pour_histogram(&mut self) {
        if let Some(learned) = self.learner.as_mut().and_then(Learner::take) {
            self.pour(&learned);
        }
    }

    fn pour(&mut self, learned: &Histogram) {
        let level = (learned.total() / self.k as u64).max(1).ilog2();
        let points = learned.points(1 << level);
        for (key, times) in points.keys {
            let here = self.level(level as usize);
            here.keys.extend(std::iter::repeat_n(key, times as usize));
        }
        let (n, greatest) = (self.n, self.greatest);
        self.add(greatest, points.rest);
        // they were counted when they came
        self.n = n;
        self.over += points.over;
        self.under += points.under;
    }

    /// The first key that is kept of each `stride` keys: the middle one, of two middle ones each in turn.
    fn start(&mut self, stride: usize) -> usize {
        self.turn = !self.turn;
        if stride > 1 && self.turn { stride / 2 - 1 } else { stride / 2 }
    }

    /// The error of keeping key `start` of each `stride` keys of weight `weight`. Of b keys of a stride that are below a
    /// value, none counts up to b = `start`, and all of them count from there on.
    fn blame(&mut self, stride: usize, start: usize, weight: u64) {
        self.under += start as u64 * weight;
        self.over += (stride - 1 - start) as u64 * weight;
    }

    /// Thins every level that is full, from below.
    pub fn thin(&mut self) {
        let mut level = 0;
        while level < self.levels.len() {
            let here = &mut self.levels[level];
            if here.keys.len() >= self.k {
                let mut keys = std::mem::take(&mut here.keys);
                // the buffer is made of sorted runs, which the stable sort only has to merge
                keys.sort();
                let start = usize::from(here.turn);
                here.turn = !here.turn;
                if keys.len() % 2 == 1 {
                    here.keys.extend(keys.pop());
                }
                self.level(level + 1).keys.extend(keys[start..].iter().step_by(2));
                self.blame(2, start, 1 << level);
            }
            level += 1;
        }
    }

    /// The brackets of `ranks` (from 0, each below the number of values), in their order.
    pub fn brackets(&mut self, ranks: &[u64]) -> Vec<Bracket> {
        self.pour_histogram();
        for key in std::mem::take(&mut self.waiting) {
            self.add(key, 1);
        }
        let mut keys: Vec<(u64, u64)> = Vec::new();
        for (level, buffer) in self.levels.iter().enumerate() {
            keys.extend(buffer.keys.iter().map(|key| (*key, 1 << level)));
        }
        keys.sort_unstable();
        // the estimated number of values below each distinct key
        let mut below = Vec::with_capacity(keys.len());
        let mut total = 0;
        for (key, weight) in keys {
            if below.last().is_none_or(|(last, _)| *last != key) {
                below.push((key, total));
            }
            total += weight;
        }
        ranks.iter().map(|rank| self.bracket(&below, *rank)).collect()
    }

    fn bracket(&self, below: &[(u64, u64)], rank: u64) -> Bracket {
        let up_to = |i: usize| below.get(i + 1).map_or(self.n, |(_, before)| *before);
        // the last key that surely has no more than `rank` values below it
        let low = below.partition_point(|(_, before)| before + self.under <= rank);
        // the first key with surely more than `rank` values up to it
        let (mut high, mut end) = (0, below.len());
        while high < end {
            let middle = (high + end) / 2;
            if up_to(middle) > rank + self.over { end = middle } else { high = middle + 1 }
        }
        let (low_key, low_count) = match low.checked_sub(1) {
            Some(i) => (below[i].0, up_to(i).saturating_sub(self.over)),
            None => (self.least, 0),
        };
        let (high_key, high_count) = match below.get(high) {
            Some((key, before)) => (*key, (before + self.under).min(self.n)),
            None => (self.greatest, self.n),
        };
        Bracket { low: low_key, high: high_key, between: high_count.saturating_sub(low_count) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(sketch: &mut Sketch, mut keys: Vec<u64>) {
        keys.sort_unstable();
        assert_eq!(sketch.n(), keys.len() as u64);
        let ranks: Vec<u64> =
            (0..keys.len() as u64).step_by(keys.len() / 50 + 1).chain([keys.len() as u64 - 1]).collect();
        for (rank, bracket) in ranks.iter().zip(sketch.brackets(&ranks)) {
            let key = keys[*rank as usize];
            assert!(bracket.low <= key && key <= bracket.high, "{rank}: {key} not in {bracket:?}");
            let between = keys.iter().filter(|k| bracket.low < **k && **k < bracket.high).count() as u64;
            assert!(between <= bracket.between, "{between} in {bracket:?}");
            assert!(bracket.between <= 2 * (sketch.over + sketch.under) + 1, "{bracket:?}");
        }
        assert_eq!(sketch.ends(), Some((keys[0], keys[keys.len() - 1])));
    }

    fn mixed(seed: u64) -> u64 {
        (seed ^ seed >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    #[test]
    fn a_learning_sketch_is_right_too() {
        type Make = fn(u64) -> u64;
        let makes: [Make; 5] = [
            |i| mixed(i) >> 7,
            |i| i,
            |i| if mixed(i) % 5 < 2 { 77 } else { mixed(i + 9) },
            |i| mixed(i) >> (i / 20_000),
            |i| mixed(i) % 300,
        ];
        for make in makes {
            let keys: Vec<u64> = (0..200_000).map(make).collect();
            let mut whole = Sketch::learning(256, false);
            for part in keys.chunks(70_000) {
                let mut sketch = Sketch::learning(256, false);
                part.chunks(3000).for_each(|batch| sketch.extend(batch.iter().copied()));
                whole.merge(sketch);
            }
            assert!(whole.over + whole.under <= 200_000 / 100 + 10 * 200_000 / 256);
            check(&mut whole, keys.clone());
        }
    }

    #[test]
    fn a_large_sketch_is_small_and_right() {
        type Make = fn(u64) -> u64;
        let makes: [Make; 4] = [mixed, |i| i, |i| u64::MAX - i, |i| mixed(i) % 3 * (mixed(i + 7) % 100)];
        for make in makes {
            let keys: Vec<u64> = (0..100_000).map(make).collect();
            let mut sketch = Sketch::new(256);
            keys.chunks(3000).for_each(|batch| sketch.extend(batch.iter().copied()));
            assert!(sketch.bytes() < 60_000, "{}", sketch.bytes());
            check(&mut sketch, keys.clone());
            let levels = sketch.levels.iter().rposition(|level| !level.keys.is_empty()).unwrap() as u64;
            assert!(sketch.over + sketch.under <= (levels + 1) * 100_000 / 256);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn brackets_hold_for_any_merging(
            parts in prop::collection::vec((prop::collection::vec(0u64..40, 1..200), 0u64..5, any::<bool>()), 1..8)
        ) {
            let (mut whole, mut all) = (Sketch::new(8), Vec::new());
            for (keys, times, weighted) in parts {
                let mut part = Sketch::new(8);
                for key in &keys {
                    if weighted {
                        part.add(*key, times);
                        all.extend(std::iter::repeat_n(*key, times as usize));
                    } else {
                        part.extend(std::iter::once(*key));
                        all.push(*key);
                    }
                }
                part.thin();
                whole.merge(part);
            }
            if !all.is_empty() { check(&mut whole, all); }
        }
    }
}
