//! Search over parameters by cross-validation: dask-ml's and scikit-learn's `GridSearchCV`.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::folds::splits::{Splits, Totals};
use super::folds::{Cv, IntoCv};
use super::grid::{ParamGrid, Params, shown};
use super::report::FittedGridSearchCv;
use super::score::{Predicted, Truth};
use super::scoring::Scoring;
use crate::base::{Error, Result};
use crate::exec::Cancel;
use crate::frame::DataFrame;
use crate::ml::dataset::{Target, features};
use crate::ml::logistic::{FittedLogisticRegression, ValidLogisticRegression, fit_path};
use crate::ml::pipeline::chain::Prepared;
use crate::ml::pipeline::note::{self, Note};
use crate::ml::pipeline::rows::{Collected, Rows};
use crate::ml::pipeline::{FittedPipeline, Pipeline};

/// Fits a pipeline with every combination of a grid, each on all folds of the rows but one in turn, scores it on that
/// one, and fits the best to all rows.
///
/// Steps that prepare columns are fitted anew on each training set (its own categories, means and deviations), but once
/// for all candidates that share them; the fits of a fold begin where the candidate before ended. All rows are held in
/// memory. The result does not depend on partitions or threads.
///
/// ```
/// use partita::ml::{GridSearchCv, LogisticRegression, ParamGrid, Pipeline, StandardScaler, Target, linfa::DatasetBase};
/// # use std::sync::Arc;
/// # let hour = Arc::new(arrow::array::Int64Array::from_iter_values((0..30).map(|i| i * i % 11))) as arrow::array::ArrayRef;
/// # let tip = Arc::new(arrow::array::BooleanArray::from_iter((0..30).map(|i| Some(i * i % 11 + i % 3 > 4)))) as _;
/// # let batch = arrow::array::RecordBatch::try_from_iter([("hour", hour), ("high_tip", tip)]).unwrap();
/// # let taxi = partita::DataFrame::from_batches([batch])?;
/// let pipeline = Pipeline::new().step("scale", StandardScaler::new()).step("clf", LogisticRegression::new());
/// let grid = ParamGrid::new().values(LogisticRegression::L1_RATIO.of("clf"), [0.2, 0.5, 0.9]);
/// let search = GridSearchCv::new(pipeline, grid).cv(3).fit(&DatasetBase::new(taxi, Target::column("high_tip")))?;
/// println!("{} {:?}\n{}", search.best_score(), search.best_params(), search.cv_results()?);
/// # assert!(search.best_score() > 0.6);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GridSearchCv {
    pipeline: Pipeline,
    grid: ParamGrid,
    cv: Cv,
    scoring: Scoring,
    iid: bool,
    refit: bool,
}

/// Candidates whose steps before the model are the same.
struct Group {
    prepared: Prepared,
    /// Each candidate's place in the grid, and its model.
    candidates: Vec<usize>,
    models: Vec<ValidLogisticRegression>,
}

/// The scores of a group's candidates in a fold, and the residuals of those that have not converged.
struct Scored {
    scores: Vec<f64>,
    late: Vec<(usize, f64)>,
}

impl GridSearchCv {
    /// Three stratified folds, accuracy, means weighted by fold size, and a fit of the best to all rows.
    pub fn new(pipeline: Pipeline, grid: ParamGrid) -> Self {
        GridSearchCv { pipeline, grid, cv: 3_usize.into_cv(), scoring: Scoring::Accuracy, iid: true, refit: true }
    }

    /// The folds: a number of stratified ones, [`StratifiedKFold`] or [`KFold`].
    #[must_use]
    pub fn cv(mut self, cv: impl IntoCv) -> Self {
        self.cv = cv.into_cv();
        self
    }

    /// What a candidate is judged by.
    #[must_use]
    pub fn scoring(mut self, scoring: Scoring) -> Self {
        self.scoring = scoring;
        self
    }

    /// Whether mean and deviation of the scores weigh each fold by its rows, as dask-ml does by default; else each fold
    /// counts the same, as in scikit-learn.
    #[must_use]
    pub fn iid(mut self, iid: bool) -> Self {
        self.iid = iid;
        self
    }

    /// Whether the best candidate is fitted to all rows in the end.
    #[must_use]
    pub fn refit(mut self, refit: bool) -> Self {
        self.refit = refit;
        self
    }

    /// Searches.
    ///
    /// # Errors
    /// `Invalid` for a parameter that the pipeline has not (listing those it has) and for values out of range; else as
    /// [`Pipeline::fit`], and `Model` where a fold lacks a class.
    pub fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedGridSearchCv> {
        let (frame, target) = (dataset.records(), dataset.targets().name());
        let schema = features(dataset)?;
        let candidates = self.grid.candidates()?;
        let mut groups: Vec<Group> = Vec::new();
        for (place, params) in candidates.iter().enumerate() {
            let prepared = self.pipeline.with_params(params)?.prepare(&schema)?;
            let model = prepared.model.clone();
            match groups.iter_mut().find(|g| g.prepared.steps == prepared.steps) {
                Some(group) => {
                    group.candidates.push(place);
                    group.models.push(model);
                }
                None => groups.push(Group { prepared, candidates: vec![place], models: vec![model] }),
            }
        }
        let inputs: Vec<String> = crate::ml::pipeline::step::names(&schema)
            .into_iter()
            .filter(|name| groups.iter().any(|g| g.prepared.inputs.contains(name)))
            .collect();
        let mut collected = Collected::of(frame, &inputs, target)?;
        let session = frame.session();
        collected.reserve(session.threads().min(groups.len() * self.cv.folds()).max(1))?;
        let mut search = Search { search: self, collected, target, candidates, groups, cancel: session.cancel_token() };
        match session.install(|| search.run()) {
            Some(result) => result,
            None => search.run(),
        }
    }
}

