//! What a search is told.

use serde::{Deserialize, Serialize};

use super::folds::{Cv, IntoCv};
use super::grid::ParamGrid;
use super::sampler::ParamSampler;
use super::scoring::Scoring;
use crate::base::{Error, ErrorKind, Result};
use crate::ml::estimator::labels::Task;
use crate::ml::pipeline::Pipeline;
use crate::ml::pipeline::note::{self, Note};

/// Fits a pipeline with each of some candidates' parameters, each on the training rows of some splits, scores it on their
/// test rows, and fits the best to all rows.
///
/// Steps that prepare columns are fitted anew on each training set (its own categories, means and deviations), but once
/// for all candidates that share them. The frame is read once; its rows are cached, in memory or on disk as the session's
/// memory limit asks for, and all candidates and splits ride on the same passes over the cache: how many there are does
/// not grow with the grid ([`passes`](super::FittedGridSearchCv::passes)). The result does not depend on partitions,
/// threads or the memory limit.
///
/// Without parameters, as `GridSearchCv::new(pipeline, ParamGrid::new())`, it is cross-validation of the pipeline as it is:
/// scikit-learn's `cross_val_score`, whose scores are those of the only candidate
/// ([`split_test_scores`](super::FittedGridSearchCv::split_test_scores)).
///
/// ```
/// use partita::ml::{GridSearchCv, LogisticRegression, ParamGrid, Pipeline, StandardScaler, Target, linfa::DatasetBase};
/// use partita::ml::Scoring;
/// # use std::sync::Arc;
/// # let hour = Arc::new(arrow::array::Int64Array::from_iter_values((0..30).map(|i| i * i % 11))) as arrow::array::ArrayRef;
/// # let tip = Arc::new(arrow::array::BooleanArray::from_iter((0..30).map(|i| Some(i * i % 11 + i % 3 > 4)))) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("hour", hour), ("high_tip", tip)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// let pipeline = Pipeline::new().step("scale", StandardScaler::new()).step("clf", LogisticRegression::new());
/// let grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), [0.2, 0.5, 0.9]);
/// let search = GridSearchCv::new(pipeline, grid)
///     .cv(3)
///     .scoring([Scoring::Accuracy, Scoring::RocAuc])
///     .refit(Scoring::Accuracy)
///     .fit(&DatasetBase::new(taxi, Target::column("high_tip")))?;
/// println!("{} {:?}\n{}", search.best_score(), search.best_params(), search.cv_results()?);
/// # assert!(search.best_score() > 0.6);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchCv<C> {
    pub(super) pipeline: Pipeline,
    pub(super) candidates: C,
    pub(super) settings: Settings,
}

/// A search over every combination of a grid: dask-ml's and scikit-learn's `GridSearchCV`.
pub type GridSearchCv = SearchCv<ParamGrid>;

/// A search over candidates that are drawn: scikit-learn's `RandomizedSearchCV`.
pub type RandomizedSearchCv = SearchCv<ParamSampler>;

/// All but the pipeline and the candidates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub cv: Cv,
    /// What the task asks for if nothing was said.
    pub scorings: Option<Scorings>,
    pub iid: bool,
    pub refit: Refit,
    pub train_scores: bool,
    pub error_score: ErrorScore,
}

/// What candidates are judged by: one scoring, or several by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scorings {
    list: Vec<Scoring>,
    /// Whether columns of results have the names of scorings, as `mean_test_roc_auc`, not `mean_test_score`.
    named: bool,
    /// A name that is none of a scoring: the search says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
}

/// What can be said for [`SearchCv::scoring`]: one scoring, or an array or vector of them; or their names, as `"roc_auc"`,
/// of which one that is none is an error of the search.
pub trait IntoScorings {
    /// The scorings.
    fn into_scorings(self) -> Scorings;
}

/// Whether the best candidate is fitted to all rows in the end, and by which scoring it is the best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refit {
    /// It is not.
    No,
    /// The best by the only scoring.
    Yes,
    /// The best by this scoring.
    By(Scoring),
    /// The best by the scoring of this name.
    ByName(String),
}

/// What happens if the model of a candidate cannot be fitted to the training rows of a split, or not be scored on its test
/// rows, as where these have a category that no step knows. A step before the model that cannot be fitted ends the search,
/// and so do parameters out of range, before any row is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ErrorScore {
    /// The search ends with the error.
    #[default]
    Raise,
    /// All scores of the candidate in that split are this number, and a [`Note`] says why. With NaN it
    /// ranks last.
    Value(f64),
}

