//! Fitting the steps of all views: each pass over the cache fits one step of every view, on the training rows of its split.

use arrow::array::UInt64Array;
use arrow::compute::take_record_batch;
use rayon::prelude::*;

use super::cache::Cached;
use super::views::{Division, Part, View};
use crate::base::Result;
use crate::ml::pipeline::chain::in_step;
use crate::ml::pipeline::gathering::Gathering;
use crate::ml::pipeline::step::Step;

/// Fits the steps of all views; says how many passes over the cache that took.
///
/// # Errors
/// Those of the steps, naming the step.
pub(super) fn fit_steps(cached: &Cached, division: &dyn Division, views: &mut [View]) -> Result<u64> {
    let mut passes = 0;
    loop {
        for view in views.iter_mut() {
            without_rows(cached, view)?;
        }
        let waiting: Vec<&View> = views.iter().filter(|view| next(view).is_some()).collect();
        if waiting.is_empty() {
            return Ok(passes);
        }
        let fitted = pass(cached, division, &waiting)?;
        passes += 1;
        let mut fitted = fitted.into_iter();
        for view in views.iter_mut().filter(|view| next(view).is_some()) {
            let (name, _) = &view.prepared.steps[view.steps.len()];
            let name = name.clone();
            if let Some(step) = fitted.next() {
                view.steps.push((name.clone(), step.finish().map_err(|e| in_step(e, &name))?));
            }
        }
    }
}

/// The step of a view that is to be fitted next.
fn next(view: &View) -> Option<&(String, Step)> {
    view.prepared.steps.get(view.steps.len())
}

/// Fits the next steps of a view as long as they need no rows.
fn without_rows(cached: &Cached, view: &mut View) -> Result<()> {
    while let Some((name, step)) = next(view).filter(|(_, step)| !step.looks_at_rows() || cached.rows == 0) {
        let empty = view.prepare(&cached.empty()?)?.plain;
        let fit = || {
            let mut gathering = step.gather(&empty.schema())?;
            gathering.update(&empty)?;
            gathering.finish()
        };
        let fitted = (name.clone(), fit().map_err(|e| in_step(e, name))?);
        view.steps.push(fitted);
    }
    Ok(())
}

/// The statistics of the next step of each view.
fn pass(cached: &Cached, division: &dyn Division, views: &[&View]) -> Result<Vec<Box<dyn Gathering>>> {
    let of_chunk = |number: usize| -> Result<Vec<Box<dyn Gathering>>> {
        let chunk = cached.chunk(number)?;
        let blocks = division.blocks(&chunk);
        let of_view = |view: &&View| -> Result<Box<dyn Gathering>> {
            let batch = match view.rows(Part::Train, division, &blocks) {
                Some(rows) => {
                    let rows = UInt64Array::from_iter_values(rows.into_iter().map(|row| row as u64));
                    take_record_batch(&chunk.features, &rows)?
                }
                None => chunk.features.clone(),
            };
            let rows = view.prepare(&batch)?.plain;
            let (name, step) = &view.prepared.steps[view.steps.len()];
            let gather = || {
                let mut gathering = step.gather(&rows.schema())?;
                gathering.update(&rows)?;
                Ok(gathering)
            };
            gather().map_err(|e| in_step(e, name))
        };
        views.par_iter().map(of_view).collect()
    };
    let mut whole: Option<Vec<Box<dyn Gathering>>> = None;
    let numbers: Vec<usize> = (0..cached.chunks()).collect();
    for window in numbers.chunks(rayon::current_num_threads().max(1)) {
        let parts: Vec<_> = window.par_iter().map(|number| of_chunk(*number)).collect::<Result<_>>()?;
        for part in parts {
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => whole.iter_mut().zip(part).try_for_each(|(all, later)| all.merge(later))?,
            }
        }
    }
    Ok(whole.unwrap_or_default())
}
