//! Model selection.
//!
//! | module | what |
//! |---|---|
//! | [`folds`] | which rows are held out together |
//! | [`grid`] | the candidates of a search |
//! | [`scoring`] | what candidates are judged by |
//! | `score` | a score in the making |
//! | [`search`] | the search over a grid by cross-validation |
//! | `division` | folds of cached rows, chunk by chunk |
//! | `scores` | scores of fitted models on held-out rows |
//! | [`report`] | what a search found |

mod division;
pub mod folds;
pub mod grid;
pub mod report;
pub(crate) mod score;
mod scores;
pub mod scoring;
pub mod search;
#[cfg(test)]
mod tests;

pub use folds::{Cv, GroupKFold, IntoCv, KFold, StratifiedKFold, TimeSeriesSplit};
pub use grid::{ParamGrid, Params};
pub use report::FittedGridSearchCv;
pub use scoring::Scoring;
pub use search::GridSearchCv;
