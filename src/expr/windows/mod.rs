//! Functions that look at other rows than their own: those before, after, or all of the same group.
//!
//! | module | what |
//! |---|---|
//! | [`window`] | [`Window`]: what such a function says of itself; [`Running`], [`Carry`]: it in the middle of the rows |
//! | [`windowed`] | [`Windowed`]: a call of one, alone or over keys |
//! | [`build`] | how they are written |
//! | [`shift`] | the value of a row further up or down |
//! | [`cum_sum`], `partials` | exact running sums |
//! | [`cum_extreme`] | the smallest and the largest value so far |
//! | [`cum_count`] | the number of values, or of rows, so far |
//! | [`rolling`], `walk`, `slide`, `pieces` | statistics of windows that roll over the rows |
//! | [`rank`] | the place of a value among those of its group |
//! | [`aggregated`] | an aggregate of a group, beside each of its rows |
//! | [`mod@times`] | the times of a column in nanoseconds |
//! | `values` | the numbers of a column, row by row |
//!
//! An expression with such a function is no matter of one batch: a projection that holds one is rewritten to an
//! operation that computes it, and a projection of its result.

pub mod aggregated;
pub mod build;
pub mod cum_count;
pub mod cum_extreme;
pub mod cum_sum;
mod partials;
mod pieces;
pub mod rank;
pub mod rolling;
pub mod shift;
mod slide;
pub mod times;
mod values;
mod walk;
pub mod window;
pub mod windowed;

pub use build::row_number;
pub use rank::RankMethod;
pub use rolling::Rolling;
pub use times::times;
pub use window::{Carry, Reach, Running, Window};
pub use windowed::Windowed;
