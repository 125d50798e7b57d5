//! The search for order statistics over several passes.
//!
//! The first pass leaves a bracket for each rank that is wanted: two keys it lies between, with a proven bound on the number of
//! values between them. A later pass counts what lies below each bracket and collects what lies inside; the order statistic is then
//! an index away. Where the insides are too many to be collected they are sketched instead, which gives brackets inside the
//! brackets, and another pass follows.
//!
//! **Never more than four passes** for three quantiles of up to 2⁴² rows. Where a sketch is off by e ranks (above and below taken
//! together), at most 2e values lie inside a bracket. The first sketch (k = 2¹², learning) is off by at most (L + 17)·n/k with L levels, a later
//! one (k = 2¹⁵) by (L + 1)·n/k. From n = 2⁴² rows the first pass (L ≤ 27) leaves 2^36.5 values, the second (L ≤ 21) 2²⁷, the third (L ≤ 11) 2^16.6,
//! and the fourth collects them. By the same reckoning three passes are enough up to 2³⁵ rows and two up to 2²⁵; what counts is the error that
//! was really made, which is about a third of it.

use std::sync::Arc;

use super::number::Number;
use super::sketch::{Bracket, Sketch};
use super::state::Accumulator;

/// How much is kept in memory.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Distinct values (other than small whole numbers) that are counted; beyond, the column is sketched.
    pub counted: usize,
    /// Keys a level of the sketch of a whole column holds.
    pub keys: usize,
    /// Keys a level of the sketch inside a bracket holds.
    pub inner_keys: usize,
    /// Values that are collected in one pass, over all brackets.
    pub collected: u64,
}

impl Bounds {
    /// 1 MB of counts, a few hundred kB of sketch, 16 MB of values.
    pub const USUAL: Bounds = Bounds { counted: 1 << 15, keys: 1 << 12, inner_keys: 1 << 15, collected: 1 << 21 };
}

/// The pass that collects in any case.
const LAST_PASS: u32 = 4;

/// Order statistics, found or on the way.
#[derive(Clone, Debug)]
pub struct Search {
    /// Ranks wanted, in order, each once.
    ranks: Vec<u64>,
    /// Their keys, where they are found.
    keys: Vec<Option<u64>>,
    /// Where the others lie: in order, disjoint but for their ends.
    gaps: Vec<Gap>,
    /// Passes over the column so far.
    passes: u32,
    bounds: Bounds,
}

/// A bracket, and the places in `ranks` of the ranks that lie in it.
#[derive(Clone, Debug)]
struct Gap {
    bracket: Bracket,
    members: Vec<usize>,
}

impl Search {
    fn new(ranks: Vec<u64>, keys: Vec<Option<u64>>, bounds: Bounds) -> Search {
        Search { ranks, keys, gaps: Vec::new(), passes: 1, bounds }
    }

    /// The search in a column that is fully counted: at its end.
    pub fn counted(ranks: Vec<u64>, sorted: &[(u64, u64)]) -> Search {
        let mut keys = Vec::with_capacity(ranks.len());
        let mut wanted = ranks.iter().peekable();
        let mut up_to = 0;
        for (key, count) in sorted {
            up_to += count;
            while wanted.next_if(|rank| **rank < up_to).is_some() {
                keys.push(Some(*key));
            }
        }
        keys.resize(ranks.len(), None);
        Search::new(ranks, keys, Bounds::USUAL)
    }

    /// The search in a column that is sketched: with a bracket for each rank.
    pub fn bracketed(ranks: Vec<u64>, sketch: &mut Sketch, bounds: Bounds) -> Search {
        let brackets = sketch.brackets(&ranks);
        let keys = vec![None; ranks.len()];
        let mut search = Search::new(ranks, keys, bounds);
        for (i, bracket) in brackets.into_iter().enumerate() {
            search.narrow(i, bracket);
        }
        search
    }

    /// The key of a rank, where it is found.
    pub fn key(&self, rank: u64) -> Option<u64> {
        self.keys[self.ranks.binary_search(&rank).ok()?]
    }

    /// Whether all ranks are found.
    pub fn done(&self) -> bool {
        self.gaps.is_empty()
    }

    /// Passes over the column so far.
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// Notes the bracket of the rank at place `i`; to be called in the order of the ranks.
    fn narrow(&mut self, i: usize, bracket: Bracket) {
        if bracket.low == bracket.high {
            self.keys[i] = Some(bracket.low);
            return;
        }
        match self.gaps.last_mut() {
            Some(gap) if gap.bracket == bracket => gap.members.push(i),
            Some(Gap { bracket: wide, members }) if bracket.low < wide.high => {
                wide.between = wide.between.saturating_add(bracket.between);
                wide.low = wide.low.min(bracket.low);
                wide.high = wide.high.max(bracket.high);
                members.push(i);
            }
            _ => self.gaps.push(Gap { bracket, members: vec![i] }),
        }
    }
}

