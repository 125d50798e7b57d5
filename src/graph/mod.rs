//! Graphs of tasks: dense ids, keys by content, the order in which tasks start.
//!
//! | module | what |
//! |---|---|
//! | [`key`] | [`Key`]: what a result is, whoever computes it |
//! | [`payload`] | [`Payload`]: what tasks hand to each other |
//! | [`task_graph`] | [`TaskGraph`]: tasks, what they need, what they do |
//! | [`order`] | in which order tasks should start, so that few results are alive |
//! | [`draw`] | pictures of graphs: layered layouts as SVG and DOT |
//!
//! A graph does not know what its tasks do: the type of the work is a parameter.

pub mod draw;
pub mod key;
pub mod order;
pub mod payload;
pub mod task_graph;

pub use key::Key;
pub use order::Order;
pub use payload::{Held, Payload};
pub use task_graph::{Label, TaskGraph, TaskId};
