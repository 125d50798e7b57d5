//! Search over parameters by cross-validation: dask-ml's and scikit-learn's `GridSearchCV`.

use std::sync::Arc;

use arrow::datatypes::Schema;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use serde::{Deserialize, Serialize};

use super::folds::splits::{Splits, Totals};
use super::folds::{Cv, IntoCv};
use super::grid::{ParamGrid, Params, shown};
use super::report::FittedGridSearchCv;
use super::scores::score;
use super::scoring::Scoring;
use crate::base::schema::index_of;
use crate::base::{Error, Result};
use crate::frame::DataFrame;
use crate::ml::dataset::{Target, features};
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::training::Estimator;
use crate::ml::pipeline::chain::{Prepared, fit_to_all};
use crate::ml::pipeline::note::{self, Note};
use crate::ml::pipeline::step::names;
use crate::ml::pipeline::{FittedPipeline, Pipeline};
use crate::ml::train::cache::{Cached, Wanted};
use crate::ml::train::training::{Passes, Wish, train};

/// Fits a pipeline with every combination of a grid, each on all folds of the rows but one in turn, scores it on that
/// one, and fits the best to all rows.
///
/// Steps that prepare columns are fitted anew on each training set (its own categories, means and deviations), but once
/// for all candidates that share them. The frame is read once; its rows are cached, in memory or on disk as the session's
/// memory limit asks for, and all candidates and folds ride on the same passes over the cache: how many there are does
/// not grow with the grid ([`passes`](FittedGridSearchCv::passes)). The result does not depend on partitions, threads or
/// the memory limit.
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
    prepared: Arc<Prepared>,
    /// Each candidate's place in the grid, and its model.
    candidates: Vec<(usize, Arc<dyn Estimator>)>,
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
        let (frame, target) = (dataset.records(), dataset.targets());
        let mut schema = features(dataset)?;
        if let Some(group) = self.cv.group_column() {
            schema = without(&schema, group)?;
        }
        let candidates = self.grid.candidates()?;
        let mut groups: Vec<Group> = Vec::new();
        for (place, params) in candidates.iter().enumerate() {
            let prepared = self.pipeline.with_params(params)?.prepare(&schema)?;
            let candidate = (place, prepared.model.clone());
            match groups.iter_mut().find(|g| g.prepared.steps == prepared.steps) {
                Some(group) => group.candidates.push(candidate),
                None => groups.push(Group { prepared: Arc::new(prepared), candidates: vec![candidate] }),
            }
        }
        let asked_by = |name: &String| groups.iter().any(|g| g.prepared.inputs.contains(name));
        let inputs: Vec<String> = names(&schema).into_iter().filter(asked_by).collect();
        let wanted = Wanted {
            coded: coded_by_all(&groups, &inputs),
            features: inputs,
            target: target.name(),
            task: groups.first().map_or(Task::Classification, |group| group.candidates[0].1.task()),
            weight: target.weight(),
            group: self.cv.group_column(),
        };
        let cached = Cached::of(frame, &wanted)?;
        let splits = self.cv.splits(&totals(&cached))?;
        let session = frame.session();
        let search = Search { search: self, cached, splits, target: target.name(), candidates, groups };
        session.install(|| search.run()).unwrap_or_else(|| search.run())
    }
}

/// The columns of a schema but for the one that groups the rows.
fn without(schema: &Schema, group: &str) -> Result<Schema> {
    let place = index_of(schema, group).map_err(|e| e.doing("find the groups"))?;
    let columns: Vec<usize> = (0..schema.fields().len()).filter(|column| *column != place).collect();
    Ok(schema.project(&columns)?)
}

/// The columns of which every group sees categories and nothing else.
fn coded_by_all(groups: &[Group], inputs: &[String]) -> Vec<String> {
    let coded: Vec<(&Group, Vec<String>)> = groups.iter().map(|group| (group, group.prepared.coded())).collect();
    let fits = |name: &&String| {
        coded.iter().all(|(group, coded)| coded.contains(name) || !group.prepared.inputs.contains(name))
    };
    inputs.iter().filter(fits).cloned().collect()
}

/// What has to be known of cached rows to divide them.
fn totals(cached: &Cached) -> Totals {
    let order = cached.appearance();
    let mut classes = vec![0; order.len()];
    order.iter().zip(&cached.counts).for_each(|(class, rows)| classes[*class] = *rows);
    Totals { rows: cached.rows, classes, order, groups: cached.groups.clone() }
}

/// A search under way: everything that does not change.
struct Search<'a> {
    search: &'a GridSearchCv,
    cached: Cached,
    splits: Splits,
    target: &'a str,
    candidates: Vec<Params>,
    groups: Vec<Group>,
}

impl Search<'_> {
    fn run(&self) -> Result<FittedGridSearchCv> {
        let mut notes = self.groups.first().map(|g| g.prepared.notes.clone()).unwrap_or_default();
        note::log(&notes);
        let folds = self.search.cv.folds();
        let (mut fits, mut wishes) = (Vec::new(), Vec::new());
        for (group, fold) in self.groups.iter().flat_map(|group| (0..folds).map(move |fold| (group, fold))) {
            for (place, model) in &group.candidates {
                fits.push((*place, fold));
                let (prepared, model) = (group.prepared.clone(), model.clone());
                wishes.push(Wish { prepared, split: Some(fold), model });
            }
        }
        let trained = train(&self.cached, &self.splits, &wishes)?;
        let mut passes = Passes { source: 1, cache: trained.passes + 1 };
        let mut models = Vec::with_capacity(fits.len());
        for ((place, fold), (view, outcome)) in fits.iter().zip(trained.fits) {
            let in_fold = |e: Error| e.at_column(self.target).help(format!("this was in fold {fold}"));
            let model = outcome.map_err(in_fold)?;
            if let Some(kkt) = model.unconverged() {
                let fit = format!("candidate {place} ({}), fold {fold}", shown(&self.candidates[*place]));
                let late = Note::NotConverged { fit, kkt };
                note::log(std::slice::from_ref(&late));
                notes.push(late);
            }
            models.push((view, model));
        }
        let found = score(&self.cached, &self.splits, &trained.views, &models, self.search.scoring)?;
        let mut scores = vec![vec![f64::NAN; folds]; self.candidates.len()];
        let sizes = (0..folds).map(|fold| self.splits.test_rows(fold)).collect();
        for ((place, fold), score) in fits.iter().zip(found) {
            scores[*place][*fold] = score;
        }
        let mut result = FittedGridSearchCv::new(self.candidates.clone(), scores, sizes, self.search.iid, notes);
        if self.search.refit {
            let (estimator, more) = self.refit(result.best_index())?;
            passes.cache += more;
            result.refitted(estimator);
        }
        result.took(passes);
        Ok(result)
    }

    fn refit(&self, best: usize) -> Result<(FittedPipeline, u64)> {
        let of_best = self.groups.iter().find_map(|group| {
            let (_, model) = group.candidates.iter().find(|(place, _)| *place == best)?;
            Some((group, model))
        });
        let (group, model) = of_best.ok_or_else(|| Error::invalid("the search has no candidate"))?;
        let (mut fitted, passes) = fit_to_all(&self.cached, &group.prepared, model, self.target)?;
        fitted.took(Passes { source: 1, cache: passes });
        Ok((fitted, passes))
    }
}

impl Fit<DataFrame, Target, Error> for GridSearchCv {
    type Object = FittedGridSearchCv;

    fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedGridSearchCv> {
        GridSearchCv::fit(self, dataset)
    }
}
