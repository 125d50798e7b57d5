//! The facts of all views, in one pass over the cache.

use rayon::prelude::*;

use super::cache::{Cached, Chunk};
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
    let of_chunk = |chunk: Chunk| -> Result<Vec<Tally>> {
        let blocks = division.blocks(&chunk);
        let of_view = |view: &View| {
            let ready = view.ready(&chunk, Part::Train, division, &blocks)?;
            Ok(Tally::of(&ready.design, ready.truth.borrowed(), classes))
        };
        views.par_iter().map(of_view).collect()
    };
    cached.each(views.len(), of_chunk, |later| {
        tallies.iter_mut().zip(later).for_each(|(whole, later)| whole.merge(later));
        Ok(())
    })?;
    let facts = tallies.into_iter().zip(outlines);
    Ok(facts.map(|(tally, outline)| tally.facts(outline.layout().clone(), cached.classes.clone())).collect())
}
