//! What a search found.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use serde::{Deserialize, Serialize};

use super::grid::{Params, shown};
use super::scoring::Scoring;
use super::settings::Scorings;
use crate::base::{Error, Result};
use crate::frame::{DataFrame, Table};
use crate::ml::pipeline::{FittedPipeline, Note, ParamValue};
use crate::ml::train::{Pass, Passes};

/// The result of a [`SearchCv`](super::SearchCv): the scores of all candidates, and the best one fitted to all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedGridSearchCv {
    candidates: Vec<Params>,
    scorings: Scorings,
    /// By scoring.
    judged: Vec<Judged>,
    /// Rows tested on in each split.
    sizes: Vec<u64>,
    /// The place of the scoring that decides.
    decisive: usize,
    best: usize,
    estimator: Option<FittedPipeline>,
    notes: Vec<Note>,
    #[serde(default)]
    passes: Passes,
    #[serde(default)]
    history: Vec<Pass>,
}

/// What a search has measured, to be made sense of.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// The candidates, in their order.
    pub candidates: Vec<Params>,
    /// What they were judged by.
    pub scorings: Scorings,
    /// The scores of test rows: by scoring, then by candidate, then by split.
    pub test: Vec<Vec<Vec<f64>>>,
    /// The scores of training rows, if they were asked for.
    pub train: Option<Vec<Vec<Vec<f64>>>>,
    /// The rows tested on in each split.
    pub sizes: Vec<u64>,
    /// Whether test scores are weighed by those.
    pub iid: bool,
    /// The place of the scoring by which the best is chosen.
    pub decisive: usize,
    /// What a user may not expect.
    pub notes: Vec<Note>,
    /// How often rows were read.
    pub passes: Passes,
    /// What came of each pass of the solvers.
    pub history: Vec<Pass>,
}

/// The scores of all candidates by one scoring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    scoring: Scoring,
    test: Scores,
    train: Option<Scores>,
}

/// Scores by candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scores {
    /// By candidate, then by split.
    splits: Vec<Vec<f64>>,
    mean: Vec<f64>,
    std: Vec<f64>,
}

impl Scores {
    /// Scores and what splits weigh.
    fn new(splits: Vec<Vec<f64>>, weights: &[f64]) -> Scores {
        let average = |values: &mut dyn Iterator<Item = f64>| {
            values.zip(weights).map(|(v, w)| v * w).sum::<f64>() / weights.iter().sum::<f64>()
        };
        let mean: Vec<f64> = splits.iter().map(|scores| average(&mut scores.iter().copied())).collect();
        let spread = |(scores, mean): (&Vec<f64>, &f64)| average(&mut scores.iter().map(|s| (s - mean).powi(2))).sqrt();
        let std = splits.iter().zip(&mean).map(spread).collect();
        Scores { splits, mean, std }
    }
}

impl Judged {
    /// The scoring.
    pub fn scoring(&self) -> Scoring {
        self.scoring
    }

    /// The scores of the test rows, by candidate, then by split.
    pub fn split_test_scores(&self) -> &[Vec<f64>] {
        &self.test.splits
    }

    /// The mean test score of each candidate over the splits; NaN if one of them is.
    pub fn mean_test_scores(&self) -> &[f64] {
        &self.test.mean
    }

    /// The standard deviation of each candidate's test scores over the splits.
    pub fn std_test_scores(&self) -> &[f64] {
        &self.test.std
    }

    /// The scores of the training rows, by candidate, then by split, if
    /// [`return_train_score`](super::SearchCv::return_train_score) asked for them.
    pub fn split_train_scores(&self) -> Option<&[Vec<f64>]> {
        self.train.as_ref().map(|train| train.splits.as_slice())
    }

    /// The mean training score of each candidate, every split counting the same.
    pub fn mean_train_scores(&self) -> Option<&[f64]> {
        self.train.as_ref().map(|train| train.mean.as_slice())
    }

    /// The standard deviation of each candidate's training scores over the splits.
    pub fn std_train_scores(&self) -> Option<&[f64]> {
        self.train.as_ref().map(|train| train.std.as_slice())
    }

    /// The rank of each candidate, from 1: one more than how many are better. NaN is behind all numbers.
    pub fn ranks(&self) -> Vec<i64> {
        let better = |a: f64, b: f64| a > b || (b.is_nan() && !a.is_nan());
        let rank = |mean: &f64| 1 + self.test.mean.iter().filter(|other| better(**other, *mean)).count() as i64;
        self.test.mean.iter().map(rank).collect()
    }

    /// The first candidate of the best rank.
    fn best(&self) -> usize {
        self.ranks().iter().position(|rank| *rank == 1).unwrap_or(0)
    }

