//! Rows in the order of a column, in partitions that are known ranges of it (Dask's `set_index`).
//!
//! Where the ranges begin follows from keys sampled from all partitions, once, when it is first asked for; the rows then
//! go through the external sort of [`sort_by`](super::sort_by) with those borders. A frame that is in order already is
//! only looked at.
//!
//! | module | what |
//! |---|---|
//! | `op` | [`SetIndex`], the operation |
//! | `sample` | evenly spaced keys of each partition, and its smallest and largest |
//! | `bounds` | from sampled keys to where partitions begin |
//! | `check` | whether the rows are in order, and the first and last key of each partition |
//! | `divided` | [`Divided`]: rows whose divisions are known |

mod bounds;
mod check;
mod divided;
mod op;
mod sample;

pub use divided::Divided;
pub use op::SetIndex;

pub(in crate::ops) use bounds::keys_of;
