//! Values counted between the keys of an earlier run: what a sketch does instead of sorting, while a column goes on as it began.

use std::hint::select_unpredictable;

use super::number::Number;

/// How many keys of a sorted run are learned, at most; those that occur often count twice.
const LEARNED: usize = 2048;
/// Places to search among: a power of two, so that the search needs no bounds.
const PLACES: usize = 2 * LEARNED;
/// A run fits when at most this part of it lies between two learned keys.
const FIT: usize = 256;
/// Keys that are searched for at once, none of which waits for another.
const AT_ONCE: usize = 8;

/// Cells of equal width among which the borders lie, so that a search begins near its end.
const CELLS: usize = 4096;

/// How the cell of a key is found; never decreasing from key to key.
#[derive(Clone, Copy, Debug)]
enum Scale {
    /// Equal parts of the keys.
    Keys { low: u64, shift: u32 },
    /// Equal parts of the floating numbers of the keys.
    Floats { low: f64, factor: f64 },
}

impl Scale {
    #[inline]
    fn cell(self, key: u64) -> usize {
        let cell = match self {
            Scale::Keys { low, shift } => (key.saturating_sub(low) >> shift) as usize,
            Scale::Floats { low, factor } => ((f64::of_key(key) - low) * factor) as usize,
        };
        cell.min(CELLS - 1)
    }

    /// Equal parts of the keys from `low` to `high`.
    fn of_keys(low: u64, high: u64) -> Scale {
        let bits = u64::BITS - (high - low).leading_zeros();
        Scale::Keys { low, shift: bits.saturating_sub(CELLS.ilog2()) }
    }

    /// Equal parts of the floating numbers from `low` to `high`, if they have a finite distance.
    fn of_floats(low: u64, high: u64) -> Option<Scale> {
        let (low, high) = (f64::of_key(low), f64::of_key(high));
        let factor = CELLS as f64 / (high - low);
        (factor.is_finite() && factor > 0.0 && low.is_finite()).then_some(Scale::Floats { low, factor })
    }
}

/// Where among the borders the cells begin, and how many halvings it takes to find a place in any of them.
#[derive(Debug)]
struct Cells {
    scale: Scale,
    starts: Box<[u16; CELLS]>,
    halvings: u32,
}

impl Cells {
    fn new(borders: &[u64], scale: Scale) -> Cells {
        let mut counts = vec![0u16; CELLS];
        borders.iter().for_each(|border| counts[scale.cell(*border)] += 1);
        let mut starts = Box::new([0; CELLS]);
        let mut start = 0;
        for (cell, count) in starts.iter_mut().zip(&counts) {
            *cell = start;
            start += count;
        }
        let most = counts.iter().max().copied().unwrap_or(0);
        Cells { scale, starts, halvings: u16::BITS - most.leading_zeros() }
    }

    /// The better scale for these borders.
    fn best(borders: &[u64], floats: bool) -> Cells {
        let (low, high) = (borders.first().copied().unwrap_or(0), borders.last().copied().unwrap_or(0));
        let by_keys = Cells::new(borders, Scale::of_keys(low, high));
        let by_floats = Scale::of_floats(low, high).filter(|_| floats).map(|scale| Cells::new(borders, scale));
        by_floats.into_iter().fold(by_keys, |a, b| if b.halvings < a.halvings { b } else { a })
    }
}

/// Counts between the keys of a sorted run.
///
/// A value that occurs often is a bucket of its own: bordered by its key and the one after.
#[derive(Debug)]
pub struct Histogram {
    /// Where buckets begin, ascending, filled up with the greatest key there is.
    borders: Box<[u64; PLACES]>,
    used: usize,
    cells: Cells,
    /// Values below the first border, and from each border to the next.
    counts: Vec<u64>,
    total: u64,
}

/// What a histogram comes to.
#[derive(Debug)]
pub struct Points {
    /// Keys and how many points of the asked weight lie there.
    pub keys: Vec<(u64, u64)>,
    /// Values left over, fewer than the weight: to be placed at the greatest value.
    pub rest: u64,
    /// How much the number of values below any key is overestimated at most.
    pub over: u64,
    /// How much it is underestimated at most.
    pub under: u64,
}