    /// The columns of the results, whose names end in `name`.
    fn columns(&self, name: &str, columns: &mut Vec<(String, ArrayRef)>) {
        let floats = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
        let mut add = |kind: &str, scores: &Scores| {
            for split in 0..scores.splits.first().map_or(0, Vec::len) {
                let of_split = scores.splits.iter().map(|scores| scores[split]).collect();
                columns.push((format!("split{split}_{kind}_{name}"), floats(of_split)));
            }
            columns.push((format!("mean_{kind}_{name}"), floats(scores.mean.clone())));
            columns.push((format!("std_{kind}_{name}"), floats(scores.std.clone())));
            if kind == "test" {
                columns.push((format!("rank_test_{name}"), Arc::new(Int64Array::from(self.ranks()))));
            }
        };
        add("test", &self.test);
        self.train.iter().for_each(|train| add("train", train));
    }
}

impl FittedGridSearchCv {
    /// # Errors
    /// `Invalid` without candidates or scorings; `Model` if no candidate has a score by which one could be chosen.
    pub(crate) fn new(measured: Measured) -> Result<Self> {
        let Measured { candidates, scorings, test, train, sizes, iid, decisive, notes, passes, history } = measured;
        let weights: Vec<f64> = sizes.iter().map(|size| if iid { *size as f64 } else { 1.0 }).collect();
        let mut train: Vec<Option<_>> = train.map_or_else(Vec::new, |train| train.into_iter().map(Some).collect());
        train.resize(test.len(), None);
        let judged: Vec<Judged> = scorings
            .list()
            .iter()
            .zip(test.into_iter().zip(train))
            .map(|(scoring, (test, train))| Judged {
                scoring: *scoring,
                test: Scores::new(test, &weights),
                train: train.map(|train| Scores::new(train, &vec![1.0; sizes.len()])),
            })
            .collect();
        let Some(deciding) = judged.get(decisive).filter(|judged| !judged.test.mean.is_empty()) else {
            return Err(Error::invalid("the search has no candidate or no scoring"));
        };
        if deciding.test.mean.iter().all(|mean| mean.is_nan()) {
            let what = format!("no candidate has a score by `{}`: in some split of each it is NaN", deciding.scoring);
            return Err(notes
                .last()
                .map_or(Error::model(what.clone()), |note| Error::model(format!("{what}; {note}")))
                .doing("choose the best candidate")
                .help("in a fold without rows of some class there may be no score: use StratifiedKFold, fewer folds, or a larger sample"));
        }
        let best = deciding.best();
        Ok(FittedGridSearchCv {
            candidates,
            scorings,
            judged,
            sizes,
            decisive,
            best,
            estimator: None,
            notes,
            passes,
            history,
        })
    }

    /// The best candidate was fitted to all rows, in so many further passes.
    pub(crate) fn refitted(&mut self, estimator: FittedPipeline, passes: Passes) {
        self.passes += passes;
        self.notes.extend(estimator.notes().iter().filter(|n| !self.notes.contains(n)).cloned().collect::<Vec<_>>());
        self.estimator = Some(estimator);
    }

    /// How often rows were read, the fit of the best to all rows included.
    pub fn passes(&self) -> Passes {
        self.passes
    }

    /// What came of each pass of the solvers that all candidates and splits rode on; that of the fit of the best to all
    /// rows is in [`best_estimator`](Self::best_estimator).
    pub fn history(&self) -> &[Pass] {
        &self.history
    }

    /// The candidates, in their order.
    pub fn candidates(&self) -> &[Params] {
        &self.candidates
    }

    /// The scores by each scoring.
    pub fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// The scores by one scoring.
    ///
    /// # Errors
    /// `Invalid` if candidates were not judged by it.
    pub fn by(&self, scoring: Scoring) -> Result<&Judged> {
        self.judged.iter().find(|judged| judged.scoring == scoring).ok_or_else(|| {
            let known: Vec<String> = self.judged.iter().map(|judged| judged.scoring.to_string()).collect();
            Error::invalid(format!("the candidates were not judged by `{scoring}`"))
                .help(format!("they were by {}", known.join(", ")))
        })
    }

    /// The scores by the scoring that decides.
    pub fn deciding(&self) -> &Judged {
        &self.judged[self.decisive]
    }

    /// The test scores of each candidate in each split, by the scoring that decides.
    pub fn split_test_scores(&self) -> &[Vec<f64>] {
        self.deciding().split_test_scores()
    }

    /// The mean test score of each candidate over the splits, by the scoring that decides.
    pub fn mean_test_scores(&self) -> &[f64] {
        self.deciding().mean_test_scores()
    }

