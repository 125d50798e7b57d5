//! Logistic regression with an elastic-net penalty, by proximal Newton.
//!
//! | module | what |
//! |---|---|
//! | `params` | [`LogisticRegression`], its parameters, unchecked and checked |
//! | `fit` | from a design matrix and labels to a model; linfa's traits |
//! | `fitted` | [`FittedLogisticRegression`]: coefficients, report, predictions, file |
//! | `passes` | an estimator that is fitted in passes, by Newton or FISTA |
//! | `terms` | what it is fitted by, whatever rows pass by |
//! | `problem` | rows in memory, for solvers that want them so |
//! | `newton` | the method as a machine fed with passes; it sees no row |
//! | `fista` | a first-order method as such a machine, for wide designs |
//! | `accumulate` | one pass: loss, gradient and exact Hessian of structured rows |
//! | `gradient` | one pass without the Hessian |
//! | `softmax` | both for more than two classes |
//! | `quadratic` | the inner problem on the Hessian |
//! | `square` | symmetric matrices and Cholesky |
//! | `kernel` | the logistic function over slices |
//! | `saga` | scikit-learn's SAGA |
//! | `lbfgs` | the solver of `linfa-logistic` |
//! | `weights` | what rows weigh: their own weights, and those of their classes |

pub(in crate::ml) mod accumulate;
mod fista;
mod fit;
mod fitted;
pub(in crate::ml) mod gradient;
pub(in crate::ml) mod kernel;
mod lbfgs;
pub(in crate::ml) mod newton;
mod params;
mod passes;
pub(in crate::ml) mod problem;
pub(in crate::ml) mod quadratic;
mod saga;
mod softmax;
pub(in crate::ml) mod square;
pub(in crate::ml) mod terms;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_multinomial;
mod weights;

pub use fitted::FittedLogisticRegression;
pub use params::{LogisticRegression, Penalty, Solver, ValidLogisticRegression};
pub use weights::ClassWeight;