impl Histogram {
    /// The empty histogram that divides at the keys of a sorted run; `floats` says that they are keys of floating numbers.
    pub fn learn(sorted: &[u64], floats: bool) -> Histogram {
        let mut borders = Box::new([u64::MAX; PLACES]);
        let mut used = 0;
        let mut push = |key: u64| {
            if used < PLACES - 1 && key != u64::MAX && (used == 0 || borders[used - 1] < key) {
                borders[used] = key;
                used += 1;
            }
        };
        let step = sorted.len().div_ceil(LEARNED - 1).max(1);
        let mut last = None;
        for key in sorted.iter().step_by(step) {
            push(*key);
            if last == Some(*key) && *key < u64::MAX {
                push(*key + 1);
            }
            last = Some(*key);
        }
        let cells = Cells::best(&borders[..used], floats);
        Histogram { borders, used, cells, counts: vec![0; used + 1], total: 0 }
    }

    /// The number of values.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        (PLACES + self.counts.capacity()) * size_of::<u64>() + CELLS * size_of::<u16>()
    }

    /// Counts a run, if it fits; returns its least and greatest key.
    fn absorb(&mut self, run: &[u64]) -> Option<(u64, u64)> {
        let mut counts = [0u32; PLACES];
        match self.cells.scale {
            // the kind of scale is settled outside of the loop
            Scale::Keys { low, shift } => self.count(run, &mut counts, |key| Scale::Keys { low, shift }.cell(key)),
            Scale::Floats { low, factor } => {
                self.count(run, &mut counts, |key| Scale::Floats { low, factor }.cell(key))
            }
        }
        // what is not below the greatest key there is was searched for among the filling
        let beyond: u32 = counts[self.used + 1..].iter().sum();
        counts[self.used] += beyond;
        let fits = (0..=self.used).all(|i| self.is_one_key(i) || counts[i] as usize * FIT <= run.len());
        if !fits {
            return None;
        }
        for (total, count) in self.counts.iter_mut().zip(counts) {
            *total += u64::from(count);
        }
        self.total += run.len() as u64;
        Some(run.iter().fold((u64::MAX, 0), |(least, greatest), key| (least.min(*key), greatest.max(*key))))
    }

    /// For each key, counts how many borders are not above it.
    #[inline]
    fn count(&self, run: &[u64], counts: &mut [u32; PLACES], cell: impl Fn(u64) -> usize) {
        let (eights, rest) = run.as_chunks::<AT_ONCE>();
        for eight in eights {
            for place in self.places(eight, &cell) {
                counts[place & (PLACES - 1)] += 1;
            }
        }
        for key in rest {
            counts[self.places(&[*key], &cell)[0] & (PLACES - 1)] += 1;
        }
    }

    #[inline]
    fn places<const K: usize>(&self, keys: &[u64; K], cell: impl Fn(u64) -> usize) -> [usize; K] {
        let mut places = keys.map(|key| usize::from(self.cells.starts[cell(key) & (CELLS - 1)]));
        for halving in (0..self.cells.halvings).rev() {
            let step = 1 << halving;
            for (place, key) in places.iter_mut().zip(keys) {
                let border = self.borders[(*place + step - 1) & (PLACES - 1)];
                *place += select_unpredictable(border <= *key, step, 0);
            }
        }
        places
    }

    /// Whether bucket `i` holds one key only.
    fn is_one_key(&self, i: usize) -> bool {
        i > 0 && i < self.used && self.borders[i] - self.borders[i - 1] == 1
    }

    /// Points of weight `weight` at the borders that stand for the values.
    ///
    /// Between two borders the number of values below a key is known but for the values of the bucket; as many points are placed up to
    /// its beginning as come nearest to the middle of what is possible.
    pub fn points(&self, weight: u64) -> Points {
        let (all, rest) = (self.total / weight, self.total % weight);
        let mut points = Points { keys: Vec::new(), rest, over: 0, under: 0 };
        let (mut before, mut placed) = (0, 0);
        for (i, count) in self.counts.iter().enumerate() {
            let least = if self.is_one_key(i) { before + count } else { before };
            let most = before + count;
            before = most;
            if i > 0 {
                let nearest = ((least + most + weight) / (2 * weight)).clamp(placed, all);
                if nearest > placed {
                    points.keys.push((self.borders[i - 1], nearest - placed));
                }
                placed = nearest;
            }
            points.over = points.over.max((placed * weight).saturating_sub(least));
            points.under = points.under.max(most.saturating_sub(placed * weight));
        }
        // what rounding left over lies at the end
        points.rest += (all - placed) * weight;
        points
    }
}

