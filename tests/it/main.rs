//! Laws, plans and answers of the whole engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod analysis;
mod arrays;
mod checkpoints;
mod delayed;
mod divisions;
mod errors;
mod frames;
mod futures;
mod groups;
mod joins;
mod orders;
mod origins;
mod pictures;
mod plans;
mod reshape;
mod rows;
mod runs;
mod semantics;
mod sorting;
mod spills;
mod together;
mod watching;
mod windows;
mod writes;
