//! Parquet files.
//!
//! | module | what |
//! |---|---|
//! | [`options`] | how files are read |
//! | [`source`] | [`ParquetSource`]: files as one table |
//! | [`footer`] | the metadata of files, read in parallel |
//! | [`kept`] | footers that were read before |
//! | [`mend`] | what some writers got wrong in footers, put right (pure) |
//! | [`thrift`] | the form of footers, as far as fields are left out (pure) |
//! | [`layout`] | the types in which columns are decoded |
//! | [`unify`] | one schema for files whose schemas differ |
//! | [`partition`] | how row groups become partitions (pure) |
//! | [`prune`] | whether a predicate can be true, given ranges of columns (pure) |
//! | [`page_index`] | which rows are in pages that can have what is wanted |
//! | [`bloom`] | which values a row group certainly lacks |
//! | [`statistics`] | what a row group says of its columns |
//! | [`mod@wanted`] | which columns are read, and what is made of them |
//! | [`mod@select`] | which rows are read |
//! | [`fields`] | structs of which some fields are read (pure) |
//! | [`counts`] | what was read and what was not |
//! | [`read`] | the rows of a partition, batch by batch |
//! | [`pages`] | pages looked at before they are decompressed |
//! | [`chunks`] | bytes of a file by position |
//! | [`streams`] | which bytes some rows and columns need (pure) |
//! | [`mod@write`] | how files are written |
//! | [`encode`] | columns of fixed width, encoded fast |

pub mod bloom;
pub mod chunks;
pub mod counts;
pub mod encode;
pub mod fields;
pub mod footer;
pub mod kept;
pub mod layout;
pub mod mend;
pub mod options;
pub mod page_index;
pub mod pages;
pub mod partition;
pub mod prune;
pub mod read;
pub mod select;
pub mod source;
pub mod statistics;
pub mod streams;
pub mod thrift;
pub mod unify;
pub mod wanted;
pub mod write;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod prune_tests;
#[cfg(test)]
mod tests;

pub use options::ParquetReadOptions;
pub use source::ParquetSource;
pub use write::ParquetWriteOptions;
