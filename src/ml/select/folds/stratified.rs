//! Folds with the classes in the proportions of the whole.

use serde::{Deserialize, Serialize};

use super::splits::{Deal, Splits, Totals, expect_folds};
use crate::base::{Error, Result};

/// k folds with the classes in the proportions of the whole: each class's rows are dealt to the folds in contiguous
/// runs.
///
/// ```
/// use partita::ml::select::StratifiedKFold;
/// let folds = StratifiedKFold::new(3).fold_ids(&[1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0])?;
/// assert_eq!(folds, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StratifiedKFold {
    folds: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl StratifiedKFold {
    /// `folds` folds; 2 or more.
    pub fn new(folds: usize) -> Self {
        StratifiedKFold { folds, seed: None }
    }

    /// Shuffles the rows of each class first, by this seed. Each fold has as many rows of each class as without; which
    /// ones depends on the seed, the number of rows of the class and the place of each among them alone, whatever the
    /// partitions. (It is not numpy's stream.)
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The number of folds.
    pub fn folds(&self) -> usize {
        self.folds
    }

    /// The fold in which each row is held out, given the number of each row's class (in any numbering).
    ///
    /// # Errors
    /// `Invalid` for fewer than 2 folds; `Model` for fewer rows than folds, or if no class has a row for every fold. If
    /// only some classes have too few rows, their rows are held out in some folds alone and a warning is logged.
    pub fn fold_ids(&self, classes: &[u32]) -> Result<Vec<u32>> {
        Ok(self.splits(&Totals::of_classes(classes))?.ids_of_classes(classes))
    }

    pub(super) fn splits(&self, totals: &Totals) -> Result<Splits> {
        let deal = self.deal(&totals.classes, &totals.order)?;
        Ok(Splits::by_class(deal, self.folds, self.seed).each_held_out())
    }

    /// How rows are dealt, given the rows of each class and the classes in the order of their first row.
    ///
    /// With the rows sorted by class (in that order) every k-th row, from the i-th on, belongs to fold i: this says how
    /// many rows of a class a fold gets. Which ones is then decided by their order.
    ///
    /// # Errors
    /// As [`fold_ids`](Self::fold_ids).
    pub fn deal(&self, counts: &[u64], order: &[usize]) -> Result<Deal> {
        let k = self.folds as u64;
        expect_folds(self.folds, counts.iter().sum())?;
        let present = || order.iter().map(|c| counts[*c]);
        if present().all(|count| count < k) {
            let most = present().max().unwrap_or(0);
            let what = format!("no class has a row for each of {k} folds: the largest has {most}");
            return Err(Error::model(what).doing("divide the rows into folds").help("use fewer folds, or more rows"));
        }
        if let Some(least) = present().min().filter(|least| *least < k) {
            tracing::warn!("the rarest class has {least} rows, fewer than the {k} folds");
        }
        let mut ends = vec![Vec::new(); counts.len()];
        let mut start = 0;
        for &class in order {
            let end = start + counts[class];
            // positions p < n with p mod k = i number ceil((n − i) / k)
            let until = |n: u64, i: u64| (n + k - 1 - i) / k;
            let sizes = (0..k).map(|i| until(end, i) - until(start, i));
            ends[class] = sizes
                .scan(0, |sum, size| {
                    *sum += size;
                    Some(*sum)
                })
                .collect();
            start = end;
        }
        Ok(Deal { ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_folds() {
        let y = [1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0];
        assert_eq!(StratifiedKFold::new(3).fold_ids(&y).unwrap(), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn too_few_rows_are_an_error() {
        assert!(StratifiedKFold::new(1).fold_ids(&[0, 1]).is_err());
        let text = StratifiedKFold::new(3).fold_ids(&[0, 1, 0, 1]).unwrap_err().to_string();
        assert!(text.contains("the largest has 2"), "{text}");
        assert!(StratifiedKFold::new(3).fold_ids(&[0, 1, 0, 0]).is_ok());
    }

    /// scikit-learn's algorithm, literally.
    fn twin(y: &[u32], k: usize) -> Vec<u32> {
        let mut order: Vec<u32> = Vec::new();
        y.iter().for_each(|c| {
            if !order.contains(c) {
                order.push(*c)
            }
        });
        let encoded: Vec<usize> = y.iter().map(|c| order.iter().position(|o| o == c).unwrap()).collect();
        let mut sorted = encoded.clone();
        sorted.sort();
        let mut folds = vec![0; y.len()];
        for class in 0..order.len() {
            let sizes = (0..k).map(|i| sorted.iter().skip(i).step_by(k).filter(|c| **c == class).count());
            let mut fold = sizes.enumerate().flat_map(|(i, size)| vec![i as u32; size]);
            for (row, _) in encoded.iter().enumerate().filter(|(_, c)| **c == class) {
                folds[row] = fold.next().unwrap();
            }
        }
        folds
    }

    proptest! {
        #[test]
        fn rows_are_dealt_as_by_the_twin(y in prop::collection::vec(0..5u32, 2..200), k in 2..9usize) {
            if let Ok(folds) = StratifiedKFold::new(k).fold_ids(&y) {
                let twin = twin(&y, k);
                prop_assert_eq!(&folds, &twin);
                let shuffled = StratifiedKFold::new(k).shuffle(3).fold_ids(&y).unwrap();
                let sorted = |folds: &[u32]| {
                    let mut rows: Vec<(u32, u32)> = y.iter().copied().zip(folds.iter().copied()).collect();
                    rows.sort_unstable();
                    rows
                };
                prop_assert_eq!(sorted(&shuffled), sorted(&twin));
            }
        }
    }
}
