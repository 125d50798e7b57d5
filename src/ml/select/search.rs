//! A search under way.

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use rayon::prelude::*;

use super::folds::splits::{Splits, Totals};
use super::grid::{Candidates, Params, shown};
use super::report::{FittedGridSearchCv, Measured};
use super::score::{Predicted, Truth};
use super::settings::{Refit, SearchCv, Settings};
use crate::base::{Error, Result};
use crate::exec::Cancel;
use crate::frame::DataFrame;
use crate::ml::dataset::{Target, features};
use crate::ml::design::Design;
use crate::ml::logistic::{FittedLogisticRegression, ValidLogisticRegression, fit_path};
use crate::ml::pipeline::FittedPipeline;
use crate::ml::pipeline::chain::Prepared;
use crate::ml::pipeline::note::{self, Note};
use crate::ml::pipeline::rows::{Collected, Rows};

/// Candidates whose steps before the model are the same.
struct Group {
    prepared: Prepared,
    /// Each candidate's place in the grid, and its model.
    candidates: Vec<usize>,
    models: Vec<ValidLogisticRegression>,
}

/// The scores of a group's candidates in a fold, and the residuals of those that have not converged.
struct Scored {
    /// By scoring, then by candidate; of the test rows, then of the training rows if they are asked for.
    scores: Vec<Vec<Vec<f64>>>,
    late: Vec<(usize, f64)>,
}

impl<C: Candidates> SearchCv<C> {
    /// Searches.
    ///
    /// # Errors
    /// `Invalid` for a parameter that the pipeline has not (listing those it has) and for values out of range; else as
    /// [`Pipeline::fit`], and `Model` where a fold lacks a class.
    pub fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedGridSearchCv> {
        let (frame, target) = (dataset.records(), dataset.targets().name());
        let schema = features(dataset)?;
        let decisive = self.settings.decisive()?;
        if self.settings.cv.group_column().is_some() {
            return Err(Error::unsupported("a search over folds of groups"));
        }
        let candidates = self.candidates.candidates()?;
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
        collected.reserve(session.threads().min(groups.len() * self.settings.cv.folds()).max(1))?;
        let cancel = session.cancel_token();
        let search = Search { settings: &self.settings, decisive, collected, target, candidates, groups, cancel };
        match session.install(|| search.run()) {
            Some(result) => result,
            None => search.run(),
        }
    }
}

/// A search under way: everything that does not change.
struct Search<'a> {
    settings: &'a Settings,
    decisive: usize,
    collected: Collected,
    target: &'a str,
    candidates: Vec<Params>,
    groups: Vec<Group>,
    cancel: &'a Cancel,
}

impl Search<'_> {
    fn run(&self) -> Result<FittedGridSearchCv> {
        let settings = self.settings;
        let mut notes = self.groups.first().map(|g| g.prepared.notes.clone()).unwrap_or_default();
        note::log(&notes);
        let folds = settings.cv.folds();
        let splits = settings.cv.splits(&Totals::of_classes(&self.collected.y))?;
        let block_of = splits.ids_of_classes(&self.collected.y);
        let sizes = (0..folds).map(|fold| splits.test_rows(fold)).collect();
        let work: Vec<(&Group, usize)> =
            self.groups.iter().flat_map(|group| (0..folds).map(move |fold| (group, fold))).collect();
        let scored: Vec<Result<Scored>> =
            work.par_iter().map(|(group, fold)| self.score(group, *fold, &splits, &block_of)).collect();
        let none = vec![vec![vec![f64::NAN; folds]; self.candidates.len()]; settings.scorings.list().len()];
        let mut scores = vec![none; 1 + usize::from(settings.train_scores)];
        for ((group, fold), scored) in work.iter().zip(scored) {
            let fit = |place: &usize| format!("candidate {place} ({}), fold {fold}", shown(&self.candidates[*place]));
            let scored = match scored {
                Ok(scored) => scored,
                Err(error) => self.failed(error, group, fit, &mut notes)?,
            };
            for (all, of_work) in scores.iter_mut().flatten().zip(scored.scores.iter().flatten()) {
                for (place, score) in group.candidates.iter().zip(of_work) {
                    all[*place][*fold] = *score;
                }
            }
            notes.extend(scored.late.iter().map(|(place, kkt)| {
                let late = Note::NotConverged { fit: fit(place), kkt: *kkt };
                note::log(std::slice::from_ref(&late));
                late
            }));
        }
        let train = if settings.train_scores { scores.pop() } else { None };
        let mut result = FittedGridSearchCv::new(Measured {
            candidates: self.candidates.clone(),
            scorings: settings.scorings.clone(),
            test: scores.pop().unwrap_or_default(),
            train,
            sizes,
            iid: settings.iid,
            decisive: self.decisive,
            notes,
        })?;
        if settings.refit != Refit::No {
            result.refitted(self.refit(result.best_index())?);
        }
        Ok(result)
    }

    /// The scores of a group's candidates that could not be fitted.
    fn failed(
        &self,
        error: Error,
        group: &Group,
        fit: impl Fn(&usize) -> String,
        notes: &mut Vec<Note>,
    ) -> Result<Scored> {
        let mut score = f64::NAN;
        for place in &group.candidates {
            let (instead, note) = self.settings.error_score.instead(error.again(), || fit(place))?;
            score = instead;
            notes.push(note);
        }
        let of_rows = vec![vec![score; group.candidates.len()]; self.settings.scorings.list().len()];
        Ok(Scored { scores: vec![of_rows; 1 + usize::from(self.settings.train_scores)], late: Vec::new() })
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
        let (train, y_train) = part(false)?;
        let (steps, rows) = group.prepared.fit_steps(&train)?;
        drop(train);
        let trained = rows.design()?;
        let models = fit_path(&group.models, &trained, &self.collected.classes, &y_train).map_err(in_fold)?;
        let (test, y_test) = part(true)?;
        let rows = Rows::of(&test, &group.prepared.inputs)?;
        let tested = steps.iter().try_fold(rows, |rows, (_, step)| step.apply(rows))?.design()?;
        let mut scores = vec![self.scores(&models, &tested, &y_test)?];
        if self.settings.train_scores {
            scores.push(self.scores(&models, &trained, &y_train)?);
        }
        let late = group.candidates.iter().zip(&models).filter(|(_, model)| !model.converged());
        let late = late.map(|(place, model)| (*place, model.kkt())).collect();
        Ok(Scored { scores, late })
    }

    /// The scores of models on some rows, by scoring, then by model.
    fn scores(&self, models: &[FittedLogisticRegression], rows: &Design, y: &[u32]) -> Result<Vec<Vec<f64>>> {
        let scorings = self.settings.scorings.list();
        let mut scores = vec![Vec::with_capacity(models.len()); scorings.len()];
        for model in models {
            let margins = model.decision_function(rows)?;
            for (scoring, scores) in scorings.iter().zip(&mut scores) {
                let mut score = scoring.begin(Some(self.collected.classes.len()))?;
                score.update(Truth::Classes(y), &Predicted::Margins(&margins), None)?;
                scores.push(score.value());
            }
        }
        Ok(scores)
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

impl<C: Candidates> Fit<DataFrame, Target, Error> for SearchCv<C> {
    type Object = FittedGridSearchCv;

    fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedGridSearchCv> {
        SearchCv::fit(self, dataset)
    }
}
