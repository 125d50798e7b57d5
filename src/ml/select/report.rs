//! What a search found.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use serde::{Deserialize, Serialize};

use super::grid::{Params, shown};
use crate::base::{Error, Result};
use crate::frame::Table;
use crate::ml::pipeline::{FittedPipeline, Note, ParamValue};

/// The result of [`GridSearchCv`](super::GridSearchCv): the scores of all candidates, and the best one fitted to all rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedGridSearchCv {
    candidates: Vec<Params>,
    /// By candidate, then by fold.
    scores: Vec<Vec<f64>>,
    /// Rows held out in each fold.
    sizes: Vec<u64>,
    mean: Vec<f64>,
    std: Vec<f64>,
    best: usize,
    estimator: Option<FittedPipeline>,
    notes: Vec<Note>,
}

impl FittedGridSearchCv {
    pub(crate) fn new(
        candidates: Vec<Params>,
        scores: Vec<Vec<f64>>,
        sizes: Vec<u64>,
        iid: bool,
        notes: Vec<Note>,
    ) -> Self {
        let weights: Vec<f64> = sizes.iter().map(|size| if iid { *size as f64 } else { 1.0 }).collect();
        let average = |values: &mut dyn Iterator<Item = f64>| {
            values.zip(&weights).map(|(v, w)| v * w).sum::<f64>() / weights.iter().sum::<f64>()
        };
        let mean: Vec<f64> = scores.iter().map(|folds| average(&mut folds.iter().copied())).collect();
        let spread = |(folds, mean): (&Vec<f64>, &f64)| average(&mut folds.iter().map(|s| (s - mean).powi(2))).sqrt();
        let std = scores.iter().zip(&mean).map(spread).collect();
        // of equal ones the first
        let best = (0..mean.len()).fold(0, |best, i| if mean[i] > mean[best] { i } else { best });
        FittedGridSearchCv { candidates, scores, sizes, mean, std, best, estimator: None, notes }
    }

    pub(crate) fn refitted(&mut self, estimator: FittedPipeline) {
        self.notes.extend(estimator.notes().iter().filter(|n| !self.notes.contains(n)).cloned().collect::<Vec<_>>());
        self.estimator = Some(estimator);
    }

    /// The candidates, in the order of the grid.
    pub fn candidates(&self) -> &[Params] {
        &self.candidates
    }

    /// The scores of each candidate in each fold.
    pub fn split_test_scores(&self) -> &[Vec<f64>] {
        &self.scores
    }

    /// The mean score of each candidate over the folds.
    pub fn mean_test_scores(&self) -> &[f64] {
        &self.mean
    }

    /// The rows held out in each fold.
    pub fn fold_sizes(&self) -> &[u64] {
        &self.sizes
    }

    /// The place of the best candidate; of equally good ones the first.
    pub fn best_index(&self) -> usize {
        self.best
    }

    /// The parameters of the best candidate.
    pub fn best_params(&self) -> &Params {
        &self.candidates[self.best]
    }

    /// The mean score of the best candidate.
    pub fn best_score(&self) -> f64 {
        self.mean[self.best]
    }

    /// The best candidate fitted to all rows.
    ///
    /// # Errors
    /// `Model` if the search was told not to [`refit`](super::GridSearchCv::refit).
    pub fn best_estimator(&self) -> Result<&FittedPipeline> {
        self.estimator.as_ref().ok_or_else(|| {
            Error::model("the search did not fit the best candidate to all rows").help("leave out refit(false)")
        })
    }

    /// What a user may not expect of this search: columns that are dropped, fits that have not converged.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// A row for each candidate: `params`, a column `param_…` for each parameter, `split0_test_score` …,
    /// `mean_test_score`, `std_test_score` and `rank_test_score` (from 1; equally good ones share the best rank).
    ///
    /// # Errors
    /// Never in practice.
    pub fn cv_results(&self) -> Result<Table> {
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        let texts: StringArray = self.candidates.iter().map(|params| Some(shown(params))).collect();
        columns.push(("params".into(), Arc::new(texts)));
        for name in self.candidates.first().into_iter().flat_map(Params::keys) {
            let values: Vec<ParamValue> = self.candidates.iter().filter_map(|p| p.get(name)).cloned().collect();
            columns.push((format!("param_{name}"), param_column(&values)));
        }
        let floats = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as ArrayRef;
        for fold in 0..self.sizes.len() {
            let scores = self.scores.iter().map(|folds| folds[fold]).collect();
            columns.push((format!("split{fold}_test_score"), floats(scores)));
        }
        columns.push(("mean_test_score".into(), floats(self.mean.clone())));
        columns.push(("std_test_score".into(), floats(self.std.clone())));
        let rank = |mean: &f64| 1 + self.mean.iter().filter(|other| *other > mean).count() as i64;
        columns.push(("rank_test_score".into(), Arc::new(self.mean.iter().map(rank).collect::<Int64Array>())));
        let fields: Vec<Field> = columns.iter().map(|(n, c)| Field::new(n, c.data_type().clone(), false)).collect();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, c)| c).collect())?;
        Ok(Table::new(schema, vec![batch]))
    }
}

/// Values of one type as a column of it, others as text.
fn param_column(values: &[ParamValue]) -> ArrayRef {
    let bools: Option<Vec<bool>> =
        values.iter().map(|v| if let ParamValue::Bool(v) = v { Some(*v) } else { None }).collect();
    let ints: Option<Vec<i64>> =
        values.iter().map(|v| if let ParamValue::Int(v) = v { Some(*v) } else { None }).collect();
    let floats: Option<Vec<f64>> =
        values.iter().map(|v| if let ParamValue::Float(v) = v { Some(*v) } else { None }).collect();
    match (bools, ints, floats) {
        (Some(values), ..) => Arc::new(BooleanArray::from(values)),
        (_, Some(values), _) => Arc::new(Int64Array::from(values)),
        (.., Some(values)) => Arc::new(Float64Array::from(values)),
        _ => Arc::new(StringArray::from_iter_values(values.iter().map(ParamValue::to_string))),
    }
}

impl fmt::Display for FittedGridSearchCv {
    /// The best score, and what a user may not expect.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (candidates, folds) = (self.candidates.len(), self.sizes.len());
        write!(f, "best of {candidates} candidates in {folds} folds: {:.6}", self.best_score())?;
        if !self.best_params().is_empty() {
            write!(f, " with {}", shown(self.best_params()))?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}
