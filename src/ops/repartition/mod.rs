//! The same rows in other partitions: so many, of about so many bytes, or cut at given values of the index.
//!
//! | module | what |
//! |---|---|
//! | `op` | [`Repartition`], the operation |
//! | `measure` | rows and bytes of each partition, and ranges of about so many bytes |
//! | `join` | each partition from some neighbouring ones |
//! | `split` | each partition from a range of rows |
//! | `recut` | each partition from a range of the index |

mod join;
mod measure;
mod op;
mod recut;
mod split;

pub use op::Repartition;
