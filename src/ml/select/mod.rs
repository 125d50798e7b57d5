//! Model selection.
//!
//! | module | what |
//! |---|---|
//! | [`folds`] | which rows are held out together |

pub mod folds;

pub use folds::{KFold, StratifiedKFold};
