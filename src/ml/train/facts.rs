//! The facts of all views, in one pass over the cache.

use rayon::prelude::*;

use super::cache::Cached;
use super::views::{Division, Part, View};
use crate::base::Result;
use crate::ml::estimator::facts::{Facts, Tally};
use crate::ml::estimator::labels::Labels;

/// What is known of the training rows of each view.
///
/// # Errors
/// For values that a step or a model cannot work with.
pub(super) fn gather(cached: &Cached, division: &dyn Division, views: &[View]) -> Result<Vec<Facts>> {
    let outlines = views.iter().map(|view| view.outline(cached)).collect::<Result<Vec<_>>>()?;
    let classes = cached.classes.len();
    let mut tallies: Vec<Tally> =
        outlines.iter().map(|design| Tally::of(design, Labels::Classes(&[]), classes)).collect();
    let of_chunk = |number: &usize| -> Result<Vec<Tally>> {
        let chunk = cached.chunk(*number)?;
        let blocks = division.blocks(&chunk);
        let of_view = |view: &View| {
            let ready = view.ready(&chunk, Part::Train, division, &blocks)?;
            Ok(Tally::of(&ready.design, ready.truth.borrowed(), classes))
        };
        views.par_iter().map(of_view).collect()
    };
    let numbers: Vec<usize> = (0..cached.chunks()).collect();
    for window in numbers.chunks(rayon::current_num_threads().max(1)) {
        for part in window.par_iter().map(of_chunk).collect::<Result<Vec<_>>>()? {
            tallies.iter_mut().zip(part).for_each(|(whole, later)| whole.merge(later));
        }
    }
    let facts = tallies.into_iter().zip(outlines);
    Ok(facts.map(|(tally, outline)| tally.facts(outline.layout().clone(), cached.classes.clone())).collect())
}
