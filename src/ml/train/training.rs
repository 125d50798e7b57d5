//! From cached rows to fitted models: which views there are, what is fitted to them, in how many passes.

use std::sync::Arc;

use rayon::prelude::*;

use super::cache::Cached;
use super::feed::{self, Feed, FromCache, Piece};
use super::history::Pass;
use super::memory::short;
use super::solve::{Job, Outcome, solve};
use super::views::{Division, Views};
use crate::base::{Error, Result, caught};
use crate::ml::design::Design;
use crate::ml::estimator::labels::Truth;
use crate::ml::estimator::training::{Estimator, Training, Whole};
use crate::ml::pipeline::chain::Prepared;

/// A fit that is wanted: a model of the training rows of a view.
pub(crate) struct Wish {
    pub view: usize,
    pub model: Arc<dyn Estimator>,
}

/// What became of the wishes.
pub(crate) struct Trained {
    /// What was fitted for each wish.
    pub fits: Vec<Outcome>,
    pub passes: u64,
    /// Those of them that solvers asked for.
    pub history: Vec<Pass>,
}

/// Fits all that is wanted.
///
/// # Errors
/// When rows cannot be read, or memory does not suffice; what is wrong with one model is its outcome.
pub(crate) fn train(cached: &Cached, division: &dyn Division, views: &Views, wishes: &[Wish]) -> Result<Trained> {
    let mut outcomes: Vec<Option<Outcome>> = wishes.iter().map(|_| None).collect();
    let (mut jobs, mut whole) = (Vec::new(), Vec::new());
    for (place, wish) in wishes.iter().enumerate() {
        let facts = &views.facts[wish.view];
        if facts.layout.is_empty() {
            outcomes[place] = Some(Err(no_features(&views.views[wish.view].prepared)));
            continue;
        }
        match caught(|| wish.model.begin(facts)) {
            Ok(Training::Passes(fitting)) => jobs.push((place, Job { view: wish.view, fitting })),
            Ok(Training::Whole(fit)) => whole.push((place, wish.view, fit)),
            Err(error) => outcomes[place] = Some(Err(error)),
        }
    }
    let history = in_passes(cached, division, views, jobs, &mut outcomes)?;
    let mut passes = history.len() as u64;
    if !whole.is_empty() {
        passes += in_memory(cached, division, views, whole, &mut outcomes)?;
    }
    let lost = || Err(Error::invalid("a fit has no end"));
    let fits = outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lost)).collect();
    Ok(Trained { fits, passes, history })
}

/// Fits that ride on the same passes: those of as many views at once as memory has room for.
fn in_passes(
    cached: &Cached,
    division: &dyn Division,
    views: &Views,
    mut jobs: Vec<(usize, Job)>,
    outcomes: &mut [Option<Outcome>],
) -> Result<Vec<Pass>> {
    let (ctx, mut history) = (cached.context(), Vec::new());
    while !jobs.is_empty() {
        let (feed, chosen) = FromCache::of_some(cached, division, views, jobs.iter().map(|(_, job)| job.view))?;
        let riding = |(place, job): (usize, Job)| match chosen.iter().position(|view| *view == job.view) {
            Some(view) => Ok((place, Job { view, ..job })),
            None => Err((place, job)),
        };
        let (now, later): (Vec<_>, Vec<_>) = jobs.into_iter().map(riding).partition(Result::is_ok);
        let (places, riding): (Vec<usize>, Vec<Job>) = now.into_iter().flatten().unzip();
        jobs = later.into_iter().filter_map(Result::err).collect();
        let (fitted, ridden) = solve(&feed, riding, &ctx.budget, &ctx.cancel)?;
        history.extend(ridden);
        places.into_iter().zip(fitted).for_each(|(place, outcome)| outcomes[place] = Some(outcome));
    }
    Ok(history)
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
    views: &Views,
    fits: Vec<(usize, usize, Whole)>,
    outcomes: &mut [Option<Outcome>],
) -> Result<u64> {
    let ctx = cached.context();
    let too_large =
        |e: Error| short(e, "fit to a sample, use a solver that works in passes, or raise the memory limit");
    let mut passes = 0;
    for (view, facts) in views.facts.iter().enumerate() {
        let of_view: Vec<_> = fits.iter().filter(|(_, of, _)| *of == view).collect();
        let Some(largest) = of_view.iter().map(|(_, _, fit)| fit.bytes).max() else { continue };
        passes += 1;
        let mut reservation = ctx.budget.reserve(WHAT, facts.rows * feed::row_bytes(facts)).map_err(too_large)?;
        let (design, truth) = gather(&FromCache::once(cached, division, views, view).map_err(too_large)?)?;
        reservation.grow(WHAT, largest).map_err(too_large)?;
        let mut at_once = 1;
        while at_once < of_view.len().min(rayon::current_num_threads()) && reservation.try_grow(largest) {
            at_once += 1;
        }
        for some in of_view.chunks(at_once) {
            ctx.cancel.check()?;
            let fit = |(place, _, whole): &&(usize, usize, Whole)| {
                (*place, caught(|| (whole.fit)(&design, truth.borrowed(), facts)))
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
