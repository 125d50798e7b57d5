//! Expressions over the columns of a batch.
//!
//! | module | what |
//! |---|---|
//! | [`tree`] | [`Expr`]: columns, literals, aliases and calls |
//! | [`build`] | [`col`], [`lit`] and the operators |
//! | [`names`] | [`cols`](names::cols) and what can name columns |
//! | [`function`] | [`ScalarFn`]: what a function of columns must say of itself |
//! | [`value`] | [`Scalar`] and [`Value`]: what functions take and give |
//! | [`coerce`] | which type two operands meet in |
//! | [`portable`], [`registry`] | functions, aggregates and expressions as plain data, for another process, and back |
//! | [`program`] | [`Program`]: expressions made ready to run, common parts computed once |
//! | [`namespaces`] | methods that belong together: `dt()`, `str()`, numbers, `when` |
//! | [`fns`] | the functions, one a file |
//! | [`keys`] | rows by their keys: hashes, groups |
//! | [`order`] | the order of rows: sort keys, keys as bytes, sorting and merging |
//! | [`agg`] | [`Agg`]: an aggregate of an expression, under a name |
//! | [`windows`] | functions that look at other rows: shifts, running totals, rolling windows, ranks; `over` |
//! | [`folds`] | the aggregates: count, sum, mean, var, min, quantile, summary … |
//!
//! The structure of an expression is closed, its functions are open.

pub mod agg;
pub mod build;
pub mod coerce;
pub mod fns;
pub mod folds;
pub mod function;
pub mod keys;
pub mod names;
pub mod namespaces;
pub mod order;
pub mod portable;
pub mod program;
pub mod registry;
#[cfg(test)]
pub(crate) mod testing;
pub mod tree;
pub mod value;
mod widen;
pub mod windows;

pub use agg::{Agg, size};
pub use build::{col, lit};
pub use function::{Arg, Notation, ScalarFn};
pub use namespaces::{max_of, min_of, when};
pub use order::{IntoSortKeys, SortKey};
pub use portable::Portable;
pub use program::Program;
pub use tree::Expr;
pub use value::{Scalar, Value};
pub use windows::{RankMethod, Rolling, row_number};
