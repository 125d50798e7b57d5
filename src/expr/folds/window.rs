//! A table of counters for the small whole numbers of a column, or for its halves, tenths or hundredths.

use super::number::{NOWHERE, Number};

/// Counters of the numbers `base/parts`, `(base + 1)/parts` … : a power of two of cells, each with four counters that are used in turn, so
/// that the addition to a value need not wait for the last one to the same value.
#[derive(Debug)]
pub struct Window<N> {
    base: i64,
    parts: u32,
    cells: Vec<[u32; 4]>,
    /// Additions until a counter could overflow.
    room: u32,
    number: std::marker::PhantomData<N>,
}

/// The most cells of a window: 256 kB.
const WIDEST: u64 = 1 << 14;
/// Values between two looks at whether all of them were in the window.
const BLOCK: usize = 256;
/// What a number may be divided into: prices come in hundredths, ratings in halves.
const PARTS: [u32; 4] = [1, 2, 10, 100];
/// Values that decide where a window is placed.
const SAMPLE: usize = 512;

/// Where a window could be, and how many of the sample it would hold.
#[derive(Clone, Copy, Debug)]
struct Aim {
    parts: u32,
    low: i64,
    high: i64,
    held: usize,
}

impl<N: Number> Default for Window<N> {
    fn default() -> Self {
        Window { base: 0, parts: 1, cells: Vec::new(), room: u32::MAX, number: std::marker::PhantomData }
    }
}

impl<N: Number> Window<N> {
    /// Whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<[u32; 4]>()
    }

    /// Counts `value` `times` times, if it is in the window and its counter has room.
    pub fn add(&mut self, value: N, times: u64) -> bool {
        let mut place = [NOWHERE];
        N::places(&[value], self.base, self.parts, &mut place);
        let room = u32::try_from(times).ok().and_then(|times| self.room.checked_sub(times));
        let cell = usize::try_from(place[0]).ok().and_then(|place| self.cells.get_mut(place));
        let (Some(cell), Some(room)) = (cell, room) else { return false };
        cell[0] += times as u32;
        self.room = room;
        true
    }

    /// Whether the counters have room for so many more values; else they have to be taken out first.
    pub fn has_room(&self, values: usize) -> bool {
        values < self.room as usize
    }

    /// Counts the values inside of the window and gives the others to `rare`; returns how many were inside. The window must not be
    /// empty, and have room.
    ///
    /// The hot loop: first the places of a block, which the compiler turns into vector instructions, then the additions.
    pub fn add_all(&mut self, values: &[N], mut rare: impl FnMut(N)) -> usize {
        self.room -= values.len() as u32;
        let cells = self.cells.as_mut_slice();
        let outside = !(cells.len() as u64 - 1);
        let mut inside = 0;
        let mut places = [0u64; BLOCK];
        for block in values.chunks(BLOCK) {
            let places = &mut places[..block.len()];
            let all = N::places(block, self.base, self.parts, places);
            if all & outside == 0 {
                inside += block.len();
                let (fours, rest) = places.as_chunks::<4>();
                for four in fours {
                    for (lane, place) in four.iter().enumerate() {
                        cells[*place as usize][lane] += 1;
                    }
                }
                for place in rest {
                    cells[*place as usize][0] += 1;
                }
                continue;
            }
            for (i, (place, value)) in places.iter().zip(block).enumerate() {
                if place & outside == 0 {
                    inside += 1;
                    cells[*place as usize][i & 3] += 1;
                } else {
                    rare(*value);
                }
            }
        }
        inside
    }

    /// Values and counts of all that occurred.
    pub fn counts(&self) -> impl Iterator<Item = (N, u64)> + '_ {
        let total = |cell: &[u32; 4]| cell.iter().map(|lane| u64::from(*lane)).sum();
        let all = self.cells.iter().map(total).enumerate().filter(|(_, count)| *count > 0);
        all.map(|(i, count)| (N::of_steps(self.base + i as i64, self.parts), count))
    }

    /// Sets all counters to zero.
    pub fn clear(&mut self) {
        self.cells.fill([0; 4]);
        self.room = u32::MAX;
    }

    /// A better window for values like these, if there is one; it is empty still.
    pub fn better(&self, values: &[N]) -> Option<Window<N>> {
        let step = (values.len() / SAMPLE).max(1);
        let sample: Vec<N> = values.iter().copied().step_by(step).collect();
        let aims = PARTS[..if N::DIVIDES { PARTS.len() } else { 1 }].iter().filter_map(|parts| aim(&sample, *parts));
        let mut best: Option<Aim> = None;
        for aim in aims {
            // finer parts have to hold a good deal more
            if best.is_none_or(|best| aim.held > best.held + sample.len() / 16) {
                best = Some(aim);
            }
        }
        let mut best = best.filter(|aim| aim.held * 8 >= sample.len())?;
        if !self.cells.is_empty() && self.parts == best.parts {
            let end = self.base + self.cells.len() as i64 - 1;
            if best.low >= self.base && best.high <= end {
                return None;
            }
            let (low, high) = (best.low.min(self.base), best.high.max(end));
            if high.abs_diff(low) < WIDEST {
                (best.low, best.high) = (low, high);
            }
        }
        Some(Window::around(best))
    }

    /// The window of an aim, with some cells to spare.
    fn around(aim: Aim) -> Window<N> {
        let span = aim.high.abs_diff(aim.low);
        let width = (span + span / 4 + 32).next_power_of_two().min(WIDEST);
        let before = ((width - span - 1) / 2).min(16) as i64;
        // a window that begins at 0 fits unsigned types
        let base = if aim.low >= 0 { (aim.low - before).max(0) } else { aim.low - before };
        Window { base, parts: aim.parts, cells: vec![[0; 4]; width as usize], ..Window::default() }
    }
}

