//! Order statistics of columns on their way: the engine's own exact quantiles, which may take several passes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Float64Type};

use super::columns::floats;
use crate::base::Result;
use crate::expr::folds::{Fold, FoldState, Groups, Outcome, Quantile, Scope};

/// What earlier passes have found out, column by column: the quantiles, or what the next pass is to look for. It is no
/// part of what a step is: it is not saved, and all are equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Found(Vec<Answer>);

#[derive(Clone, Debug)]
enum Answer {
    Known(Vec<f64>),
    Again(Arc<dyn Fold>),
}

impl PartialEq for Found {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The quantiles of each column in the middle of a pass.
pub(super) struct OrderStats(Vec<Asked>);

struct Asked {
    name: String,
    state: State,
}

enum State {
    Known(Vec<f64>),
    Folding(Box<dyn FoldState>),
}

/// The quantiles of each column, or what was found out.
pub(super) enum Quantiles {
    /// No quantiles for a column without values.
    Known(Vec<(String, Vec<f64>)>),
    Again(Found),
}

impl OrderStats {
    /// Begins a pass for these quantiles of these columns.
    ///
    /// # Errors
    /// `Invalid` when one of the quantiles is not between 0 and 1.
    pub fn begin(columns: Vec<String>, quantiles: &[f64], found: &Found) -> Result<Self> {
        let first: Arc<dyn Fold> = Arc::new(Quantile::several(quantiles)?);
        let asked = columns.into_iter().enumerate().map(|(place, name)| {
            let state = match found.0.get(place) {
                Some(Answer::Known(values)) => State::Known(values.clone()),
                Some(Answer::Again(fold)) => State::Folding(fold.start(&DataType::Float64, Scope::Column)?),
                None => State::Folding(first.start(&DataType::Float64, Scope::Column)?),
            };
            Ok(Asked { name, state })
        });
        asked.collect::<Result<_>>().map(OrderStats)
    }

    /// Takes in a batch.
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` for text.
    pub fn update(&mut self, batch: &RecordBatch, doing: &str) -> Result<()> {
        for Asked { name, state } in &mut self.0 {
            if let State::Folding(state) = state {
                let column: ArrayRef = Arc::new(floats(batch, name, doing)?);
                state.update(&column, Groups::One)?;
            }
        }
        Ok(())
    }

    /// Takes in what was gathered of later rows.
    ///
    /// # Errors
    /// `Invalid` for what was gathered in another pass.
    pub fn merge(&mut self, later: OrderStats) -> Result<()> {
        for (asked, later) in self.0.iter_mut().zip(later.0) {
            if let (State::Folding(state), State::Folding(later)) = (&mut asked.state, later.state) {
                state.merge(later, Groups::One)?;
            }
        }
        Ok(())
    }

    /// What the pass has come to.
    ///
    /// # Errors
    /// Never in practice.
    pub fn finish(self) -> Result<Quantiles> {
        let mut answers = Vec::with_capacity(self.0.len());
        for Asked { name, state } in self.0 {
            let answer = match state {
                State::Known(values) => Answer::Known(values),
                State::Folding(state) => match state.finish()? {
                    Outcome::Value(list) => Answer::Known(numbers(&list)),
                    Outcome::Again(fold) => Answer::Again(fold),
                },
            };
            answers.push((name, answer));
        }
        if answers.iter().any(|(_, answer)| matches!(answer, Answer::Again(_))) {
            return Ok(Quantiles::Again(Found(answers.into_iter().map(|(_, answer)| answer).collect())));
        }
        let known = answers.into_iter().filter_map(|(name, answer)| match answer {
            Answer::Known(values) => Some((name, values)),
            Answer::Again(_) => None,
        });
        Ok(Quantiles::Known(known.collect()))
    }
}

/// The quantiles in a list of fixed size; none where there were no values.
fn numbers(list: &ArrayRef) -> Vec<f64> {
    let list = list.as_fixed_size_list();
    let values: &Float64Array = list.values().as_primitive::<Float64Type>();
    if list.is_null(0) || values.null_count() > 0 { Vec::new() } else { values.values().to_vec() }
}
