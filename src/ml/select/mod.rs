//! Model selection.
//!
//! | module | what |
//! |---|---|
//! | [`folds`] | which rows are held out together |
//! | [`train_test`] | rows to train on, and rows to test on |
//! | [`grid`] | the candidates of a search |
//! | [`sampler`] | candidates that are drawn |
//! | [`scoring`] | what candidates are judged by |
//! | `score` | a score in the making |
//! | `division` | folds of cached rows, chunk by chunk |
//! | `scores` | scores of fitted models on held-out rows |
//! | [`settings`] | what a search is told |
//! | [`search`] | a search under way |
//! | [`report`] | what a search found |
//! | [`mod@path`] | coefficients over a parameter |
//! | `permutation` | shuffling without memory |

mod division;
pub mod folds;
pub mod grid;
pub mod path;
mod permutation;
pub mod report;
pub mod sampler;
pub(crate) mod score;
mod scores;
pub mod scoring;
pub mod search;
pub mod settings;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_errors;
pub mod train_test;

pub use folds::{Cv, GroupKFold, IntoCv, KFold, StratifiedKFold, TimeSeriesSplit};
pub use grid::{Candidates, ParamGrid, Params};
pub use path::{CoefficientPath, coefficient_path};
pub use report::{FittedGridSearchCv, Judged};
pub use sampler::{ParamDistribution, ParamSampler};
pub use scoring::Scoring;
pub use settings::{ErrorScore, GridSearchCv, IntoScorings, RandomizedSearchCv, Refit, Scorings, SearchCv};
pub use train_test::{stratified_train_test_split, train_test_split};
