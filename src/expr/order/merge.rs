//! The order of the rows of sorted runs.

use std::ops::Range;

use super::Keys;

/// Merges sorted runs whose rows are supplied block by block. It only says in which order rows come; who asks holds
/// them.
#[derive(Debug, Default)]
pub struct Merge {
    fronts: Vec<Front>,
    /// The runs that have rows, a binary heap by the next row of each.
    heap: Vec<Next>,
}

/// The rows of a run that are there.
#[derive(Debug, Default)]
struct Front {
    keys: Option<Keys>,
    at: usize,
    end: usize,
}

/// The next row of a run.
#[derive(Clone, Copy, Debug)]
struct Next {
    prefix: u128,
    run: usize,
}

/// Rows that come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The run they are from.
    pub run: usize,
    /// Which rows of its block.
    pub rows: Range<usize>,
    /// Whether they are the last of the block: the next one is to be supplied before the next step.
    pub last: bool,
}

impl Merge {
    /// A merge of `runs` runs. Equal rows come in the order of the runs.
    pub fn new(runs: usize) -> Merge {
        Merge { fronts: (0..runs).map(|_| Front::default()).collect(), heap: Vec::with_capacity(runs) }
    }

    /// Supplies the keys of the next rows of a run.
    pub fn supply(&mut self, run: usize, keys: Keys) {
        let Some(front) = self.fronts.get_mut(run).filter(|_| !keys.is_empty()) else { return };
        self.heap.push(Next { prefix: keys.prefix(0), run });
        *front = Front { end: keys.len(), keys: Some(keys), at: 0 };
        let mut child = self.heap.len() - 1;
        while child > 0 && self.is_before(child, (child - 1) / 2) {
            self.heap.swap(child, (child - 1) / 2);
            child = (child - 1) / 2;
        }
    }

    /// The rows that come next: as many of one run as come before all others, at most `most`. `None` when no run has
    /// rows.
    pub fn step(&mut self, most: usize) -> Option<Step> {
        let run = self.heap.first()?.run;
        let rows = self.leading(most);
        let front = self.fronts.get_mut(run)?;
        let step = Step { run, rows: front.at..front.at + rows, last: front.at + rows == front.end };
        front.at += rows;
        if step.last {
            front.keys = None;
            self.heap.swap_remove(0);
        } else if let (Some(root), Some(keys)) = (self.heap.first_mut(), &front.keys) {
            root.prefix = keys.prefix(front.at);
        }
        self.sift_down();
        Some(step)
    }

    /// How many rows of the first run come before those of all others; at least one. Looks further and further ahead,
    /// so that runs that do not overlap cost next to nothing.
    fn leading(&self, most: usize) -> usize {
        let Some((first, front)) = self.heap.first().and_then(|n| Some((n, self.fronts.get(n.run)?))) else { return 0 };
        let Some(keys) = &front.keys else { return 0 };
        let all = (front.end - front.at).min(most.max(1));
        let rival = match (self.heap.get(1), self.heap.get(2)) {
            (None, _) => return all,
            (Some(_), Some(_)) if self.is_before(2, 1) => 2,
            _ => 1,
        };
        let Some(rival) = self.heap.get(rival) else { return all };
        let wins = |ahead: usize| {
            let row = Next { prefix: keys.prefix(front.at + ahead), run: first.run };
            self.compare_at(row, front.at + ahead, *rival)
        };
        let (mut won, mut reach) = (0, 1);
        while won + reach < all && wins(won + reach) {
            won += reach;
            reach *= 2;
        }
        // row `won` comes before the rival, row `lost` does not
        let mut lost = (won + reach).min(all);
        while won + 1 < lost {
            let middle = won + (lost - won) / 2;
            if wins(middle) { won = middle } else { lost = middle }
        }
        won + 1
    }

    /// Whether row `row` of the block of `next.run` comes before the next row of `rival`.
    #[inline]
    fn compare_at(&self, next: Next, row: usize, rival: Next) -> bool {
        if next.prefix != rival.prefix {
            return next.prefix < rival.prefix;
        }
        let (Some(a), Some(b)) = (self.fronts.get(next.run), self.fronts.get(rival.run)) else { return false };
        let (Some(keys), Some(other)) = (&a.keys, &b.keys) else { return false };
        keys.compare(row, other, b.at).then(next.run.cmp(&rival.run)).is_lt()
    }

    /// Whether place `a` of the heap comes before place `b`.
    #[inline]
    fn is_before(&self, a: usize, b: usize) -> bool {
        let (Some(&a), Some(&b)) = (self.heap.get(a), self.heap.get(b)) else { return false };
        self.compare_at(a, self.fronts.get(a.run).map_or(0, |f| f.at), b)
    }

    fn sift_down(&mut self) {
        let mut parent = 0;
        loop {
            let left = 2 * parent + 1;
            let child = if self.is_before(left + 1, left) { left + 1 } else { left };
            if !self.is_before(child, parent) {
                return;
            }
            self.heap.swap(child, parent);
            parent = child;
        }
    }
}
