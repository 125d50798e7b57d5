//! Functions of other rows, across the borders of partitions.
//!
//! | module | what |
//! |---|---|
//! | `extract` | moves such functions out of expressions into operations below |
//! | `call` | one of them: which columns it has, and what it gives |
//! | `op` | [`Window`], the operation for rows in their order |
//! | `summary` | the first pass: what the rows of a partition mean to the others |
//! | `run` | the second pass: rows with their results |
//! | `queue` | rows that wait, in memory or on disk |
//! | `once` | both passes over rows that are held, where computing them twice would cost more |
//! | `over`, `exchange` | rows with the same keys meet, and come back in their order |
//! | `place` | the place of each row, by which rows come back |
//! | `beside` | aggregates of the rows with the same keys |
//!
//! A first pass over the columns that matter finds of each partition what others need of it: how many rows it has, the
//! sums so far, its first and last rows. With that, each partition is computed by itself, in a stream. Where the rows come
//! out of an exchange they are held in between, and spilled, instead of being computed again.

mod beside;
mod call;
mod exchange;
pub mod extract;
mod once;
mod op;
mod over;
mod place;
mod queue;
mod run;
mod summary;

pub use beside::Beside;
pub use call::Call;
pub use op::Window;
pub use over::{ByKeys, Over};
pub use place::Placed;
