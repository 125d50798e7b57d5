//! Any Rust function made lazy, or run in the background, on the same scheduler as frames.
//!
//! | module | what |
//! |---|---|
//! | [`function`] | [`delayed`]: a function whose calls are only written down |
//! | [`lazy`] | [`Delayed`]: what such a call will give; computing, persisting, drawing it |
//! | [`argument`] | what a call takes: values, delayed values, futures, collections of them |
//! | [`operators`] | arithmetic on delayed numbers |
//! | [`cluster`] | [`LocalCluster`]: workers of this process, with a memory limit each |
//! | [`client`] | [`Client`]: submits calls and collections, gathers results |
//! | [`future`] | [`Future`]: a result that is being computed; waiting for many of them |
//! | [`frames`] | frames to delayed partitions and back |
//! | [`arrays`] | arrays to delayed blocks and back, frames to arrays and back |
//! | `node` | a call that is written down, and the graph that comes of it |
//! | `shared` | calls that several others need, computed once |
//! | `content` | values as results: their identity and their size |

pub mod argument;
pub mod arrays;
pub mod client;
pub mod cluster;
mod content;
pub mod frames;
pub mod function;
pub mod future;
pub mod lazy;
mod node;
pub mod operators;
mod shared;

pub use argument::{Argument, Arguments, Value};
pub use client::{Client, OnError, Submit};
pub use cluster::{LocalCluster, LocalClusterBuilder};
pub use frames::Collection;
pub use function::{Function, TaskFn, delayed};
pub use future::{AsCompleted, Future, as_completed, wait_all, wait_timeout};
pub use lazy::{Delayed, compute_all};
