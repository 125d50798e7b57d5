//! Any way to divide rows, chosen.

use serde::{Deserialize, Serialize};

use super::group::GroupKFold;
use super::k_fold::KFold;
use super::splits::{Splits, Totals};
use super::stratified::StratifiedKFold;
use super::time_series::TimeSeriesSplit;
use crate::base::{Error, Result};

/// Which rows are held out together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Cv {
    /// So many folds: stratified if classes are learnt, else plain.
    Folds(usize),
    /// With the classes in the proportions of the whole.
    Stratified(StratifiedKFold),
    /// Contiguous rows.
    Plain(KFold),
    /// Rows of one group together.
    Group(GroupKFold),
    /// What comes later, predicted from what came before.
    TimeSeries(TimeSeriesSplit),
}

/// What can be said for [`SearchCv::cv`](crate::ml::SearchCv::cv): a number of folds, or one of
/// [`StratifiedKFold`], [`KFold`], [`GroupKFold`] and [`TimeSeriesSplit`].
pub trait IntoCv {
    /// The folds.
    fn into_cv(self) -> Cv;
}

impl IntoCv for usize {
    fn into_cv(self) -> Cv {
        Cv::Folds(self)
    }
}

impl IntoCv for StratifiedKFold {
    fn into_cv(self) -> Cv {
        Cv::Stratified(self)
    }
}

impl IntoCv for KFold {
    fn into_cv(self) -> Cv {
        Cv::Plain(self)
    }
}

impl IntoCv for GroupKFold {
    fn into_cv(self) -> Cv {
        Cv::Group(self)
    }
}

impl IntoCv for TimeSeriesSplit {
    fn into_cv(self) -> Cv {
        Cv::TimeSeries(self)
    }
}

impl IntoCv for Cv {
    fn into_cv(self) -> Cv {
        self
    }
}

impl Cv {
    /// The number of splits.
    pub fn folds(&self) -> usize {
        match self {
            Cv::Folds(folds) => *folds,
            Cv::Stratified(folds) => folds.folds(),
            Cv::Plain(folds) => folds.folds(),
            Cv::Group(folds) => folds.folds(),
            Cv::TimeSeries(splits) => splits.n_splits(),
        }
    }

    /// Whether folds have classes in the proportions of the whole, if classes are learnt.
    pub(crate) fn is_stratified(&self) -> bool {
        matches!(self, Cv::Folds(_) | Cv::Stratified(_))
    }

    /// The column whose values group the rows, which is no feature.
    pub fn group_column(&self) -> Option<&str> {
        match self {
            Cv::Group(folds) => Some(folds.column()),
            _ => None,
        }
    }

    /// The splits of rows of these totals.
    ///
    /// # Errors
    /// `Invalid` for fewer than 2 splits, or for stratified ones of a target without classes; `Model` if the rows, a
    /// class or the groups do not suffice.
    pub(crate) fn splits(&self, totals: &Totals) -> Result<Splits> {
        let splits = match self {
            Cv::Folds(folds) if totals.classes.is_empty() => KFold::new(*folds).splits(totals.rows),
            Cv::Folds(folds) => StratifiedKFold::new(*folds).splits(totals),
            Cv::Stratified(_) if totals.classes.is_empty() => {
                Err(Error::invalid("stratified folds of a target without classes").help("use KFold"))
            }
            Cv::Stratified(folds) => folds.splits(totals),
            Cv::Plain(folds) => folds.splits(totals.rows),
            Cv::Group(folds) => folds.splits(&totals.groups),
            Cv::TimeSeries(splits) => splits.splits(totals.rows),
        };
        splits.map_err(|e| if e.help_text().is_some() { e } else { e.doing("divide the rows") })
    }
}