impl<C> SearchCv<C> {
    /// Three folds (stratified, if classes are learnt), accuracy of classes or R² of values, means weighted by fold size, and a fit of the best to all
    /// rows.
    pub fn new(pipeline: Pipeline, candidates: C) -> Self {
        let settings = Settings {
            cv: 3_usize.into_cv(),
            scorings: None,
            iid: true,
            refit: Refit::Yes,
            train_scores: false,
            error_score: ErrorScore::Raise,
        };
        SearchCv { pipeline, candidates, settings }
    }

    /// The folds: a number of them, or one of [`StratifiedKFold`](super::StratifiedKFold), [`KFold`](super::KFold),
    /// [`GroupKFold`](super::GroupKFold) and [`TimeSeriesSplit`](super::TimeSeriesSplit).
    #[must_use]
    pub fn cv(mut self, cv: impl IntoCv) -> Self {
        self.settings.cv = cv.into_cv();
        self
    }

    /// What candidates are judged by: a [`Scoring`] or its name, or several in an array; then [`refit`](Self::refit) has to name the
    /// one that decides.
    #[must_use]
    pub fn scoring(mut self, scoring: impl IntoScorings) -> Self {
        self.settings.scorings = Some(scoring.into_scorings());
        self
    }

    /// Whether mean and deviation of the test scores weigh each fold by its rows, as dask-ml does by default; else each
    /// fold counts the same, as in scikit-learn.
    #[must_use]
    pub fn iid(mut self, iid: bool) -> Self {
        self.settings.iid = iid;
        self
    }

    /// Whether the best candidate is fitted to all rows in the end: `true`, `false`, or the [`Scoring`] by which it is the
    /// best, or its name.
    #[must_use]
    pub fn refit(mut self, refit: impl Into<Refit>) -> Self {
        self.settings.refit = refit.into();
        self
    }

    /// Whether candidates are scored on the rows they were fitted to, too.
    #[must_use]
    pub fn return_train_score(mut self, train_scores: bool) -> Self {
        self.settings.train_scores = train_scores;
        self
    }

    /// What happens if the model of a candidate cannot be fitted or scored: an error, or a number for a score. A parameter
    /// that is out of range, as a C of 0, is an error in any case.
    #[must_use]
    pub fn error_score(mut self, error_score: impl Into<ErrorScore>) -> Self {
        self.settings.error_score = error_score.into();
        self
    }
}

impl Settings {
    /// What candidates are judged by: accuracy of classes and R² of values, if nothing was said.
    pub fn scorings(&self, task: Task) -> Scorings {
        let usual = if task == Task::Classification { Scoring::Accuracy } else { Scoring::R2 };
        self.scorings.clone().unwrap_or_else(|| usual.into_scorings())
    }

    /// The place of the scoring by which the best is chosen; the first, if there is no refit.
    ///
    /// # Errors
    /// `Invalid` for no scorings, for a name that is none, and if there are several and none is named, or one that is not
    /// among them.
    pub fn decisive(&self, scorings: &Scorings) -> Result<usize> {
        let list = &scorings.list;
        let listed = || list.iter().map(Scoring::to_string).collect::<Vec<_>>().join(", ");
        if let Some(name) = &scorings.unknown {
            name.parse::<Scoring>()?;
        }
        let by = match &self.refit {
            Refit::By(scoring) => Some(*scoring),
            Refit::ByName(name) => Some(name.parse()?),
            _ => None,
        };
        match self.refit {
            _ if list.is_empty() => Err(Error::invalid("a search needs a scoring")),
            Refit::Yes if list.len() > 1 => {
                Err(Error::invalid(format!("there are several scorings, {}, and none that decides", listed()))
                    .help("name it with refit, as refit(Scoring::RocAuc), or leave it out with refit(false)"))
            }
            _ => by.map_or(Ok(0), |by| {
                let among = || format!("the refit is by `{by}`, which is not among the scorings {}", listed());
                list.iter().position(|known| *known == by).ok_or_else(|| Error::invalid(among()))
            }),
        }
    }
}

impl Scorings {
    /// The scorings, each once.
    pub fn list(&self) -> &[Scoring] {
        &self.list
    }

    /// The end of the names of a scoring's columns: `score`, or its name.
    pub fn column(&self, scoring: Scoring) -> &'static str {
        if self.named { scoring.name() } else { "score" }
    }

    fn named(scorings: impl IntoIterator<Item = Scoring>) -> Scorings {
        let mut list = Vec::new();
        scorings.into_iter().for_each(|scoring| {
            if !list.contains(&scoring) {
                list.push(scoring);
            }
        });
        Scorings { list, named: true, unknown: None }
    }

    /// Those of these names.
    fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Scorings {
        let (mut known, mut unknown) = (Vec::new(), None);
        for name in names {
            match name.parse() {
                Ok(scoring) => known.push(scoring),
                Err(_) => unknown = unknown.or(Some(name.to_string())),
            }
        }
        // scorings that are not known yet are no lack of scorings
        Scorings { unknown, ..Scorings::named(known) }
    }
}

