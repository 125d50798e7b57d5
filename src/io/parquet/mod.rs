//! Parquet files.
//!
//! | module | what |
//! |---|---|
//! | [`options`] | how files are read |
//! | [`source`] | [`ParquetSource`]: files as one table |
//! | [`footer`] | the metadata of files, read in parallel |
//! | [`unify`] | one schema for files whose schemas differ |
//! | [`partition`] | how row groups become partitions (pure) |
//! | [`prune`] | whether a predicate can be true, given ranges of columns (pure) |
//! | [`statistics`] | what a row group says of its columns |
//! | [`read`] | the rows of a partition, batch by batch |
//! | [`chunks`] | bytes of a file by position |
//! | [`mod@write`] | how files are written |
//! | [`encode`] | columns of fixed width, encoded fast |

pub mod chunks;
pub mod encode;
pub mod footer;
pub mod options;
pub mod partition;
pub mod prune;
pub mod read;
pub mod source;
pub mod statistics;
pub mod unify;
pub mod write;

#[cfg(test)]
mod tests;

pub use options::ParquetReadOptions;
pub use source::ParquetSource;
pub use write::ParquetWriteOptions;
