//! Windows that slide over rows.

use std::collections::VecDeque;

/// What is known of some neighbouring rows, so that more rows can be put behind them.
pub trait Piece: Copy + Send {
    /// Of no rows.
    const NOTHING: Self;
    /// Of these rows and those of `later`, which follow them.
    fn join(self, later: Self) -> Self;
}

/// Rows one after the other, and what is known of windows over them whose ends only move forward.
///
/// A window is put together from two halves: it is cut at the row in it whose number can be halved most often, and from
/// there the rows are added one by one, up and down. So the order of all additions depends on the numbers of the rows in
/// the window alone: not on the windows before, or on where somebody began to read. Each row is added about four times,
/// however wide the windows are.
#[derive(Debug)]
pub struct Slide<P> {
    rows: VecDeque<P>,
    /// The number of the first of them.
    first: u64,
    /// Where the halves meet.
    cut: u64,
    /// The rows above the cut: of 1, of 2, of 3 rows …
    upper: Vec<P>,
    /// The rows from the cut on, up to `end`.
    lower: P,
    end: u64,
}

impl<P: Piece> Slide<P> {
    /// No rows; the next one has the number `first`.
    pub fn new(first: u64) -> Slide<P> {
        Slide { rows: VecDeque::new(), first, cut: 0, upper: Vec::new(), lower: P::NOTHING, end: 0 }
    }

    /// Takes the next rows.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = P>) {
        self.rows.extend(rows);
    }

    /// The number of the row that comes next.
    pub fn next(&self) -> u64 {
        self.first + self.rows.len() as u64
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        (self.rows.capacity() + self.upper.capacity()) * size_of::<P>()
    }

    fn row(&self, number: u64) -> P {
        self.rows.get((number - self.first) as usize).copied().unwrap_or(P::NOTHING)
    }

    /// What is known of the rows from `low` to `high`, both included. Neither may be smaller than in the window before.
    pub fn window(&mut self, low: u64, high: u64) -> P {
        while self.first < low && self.rows.pop_front().is_some() {
            self.first += 1;
        }
        if low == high {
            return self.row(low);
        }
        let bits = 63 - (low ^ high).leading_zeros();
        let cut = high >> bits << bits;
        if cut != self.cut || self.upper.is_empty() {
            self.cut = cut;
            self.upper.clear();
            let mut sum = P::NOTHING;
            for number in (low..cut).rev() {
                sum = self.row(number).join(sum);
                self.upper.push(sum);
            }
            (self.lower, self.end) = (P::NOTHING, cut);
        }
        while self.end <= high {
            self.lower = self.lower.join(self.row(self.end));
            self.end += 1;
        }
        let upper = self.upper.get((cut - low - 1) as usize).copied().unwrap_or(P::NOTHING);
        upper.join(self.lower)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A range of rows; it can only be joined with the next one.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Range(Option<(u64, u64)>);

    impl Piece for Range {
        const NOTHING: Range = Range(None);
        fn join(self, later: Range) -> Range {
            match (self.0, later.0) {
                (Some((a, b)), Some((c, d))) => {
                    assert_eq!(b + 1, c);
                    Range(Some((a, d)))
                }
                (a, b) => Range(a.or(b)),
            }
        }
    }

    proptest! {
        #[test]
        fn windows_have_their_rows(first in 0u64..100, steps in prop::collection::vec((0u64..9, 0u64..9), 1..60)) {
            let mut slide = Slide::new(first);
            slide.extend((first..first + 600).map(|n| Range(Some((n, n)))));
            let (mut low, mut high) = (first, first);
            for (up, down) in steps {
                low += up;
                high = (high + down).max(low);
                prop_assert_eq!(slide.window(low, high), Range(Some((low, high))));
            }
        }
    }
}