impl ErrorScore {
    /// The score of a fit that failed, and a note of why.
    ///
    /// # Errors
    /// The error, if it is to be raised, or is not of the data: when memory runs out, or the search is cancelled.
    pub(crate) fn instead(self, error: Error, fit: impl FnOnce() -> String) -> Result<(f64, Note)> {
        match self {
            ErrorScore::Value(score)
                if matches!(error.kind(), ErrorKind::Model { .. } | ErrorKind::Panicked { .. }) =>
            {
                let failed = Note::FitFailed { fit: fit(), why: error.to_string() };
                note::log(std::slice::from_ref(&failed));
                Ok((score, failed))
            }
            _ => Err(error),
        }
    }
}

impl IntoScorings for Scoring {
    fn into_scorings(self) -> Scorings {
        Scorings { list: vec![self], named: false, unknown: None }
    }
}

impl IntoScorings for &str {
    fn into_scorings(self) -> Scorings {
        Scorings { named: false, ..Scorings::of_names([self]) }
    }
}

impl<const N: usize> IntoScorings for [&str; N] {
    fn into_scorings(self) -> Scorings {
        Scorings::of_names(self)
    }
}

impl IntoScorings for Vec<&str> {
    fn into_scorings(self) -> Scorings {
        Scorings::of_names(self)
    }
}

impl<const N: usize> IntoScorings for [Scoring; N] {
    fn into_scorings(self) -> Scorings {
        Scorings::named(self)
    }
}

impl IntoScorings for Vec<Scoring> {
    fn into_scorings(self) -> Scorings {
        Scorings::named(self)
    }
}

impl IntoScorings for &[Scoring] {
    fn into_scorings(self) -> Scorings {
        Scorings::named(self.iter().copied())
    }
}

impl IntoScorings for Scorings {
    fn into_scorings(self) -> Scorings {
        self
    }
}

impl From<bool> for Refit {
    fn from(refit: bool) -> Refit {
        if refit { Refit::Yes } else { Refit::No }
    }
}

impl From<Scoring> for Refit {
    fn from(scoring: Scoring) -> Refit {
        Refit::By(scoring)
    }
}

impl From<&str> for Refit {
    fn from(name: &str) -> Refit {
        name.parse().map_or_else(|_| Refit::ByName(name.to_string()), Refit::By)
    }
}

impl From<f64> for ErrorScore {
    fn from(score: f64) -> ErrorScore {
        ErrorScore::Value(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scoring_that_decides_has_to_be_named() {
        let search = || GridSearchCv::new(Pipeline::new(), ParamGrid::new());
        let decisive = |search: GridSearchCv| {
            let scorings = search.settings.scorings(Task::Classification);
            search.settings.decisive(&scorings).map_err(|e| e.to_string())
        };
        let both = [Scoring::Accuracy, Scoring::RocAuc, Scoring::Accuracy];
        assert_eq!(decisive(search()), Ok(0));
        assert!(decisive(search().scoring(both)).unwrap_err().contains("accuracy, roc_auc, and none that decides"));
        assert_eq!(decisive(search().scoring(both).refit(Scoring::RocAuc)), Ok(1));
        assert_eq!(decisive(search().scoring(both).refit(false)), Ok(0));
        assert!(decisive(search().refit(Scoring::F1)).unwrap_err().contains("by `f1`"));
        assert!(decisive(search().scoring(Vec::<Scoring>::new())).is_err());
        assert_eq!(decisive(search().scoring(["f1", "roc_auc"]).refit("roc_auc")), Ok(1));
        assert_eq!("roc_auc".into_scorings(), Scoring::RocAuc.into_scorings());
        let wrong = decisive(search().scoring(["f1", "roc-auc"]).refit("f1")).unwrap_err();
        assert!(wrong.contains("no scoring `roc-auc`, did you mean `roc_auc`"), "{wrong}");
        assert!(decisive(search().scoring("f2")).unwrap_err().contains("no scoring `f2`"));
        assert!(decisive(search().scoring("f1").refit("f2")).unwrap_err().contains("no scoring `f2`"));
        assert_eq!([Scoring::F1].into_scorings().column(Scoring::F1), "f1");
    }

    #[test]
    fn only_errors_of_the_data_become_scores() {
        let instead = |error: Error| ErrorScore::Value(-1.0).instead(error, || "it".into());
        let (score, note) = instead(Error::model("no rows")).unwrap();
        assert_eq!(score, -1.0);
        assert!(note.to_string().contains("no rows"), "{note}");
        assert!(instead(Error::invalid("l1_ratio")).is_err());
        assert!(ErrorScore::Raise.instead(Error::model("no rows"), || "it".into()).is_err());
    }
}
