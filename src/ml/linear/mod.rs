//! Linear regression: least squares, alone or with a ridge, lasso or elastic-net penalty.
//!
//! | module | what |
//! |---|---|
//! | `params` | [`LinearRegression`], [`Ridge`], [`Lasso`], [`ElasticNet`]: their parameters, unchecked and checked |
//! | `fit` | from a design matrix and values to a model; linfa's traits |
//! | `fitted` | [`FittedLinearRegression`]: coefficients, report, predictions, file |
//! | `passes` | the estimator that is fitted in passes |
//! | `terms` | what it is fitted by, whatever rows pass by |
//! | `sums` | one pass: squares of residuals, their gradient and the moments of structured rows |

mod fit;
mod fitted;
mod params;
mod passes;
mod sums;
mod terms;
#[cfg(test)]
mod tests;

pub use fitted::FittedLinearRegression;
pub use params::{ElasticNet, Lasso, LinearRegression, Ridge, ValidLinearRegression};
