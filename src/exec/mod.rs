//! Running task graphs: what to run next, on which threads, within how much memory, and what to tell observers.
//!
//! | module | what |
//! |---|---|
//! | [`budget`] | the memory of a session: reservations made before allocating, returned on drop |
//! | [`cancel`] | the token that stops a run between batches |
//! | [`context`] | what a task may use |
//!
//! This layer never sees a plan.

pub mod budget;
pub mod cancel;
pub mod context;

pub use budget::{Budget, Reservation};
pub use cancel::Cancel;
pub use context::TaskContext;
