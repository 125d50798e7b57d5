//! Rows of one group stay together.

use serde::{Deserialize, Serialize};

use super::splits::{Splits, expect_folds};
use crate::base::{Error, Result};

/// k folds in each of which whole groups are held out, as many rows in each as can be: the largest group that is left
/// goes to the fold that has the fewest rows (`sklearn.model_selection.GroupKFold`). Of groups of one size the one with
/// the greatest label comes first, of such folds the first.
///
/// ```
/// use partita::ml::select::GroupKFold;
/// let folds = GroupKFold::by("user", 2).fold_ids(&[0, 0, 2, 2, 2, 1])?;
/// assert_eq!(folds, [1, 1, 0, 0, 0, 1]);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupKFold {
    column: String,
    folds: usize,
}

impl GroupKFold {
    /// `folds` folds, 2 or more, of groups of rows that have the same value in a column. That column is no feature.
    pub fn by(column: impl Into<String>, folds: usize) -> Self {
        GroupKFold { column: column.into(), folds }
    }

    /// The column that names the group of each row.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The number of folds.
    pub fn folds(&self) -> usize {
        self.folds
    }

    /// The fold in which each row is held out, given the number of its group; groups are numbered from 0, in rising order
    /// of their labels.
    ///
    /// # Errors
    /// `Invalid` for fewer than 2 folds, `Model` for fewer groups than folds.
    pub fn fold_ids(&self, groups: &[u32]) -> Result<Vec<u32>> {
        let mut sizes = vec![0_u64; groups.iter().max().map_or(0, |group| *group as usize + 1)];
        groups.iter().for_each(|group| sizes[*group as usize] += 1);
        let (fold_of, _) = self.assign(&sizes)?;
        Ok(groups.iter().map(|group| fold_of[*group as usize]).collect())
    }

    /// The fold of each group, and the rows of each fold, given the rows of each group.
    fn assign(&self, sizes: &[u64]) -> Result<(Vec<u32>, Vec<u64>)> {
        let groups = sizes.iter().filter(|rows| **rows > 0).count();
        expect_folds(self.folds, u64::MAX)?;
        if groups < self.folds {
            return Err(Error::model(format!("{groups} groups cannot be divided into {} folds", self.folds))
                .at_column(&self.column)
                .help("use fewer folds"));
        }
        let mut largest: Vec<usize> = (0..sizes.len()).collect();
        largest.sort_by_key(|group| (sizes[*group], *group));
        let (mut fold_of, mut rows) = (vec![0; sizes.len()], vec![0; self.folds]);
        for group in largest.into_iter().rev() {
            let lightest = (0..self.folds).min_by_key(|fold| rows[*fold]).unwrap_or(0);
            rows[lightest] += sizes[group];
            fold_of[group] = lightest as u32;
        }
        Ok((fold_of, rows))
    }

    pub(super) fn splits(&self, sizes: &[u64]) -> Result<Splits> {
        let (fold_of, rows) = self.assign(sizes)?;
        Ok(Splits::by_group(fold_of, rows).each_held_out())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folds of scikit-learn 1.9.
    #[test]
    fn the_golden_folds() {
        let groups = [0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 5, 6, 1];
        assert_eq!(GroupKFold::by("g", 3).fold_ids(&groups).unwrap(), [1, 2, 2, 1, 1, 1, 0, 0, 2, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn too_few_groups_are_an_error() {
        let text = GroupKFold::by("user", 3).fold_ids(&[0, 1, 0, 1]).unwrap_err().to_string();
        assert!(text.contains("column `user`") && text.contains("2 groups"), "{text}");
        assert!(GroupKFold::by("user", 1).fold_ids(&[0, 1]).is_err());
    }
}