/// The span of less than [`WIDEST`] cells that holds the most of a sample.
fn aim<N: Number>(sample: &[N], parts: u32) -> Option<Aim> {
    const SPAN: u64 = WIDEST - 64;
    let mut steps: Vec<i64> = sample.iter().filter_map(|value| value.steps(parts)).collect();
    steps.sort_unstable();
    let mut best: Option<Aim> = None;
    let mut from = 0;
    for (to, high) in steps.iter().enumerate() {
        while high.abs_diff(steps[from]) > SPAN {
            from += 1;
        }
        let held = to + 1 - from;
        if best.is_none_or(|best| held > best.held) {
            best = Some(Aim { parts, low: steps[from], high: *high, held });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(values: &[f64]) -> (u32, usize, usize) {
        let mut window = Window::<f64>::default().better(values).unwrap();
        let inside = window.add_all(values, |_| ());
        (window.parts, inside, window.counts().count())
    }

    #[test]
    fn a_window_goes_where_the_values_are() {
        let whole: Vec<f64> = (0..1000).map(|i| f64::from(i % 50) - 7.0).collect();
        assert_eq!(held(&whole), (1, 1000, 50));
        let halves: Vec<f64> = (0..1000).map(|i| f64::from(i % 50) / 2.0).collect();
        assert_eq!(held(&halves), (2, 1000, 50));
        let cents: Vec<f64> = (0..1000).map(|i| f64::from(i * 7 % 999) / 100.0).collect();
        assert_eq!(held(&cents), (100, 1000, 999));
        let late: Vec<f64> = (0..1000).map(|i| f64::from(i % 50) + 1e12).collect();
        assert_eq!(held(&late), (1, 1000, 50));
        let outliers: Vec<f64> = (0..1000).map(|i| if i % 100 == 3 { 1e9 } else { f64::from(i % 50) }).collect();
        assert_eq!(held(&outliers), (1, 990, 50));
        let fractions: Vec<f64> = (0..1000).map(|i| f64::from(i).sqrt() + 0.001).collect();
        assert!(Window::<f64>::default().better(&fractions).is_none());
    }

    #[test]
    fn a_good_window_stays() {
        let values: Vec<i64> = (0..100).collect();
        let window = Window::<i64>::default().better(&values).unwrap();
        assert!(window.better(&values).is_none());
        assert!(window.better(&[1000, 1001]).unwrap().bytes() > window.bytes());
    }
}
