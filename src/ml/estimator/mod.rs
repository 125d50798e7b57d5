//! What can stand at the end of a pipeline, and how it is fitted.
//!
//! | module | what |
//! |---|---|
//! | [`labels`] | the target of some rows |
//! | [`facts`] | what is known of the training rows before a fit begins |
//! | [`pass`] | estimators that are fitted in passes over rows that need not fit into memory |
//! | `training` | how an estimator wants to be fitted |
//! | [`linfa_estimator`] | estimators of linfa at the end of a pipeline |
//! | [`model`] | fitted models and their predictions |
//! | `fitting` | a fit in passes, whatever its estimator |

pub mod facts;
pub(crate) mod fitting;
pub mod labels;
pub mod linfa_estimator;
pub mod model;
pub mod pass;
pub(crate) mod training;

pub use facts::Facts;
pub use labels::Labels;
pub use linfa_estimator::{FittedLinfa, LinfaEstimator};
pub use model::{FittedModel, Predicted, Predictor};
pub use pass::{PassEstimator, Passed, Standing};
pub use training::{Custom, WholeEstimator};
