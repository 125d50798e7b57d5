//! Values counted between the keys of an earlier run: what a sketch does instead of sorting, while a column goes on as it began.

/// How many keys of a sorted run are learned, at most; those that occur often count twice.
const LEARNED: usize = 2048;
/// Places to search among: a power of two, so that the search needs no bounds.
const PLACES: usize = 2 * LEARNED;
/// A run fits when at most this part of it lies between two learned keys.
const FIT: usize = 256;
/// Keys that are searched for at once, none of which waits for another.
const AT_ONCE: usize = 8;

/// Counts between the keys of a sorted run.
///
/// A value that occurs often is a bucket of its own: bordered by its key and the one after.
#[derive(Debug)]
pub struct Histogram {
    /// Where buckets begin, ascending, filled up with the greatest key there is.
    borders: Box<[u64; PLACES]>,
    used: usize,
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
    /// The empty histogram that divides at the keys of a sorted run.
    pub fn learn(sorted: &[u64]) -> Histogram {
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
        Histogram { borders, used, counts: vec![0; used + 1], total: 0 }
    }

    /// The number of values.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        (PLACES + self.counts.capacity()) * size_of::<u64>()
    }

    /// Counts a run, if it fits; returns its least and greatest key.
    fn absorb(&mut self, run: &[u64]) -> Option<(u64, u64)> {
        let mut counts = [0u32; PLACES];
        let (eights, rest) = run.as_chunks::<AT_ONCE>();
        for eight in eights {
            for place in self.places(eight) {
                counts[place & (PLACES - 1)] += 1;
            }
        }
        for key in rest {
            counts[self.places(&[*key])[0] & (PLACES - 1)] += 1;
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
        let ends =
            run.iter().fold((u64::MAX, 0), |(least, greatest), key| (key.min(&least).to_owned(), *key.max(&greatest)));
        Some(ends)
    }

    /// For each key, how many borders are not above it.
    #[inline]
    fn places<const K: usize>(&self, keys: &[u64; K]) -> [usize; K] {
        let mut places = [0usize; K];
        let mut step = PLACES / 2;
        while step > 0 {
            for (place, key) in places.iter_mut().zip(keys) {
                let border = self.borders[(*place + step - 1) & (PLACES - 1)];
                *place += if border <= *key { step } else { 0 };
            }
            step /= 2;
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
}

impl Learner {
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
            self.histogram = Some(Histogram::learn(sorted));
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
            level in 0u32..5,
        ) {
            let (mut sorted, mut values) = (learned, values);
            sorted.sort_unstable();
            let mut histogram = Histogram::learn(&sorted);
            // all of it, whether it fits or not
            for key in &values {
                let place = histogram.places(&[*key])[0].min(histogram.used);
                histogram.counts[place] += 1;
                histogram.total += 1;
            }
            values.sort_unstable();
            let weight = 1 << level;
            let points = histogram.points(weight);
            let placed: u64 = points.keys.iter().map(|(_, times)| times * weight).sum();
            prop_assert_eq!(placed + points.rest, values.len() as u64);
            for v in (0..72).chain([u64::MAX]) {
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
        let mut histogram = Histogram::learn(&first);
        assert_eq!(histogram.absorb(&second), second.iter().min().copied().zip(second.iter().max().copied()));
        assert_eq!(histogram.absorb(&[5; 1000]), None);
        assert_eq!(histogram.total(), 20_000);
        let points = histogram.points(4);
        assert!(points.over + points.under < 20_000 / 256, "{points:?}");
    }
}