    /// The rows tested on in each split.
    pub fn fold_sizes(&self) -> &[u64] {
        &self.sizes
    }

    /// The place of the best candidate by the scoring that decides; of equally good ones the first.
    pub fn best_index(&self) -> usize {
        self.best
    }

    /// The parameters of the best candidate.
    pub fn best_params(&self) -> &Params {
        &self.candidates[self.best]
    }

    /// The mean score of the best candidate.
    pub fn best_score(&self) -> f64 {
        self.mean_test_scores()[self.best]
    }

    /// The best candidate fitted to all rows.
    ///
    /// # Errors
    /// `Model` if the search was told not to [`refit`](super::SearchCv::refit).
    pub fn best_estimator(&self) -> Result<&FittedPipeline> {
        self.estimator.as_ref().ok_or_else(|| {
            Error::model("the search did not fit the best candidate to all rows").help("leave out refit(false)")
        })
    }

    /// What the best candidate, fitted to all rows, predicts for the rows of a frame: [`FittedPipeline::predict`].
    ///
    /// # Errors
    /// As [`best_estimator`](Self::best_estimator) and [`FittedPipeline::predict`].
    pub fn predict(&self, frame: &DataFrame) -> Result<DataFrame> {
        self.best_estimator()?.predict(frame)
    }

    /// The probabilities of the classes by the best candidate: [`FittedPipeline::predict_proba`].
    ///
    /// # Errors
    /// As [`best_estimator`](Self::best_estimator) and [`FittedPipeline::predict_proba`].
    pub fn predict_proba(&self, frame: &DataFrame) -> Result<DataFrame> {
        self.best_estimator()?.predict_proba(frame)
    }

    /// What a user may not expect of this search: columns that are dropped, fits that failed or have not converged.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// A row for each candidate: `params`, a column `param_…` for each parameter (null for candidates that have it not),
    /// `split0_test_score` …, `mean_test_score`, `std_test_score` and `rank_test_score` (from 1; equally good ones share
    /// the best rank, NaN is last); then the same of `train`, without a rank, if training rows were scored. If several
    /// scorings were given, there are such columns for each, that end in its name: `mean_test_roc_auc`.
    ///
    /// # Errors
    /// Never in practice.
    pub fn cv_results(&self) -> Result<Table> {
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        let texts: StringArray = self.candidates.iter().map(|params| Some(shown(params))).collect();
        columns.push(("params".into(), Arc::new(texts)));
        let names: BTreeSet<&String> = self.candidates.iter().flat_map(Params::keys).collect();
        for name in names {
            let values: Vec<Option<&ParamValue>> = self.candidates.iter().map(|params| params.get(name)).collect();
            columns.push((format!("param_{name}"), param_column(&values)));
        }
        for judged in &self.judged {
            judged.columns(self.scorings.column(judged.scoring), &mut columns);
        }
        let field =
            |(name, column): &(String, ArrayRef)| Field::new(name, column.data_type().clone(), column.is_nullable());
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, c)| c).collect())?;
        Ok(Table::new(schema, vec![batch]))
    }
}

/// Values of one type as a column of it, others as text.
pub(super) fn param_column(values: &[Option<&ParamValue>]) -> ArrayRef {
    fn all<T>(values: &[Option<&ParamValue>], of: impl Fn(&ParamValue) -> Option<T>) -> Option<Vec<Option<T>>> {
        values.iter().map(|value| value.map_or(Some(None), |value| of(value).map(Some))).collect()
    }
    let bools = all(values, |v| if let ParamValue::Bool(v) = v { Some(*v) } else { None });
    let ints = all(values, |v| if let ParamValue::Int(v) = v { Some(*v) } else { None });
    let floats = all(values, |v| if let ParamValue::Float(v) = v { Some(*v) } else { None });
    match (bools, ints, floats) {
        (Some(values), ..) => Arc::new(BooleanArray::from(values)),
        (_, Some(values), _) => Arc::new(Int64Array::from(values)),
        (.., Some(values)) => Arc::new(Float64Array::from(values)),
        _ => Arc::new(values.iter().map(|value| value.map(ParamValue::to_string)).collect::<StringArray>()),
    }
}

