//! A search under way.

use std::sync::Arc;

use arrow::datatypes::Schema;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;

use super::folds::splits::{Splits, Totals};
use super::grid::{Candidates, Params, shown};
use super::report::{FittedGridSearchCv, Measured};
use super::scores::score;
use super::settings::{Refit, Scorings, SearchCv, Settings};
use crate::base::schema::index_of;
use crate::base::{Error, ErrorKind, Result};
use crate::frame::DataFrame;
use crate::ml::dataset::{Target, features, no_feature};
use crate::ml::estimator::FittedModel;
use crate::ml::estimator::labels::Task;
use crate::ml::estimator::training::Estimator;
use crate::ml::pipeline::chain::{Prepared, fit_view};
use crate::ml::pipeline::note::{self, Note};
use crate::ml::pipeline::step::names;
use crate::ml::pipeline::{FittedPipeline, Pipeline};
use crate::ml::train::Passes;
use crate::ml::train::cache::{Cached, Wanted};
use crate::ml::train::solve::Outcome;
use crate::ml::train::training::{Wish, train};
use crate::ml::train::views::{Part, View, Views};

/// Candidates whose steps before the model are the same.
pub(super) struct Group {
    pub prepared: Arc<Prepared>,
    /// Each candidate's place, and its model.
    pub candidates: Vec<(usize, Arc<dyn Estimator>)>,
}

impl<C: Candidates> SearchCv<C> {
    /// Searches.
    ///
    /// # Errors
    /// `Invalid` for a parameter that the pipeline has not (listing those it has) and for values out of range; else as
    /// [`Pipeline::fit`](crate::ml::Pipeline::fit), and `Model` where a fold lacks a class.
    pub fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedGridSearchCv> {
        let (frame, target, settings) = (dataset.records(), dataset.targets(), &self.settings);
        let (mut schema, group) = (features(dataset)?, settings.cv.group_column());
        if let Some(group) = group {
            schema = without(&schema, group)?;
        }
        let candidates = self.candidates.candidates()?;
        let (groups, wanted) = grouped(&self.pipeline, &candidates, &schema, target, group)?;
        let scorings = settings.scorings(wanted.task);
        let decisive = settings.decisive(&scorings)?;
        let cached = Cached::of(frame, &wanted)?;
        let splits = settings.cv.splits(&totals(&cached))?;
        // what cannot be scored so is said before anything is fitted
        let classes = (!cached.classes.is_empty()).then(|| cached.classes.len());
        scorings.list().iter().try_for_each(|scoring| scoring.begin(classes).map(drop))?;
        let session = frame.session();
        let search = Search { settings, scorings, decisive, cached, splits, target: target.name(), candidates, groups };
        session.install(|| search.run()).unwrap_or_else(|| search.run())
    }
}

/// Candidates by the steps before their models, and what has to be cached for them.
///
/// # Errors
/// Of [`Pipeline::with_params`] and of steps that do not fit the columns.
pub(super) fn grouped<'a>(
    pipeline: &Pipeline,
    candidates: &[Params],
    schema: &Schema,
    target: &'a Target,
    group: Option<&'a str>,
) -> Result<(Vec<Group>, Wanted<'a>)> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, params) in candidates.iter().enumerate() {
        let within = |e: Error| match e.location().step {
            _ if params.is_empty() => e,
            Some(_) => e.doing(format!("try {},", shown(params))),
            None => e.doing(format!("try {}", shown(params))),
        };
        let prepared = pipeline.with_params(params).and_then(|pipeline| pipeline.prepare(schema));
        let prepared = prepared.map_err(|e| within(no_feature(e, target, group)))?;
        let candidate = (place, prepared.model.clone());
        match groups.iter_mut().find(|g| g.prepared.steps == prepared.steps) {
            Some(group) => group.candidates.push(candidate),
            None => groups.push(Group { prepared: Arc::new(prepared), candidates: vec![candidate] }),
        }
    }
    let asked_by = |name: &String| groups.iter().any(|g| g.prepared.inputs.contains(name));
    let inputs: Vec<String> = names(schema).into_iter().filter(asked_by).collect();
    let wanted = Wanted {
        coded: coded_by_all(&groups, &inputs),
        features: inputs,
        target: target.name(),
        task: groups.first().map_or(Task::Classification, |group| group.prepared.model.task()),
        weight: target.weight(),
        group,
    };
    Ok((groups, wanted))
}

