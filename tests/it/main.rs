//! Laws, plans and answers of the whole engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod analysis;
mod arrays;
mod arrays_bridges;
mod arrays_each;
mod arrays_files;
mod arrays_numpy;
mod arrays_semantics;
mod arrays_shape;
mod arrays_shown;
mod bridges;
mod checkpoints;
mod csv_files;
mod delayed;
mod divisions;
mod endings;
mod errors;
mod frames;
mod full_disk;
mod futures;
mod groups;
mod ipc;
mod joins;
mod json;
mod memory;
mod models;
mod nested;
mod orders;
mod origins;
mod page;
mod pictures;
mod plans;
mod reductions;
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