impl fmt::Display for FittedGridSearchCv {
    /// The best score, and what a user may not expect.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (candidates, folds) = (self.candidates.len(), self.sizes.len());
        write!(f, "best of {candidates} candidates in {folds} folds")?;
        if self.judged.len() > 1 {
            write!(f, " by {}", self.deciding().scoring)?;
        }
        write!(f, ": {:.6}", self.best_score())?;
        if !self.best_params().is_empty() {
            write!(f, " with {}", shown(self.best_params()))?;
        }
        for (place, judged) in self.judged.iter().enumerate().filter(|(place, _)| *place != self.decisive) {
            let comma = if place == usize::from(self.decisive == 0) { "; its" } else { "," };
            write!(f, "{comma} {} is {:.6}", judged.scoring, judged.test.mean[self.best])?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::select::settings::IntoScorings;

    fn measured(scorings: impl IntoScorings, test: Vec<Vec<Vec<f64>>>) -> Measured {
        let candidates =
            (0..test[0].len()).map(|i| Params::from([("clf__C".to_string(), (i as f64).into())])).collect();
        Measured {
            candidates,
            scorings: scorings.into_scorings(),
            test,
            train: None,
            sizes: vec![3, 1],
            iid: true,
            decisive: 0,
            notes: Vec::new(),
            passes: Passes::default(),
            history: Vec::new(),
        }
    }

    #[test]
    fn ties_go_to_the_first_and_means_are_weighted_by_fold() {
        let scores = vec![vec![0.5, 0.75], vec![0.75, 0.625], vec![0.75, 0.625]];
        let made = |iid| {
            FittedGridSearchCv::new(Measured { iid, ..measured(Scoring::Accuracy, vec![scores.clone()]) }).unwrap()
        };
        assert_eq!((made(true).best_index(), made(true).best_score()), (1, 0.71875));
        assert_eq!(made(false).best_score(), 0.6875);
        let std = made(true).cv_results().unwrap().f64s("std_test_score").unwrap()[1].unwrap();
        assert!((std - (0.75 * 0.03125_f64.powi(2) + 0.25 * 0.09375_f64.powi(2)).sqrt()).abs() < 1e-15);
        let rank = made(true).cv_results().unwrap().f64s("rank_test_score").unwrap();
        assert_eq!(rank, [Some(3.0), Some(1.0), Some(1.0)]);
        assert_eq!(made(true).to_string(), "best of 3 candidates in 2 folds: 0.718750 with clf__C=1.0");
    }

    #[test]
    fn nan_ranks_last_and_nothing_else_is_an_error() {
        let nan = f64::NAN;
        let search = |scores| FittedGridSearchCv::new(measured(Scoring::R2, vec![scores]));
        let found = search(vec![vec![nan, 1.0], vec![-1e300, -1e300], vec![nan, nan], vec![0.0, -1.0]]).unwrap();
        assert_eq!(found.by(Scoring::R2).unwrap().ranks(), [3, 2, 3, 1]);
        assert_eq!(found.best_index(), 3);
        let text = search(vec![vec![nan, 1.0]]).unwrap_err().to_string();
        assert!(text.contains("no candidate has a score by `r2`"), "{text}");
        assert!(search(Vec::new()).is_err());
    }

    #[test]
    fn several_scorings_have_columns_of_their_names() {
        let test = vec![vec![vec![0.5, 0.5], vec![0.75, 0.75]], vec![vec![0.9, 0.9], vec![0.8, 0.8]]];
        let train = Some(vec![vec![vec![0.5, 1.0]; 2], vec![vec![0.5, 0.5]; 2]]);
        let both = measured([Scoring::Accuracy, Scoring::RocAuc], test);
        let mut candidates = both.candidates.clone();
        candidates[1].insert("clf__tol".into(), true.into());
        let search = FittedGridSearchCv::new(Measured { decisive: 1, train, candidates, ..both }).unwrap();
        assert_eq!((search.best_index(), search.best_score()), (0, 0.9));
        let table = search.cv_results().unwrap();
        let names: Vec<String> = table.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(
            names.join(" "),
            "params param_clf__C param_clf__tol \
            split0_test_accuracy split1_test_accuracy mean_test_accuracy std_test_accuracy rank_test_accuracy \
            split0_train_accuracy split1_train_accuracy mean_train_accuracy std_train_accuracy \
            split0_test_roc_auc split1_test_roc_auc mean_test_roc_auc std_test_roc_auc rank_test_roc_auc \
            split0_train_roc_auc split1_train_roc_auc mean_train_roc_auc std_train_roc_auc"
        );
        assert_eq!(table.f64s("mean_train_accuracy").unwrap(), [Some(0.75); 2]);
        assert_eq!(table.column("param_clf__tol").unwrap().null_count(), 1);
        assert!(search.by(Scoring::F1).unwrap_err().to_string().contains("they were by accuracy, roc_auc"));
        let text = "best of 2 candidates in 2 folds by roc_auc: 0.900000 with clf__C=0.0; its accuracy is 0.500000";
        assert_eq!(search.to_string(), text);
    }
}
