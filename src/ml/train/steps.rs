//! Fitting the steps of all views: each pass over the cache fits one step of every view, on the training rows of its split.

use std::collections::VecDeque;

use arrow::array::UInt64Array;
use arrow::compute::take_record_batch;
use rayon::prelude::*;

use super::cache::{Cached, Chunk};
use super::views::{Division, Part, View};
use crate::base::{Error, Result};
use crate::ml::pipeline::chain::in_step;
use crate::ml::pipeline::step::{Step, StepStats};
use crate::ml::prepare::{Fitting, OnePass};

/// Fits the steps of all views; says how many passes over the cache that took.
///
/// # Errors
/// Those of the steps, naming the step.
pub(super) fn fit_steps(cached: &Cached, division: &dyn Division, views: &mut [View]) -> Result<u64> {
    let mut passes = 0;
    // what is left to fit of each view
    let mut left: Vec<VecDeque<(String, Step)>> =
        views.iter().map(|view| view.prepared.steps.iter().cloned().collect()).collect();
    loop {
        for (view, left) in views.iter_mut().zip(&mut left) {
            without_rows(cached, view, left)?;
        }
        let waiting: Vec<(&View, &(String, Step))> =
            views.iter().zip(&left).filter_map(|(view, left)| Some((view, left.front()?))).collect();
        if waiting.is_empty() {
            return Ok(passes);
        }
        let mut stats = pass(cached, division, &waiting)?.into_iter();
        passes += 1;
        for (view, left) in views.iter_mut().zip(&mut left) {
            let Some((name, step)) = left.pop_front() else { continue };
            let stats = stats.next().ok_or_else(|| Error::invalid("a step has seen no rows"))?;
            match step.after_pass(stats).map_err(|e| view.in_fold(in_step(e, &name)))? {
                Fitting::Fitted(fitted) => view.steps.push((name, fitted)),
                Fitting::Again(step) => left.push_front((name, step)),
            }
        }
    }
}

/// Fits the next steps of a view as long as they need no rows.
fn without_rows(cached: &Cached, view: &mut View, left: &mut VecDeque<(String, Step)>) -> Result<()> {
    while left.front().is_some_and(|(_, step)| !step.looks_at_rows() || cached.rows == 0) {
        let Some((name, step)) = left.pop_front() else { break };
        let empty = view.prepare(&cached.empty()?)?.plain;
        let fitted = step.fit_batches(&empty.schema(), [&empty]).map_err(|e| view.in_fold(in_step(e, &name)))?;
        view.steps.push((name, fitted));
    }
    Ok(())
}

/// The statistics of the next step of each view.
fn pass(cached: &Cached, division: &dyn Division, views: &[(&View, &(String, Step))]) -> Result<Vec<StepStats>> {
    let of_chunk = |chunk: Chunk| -> Result<Vec<StepStats>> {
        let blocks = division.blocks(&chunk);
        let of_view = |(view, (name, step)): &(&View, &(String, Step))| -> Result<StepStats> {
            let batch = match view.rows(Part::Train, division, &blocks) {
                Some(rows) => {
                    let rows = UInt64Array::from_iter_values(rows.into_iter().map(|row| row as u64));
                    take_record_batch(&chunk.features, &rows)?
                }
                None => chunk.features.clone(),
            };
            let rows = view.prepare(&batch)?.plain;
            let gather = || {
                let mut stats = step.begin(&rows.schema())?;
                step.update(&mut stats, &rows)?;
                Ok(stats)
            };
            gather().map_err(|e| view.in_fold(in_step(e, name)))
        };
        views.par_iter().map(of_view).collect()
    };
    let mut whole: Option<Vec<StepStats>> = None;
    cached.each(views.len(), of_chunk, |part| {
        let Some(whole) = &mut whole else {
            whole = Some(part);
            return Ok(());
        };
        let mut parts = whole.iter_mut().zip(part).zip(views);
        parts.try_for_each(|((all, later), (view, (name, step)))| {
            step.merge(all, later).map_err(|e| view.in_fold(in_step(e, name)))
        })
    })?;
    Ok(whole.unwrap_or_default())
}