/// When to learn, and when to give up for a while.
#[derive(Debug, Default)]
pub struct Learner {
    histogram: Option<Histogram>,
    /// Runs to sort until the next is learned from, and how many after the next misfit.
    wait: u32,
    patience: u32,
    /// Whether the keys are those of floating numbers.
    floats: bool,
}

impl Learner {
    /// For keys of floating numbers, or others.
    pub fn new(floats: bool) -> Self {
        Learner { floats, ..Learner::default() }
    }

    /// Counts a run, if it is like the one that was learned; returns its least and greatest key.
    pub fn absorb(&mut self, run: &[u64]) -> Option<(u64, u64)> {
        let ends = self.histogram.as_mut()?.absorb(run);
        match ends {
            Some(_) => self.patience = 0,
            None => {
                self.wait = self.patience;
                self.patience = (self.patience * 2 + 1).min(63);
            }
        }
        ends
    }

    /// Learns from a sorted run that was not absorbed, unless it is to wait; returns the histogram before.
    pub fn learn(&mut self, sorted: &[u64]) -> Option<Histogram> {
        let before = self.take();
        if self.wait > 0 {
            self.wait -= 1;
        } else {
            self.histogram = Some(Histogram::learn(sorted, self.floats));
        }
        before
    }

    /// The histogram with what it has counted, if there is one.
    pub fn take(&mut self) -> Option<Histogram> {
        self.histogram.take().filter(|histogram| histogram.total > 0)
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.histogram.as_ref().map_or(0, Histogram::bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn points_err_no_more_than_they_say(
            learned in prop::collection::vec(0u64..60, 1..80),
            values in prop::collection::vec(prop_oneof![0u64..70, Just(u64::MAX)], 1..400),
            level in 0u32..5, floats in any::<bool>(),
        ) {
            let spread = |key: u64| match floats {
                true => if key == u64::MAX { f64::INFINITY } else { key as f64 - 33.0 }.key(),
                false => key,
            };
            let learned: Vec<u64> = learned.into_iter().map(spread).collect();
            let values: Vec<u64> = values.into_iter().map(spread).collect();
            let (mut sorted, mut values) = (learned, values);
            sorted.sort_unstable();
            let mut histogram = Histogram::learn(&sorted, floats);
            // all of it, whether it fits or not
            for key in &values {
                let place = histogram.places(&[*key], |key| histogram.cells.scale.cell(key))[0].min(histogram.used);
                prop_assert_eq!(place, histogram.borders[..histogram.used].partition_point(|border| border <= key));
                histogram.counts[place] += 1;
                histogram.total += 1;
            }
            values.sort_unstable();
            let weight = 1 << level;
            let points = histogram.points(weight);
            let placed: u64 = points.keys.iter().map(|(_, times)| times * weight).sum();
            prop_assert_eq!(placed + points.rest, values.len() as u64);
            for v in (0..72).chain([u64::MAX]).map(spread) {
                let estimate = |is: &dyn Fn(u64) -> bool| -> u64 {
                    points.keys.iter().filter(|(key, _)| is(*key)).map(|(_, times)| times * weight).sum::<u64>()
                        + if is(*values.last().unwrap()) { points.rest } else { 0 }
                };
                let truth = |is: &dyn Fn(u64) -> bool| values.iter().filter(|key| is(**key)).count() as u64;
                for is in [&(|key| key < v) as &dyn Fn(u64) -> bool, &(|key| key <= v)] {
                    let (estimate, truth) = (estimate(is), truth(is));
                    prop_assert!(estimate <= truth + points.over, "{} for {} at {}", estimate, truth, v);
                    prop_assert!(truth <= estimate + points.under, "{} for {} at {}", estimate, truth, v);
                }
            }
        }
    }

    #[test]
    fn a_run_that_fits_is_counted() {
        let mut first: Vec<u64> = (0..20_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let second: Vec<u64> = (20_000..40_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        first.sort_unstable();
        let mut histogram = Histogram::learn(&first, false);
        assert_eq!(histogram.absorb(&second), second.iter().min().copied().zip(second.iter().max().copied()));
        assert_eq!(histogram.absorb(&[5; 1000]), None);
        assert_eq!(histogram.total(), 20_000);
        let points = histogram.points(4);
        assert!(points.over + points.under < 20_000 / 256, "{points:?}");
    }
}
