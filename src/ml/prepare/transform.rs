//! What a pipeline asks of a step beside its fit.

use arrow::array::RecordBatch;

use super::one_pass::OnePass;
use crate::base::{Error, Result};
use crate::ml::pipeline::note::Note;
use crate::ml::pipeline::outline::{Outline, Uses, Wanted};
use crate::ml::pipeline::param::Parameters;
use crate::ml::pipeline::rows::Rows;
use crate::ml::pipeline::step::names;

/// A step that prepares columns, before its fit.
pub(crate) trait Transform: OnePass + Parameters + Clone {
    /// The columns after it, for those at `at`; `name` is what the step is called.
    ///
    /// # Errors
    /// If the step does not fit the columns: unknown names, types it cannot work on.
    fn after(&self, name: &str, at: &Outline) -> Result<Outline>;

    /// The same without the work whose result is not wanted, and the columns that it wants at `at`.
    fn prune(&self, at: &Outline, wanted: Wanted) -> (Self, Wanted) {
        let _ = at;
        (self.clone(), wanted)
    }

    /// How it uses the columns at `at`.
    fn uses(&self, at: &Outline) -> Uses {
        Uses { looked_up: Vec::new(), otherwise: names(&at.plain) }
    }

    /// What of its doing at `at` the user may not expect.
    fn note(&self, name: &str, at: &Outline) -> Option<Note> {
        let _ = (name, at);
        None
    }

    /// The same for these columns, where it was not told any: what is said of a part of a `ColumnTransformer`.
    #[must_use]
    fn for_columns(self, columns: &[String]) -> Self {
        let _ = columns;
        self
    }
}

/// A step that prepares columns, fitted.
pub(crate) trait FittedTransform {
    /// The rows after it; one-hot features stay codes.
    ///
    /// # Errors
    /// If the columns are not such as the step was fitted to; for values that it does not know, where that is asked for.
    fn apply(&self, rows: Rows) -> Result<Rows>;

    /// The columns before it.
    ///
    /// # Errors
    /// `Unsupported` for a step that cannot be undone.
    fn undo(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let _ = batch;
        Err(Error::unsupported("undoing this step").help("undo its parts one by one"))
    }
}
