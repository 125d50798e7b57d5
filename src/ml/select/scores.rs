//! Scores of fitted models on the rows that were held out, in one pass over the cache.

use rayon::prelude::*;

use super::score::{self, Score, Truth};
use super::scoring::Scoring;
use crate::base::Result;
use crate::exec::Reservation;
use crate::ml::estimator::{FittedModel, Labels, Predicted};
use crate::ml::train::cache::Cached;
use crate::ml::train::views::{Division, Part, View};

const WHAT: &str = "scores that order the held-out rows";

/// How each model does on the held-out rows of its view.
///
/// # Errors
/// When rows cannot be read, a model cannot predict, or its predictions are not such as the score is made from.
pub(super) fn score(
    cached: &Cached,
    division: &dyn Division,
    views: &[View],
    models: &[(usize, FittedModel)],
    scoring: Scoring,
) -> Result<Vec<f64>> {
    let classes = (!cached.classes.is_empty()).then(|| cached.classes.len());
    let of_chunk = |number: usize| -> Result<Vec<Score>> {
        let chunk = cached.chunk(number)?;
        let blocks = division.blocks(&chunk);
        let ready = |view: &View| view.ready(&chunk, Part::Test, division, &blocks);
        let held_out = views.par_iter().map(ready).collect::<Result<Vec<_>>>()?;
        let of_model = |(view, model): &(usize, FittedModel)| {
            let ready = &held_out[*view];
            let truth = match ready.truth.borrowed() {
                Labels::Classes(classes) => Truth::Classes(classes),
                Labels::Values(values) => Truth::Values(values),
            };
            let mut score = scoring.begin(classes)?;
            let predicted = model.predict(&ready.design)?;
            let seen = match &predicted {
                Predicted::Values(values) => score::Predicted::Values(values),
                Predicted::Classes(classes) => score::Predicted::Classes(classes),
                Predicted::Probabilities { margins: Some(margins), .. } => score::Predicted::Margins(margins),
                Predicted::Probabilities { probabilities, .. } => score::Predicted::Probabilities(probabilities),
            };
            score.update(truth, &seen, ready.design.row_weights())?;
            Ok(score)
        };
        models.par_iter().map(of_model).collect()
    };
    let begin = || scoring.begin(classes);
    let mut whole = models.iter().map(|_| begin()).collect::<Result<Vec<Score>>>()?;
    let mut reservation: Reservation = cached.context().budget.nothing();
    let numbers: Vec<usize> = (0..cached.chunks()).collect();
    for window in numbers.chunks(rayon::current_num_threads().max(1)) {
        for part in window.par_iter().map(|number| of_chunk(*number)).collect::<Result<Vec<_>>>()? {
            whole.iter_mut().zip(part).for_each(|(all, later)| all.merge(later));
        }
        reservation.resize(WHAT, whole.iter().map(|score| score.bytes() as u64).sum())?;
    }
    Ok(whole.into_par_iter().map(Score::value).collect())
}