/// One later pass of a search, in the middle of the column.
#[derive(Debug)]
pub struct Pass<N> {
    search: Arc<Search>,
    /// Zones begin after the low end and at the high end of each bracket; the odd ones are inside.
    borders: Vec<u64>,
    /// Values in each zone.
    counts: Vec<u64>,
    inside: Vec<Inside>,
    number: std::marker::PhantomData<fn(N)>,
}

/// What is kept of the values inside a bracket.
#[derive(Debug)]
enum Inside {
    Keys(Vec<u64>),
    Sketch(Sketch),
}

impl<N: Number> Pass<N> {
    /// The next pass of `search`.
    pub fn new(search: Arc<Search>) -> Self {
        let borders: Vec<u64> = search.gaps.iter().flat_map(|g| [g.bracket.low + 1, g.bracket.high]).collect();
        let total = search.gaps.iter().fold(0u64, |sum, gap| sum.saturating_add(gap.bracket.between));
        let collect_all = search.passes + 1 >= LAST_PASS || total <= search.bounds.collected;
        let share = search.bounds.collected / (search.gaps.len() as u64).max(1);
        let keep = |gap: &Gap| match collect_all || gap.bracket.between <= share {
            true => Inside::Keys(Vec::new()),
            false => Inside::Sketch(Sketch::new(search.bounds.inner_keys)),
        };
        let inside = search.gaps.iter().map(keep).collect();
        let counts = vec![0; borders.len() + 1];
        Pass { search, borders, counts, inside, number: std::marker::PhantomData }
    }

    /// The search after this pass.
    pub fn finish(self) -> Search {
        let mut search = Search::clone(&self.search);
        search.passes += 1;
        search.gaps.clear();
        let mut below = 0;
        for ((gap, inside), zones) in self.search.gaps.iter().zip(self.inside).zip(self.counts.chunks(2)) {
            // up to and including the low end of the bracket
            below += zones[0];
            let (ranks, within): (Vec<usize>, u64) = (gap.members.clone(), zones.get(1).copied().unwrap_or(0));
            let brackets = resolve(gap.bracket, inside, ranks.iter().map(|i| search.ranks[*i]), below, within);
            for (i, bracket) in ranks.into_iter().zip(brackets) {
                search.narrow(i, bracket);
            }
            below += within;
        }
        search
    }
}

impl<N: Number> Accumulator<N> for Pass<N> {
    fn add_all(&mut self, values: &[N]) {
        let few = self.borders.len() <= 16;
        for value in values.iter().filter(|v| !v.is_nan()) {
            let key = value.key();
            let zone = if few {
                self.borders.iter().map(|border| usize::from(*border <= key)).sum()
            } else {
                self.borders.partition_point(|border| *border <= key)
            };
            self.counts[zone] += 1;
            if zone & 1 == 1 {
                match &mut self.inside[zone / 2] {
                    Inside::Keys(keys) => keys.push(key),
                    Inside::Sketch(sketch) => sketch.extend(std::iter::once(key)),
                }
            }
        }
    }

    fn merge(&mut self, later: Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(later.counts) {
            *ours += theirs;
        }
        for (ours, theirs) in self.inside.iter_mut().zip(later.inside) {
            match (ours, theirs) {
                (Inside::Keys(ours), Inside::Keys(theirs)) if ours.is_empty() => *ours = theirs,
                (Inside::Keys(ours), Inside::Keys(theirs)) => ours.extend(theirs),
                (Inside::Sketch(ours), Inside::Sketch(theirs)) => ours.merge(theirs),
                // what is kept is decided by the search, which is the same
                _ => {}
            }
        }
    }

    fn bytes(&self) -> usize {
        let inside = self.inside.iter().map(|inside| match inside {
            Inside::Keys(keys) => keys.capacity() * size_of::<u64>(),
            Inside::Sketch(sketch) => sketch.bytes(),
        });
        inside.sum::<usize>() + (self.borders.capacity() + self.counts.capacity()) * size_of::<u64>()
    }
}

/// New brackets for ranks inside a bracket: `below` values are at most its low end, the next `within` are inside.
fn resolve(
    bracket: Bracket,
    mut inside: Inside,
    ranks: impl Iterator<Item = u64>,
    below: u64,
    within: u64,
) -> Vec<Bracket> {
    let found = |key| Bracket { low: key, high: key, between: 0 };
    if let Inside::Keys(keys) = &mut inside {
        keys.sort_unstable();
    }
    let one = |rank: u64| {
        if rank < below {
            return found(bracket.low);
        }
        if rank - below >= within {
            return found(bracket.high);
        }
        match &mut inside {
            Inside::Keys(keys) => found(keys[(rank - below) as usize]),
            Inside::Sketch(sketch) => sketch.brackets(&[rank - below])[0],
        }
    };
    ranks.map(one).collect()
}
