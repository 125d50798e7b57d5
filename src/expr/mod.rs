//! Expressions over the columns of a batch, and the aggregates of one column.
//!
//! | module | what |
//! |---|---|
//! | [`folds`] | the aggregates: count, sum, mean, var, min, quantile, summary … |

pub mod folds;
