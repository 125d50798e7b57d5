//! Columns whose values are the names of folders: `year=2023/zone=Old%20Town/part-00000.parquet`, as Hive, pyarrow, Dask
//! and Spark have them.
//!
//! | module | what |
//! |---|---|
//! | [`names`] | values as names of folders, and back (pure) |
//! | [`split`] | rows to folders by their values |
//! | [`columns`] | [`HiveColumns`]: what the folders of files say, and of which types it is |
//! | [`source`] | [`HiveSource`]: files with the columns that their folders say |

pub mod columns;
pub mod names;
pub mod source;
pub mod split;

#[cfg(test)]
mod tests;

pub use columns::HiveColumns;
pub use source::HiveSource;
pub(crate) use split::{Split, SplitPart};
