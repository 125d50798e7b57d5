//! Folds of contiguous rows.

use serde::{Deserialize, Serialize};

use super::splits::{Splits, expect_folds};
use crate::base::Result;
use crate::ml::select::permutation::Permutation;

/// k folds of contiguous rows; the first n mod k have one row more than the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KFold {
    folds: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl KFold {
    /// `folds` folds; 2 or more.
    pub fn new(folds: usize) -> Self {
        KFold { folds, seed: None }
    }

    /// Shuffles the rows first, by this seed. The folds have the same sizes; which rows are in each depends on the seed,
    /// the number of rows and the place of each alone, whatever the partitions. (It is not numpy's stream.)
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The number of folds.
    pub fn folds(&self) -> usize {
        self.folds
    }

    /// The fold in which each of `rows` rows is held out.
    ///
    /// # Errors
    /// `Invalid` for fewer than 2 folds, `Model` for fewer rows than folds.
    pub fn fold_ids(&self, rows: usize) -> Result<Vec<u32>> {
        Ok(self.splits(rows as u64)?.ids_of_places(rows))
    }

    pub(super) fn splits(&self, rows: u64) -> Result<Splits> {
        expect_folds(self.folds, rows)?;
        let k = self.folds as u64;
        let ends = (1..=k).map(|fold| fold * (rows / k) + fold.min(rows % k)).collect();
        let shuffle = self.seed.map(|seed| Permutation::new(seed, rows));
        Ok(Splits::by_place(ends, shuffle).each_held_out())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contiguous_or_shuffled() {
        assert_eq!(KFold::new(3).fold_ids(11).unwrap(), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]);
        assert!(KFold::new(1).fold_ids(10).is_err());
        assert!(KFold::new(4).fold_ids(3).is_err());
        let shuffled = KFold::new(3).shuffle(7).fold_ids(11).unwrap();
        assert_ne!(shuffled, KFold::new(3).fold_ids(11).unwrap());
        assert_eq!([0, 1, 2].map(|fold| shuffled.iter().filter(|f| **f == fold).count()), [4, 4, 3]);
        assert_eq!(KFold::new(3).shuffle(7).fold_ids(11).unwrap(), shuffled);
    }
}
