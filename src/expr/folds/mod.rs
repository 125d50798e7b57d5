//! Aggregates of one column, each a [`Fold`]: over the whole column or over groups of its rows.
//!
//! | aggregate | result |
//! |---|---|
//! | [`Count`], [`Size`] | values, rows |
//! | [`Sum`], [`Mean`], [`Var`], [`Std`] | exact, rounded once |
//! | [`Min`], [`Max`], [`First`], [`Last`] | one of the values |
//! | [`Nunique`] | distinct values |
//! | [`Quantile`] | order statistics, exact at any size in bounded memory |
//! | [`UserFold`] | what a [`Recipe`] of your own makes of a few numbers |
//! | [`Summary`] | all that `describe` says of a column |
//!
//! What they are built of:
//!
//! | module | what |
//! |---|---|
//! | `fold` | the traits, and how states meet |
//! | `kind`, `number`, `text` | the values inside a column of any type |
//! | `state` | an accumulator of a whole column |
//! | `exact`, `fixed`, `float_sums`, `rounding` | all bits of Σx and Σx², rounded once |
//! | `extreme`, `extremes`, `pick` | one of the values, of a column and of groups |
//! | `cells`, `int_cells`, `float_cells`, `long` | exact sums in a few words a group |
//! | `tally`, `window`, `counts`, `top` | how often each value occurs |
//! | `distribution` | counted while few values are distinct, then summed and sketched |
//! | `sketch`, `histogram`, `search` | brackets of order statistics, and the passes that narrow them |
//! | `gather` | order statistics and distinct values of groups |
//! | `quantiles`, `report` | where a quantile lies, and the rows of results |

mod cells;
mod count;
mod counts;
mod distribution;
mod exact;
mod extreme;
mod extremes;
mod first;
mod fixed;
mod float_cells;
mod float_sums;
mod fold;
mod gather;
mod histogram;
mod int_cells;
mod kind;
mod last;
mod long;
mod max;
mod mean;
mod min;
mod number;
mod nunique;
mod pick;
mod quantile;
mod quantiles;
mod report;
mod rounding;
mod search;
mod size;
mod sketch;
mod state;
mod sum;
mod summary;
mod tally;
mod text;
mod top;
mod user;
mod var;
mod window;

#[cfg(test)]
mod group_laws;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod testing;

pub use count::Count;
pub(crate) use exact::{Exact, Sums};
pub use first::First;
pub(crate) use float_sums::FloatSums;
pub use fold::{Fold, FoldState, Groups, OrderedFold, Outcome, Places, Scope};
pub use kind::Kind;
pub use last::Last;
pub use max::Max;
pub use mean::Mean;
pub use min::Min;
pub(crate) use number::Number;
pub use nunique::Nunique;
pub use quantile::Quantile;
pub use quantiles::label as percentile_label;
pub use size::Size;
pub(crate) use state::{Accumulator, retyped};
pub use sum::Sum;
pub use summary::Summary;
pub use user::{Recipe, UserFold};
pub use var::{Std, Var};
