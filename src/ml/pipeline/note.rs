//! What a user may not expect of a fit: said in the result and in the log, never silent.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that a user may not expect of a fit, though it is no error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Note {
    /// A column transformer drops columns that no step of it names.
    ColumnsDropped {
        /// The step that drops them.
        step: String,
        /// The columns.
        columns: Vec<String>,
        /// Categorical columns all of whose one-hot features are dropped.
        one_hot: Vec<String>,
    },
    /// Columns had no value but null in the rows of the fit, so that no feature comes of them.
    NoCategories {
        /// The step that found nothing.
        step: String,
        /// The columns.
        columns: Vec<String>,
    },
    /// A class has fewer rows than a search has folds, so that some folds test on none of it.
    RareClass {
        /// The label of the class.
        class: String,
        /// Its rows.
        rows: u64,
        /// The folds.
        folds: usize,
    },
    /// The rows of the fit can be told apart by their classes without an error, and there is no penalty: the coefficients
    /// would grow without end.
    Separable {
        /// Which fit.
        fit: String,
    },
    /// A fit of a search failed, and has the score that was given for such.
    FitFailed {
        /// Which fit: the parameters and the fold.
        fit: String,
        /// The error.
        why: String,
    },
    /// A fit ended before it had converged.
    NotConverged {
        /// Which fit: the parameters and the fold, or all rows.
        fit: String,
        /// The residual that it ended with.
        kkt: f64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::ColumnsDropped { step, columns, one_hot } => {
                let features = (!one_hot.is_empty()).then(|| format!("all one-hot features of {}", listed(one_hot)));
                let columns = (!columns.is_empty()).then(|| listed(columns));
                let what: Vec<String> = columns.into_iter().chain(features).collect();
                write!(
                    f,
                    "step `{step}` (ColumnTransformer) drops {}, so the model does not see them: keep them with \
                     remainder(Remainder::Passthrough)",
                    what.join(" and ")
                )
            }
            Note::NoCategories { step, columns } => {
                let columns = listed(columns);
                write!(
                    f,
                    "step `{step}` found no value in {columns}, so no feature comes of it: leave it out, or fill it"
                )
            }
            Note::RareClass { class, rows, folds } => {
                let s = if *rows == 1 { "" } else { "s" };
                write!(
                    f,
                    "class {class} has {rows} row{s}, fewer than the {folds} folds, so some test on none of it: merge it, \
                     or use fewer folds"
                )
            }
            Note::Separable { fit } => write!(
                f,
                "the fit of {fit} tells all its rows apart and has no penalty, so nothing but tol and max_iter bounds its \
                 coefficients: use a penalty"
            ),
            Note::FitFailed { fit, why } => write!(f, "{fit} failed, so its scores are no scores: {why}"),
            Note::NotConverged { fit, kkt } => {
                write!(f, "the fit of {fit} has not converged (residual {kkt:.1e}): raise max_iter")
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    let first = names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > 5 { format!("{first}, … ({} in all)", names.len()) } else { first }
}

/// Says notes in the log.
pub(crate) fn log(notes: &[Note]) {
    notes.iter().for_each(|note| tracing::warn!("{note}"));
}
