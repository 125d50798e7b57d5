//! A fit in passes, whatever its estimator.

use std::any::Any;
use std::sync::Arc;

use super::facts::Facts;
use super::labels::Labels;
use super::model::FittedModel;
use super::pass::{PassEstimator, Passed, Standing};
use crate::base::{Error, Result};
use crate::ml::design::Block;

/// The sums of a pass.
pub(crate) type Sums = Box<dyn Any + Send>;

/// Rows that are summed up together, unless the sums are so many that merging them would weigh more.
const ROWS: usize = 16_384;

/// A [`PassEstimator`] at work.
pub(crate) trait Fitting: Send + Sync {
    /// About the bytes of the sums, and of a step beside them.
    fn bytes(&self) -> (u64, u64);

    /// About the bytes that the fit keeps from pass to pass.
    fn kept(&self) -> u64;

    /// How many rows are summed up together: this depends on the features alone.
    fn rows(&self) -> usize {
        // merging four bytes of sums costs about as much as a row
        ROWS.max((self.bytes().0 as usize / 32).next_multiple_of(ROWS))
    }

    fn nothing(&self) -> Sums;

    fn accumulate(&self, block: &Block<'_>, labels: Labels<'_>) -> Sums;

    fn merge(&self, sums: &mut Sums, later: Sums) -> Result<()>;

    fn step(&mut self, sums: Sums) -> Result<Passed>;

    fn progress(&self) -> Option<Standing>;

    fn finish(self: Box<Self>) -> Result<FittedModel>;
}

struct Of<E: PassEstimator> {
    estimator: Arc<E>,
    state: E::State,
    bytes: (u64, u64),
    kept: u64,
    model: fn(E::Fitted) -> FittedModel,
}

/// Begins a fit.
///
/// # Errors
/// Those of the estimator.
pub(crate) fn begin<E: PassEstimator>(
    estimator: &Arc<E>,
    facts: &Facts,
    model: fn(E::Fitted) -> FittedModel,
) -> Result<Box<dyn Fitting>> {
    let (state, bytes) = (estimator.begin(facts)?, estimator.bytes(&facts.layout));
    let kept = estimator.kept(&facts.layout);
    Ok(Box::new(Of { estimator: estimator.clone(), state, bytes, kept, model }))
}

fn own<T: 'static>(sums: Sums) -> Result<T> {
    sums.downcast().map(|sums| *sums).map_err(|_| Error::invalid("the sums of a pass are of another estimator"))
}

impl<E: PassEstimator> Fitting for Of<E> {
    fn bytes(&self) -> (u64, u64) {
        self.bytes
    }

    fn kept(&self) -> u64 {
        self.kept
    }

    fn nothing(&self) -> Sums {
        Box::new(self.estimator.nothing(&self.state))
    }

    fn accumulate(&self, block: &Block<'_>, labels: Labels<'_>) -> Sums {
        Box::new(self.estimator.accumulate(&self.state, block, labels))
    }

    fn merge(&self, sums: &mut Sums, later: Sums) -> Result<()> {
        let own_sums = sums.downcast_mut().ok_or_else(|| Error::invalid("the sums of a pass are of another estimator"));
        self.estimator.merge(own_sums?, own(later)?);
        Ok(())
    }

    fn step(&mut self, sums: Sums) -> Result<Passed> {
        self.estimator.step(&mut self.state, own(sums)?)
    }

    fn progress(&self) -> Option<Standing> {
        self.estimator.progress(&self.state)
    }

    fn finish(self: Box<Self>) -> Result<FittedModel> {
        Ok((self.model)(self.estimator.finish(self.state)?))
    }
}
