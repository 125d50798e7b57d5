//! Steps for some columns, and what becomes of the others: scikit-learn's `ColumnTransformer`.
//!
//! | module | what |
//! |---|---|
//! | `parts` | [`ColumnTransformer`]: its parts, the remainder, their parameters |
//! | `fit` | fitting all parts in the same passes |
//! | `outline` | the columns that come out, known before any row is read; what is never used |
//! | `fitted` | [`FittedColumnTransformer`] |

mod fit;
mod fitted;
mod outline;
mod parts;
#[cfg(test)]
mod tests;

pub use fit::PartStats;
pub use fitted::FittedColumnTransformer;
pub use parts::{ColumnStep, ColumnTransformer, Remainder};