/// The columns of a schema but for the one that groups the rows.
fn without(schema: &Schema, group: &str) -> Result<Schema> {
    let place = index_of(schema, group).map_err(|e| e.doing("find the groups"))?;
    let columns: Vec<usize> = (0..schema.fields().len()).filter(|column| *column != place).collect();
    Ok(schema.project(&columns)?)
}

/// The columns of which every group sees categories and nothing else.
fn coded_by_all(groups: &[Group], inputs: &[String]) -> Vec<String> {
    let fits = |name: &&String| {
        groups.iter().all(|group| group.prepared.coded.contains(name) || !group.prepared.inputs.contains(name))
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
    settings: &'a Settings,
    scorings: Scorings,
    decisive: usize,
    cached: Cached,
    splits: Splits,
    target: &'a str,
    candidates: Vec<Params>,
    groups: Vec<Group>,
}

/// A model that was fitted: the place of its candidate, its split, the view it was fitted to.
struct Done {
    place: usize,
    split: usize,
    view: usize,
    model: FittedModel,
}

impl Search<'_> {
    fn run(&self) -> Result<FittedGridSearchCv> {
        let mut notes: Vec<Note> = Vec::new();
        for note in self.groups.iter().flat_map(|group| &group.prepared.notes) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        note::log(&notes);
        notes.extend(self.rare_classes());
        let folds = self.splits.len();
        let (mut fits, mut wishes, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for (group, split) in self.groups.iter().flat_map(|group| (0..folds).map(move |split| (group, split))) {
            for (place, model) in &group.candidates {
                fits.push((*place, split));
                wishes.push(Wish { view: wanted.len(), model: model.clone() });
            }
            wanted.push((group.prepared.clone(), Some(split)));
        }
        // behind them each group on all rows: the steps of the winner are fitted when it is known
        let in_folds = wanted.len();
        if self.settings.refit != Refit::No {
            wanted.extend(self.groups.iter().map(|group| (group.prepared.clone(), None)));
        }
        let views = Views::of(&self.cached, &self.splits, &wanted)?;
        let mut trained = train(&self.cached, &self.splits, &views, &wishes)?;
        let mut passes = Passes { source: 1, cache: views.passes + trained.passes };
        let none = vec![vec![vec![f64::NAN; folds]; self.candidates.len()]; self.scorings.list().len()];
        let mut parts = vec![(Part::Test, none)];
        if self.settings.train_scores {
            parts.push((Part::Train, parts[0].1.clone()));
        }
        let fitted = std::mem::take(&mut trained.fits).into_iter().zip(&wishes).map(|(fit, wish)| (wish.view, fit));
        let done = self.done(&fits, fitted, &views, &mut notes, &mut parts)?;
        for (part, scores) in &mut parts {
            passes.cache += self.score(&views.views[..in_folds], &done, *part, scores, &mut notes)?;
        }
        let mut parts = parts.into_iter().map(|(_, scores)| scores);
        let mut result = FittedGridSearchCv::new(Measured {
            candidates: self.candidates.clone(),
            scorings: self.scorings.clone(),
            test: parts.next().unwrap_or_default(),
            train: parts.next(),
            sizes: (0..folds).map(|split| self.splits.test_rows(split)).collect(),
            iid: self.settings.iid,
            decisive: self.decisive,
            notes,
            passes,
            history: trained.history,
        })?;
        if self.settings.refit != Refit::No {
            let (estimator, cache) = self.refit(&views, in_folds, result.best_index())?;
            result.refitted(estimator, Passes { source: 0, cache });
        }
        Ok(result)
    }

    /// The models that were fitted. What a fit that failed is judged by instead goes into the scores.
    fn done(
        &self,
        fits: &[(usize, usize)],
        fitted: impl Iterator<Item = (usize, Outcome)>,
        views: &Views,
        notes: &mut Vec<Note>,
        parts: &mut [(Part, Vec<Vec<Vec<f64>>>)],
    ) -> Result<Vec<Done>> {
        let mut done = Vec::with_capacity(fits.len());
        for (&(place, split), (view, outcome)) in fits.iter().zip(fitted) {
            let fit = || self.name_of(place, split);
            match outcome.map_err(|e| self.lacking(e, &views.facts[view].counts).at_fold(split)) {
                Ok(model) => {
                    if let Some(kkt) = model.unconverged() {
                        let late = Note::NotConverged { fit: fit(), kkt };
                        note::log(std::slice::from_ref(&late));
                        notes.push(late);
                    }
                    done.push(Done { place, split, view, model });
                }
                Err(error) => {
                    let (score, note) = self.settings.error_score.instead(error, fit)?;
                    notes.push(note);
                    parts.iter_mut().flat_map(|(_, scores)| scores).for_each(|scores| scores[place][split] = score);
                }
            }
        }
        Ok(done)
    }

    fn name_of(&self, place: usize, split: usize) -> String {
        match &self.candidates[place] {
            params if params.is_empty() => format!("candidate {place}, fold {split}"),
            params => format!("candidate {place} ({}), fold {split}", shown(params)),
        }
    }

    /// The rows of each class.
    fn rows_of_classes(&self) -> Vec<u64> {
        totals(&self.cached).classes
    }

    /// Classes that have not a row for each of stratified folds, so that some test on none of theirs.
    fn rare_classes(&self) -> Vec<Note> {
        if !self.settings.cv.is_stratified() {
            return Vec::new();
        }
        let folds = self.splits.len();
        let rare = |(class, rows): (String, u64)| {
            (rows > 0 && rows < folds as u64).then_some(Note::RareClass { class, rows, folds })
        };
        self.cached.classes.labels().into_iter().zip(self.rows_of_classes()).filter_map(rare).collect()
    }

    /// The error of a fit to rows of which so many are of each class: that one has none is the cause.
    fn lacking(&self, error: Error, rows: &[u64]) -> Error {
        let error = error.at_column(self.target);
        let (Some(class), folds) = (rows.iter().position(|rows| *rows == 0), self.splits.len()) else { return error };
        let all = self.rows_of_classes()[class];
        match self.cached.classes.labels().get(class) {
            Some(label) if matches!(error.kind(), ErrorKind::Model { .. }) && all < folds as u64 => {
                let s = if all == 1 { "" } else { "s" };
                let what = format!("class {label} has {all} row{s}, fewer than the {folds} folds");
                Error::model(what).at_column(self.target).caused_by(error).help("drop or merge it, or use fewer folds")
            }
            _ if self.settings.cv.is_stratified() => error,
            _ => error.help("divide rows by their classes with StratifiedKFold"),
        }
    }

    /// Scores models on a part of the rows of their views; says in how many passes. What models that cannot be scored are
    /// judged by instead goes into the scores.
    fn score(
        &self,
        views: &[View],
        done: &[Done],
        part: Part,
        scores: &mut [Vec<Vec<f64>>],
        notes: &mut Vec<Note>,
    ) -> Result<u64> {
        let models: Vec<(usize, &FittedModel)> = done.iter().map(|done| (done.view, &done.model)).collect();
        let scorings = self.scorings.list();
        let (found, passes) = score(&self.cached, &self.splits, views, &models, part, scorings)?;
        for (Done { place, split, .. }, found) in done.iter().zip(found) {
            let found = found.or_else(|error| {
                let (score, note) = self.settings.error_score.instead(error, || self.name_of(*place, *split))?;
                notes.push(note);
                Ok::<_, Error>(vec![score; scorings.len()])
            });
            scores.iter_mut().zip(found?).for_each(|(scores, score)| scores[*place][*split] = score);
        }
        Ok(passes)
    }

    /// Fits the winner to all rows, of which the views from this one on are, a view for each group.
    fn refit(&self, views: &Views, first: usize, best: usize) -> Result<(FittedPipeline, u64)> {
        let of_best = self.groups.iter().enumerate().find_map(|(place, group)| {
            let (_, model) = group.candidates.iter().find(|(place, _)| *place == best)?;
            Some((first + place, model))
        });
        let (view, model) = of_best.ok_or_else(|| Error::invalid("the search has no candidate"))?;
        let (mut fitted, passes) = fit_view(&self.cached, views, view, model, self.target)?;
        fitted.took(Passes { source: 1, cache: views.passes + passes });
        Ok((fitted, passes))
    }
}

impl<C: Candidates> Fit<DataFrame, Target, Error> for SearchCv<C> {
    type Object = FittedGridSearchCv;

    fn fit(&self, dataset: &DatasetBase<DataFrame, Target>) -> Result<FittedGridSearchCv> {
        SearchCv::fit(self, dataset)
    }
}
