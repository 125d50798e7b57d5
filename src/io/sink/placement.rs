//! What becomes of what is there already, and how files lie in a folder.

use crate::io::StorageOptions;

/// What a write does where there is something already. Whatever it is, a process that ends at any instant leaves what
/// was there or what is there now, never a mixture; in a store, where files appear one by one, there is a moment when only
/// some of the new ones are there, or the old ones still beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteMode {
    /// Fails, and touches nothing: the default.
    #[default]
    Error,
    /// Takes its place, when everything is written: it may be what is being read. Only a folder that holds nothing but
    /// data files is replaced. In a store the numbers of the new files follow those of the old ones.
    Overwrite,
    /// Adds files to those in the folder; they appear all at once, their names sort after those that are there. They have to
    /// have the same columns (of CSV, of the same names): it is a `Schema` error that names the first that differs.
    Append,
}

/// How files are placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// What becomes of what is there already.
    pub mode: WriteMode,
    /// The columns whose values are the names of folders (`year=2023/month=1/part-00000.parquet`), outermost first.
    pub partition_by: Vec<String>,
    /// How the store is reached that they are in, beyond what the session says of it.
    pub storage: StorageOptions,
}
