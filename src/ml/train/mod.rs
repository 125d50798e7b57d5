//! Training on rows that need not fit into memory: cached once, then passed over as often as the models need.
//!
//! | module | what |
//! |---|---|
//! | `cache` | the rows of a frame in chunks of a fixed size, in memory or on disk |
//! | `codes` | categorical columns as codes of one dictionary |
//! | `labels` | the target, batch by batch |
//! | `views` | the same rows prepared by steps that were fitted to some of them |
//! | `steps` | fitting the steps of all views in passes over the cache |
//! | `facts` | what fits want to know of a view before they begin |
//! | `feed` | where a pass gets its rows from |
//! | `solve` | all fits on the same passes |
//! | `history` | how often rows were read, and what came of each pass |
//! | `memory` | what to do when memory does not suffice |
//! | `training` | from cached rows to fitted pipelines |

pub(crate) mod cache;
mod codes;
mod facts;
pub(crate) mod feed;
mod history;
pub(crate) mod labels;
mod memory;
pub(crate) mod solve;
mod steps;
#[cfg(test)]
mod tests;
pub(crate) mod training;
pub(crate) mod views;

pub use history::{Pass, Passes};
