//! Rows in order, as an external merge sort.
//!
//! Each input partition is cut into runs that fit into a task's share of memory; a run is sorted and kept as blocks, in
//! memory or, when that is short, on disk. When all are there, keys sampled from the input cut the order into ranges, one
//! for each output partition, and each range is merged from all runs by itself.
//!
//! | module | what |
//! |---|---|
//! | `op` | [`SortBy`], the operation |
//! | `sorter` | the rows of a partition to sorted runs |
//! | `run` | a sorted run: blocks in memory and on disk |
//! | `sample` | where one output partition ends and the next begins |
//! | `store` | all runs of a sort |
//! | `slice` | the part of a run that lies in a range |
//! | `gather` | rows of several batches put together |
//! | `weave` | parts of runs merged to batches |

mod gather;
mod op;
mod run;
mod sample;
mod slice;
mod sorter;
mod store;
#[cfg(test)]
mod tests;
mod weave;

pub use op::SortBy;

pub(in crate::ops) use gather::gather;
pub(in crate::ops) use op::shown;
pub(in crate::ops) use run::tidy;
