//! Many elements to few, along axes. Tasks take in parts of an array tile by tile and are merged as a tree; which elements
//! a task takes depends on the shape alone, so results do not depend on chunks, threads or memory.
//!
//! | module | what |
//! |---|---|
//! | `axes` | which axes are reduced: [`Axes`] |
//! | `grid` | how elements are divided among tasks |
//! | `tree` | tasks whose states are merged as a tree |
//! | `reduction` | what makes one element of many: [`Reduction`] |
//! | `folded` | reductions of functions: [`Folded`] |
//! | `number` | elements that can be added up and ordered: [`Number`] |
//! | `compensated` | sums of floating numbers that keep what is rounded off |
//! | `sum` | sum and mean |
//! | `prod` | products |
//! | `spread` | variance and standard deviation |
//! | `extreme` | the smallest and the largest element |
//! | `arg` | where they are |
//! | `logic` | any, all, how many are not zero |
//! | `skip` | all these without NaN |
//! | `norm` | norms of vectors and matrices |
//! | `quantile` | median, quantiles, percentiles: exact at any size |
//! | `select` | the k-th smallest of more elements than fit into memory |
//! | `tally` | how many elements fall into each of several places |
//! | `histogram` | how many elements lie in each bin |
//! | `bincount` | how often each number occurs |
//! | `topk` | the k largest or smallest |
//! | `unique` | which elements there are, and how often |

mod arg;
mod axes;
mod bincount;
mod compensated;
mod extreme;
mod folded;
mod grid;
mod histogram;
mod logic;
mod norm;
mod number;
mod prod;
mod quantile;
mod reduction;
mod select;
mod skip;
mod spread;
mod sum;
mod tally;
mod topk;
mod tree;
mod unique;

pub use arg::Arg;
pub use axes::Axes;
pub use compensated::Compensated;
pub use extreme::{Extreme, Max, Min, NanMax, NanMin};
pub use folded::Folded;
pub(super) use grid::Grid;
pub use histogram::Bins;
pub use logic::{All, Any, CountNonzero};
pub use norm::Norm;
pub use number::Number;
pub(super) use number::Total;
pub use prod::Prod;
pub(super) use prod::Product;
pub use reduction::Reduction;
pub use skip::Skip;
pub use spread::{Std, Var};
pub use sum::{Mean, Sum};
pub use unique::Unique;