/// A search under way: everything that does not change.
struct Search<'a> {
    search: &'a GridSearchCv,
    collected: Collected,
    target: &'a str,
    candidates: Vec<Params>,
    groups: Vec<Group>,
    cancel: &'a Cancel,
}

impl Search<'_> {
    fn run(&mut self) -> Result<FittedGridSearchCv> {
        let mut notes = self.groups.first().map(|g| g.prepared.notes.clone()).unwrap_or_default();
        note::log(&notes);
        let folds = self.search.cv.folds();
        let splits = self.search.cv.splits(&Totals::of_classes(&self.collected.y))?;
        let block_of = splits.ids_of_classes(&self.collected.y);
        let sizes = (0..folds).map(|fold| splits.test_rows(fold)).collect();
        let work: Vec<(&Group, usize)> =
            self.groups.iter().flat_map(|group| (0..folds).map(move |fold| (group, fold))).collect();
        let scored: Vec<Result<Scored>> =
            work.par_iter().map(|(group, fold)| self.score(group, *fold, &splits, &block_of)).collect();
        let mut scores = vec![vec![f64::NAN; folds]; self.candidates.len()];
        for ((group, fold), scored) in work.iter().zip(scored) {
            let scored = scored?;
            for (place, score) in group.candidates.iter().zip(&scored.scores) {
                scores[*place][*fold] = *score;
            }
            notes.extend(scored.late.iter().map(|(place, kkt)| {
                let fit = format!("candidate {place} ({}), fold {fold}", shown(&self.candidates[*place]));
                let late = Note::NotConverged { fit, kkt: *kkt };
                note::log(std::slice::from_ref(&late));
                late
            }));
        }
        let mut result = FittedGridSearchCv::new(self.candidates.clone(), scores, sizes, self.search.iid, notes);
        if self.search.refit {
            result.refitted(self.refit(result.best_index())?);
        }
        Ok(result)
    }

    /// Fits a group's candidates to all folds but one, and scores them on that.
    fn score(&self, group: &Group, fold: usize, splits: &Splits, block_of: &[u32]) -> Result<Scored> {
        self.cancel.check()?;
        let in_fold = |e: Error| e.at_column(self.target).help(format!("this was in fold {fold}"));
        let part = |test: bool| -> Result<(RecordBatch, Vec<u32>)> {
            let chosen = |block: usize| if test { splits.tests(fold, block) } else { splits.trains(fold, block) };
            let mask: BooleanArray = block_of.iter().map(|block| Some(chosen(*block as usize))).collect();
            let rows = self.collected.y.iter().zip(block_of);
            let y = rows.filter(|(_, block)| chosen(**block as usize)).map(|(y, _)| *y);
            Ok((filter_record_batch(&self.collected.features, &mask)?, y.collect()))
        };
        let (train, y) = part(false)?;
        let (steps, rows) = group.prepared.fit_steps(&train)?;
        drop(train);
        let models = fit_path(&group.models, &rows.design()?, &self.collected.classes, &y).map_err(in_fold)?;
        let (test, y) = part(true)?;
        let rows = Rows::of(&test, &group.prepared.inputs)?;
        let design = steps.iter().try_fold(rows, |rows, (_, step)| step.apply(rows))?.design()?;
        let score = |model: &FittedLogisticRegression| {
            let margins = model.decision_function(&design)?;
            let mut score = self.search.scoring.begin(Some(self.collected.classes.len()))?;
            score.update(Truth::Classes(&y), &Predicted::Margins(&margins), None)?;
            Ok(score.value())
        };
        let late = group.candidates.iter().zip(&models).filter(|(_, model)| !model.converged());
        let late = late.map(|(place, model)| (*place, model.kkt())).collect();
        Ok(Scored { scores: models.iter().map(score).collect::<Result<_>>()?, late })
    }

    fn refit(&self, best: usize) -> Result<FittedPipeline> {
        self.cancel.check()?;
        let of_best = self.groups.iter().find_map(|group| {
            let at = group.candidates.iter().position(|place| *place == best)?;
            Some(Prepared { model: group.models[at].clone(), ..group.prepared.clone() })
        });
        let prepared = of_best.ok_or_else(|| Error::invalid("the search has no candidate"))?;
        prepared.fit(&self.collected, self.target)
    }
}

impl Fit<DataFrame, Target, Error> for GridSearchCv {
    type Object = FittedGridSearchCv;

    fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedGridSearchCv> {
        GridSearchCv::fit(self, dataset)
    }
}
