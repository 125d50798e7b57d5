//! In which order tasks should start, so that few results are alive.
//!
//! A result is alive from when its task has ended until the last task that needs it has; a result that is asked for stays.
//! To find the order with the least peak is hard (it is the problem of registers for straight-line code), so a few walks
//! are tried that take the easy decisions right, and the best of them is taken:
//!
//! - **Trees are easy.** Where no result has two users, the need that takes the most room goes first, and what was begun is
//!   ended before something new is begun (Sethi and Ullman, *The generation of optimal code for arithmetic expressions*,
//!   1970). Graphs without shared results are ordered so and no other way.
//! - **What frees is free.** A task that could start and is the last user of a result leaves no more alive than there was.
//!   Any other task would take the room of its own result too, so nothing is lost by starting it at once.
//! - **A leaf costs.** Before a walk opens a new leaf it looks at the shared results that few tasks still need: if these
//!   and the handful of tasks that they lack together leave no more alive than now, they go first. Dask's order does
//!   something alike on its critical path.
//! - **Which way round** cannot be known from near by, so there are three walks: one is thrifty, one also starts what
//!   joins results that are there and takes a debt of one result, one always goes where the fewest results will be left.
//!   The order in which tasks were written down is the fourth. Large graphs have the thrifty one only.
//!
//! | module | what |
//! |---|---|
//! | [`choice`] | [`Order`]: the order of the walk with the least peak |
//! | `flow` | who needs whom, as walks go over it |
//! | `ledger` | which results are alive in the course of a walk |
//! | `depth` | the depth-first walks |
//! | `nearest` | the walk to where the fewest results will be left |

pub mod choice;
#[cfg(test)]
pub(crate) mod dask;
mod depth;
#[cfg(test)]
pub(crate) mod families;
mod flow;
mod ledger;
mod nearest;

pub use choice::Order;
