//! A column counted exactly: how often each distinct value occurs.

use super::number::Number;
use super::tally::Tally;
use super::window::Window;

/// Counts of the distinct values of a column, as long as they are few.
///
/// Most columns of few distinct values hold small whole numbers, or hundredths of them, in whatever type: those that fall into a window,
/// which follows the data, are counted by an index into a table; all others in a hash table. A value may be in both.
#[derive(Debug)]
pub struct Counts<N> {
    window: Window<N>,
    rare: Tally,
    /// Whether many values of the last batch were outside of the window.
    astray: bool,
    /// Batches until the window may move again, and how many it will wait then.
    wait: u32,
    patience: u32,
}

impl<N: Number> Default for Counts<N> {
    fn default() -> Self {
        Counts { window: Window::default(), rare: Tally::default(), astray: true, wait: 0, patience: 1 }
    }
}

impl<N: Number> Counts<N> {
    /// Distinct values outside of the window, which is what takes memory.
    pub fn rare(&self) -> usize {
        self.rare.distinct()
    }

    /// Counts a batch; NaN are skipped.
    pub fn add_all(&mut self, values: &[N]) {
        for values in values.chunks(1 << 30) {
            self.aim(values);
            if self.window.is_empty() {
                values.iter().for_each(|value| count(&mut self.rare, *value));
                continue;
            }
            if !self.window.has_room(values.len()) {
                self.empty_window();
            }
            let rare = &mut self.rare;
            let inside = self.window.add_all(values, |value| count(rare, value));
            self.astray = (values.len() - inside) * 16 > values.len();
        }
    }

    /// Counts `value`, which is not NaN, `times` times.
    pub fn add(&mut self, value: N, times: u64) {
        if !self.window.add(value, times) {
            self.rare.add(value.key(), times);
        }
    }

    /// Counts all that `later` has counted.
    pub fn merge(&mut self, later: Counts<N>) {
        if self.window.is_empty() && self.rare.distinct() == 0 {
            *self = later;
            return;
        }
        later.each(|value, count| self.add(value, count));
    }

    /// Gives every value and its count to `f`, in no order; a value may come twice.
    fn each(&self, mut f: impl FnMut(N, u64)) {
        self.window.counts().for_each(|(value, count)| f(value, count));
        self.rare.iter().for_each(|(key, count)| f(N::of_key(key), count));
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
        self.window.bytes() + self.rare.bytes()
    }

    /// Moves the window to where the values are, if too many have missed it; the more often, the less readily.
    fn aim(&mut self, values: &[N]) {
        if !self.astray || values.is_empty() {
            return;
        }
        if self.wait > 0 {
            self.wait -= 1;
            return;
        }
        (self.wait, self.patience) = (self.patience, (self.patience * 2).min(64));
        if let Some(better) = self.window.better(values) {
            self.empty_window();
            self.window = better;
            for (key, count) in std::mem::take(&mut self.rare).iter() {
                self.add(N::of_key(key), count);
            }
        }
    }

    fn empty_window(&mut self) {
        for (value, count) in self.window.counts() {
            self.rare.add(value.key(), count);
        }
        self.window.clear();
    }
}

#[inline]
fn count<N: Number>(rare: &mut Tally, value: N) {
    if !value.is_nan() {
        rare.add(value.key(), 1);
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
        #![proptest_config(ProptestConfig::with_cases(64))]

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
