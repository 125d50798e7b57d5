//! Scores of fitted models, in one pass over the cache.

use rayon::prelude::*;

use super::score::{self, Score};
use super::scoring::Scoring;
use crate::base::{Error, Result};
use crate::ml::estimator::{FittedModel, Predicted};
use crate::ml::train::cache::{Cached, Chunk};
use crate::ml::train::views::{Division, Part, Ready, View};

const WHAT: &str = "scores that order the rows";

/// What became of the scores of a model.
pub(super) type Outcome<T = f64> = Result<Vec<T>>;

/// How each model does on a part of the rows of its view, by each scoring; and in how many passes that was found: one,
/// unless memory has no room for all views at once. That steps cannot prepare the rows, that a model cannot predict, or
/// not such things as a score is made from, is the outcome of that model.
///
/// # Errors
/// When rows cannot be read, or memory does not suffice.
pub(super) fn score(
    cached: &Cached,
    division: &dyn Division,
    views: &[View],
    models: &[(usize, &FittedModel)],
    part: Part,
    scorings: &[Scoring],
) -> Result<(Vec<Outcome>, u64)> {
    let classes = (!cached.classes.is_empty()).then(|| cached.classes.len());
    let begin = || scorings.iter().map(|scoring| scoring.begin(classes)).collect::<Result<Vec<Score>>>();
    let mut whole = models.iter().map(|_| begin()).collect::<Vec<_>>();
    let mut reservation = cached.context().budget.nothing();
    let (at_once, mut passes) = (cached.at_once(views.len()), 0);
    for (turn, some) in views.chunks(at_once).enumerate() {
        let first = turn * at_once;
        let of_turn = |view: usize| (first..first + some.len()).contains(&view);
        let of_chunk = |chunk: Chunk| -> Result<Vec<Outcome<Score>>> {
            let blocks = division.blocks(&chunk);
            let ready = |view: &View| view.ready(&chunk, part, division, &blocks);
            let rows: Vec<Result<Ready>> = some.par_iter().map(ready).collect();
            let of_model = |(view, model): &(usize, &FittedModel)| {
                let rows = rows[*view - first].as_ref().map_err(Error::again)?;
                let mut scores = begin()?;
                update(&mut scores, rows, model).map_err(|e| some[*view - first].in_fold(e))?;
                Ok(scores)
            };
            Ok(models.par_iter().filter(|(view, _)| of_turn(*view)).map(of_model).collect())
        };
        cached.each(some.len(), of_chunk, |later| {
            let of_turn = whole.iter_mut().zip(models).filter(|(_, (view, _))| of_turn(*view));
            of_turn.map(|(whole, _)| whole).zip(later).for_each(|(whole, later)| merge(whole, later));
            let scores = whole.iter().flatten().flatten();
            reservation.resize(WHAT, scores.map(|score| score.bytes() as u64).sum())
        })?;
        passes += 1;
    }
    let values = |scores: Vec<Score>| scores.into_iter().map(Score::value).collect();
    Ok((whole.into_par_iter().map(|scores| scores.map(values)).collect(), passes))
}

/// Takes in the scores of later rows; of errors that of the first rows stays.
fn merge(whole: &mut Outcome<Score>, later: Outcome<Score>) {
    match (whole.as_mut(), later) {
        (Ok(scores), Ok(later)) => scores.iter_mut().zip(later).for_each(|(all, later)| all.merge(later)),
        (Ok(_), Err(error)) => *whole = Err(error),
        (Err(_), _) => {}
    }
}

/// Takes in what a model says of rows.
fn update(scores: &mut [Score], rows: &Ready, model: &FittedModel) -> Result<()> {
    let truth = rows.truth.borrowed();
    let predicted = model.predict(&rows.design)?;
    let seen = match &predicted {
        Predicted::Values(values) => score::Predicted::Values(values),
        Predicted::Classes(classes) => score::Predicted::Classes(classes),
        Predicted::Probabilities { margins: Some(margins), .. } => score::Predicted::Margins(margins),
        Predicted::Probabilities { probabilities, .. } => score::Predicted::Probabilities(probabilities),
    };
    scores.iter_mut().try_for_each(|score| score.update(truth, &seen, rows.design.row_weights()))
}
