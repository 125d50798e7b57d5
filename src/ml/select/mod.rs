//! Model selection.
//!
//! | module | what |
//! |---|---|
//! | [`folds`] | which rows are held out together |
//! | [`grid`] | the candidates of a search |
//! | [`search`] | the search over a grid by cross-validation |
//! | [`report`] | what a search found |

pub mod folds;
pub mod grid;
pub mod report;
pub mod search;
#[cfg(test)]
mod tests;

pub use folds::{KFold, StratifiedKFold};
pub use grid::{ParamGrid, Params};
pub use report::FittedGridSearchCv;
pub use search::{Cv, GridSearchCv, IntoCv, Scoring};
