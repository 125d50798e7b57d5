//! Graphs that grow while they run: what futures stand on. Tasks are added, waited for, cancelled and forgotten at any
//! time, from any thread, and by other tasks.
//!
//! | module | what |
//! |---|---|
//! | `adopted` | tasks of one graph that another needs |
//! | `books` | which task is in which state, who needs whom: pure |
//! | [`graph`] | [`LiveGraph`]: the threads that work on it |
//! | [`task`] | [`LiveTask`]: a handle to a task; its result lives as long as one of them |
//! | [`mailbox`] | [`Mailbox`]: where waiting threads are told what has ended |

mod adopted;
mod books;
pub mod graph;
pub mod mailbox;
#[cfg(test)]
mod model;
#[cfg(test)]
mod stress;
pub mod task;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod watched;

pub use books::Status;
pub(super) use graph::inside;
pub use graph::{LiveGraph, LiveOptions, LiveWork};
pub use mailbox::Mailbox;
pub use task::{Helping, LiveTask};
