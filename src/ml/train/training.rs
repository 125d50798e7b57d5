//! From cached rows to fitted models: which views there are, what is fitted to them, in how many passes.

use std::sync::Arc;

use rayon::prelude::*;

use super::cache::Cached;
use super::facts;
use super::feed::{Feed, FromCache, Piece};
use super::history::Pass;
use super::memory::short;
use super::solve::{Job, Outcome, solve};
use super::steps::fit_steps;
use super::views::{Division, Part, View};
use crate::base::{Error, Result};
use crate::ml::design::Design;
use crate::ml::estimator::Facts;
use crate::ml::estimator::labels::Truth;
use crate::ml::estimator::training::{Estimator, Training, Whole};
use crate::ml::pipeline::chain::Prepared;

/// A fit that is wanted: a model after steps, on the training rows of a split or on all rows.
pub(crate) struct Wish {
    pub prepared: Arc<Prepared>,
    pub split: Option<usize>,
    pub model: Arc<dyn Estimator>,
}

/// What became of the wishes.
pub(crate) struct Trained {
    pub views: Vec<View>,
    /// The view of each wish, and what was fitted to it.
    pub fits: Vec<(usize, Outcome)>,
    pub passes: u64,
    /// Those of them that solvers asked for.
    pub history: Vec<Pass>,
}

/// Fits all that is wanted.
///
/// # Errors
/// When rows cannot be read, a step cannot be fitted, or memory does not suffice; what is wrong with one model is its
/// outcome.
pub(crate) fn train(cached: &Cached, division: &dyn Division, wishes: &[Wish]) -> Result<Trained> {
    let (mut views, mut view_of) = (Vec::<View>::new(), Vec::with_capacity(wishes.len()));
    for wish in wishes {
        let same = |view: &View| Arc::ptr_eq(&view.prepared, &wish.prepared) && view.split == wish.split;
        view_of.push(views.iter().position(same).unwrap_or_else(|| {
            views.push(View::new(wish.prepared.clone(), wish.split));
            views.len() - 1
        }));
    }
    let mut passes = fit_steps(cached, division, &mut views)?;
    let facts = facts::gather(cached, division, &views)?;
    passes += 1;
    let mut outcomes: Vec<Option<Outcome>> = wishes.iter().map(|_| None).collect();
    let (mut jobs, mut places, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for (place, (wish, view)) in wishes.iter().zip(&view_of).enumerate() {
        if facts[*view].layout.is_empty() {
            outcomes[place] = Some(Err(no_features(&wish.prepared)));
            continue;
        }
        match wish.model.begin(&facts[*view]) {
            Ok(Training::Passes(fitting)) => {
                jobs.push(Job { view: *view, fitting });
                places.push(place);
            }
            Ok(Training::Whole(fit)) => whole.push((place, *view, fit)),
            Err(error) => outcomes[place] = Some(Err(error)),
        }
    }
    let (ctx, mut history) = (cached.context(), Vec::new());
    if !jobs.is_empty() {
        let feed = FromCache::new(cached, division, &views, &facts, Part::Train)?;
        let (fitted, ridden) = solve(&feed, jobs, &ctx.budget, &ctx.cancel)?;
        passes += ridden.len() as u64;
        history = ridden;
        places.into_iter().zip(fitted).for_each(|(place, outcome)| outcomes[place] = Some(outcome));
    }
    if !whole.is_empty() {
        passes += in_memory(cached, division, &views, &facts, whole, &mut outcomes)?;
    }
    let lost = || Err(Error::invalid("a fit has no end"));
    let outcomes = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost));
    Ok(Trained { fits: view_of.into_iter().zip(outcomes).collect(), views, passes, history })
}

/// All columns are categorical, and no category of them occurs.
fn no_features(prepared: &Prepared) -> Error {
    let error = Error::model("no feature is left to fit to: no column has a category in the training rows");
    let error = error.doing("fit").help("add columns that have values, or fill these");
    match prepared.inputs.first() {
        Some(column) => error.at_column(column),
        None => error,
    }
}

const WHAT: &str = "rows for a fit that wants them all in memory";

/// Fits that want all rows of their view in memory: view after view, those of a view side by side as memory allows.
fn in_memory(
    cached: &Cached,
    division: &dyn Division,
    views: &[View],
    facts: &[Facts],
    fits: Vec<(usize, usize, Whole)>,
    outcomes: &mut [Option<Outcome>],
) -> Result<u64> {
    let ctx = cached.context();
    let too_large =
        |e: Error| short(e, "fit to a sample, use a solver that works in passes, or raise the memory limit");
    let mut passes = 0;
    for view in 0..views.len() {
        let of_view: Vec<_> = fits.iter().filter(|(_, of, _)| *of == view).collect();
        let Some(largest) = of_view.iter().map(|(_, _, fit)| fit.bytes).max() else { continue };
        passes += 1;
        let own = std::slice::from_ref(&views[view]);
        let own_facts = std::slice::from_ref(&facts[view]);
        let row = 8 * facts[view].layout.len() as u64 + 16;
        let mut reservation = ctx.budget.reserve(WHAT, facts[view].rows * row).map_err(too_large)?;
        let (design, truth) = gather(&FromCache::new(cached, division, own, own_facts, Part::Train)?)?;
        reservation.grow(WHAT, largest).map_err(too_large)?;
        let mut at_once = 1;
        while at_once < of_view.len().min(rayon::current_num_threads()) && reservation.try_grow(largest) {
            at_once += 1;
        }
        for some in of_view.chunks(at_once) {
            ctx.cancel.check()?;
            let fit = |(place, _, whole): &&(usize, usize, Whole)| {
                (*place, (whole.fit)(&design, truth.borrowed(), &facts[view]))
            };
            let fitted: Vec<(usize, Outcome)> = some.par_iter().map(fit).collect();
            fitted.into_iter().for_each(|(place, outcome)| outcomes[place] = Some(outcome));
        }
    }
    Ok(passes)
}

/// All rows of the only view.
fn gather(feed: &dyn Feed) -> Result<(Design, Truth)> {
    let mut whole: Option<(Design, Truth)> = None;
    for window in 0..feed.windows() {
        for piece in feed.load(window, &[true])?.into_iter().flatten().flatten() {
            let Piece::Shared(ready) = piece else { continue };
            match &mut whole {
                None => whole = Some((ready.design.clone(), ready.truth.clone())),
                Some((design, truth)) => {
                    design.append(&ready.design);
                    truth.extend(&ready.truth);
                }
            }
        }
    }
    whole.ok_or_else(|| Error::model("there are no rows to fit to"))
}
