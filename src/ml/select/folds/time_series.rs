//! What comes later is predicted from what came before.

use serde::{Deserialize, Serialize};

use super::splits::{Role, Splits};
use crate::base::{Error, Result};

/// Splits of rows in the order of time: each tests on a stretch of rows and trains on those before it
/// (`sklearn.model_selection.TimeSeriesSplit`). The rows of the frame have to be in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSeriesSplit {
    splits: usize,
    gap: u64,
    max_train_size: Option<u64>,
    test_size: Option<u64>,
}

impl TimeSeriesSplit {
    /// `splits` splits; 2 or more.
    pub fn new(splits: usize) -> Self {
        TimeSeriesSplit { splits, gap: 0, max_train_size: None, test_size: None }
    }

    /// So many rows before each test set are not trained on.
    #[must_use]
    pub fn gap(mut self, rows: u64) -> Self {
        self.gap = rows;
        self
    }

    /// At most so many rows, the last ones, are trained on.
    #[must_use]
    pub fn max_train_size(mut self, rows: u64) -> Self {
        self.max_train_size = Some(rows);
        self
    }

    /// So many rows are tested on in each split; else all rows divided by one more than the splits, rounded down.
    #[must_use]
    pub fn test_size(mut self, rows: u64) -> Self {
        self.test_size = Some(rows);
        self
    }

    /// The number of splits.
    pub fn n_splits(&self) -> usize {
        self.splits
    }

    /// The rows, from and to (exclusive), that each split trains on and those that it tests on.
    ///
    /// # Errors
    /// `Invalid` for fewer than 2 splits or an empty test set, `Model` if the rows do not suffice.
    pub fn ranges(&self, rows: u64) -> Result<Vec<[(u64, u64); 2]>> {
        let splits = self.splits as u64;
        if splits < 2 {
            return Err(Error::invalid(format!("cross-validation needs 2 splits or more, not {splits}")));
        }
        if splits + 1 > rows {
            return Err(Error::model(format!("{rows} rows cannot be divided into {} parts", splits + 1)));
        }
        let size = self.test_size.unwrap_or(rows / (splits + 1));
        if size == 0 || self.max_train_size == Some(0) {
            return Err(Error::invalid("a split without rows").help("give sizes of 1 row or more"));
        }
        let tested = size.checked_mul(splits);
        let Some(first) = tested.and_then(|tested| rows.checked_sub(tested)).filter(|first| *first > self.gap) else {
            let what = format!("{splits} splits that test on {size} rows, {} rows after training", self.gap);
            return Err(Error::model(format!("{rows} rows are too few for {what}"))
                .help("use fewer splits, or smaller test sets"));
        };
        let of = |split: u64| {
            let start = first + split * size;
            let end = start - self.gap;
            let from = self.max_train_size.map_or(0, |most| end.saturating_sub(most));
            [(from, end), (start, start + size)]
        };
        Ok((0..splits).map(of).collect())
    }

    pub(super) fn splits(&self, rows: u64) -> Result<Splits> {
        let ranges = self.ranges(rows)?;
        let mut ends: Vec<u64> = ranges.iter().flatten().flat_map(|(from, to)| [*from, *to]).collect();
        ends.push(rows);
        ends.sort_unstable();
        ends.dedup();
        ends.retain(|end| *end > 0);
        let role = |[train, test]: &[(u64, u64); 2], end: u64| {
            let within = |(from, to): &(u64, u64)| *from < end && end <= *to;
            match (within(train), within(test)) {
                (true, _) => Role::Trains,
                (_, true) => Role::Tests,
                _ => Role::Rests,
            }
        };
        let roles = ranges.iter().map(|split| ends.iter().map(|end| role(split, *end)).collect()).collect();
        Ok(Splits::by_place(ends, None).with_roles(roles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_splits_of_scikit_learn() {
        let ranges = TimeSeriesSplit::new(3).ranges(11).unwrap();
        assert_eq!(ranges, [[(0, 5), (5, 7)], [(0, 7), (7, 9)], [(0, 9), (9, 11)]]);
        let ranges = TimeSeriesSplit::new(3).test_size(2).gap(2).ranges(12).unwrap();
        assert_eq!(ranges, [[(0, 4), (6, 8)], [(0, 6), (8, 10)], [(0, 8), (10, 12)]]);
        let ranges = TimeSeriesSplit::new(2).max_train_size(3).ranges(7).unwrap();
        assert_eq!(ranges, [[(0, 3), (3, 5)], [(2, 5), (5, 7)]]);
    }

    #[test]
    fn too_few_rows_are_an_error() {
        assert!(TimeSeriesSplit::new(1).ranges(9).is_err());
        assert!(TimeSeriesSplit::new(3).ranges(3).is_err());
        let text = TimeSeriesSplit::new(3).test_size(3).gap(1).ranges(10).unwrap_err().to_string();
        assert!(text.contains("3 splits that test on 3 rows"), "{text}");
        assert!(TimeSeriesSplit::new(3).test_size(u64::MAX).ranges(10).is_err());
        assert!(TimeSeriesSplit::new(3).test_size(0).ranges(10).is_err());
    }

    proptest! {
        #[test]
        fn blocks_are_the_ranges(
            rows in 3..60_u64, splits in 2..5_usize, gap in 0..4_u64, most in 0..9_u64, size in 0..6_u64,
        ) {
            let mut way = TimeSeriesSplit::new(splits).gap(gap);
            way.max_train_size = (most > 0).then_some(most);
            way.test_size = (size > 0).then_some(size);
            let Ok(ranges) = way.ranges(rows) else { return Ok(()) };
            let made = way.splits(rows).unwrap();
            let ids = made.ids_of_places(rows as usize);
            for (split, [train, test]) in ranges.iter().enumerate() {
                for (row, block) in (0..rows).zip(&ids) {
                    let block = *block as usize;
                    prop_assert_eq!(made.trains(split, block), train.0 <= row && row < train.1);
                    prop_assert_eq!(made.tests(split, block), test.0 <= row && row < test.1);
                }
                prop_assert_eq!(made.test_rows(split), test.1 - test.0);
            }
        }
    }
}
