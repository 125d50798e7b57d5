//! Estimators that are fitted in passes over rows that need not fit into memory.

use std::fmt::Debug;

use super::facts::Facts;
use super::labels::{Labels, Task};
use super::model::Predictor;
use crate::base::Result;
use crate::ml::design::{Block, Layout};

/// An estimator that is fitted in passes over the rows: in each the rows are summed up block by block, the sums are
/// merged in the order of the rows, and the estimator says from the whole whether it needs another pass.
///
/// It never sees where rows lie, so it is fitted to frames larger than memory, and all candidates and folds of a search
/// ride on the same passes. Results do not depend on partitions, threads or the memory limit, because the blocks do not.
///
/// ```
/// use partita::Error;
/// use partita::ml::design::{Block, Layout};
/// use partita::ml::estimator::{Facts, Labels, PassEstimator, Passed, Predicted, Predictor, labels::Task};
/// use partita::ml::Design;
///
/// /// Predicts the mean of the target, whatever the features are (scikit-learn's `DummyRegressor`).
/// #[derive(Clone, Debug)]
/// struct Mean;
///
/// #[derive(Debug)]
/// struct FittedMean(Layout, f64);
///
/// impl PassEstimator for Mean {
///     type State = (Layout, f64);
///     type Acc = (f64, u64);
///     type Fitted = FittedMean;
///
///     fn task(&self) -> Task {
///         Task::Regression
///     }
///     fn begin(&self, facts: &Facts) -> Result<Self::State, Error> {
///         Ok((facts.layout.clone(), f64::NAN))
///     }
///     fn nothing(&self, _: &Self::State) -> (f64, u64) {
///         (0.0, 0)
///     }
///     fn accumulate(&self, _: &Self::State, block: &Block<'_>, labels: Labels<'_>) -> (f64, u64) {
///         (labels.values().iter().sum(), block.rows as u64)
///     }
///     fn merge(&self, acc: &mut (f64, u64), later: (f64, u64)) {
///         *acc = (acc.0 + later.0, acc.1 + later.1);
///     }
///     fn step(&self, state: &mut Self::State, acc: (f64, u64)) -> Result<Passed, Error> {
///         state.1 = acc.0 / acc.1 as f64;
///         Ok(Passed::Done)
///     }
///     fn finish(&self, state: Self::State) -> Result<FittedMean, Error> {
///         Ok(FittedMean(state.0, state.1))
///     }
/// }
///
/// impl Predictor for FittedMean {
///     fn layout(&self) -> &Layout {
///         &self.0
///     }
///     fn predict(&self, design: &Design) -> Result<Predicted, Error> {
///         Ok(Predicted::Values(vec![self.1; design.rows()]))
///     }
/// }
/// # use partita::ml::{Pipeline, Step, Target, linfa::DatasetBase};
/// # let x = std::sync::Arc::new(arrow::array::Float64Array::from(vec![1.0, 2.0, 6.0])) as arrow::array::ArrayRef;
/// # let frame = partita::DataFrame::from_batches([arrow::array::RecordBatch::try_from_iter([("x", x.clone()), ("y", x)])?])?;
/// let pipeline = Pipeline::new().step("mean", Step::passes(Mean));
/// let fitted = pipeline.fit(&DatasetBase::new(frame.clone(), Target::column("y")))?;
/// assert_eq!(fitted.predict(&frame)?.compute()?.f64s("y")?, [Some(3.0); 3]);
/// # Ok::<(), Error>(())
/// ```
pub trait PassEstimator: Debug + Send + Sync + 'static {
    /// A fit under way.
    type State: Send + Sync;
    /// The sums of a pass.
    type Acc: Send + 'static;
    /// The fitted model.
    type Fitted: Predictor;

    /// Whether classes are learnt or values.
    fn task(&self) -> Task;

    /// Begins a fit.
    ///
    /// # Errors
    /// When the rows do not suffice, or the features are too many.
    fn begin(&self, facts: &Facts) -> Result<Self::State>;

    /// The sums of no rows.
    fn nothing(&self, state: &Self::State) -> Self::Acc;

    /// The sums of some rows.
    fn accumulate(&self, state: &Self::State, block: &Block<'_>, labels: Labels<'_>) -> Self::Acc;

    /// Takes in the sums of later rows.
    fn merge(&self, acc: &mut Self::Acc, later: Self::Acc);

    /// Takes in the sums of all rows, and says whether another pass is needed.
    ///
    /// # Errors
    /// When the fit cannot go on.
    fn step(&self, state: &mut Self::State, acc: Self::Acc) -> Result<Passed>;

    /// The fitted model.
    ///
    /// # Errors
    /// When there is none.
    fn finish(&self, state: Self::State) -> Result<Self::Fitted>;

    /// About how many bytes the sums take, and how many a step does beside them.
    fn bytes(&self, layout: &Layout) -> (u64, u64) {
        let features = layout.len() as u64;
        (8 * features, 0)
    }

    /// About how many bytes a fit keeps from pass to pass, beside the sums.
    fn kept(&self, layout: &Layout) -> u64 {
        let _ = layout;
        0
    }

    /// How far the fit is, for people.
    fn progress(&self, state: &Self::State) -> Option<Standing> {
        let _ = state;
        None
    }
}

/// Where a fit stands after a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// What is minimised, at the best point so far.
    pub objective: f64,
    /// How far from optimal that is, as the estimator measures it.
    pub residual: f64,
}

/// What an estimator says after a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It needs another one.
    More,
    /// The fit has ended.
    Done,
}
