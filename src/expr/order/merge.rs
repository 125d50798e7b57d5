//! The order of the rows of sorted runs.

use std::ops::Range;

use super::Keys;

/// Merges sorted runs whose rows are supplied block by block. It only says in which order rows come; who asks holds
/// them.
///
/// The next rows of all runs play a tournament: at each node of a tree stands who lost there, so that a row that follows
/// the winner meets one rival for each level. (D. E. Knuth, *The Art of Computer Programming* 3, 5.4.1, trees of losers.)
#[derive(Debug, Default)]
pub struct Merge {
    fronts: Vec<Front>,
    heads: Vec<Head>,
    /// Who lost at each node; at 0 who won. The rivals of run `r` stand at `(r + runs) / 2` and at the halves of that.
    losers: Vec<u32>,
    /// The run whose next row has not played yet; `None` when none has.
    late: Option<usize>,
    /// Whether no key has bytes behind its prefix.
    exact: bool,
    /// How often the same run won one after the other.
    streak: u32,
}

/// The rows of a run that are there.
#[derive(Debug, Default)]
struct Front {
    keys: Option<Keys>,
    at: usize,
    end: usize,
}

/// The next row of a run: by prefix, and where that is equal by run. Of a run without rows nothing comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    prefix: u128,
    run: u32,
}

const NO_ROW: Head = Head { prefix: u128::MAX, run: u32::MAX };
/// After so many rows of one run it is looked how many more follow.
const STREAK: u32 = 3;

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
        let fronts = (0..runs).map(|_| Front::default()).collect();
        let (heads, losers) = (vec![NO_ROW; runs], vec![0; runs]);
        Merge { fronts, heads, losers, late: None, exact: true, streak: 0 }
    }

    /// Supplies the keys of the next rows of a run.
    pub fn supply(&mut self, run: usize, keys: Keys) {
        let Some(front) = self.fronts.get_mut(run).filter(|_| !keys.is_empty()) else { return };
        self.exact &= keys.is_exact();
        self.heads[run] = Head { prefix: keys.prefix(0), run: run as u32 };
        *front = Front { end: keys.len(), keys: Some(keys), at: 0 };
        if self.late != Some(run) {
            // before the first step, or out of turn: all play anew
            self.late = None;
        }
    }

    /// The rows that come next: of one run, some that come before all others, at most `most`. `None` when no run has rows.
    pub fn step(&mut self, most: usize) -> Option<Step> {
        let before = self.losers.first().copied();
        match self.late.take() {
            Some(run) => self.play(run),
            None => self.play_all(),
        }
        let run = *self.losers.first()? as usize;
        if self.heads[run] == NO_ROW {
            return None;
        }
        self.streak = if before == Some(run as u32) { self.streak + 1 } else { 0 };
        let rows = self.leading(run, most);
        let front = &mut self.fronts[run];
        let step = Step { run, rows: front.at..front.at + rows, last: front.at + rows == front.end };
        front.at += rows;
        match &front.keys {
            Some(keys) if !step.last => self.heads[run].prefix = keys.prefix(front.at),
            _ => {
                front.keys = None;
                self.heads[run] = NO_ROW;
            }
        }
        self.late = Some(run);
        Some(step)
    }

    /// Lets the next row of a run, which was the winner, play against those it meets.
    #[inline]
    fn play(&mut self, run: usize) {
        let (mut best, mut winner) = (self.heads[run], run as u32);
        let mut node = (run + self.losers.len()) / 2;
        while node > 0 {
            let rival = self.losers[node];
            let head = self.heads[rival as usize];
            if self.is_before(head, best) {
                self.losers[node] = winner;
                (best, winner) = (head, rival);
            }
            node /= 2;
        }
        self.losers[0] = winner;
    }

    fn play_all(&mut self) {
        let runs = self.losers.len();
        let mut winners: Vec<u32> = (0..2 * runs).map(|place| place.saturating_sub(runs) as u32).collect();
        for node in (1..runs).rev() {
            let (mut winner, mut loser) = (winners[2 * node], winners[2 * node + 1]);
            if self.is_before(self.heads[loser as usize], self.heads[winner as usize]) {
                (winner, loser) = (loser, winner);
            }
            (winners[node], self.losers[node]) = (winner, loser);
        }
        if let (Some(first), Some(&winner)) = (self.losers.first_mut(), winners.get(1)) {
            *first = winner;
        }
    }

    #[inline]
    fn is_before(&self, a: Head, b: Head) -> bool {
        if a.prefix == b.prefix && !self.exact { self.is_before_in_full(a, b) } else { a < b }
    }

    #[cold]
    fn is_before_in_full(&self, a: Head, b: Head) -> bool {
        let front = |head: Head| self.fronts.get(head.run as usize).filter(|_| head != NO_ROW);
        match (front(a), front(b)) {
            (Some(x), Some(y)) => is_before(a, x, x.at, b, y),
            _ => a < b,
        }
    }

    /// How many rows of the winner come before those of all others; at least one. Where rows of one run have followed
    /// each other it looks further and further ahead, so that runs that do not overlap cost next to nothing.
    fn leading(&self, run: usize, most: usize) -> usize {
        let front = &self.fronts[run];
        let all = (front.end - front.at).min(most);
        let Some(keys) = &front.keys else { return all };
        if self.streak < STREAK && self.losers.len() > 1 {
            return all.min(1);
        }
        let Some(rival) = self.second(run) else { return all };
        let other = &self.fronts[rival.run as usize];
        let wins = |ahead: usize| {
            let row = front.at + ahead;
            is_before(Head { prefix: keys.prefix(row), run: run as u32 }, front, row, rival, other)
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

    /// The best of those that lost to the winner.
    fn second(&self, winner: usize) -> Option<Head> {
        let mut best = NO_ROW;
        let mut node = (winner + self.losers.len()) / 2;
        while node > 0 {
            let head = self.heads[self.losers[node] as usize];
            if self.is_before(head, best) {
                best = head;
            }
            node /= 2;
        }
        (best != NO_ROW).then_some(best)
    }
}

/// Whether row `row` of `front`, which `a` is, comes before the next row of `other`, which `b` is.
fn is_before(a: Head, front: &Front, row: usize, b: Head, other: &Front) -> bool {
    match (&front.keys, &other.keys) {
        (Some(keys), Some(others)) if a.prefix == b.prefix => {
            keys.compare(row, others, other.at).then(a.run.cmp(&b.run)).is_lt()
        }
        _ => a < b,
    }
}
