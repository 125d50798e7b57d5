//! Steps that are fitted from one pass over the data.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};

use crate::base::{Error, Result};

/// A step whose fit needs only statistics that can be gathered batch by batch and merged in the order of the rows. So
/// it can be fitted from batches in memory, from a lazy frame, or fold by fold in one scan.
///
/// A few steps need more than one pass: exact medians, and steps inside of steps where one reads what the other makes.
/// They say so [after a pass](OnePass::after_pass).
pub trait OnePass {
    /// What is gathered.
    type Stats: Send;
    /// The fitted step.
    type Fitted;

    /// Statistics of no rows, for frames of this schema.
    ///
    /// # Errors
    /// If the schema has not the columns, or not the types, that the step works on.
    fn begin(&self, schema: &Schema) -> Result<Self::Stats>;

    /// The columns that [`update`](Self::update) looks at, for frames of this schema; `None` for all.
    fn reads(&self, schema: &Schema) -> Option<Vec<String>> {
        let _ = schema;
        None
    }

    /// The columns that come out of the step, of a frame of this schema, with other values than they went in with, or
    /// that do not come out or did not go in. A later step that reads none of them can be fitted in the same pass.
    fn changes(&self, schema: &Schema) -> Vec<String> {
        schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Whether the fit depends on the rows. If not, a batch without rows will do for [`update`](Self::update).
    fn looks_at_rows(&self) -> bool {
        true
    }

    /// Takes in a batch.
    ///
    /// # Errors
    /// For values that the step cannot work with; the error names the column.
    fn update(&self, stats: &mut Self::Stats, batch: &RecordBatch) -> Result<()>;

    /// Takes in the statistics of the rows that follow.
    ///
    /// # Errors
    /// If the two cannot be brought together.
    fn merge(&self, stats: &mut Self::Stats, later: Self::Stats) -> Result<()>;

    /// The fitted step.
    ///
    /// # Errors
    /// If the rows seen do not suffice, and `Unsupported` where one pass does not.
    fn finish(&self, stats: Self::Stats) -> Result<Self::Fitted>;

    /// The fitted step, or what is to be done with another pass over the same rows.
    ///
    /// # Errors
    /// If the rows seen do not suffice.
    fn after_pass(&self, stats: Self::Stats) -> Result<Fitting<Self>>
    where
        Self: Sized,
    {
        self.finish(stats).map(Fitting::Fitted)
    }

    /// Fits to batches in memory.
    ///
    /// # Errors
    /// As the other methods.
    fn fit_batches<'a, B>(&self, schema: &Schema, batches: B) -> Result<Self::Fitted>
    where
        Self: Sized,
        B: IntoIterator<Item = &'a RecordBatch> + Clone,
    {
        fn pass<'a, S: OnePass>(
            step: &S,
            schema: &Schema,
            batches: impl IntoIterator<Item = &'a RecordBatch>,
        ) -> Result<Fitting<S>> {
            let mut stats = step.begin(schema)?;
            for batch in batches {
                step.update(&mut stats, batch)?;
            }
            step.after_pass(stats)
        }
        let mut fitting = pass(self, schema, batches.clone())?;
        loop {
            match fitting {
                Fitting::Fitted(fitted) => return Ok(fitted),
                Fitting::Again(step) => fitting = pass(&step, schema, batches.clone())?,
            }
        }
    }
}

/// What a pass over the rows has come to.
#[derive(Clone, Debug)]
pub enum Fitting<S: OnePass> {
    /// The fitted step.
    Fitted(S::Fitted),
    /// The step, knowing more: it is to be fitted to the same rows, of the same schema, and gives what was asked for.
    Again(S),
}

impl<S: OnePass> Fitting<S> {
    /// The fitted step, where one pass must have been enough.
    ///
    /// # Errors
    /// `Unsupported` when another pass is needed.
    pub fn fitted(self) -> Result<S::Fitted> {
        match self {
            Fitting::Fitted(fitted) => Ok(fitted),
            Fitting::Again(_) => Err(Error::unsupported("fitting this step in a single pass over the rows")),
        }
    }
}

/// The rows of a batch with other columns, of which there may be none.
pub(super) fn with_columns(batch: &RecordBatch, schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
