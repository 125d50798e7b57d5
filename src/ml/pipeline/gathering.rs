//! The fit of a step under way, whatever step it is.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::step::{FittedStep, Step, is_no_preparation};
use crate::base::{Error, Result};
use crate::ml::prepare::OnePass;

/// The statistics of a step, gathered batch by batch.
pub(crate) trait Gathering: Send {
    /// Takes in a batch.
    fn update(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Takes in the statistics of later rows, of the same step.
    fn merge(&mut self, later: Box<dyn Gathering>) -> Result<()>;

    /// The fitted step.
    fn finish(self: Box<Self>) -> Result<FittedStep>;

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any>;
}

struct Of<S: OnePass> {
    step: S,
    stats: S::Stats,
}

impl<S> Gathering for Of<S>
where
    S: OnePass + Send + 'static,
    S::Stats: 'static,
    FittedStep: From<S::Fitted>,
{
    fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        self.step.update(&mut self.stats, batch)
    }

    fn merge(&mut self, later: Box<dyn Gathering>) -> Result<()> {
        let later = later.into_any().downcast::<Of<S>>();
        let later = later.map_err(|_| Error::invalid("the statistics of a fit are of another step"))?;
        self.step.merge(&mut self.stats, later.stats)
    }

    fn finish(self: Box<Self>) -> Result<FittedStep> {
        Ok(self.step.finish(self.stats)?.into())
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

impl Step {
    /// Begins to fit to rows of this schema.
    ///
    /// # Errors
    /// If the schema has not the columns, or not the types, that the step works on; `Invalid` for a model.
    pub(crate) fn gather(&self, schema: &Schema) -> Result<Box<dyn Gathering>> {
        fn of<S>(step: &S, schema: &Schema) -> Result<Box<dyn Gathering>>
        where
            S: OnePass + Clone + Send + 'static,
            S::Stats: 'static,
            FittedStep: From<S::Fitted>,
        {
            Ok(Box::new(Of { stats: step.begin(schema)?, step: step.clone() }))
        }
        match self {
            Step::Categorizer(step) => of(step, schema),
            Step::DummyEncoder(step) => of(step, schema),
            Step::StandardScaler(step) => of(step, schema),
            Step::ColumnTransformer(step) => of(step, schema),
            Step::LogisticRegression(_) | Step::Model(_) => Err(is_no_preparation()),
        }
    }

    /// Whether it learns from rows at all: what is to be known of a categorical column is in its dictionary.
    pub(crate) fn looks_at_rows(&self) -> bool {
        !matches!(self, Step::DummyEncoder(_))
    }
}
