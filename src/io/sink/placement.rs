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

/// The methods that write options have in common: they fill the field `placement`.
macro_rules! placed {
    () => {
        /// How the store is reached that the files go to, beyond what the session says of it.
        #[must_use]
        pub fn storage_options(mut self, options: impl Into<$crate::io::StorageOptions>) -> Self {
            self.placement.storage = options.into();
            self
        }

        /// What becomes of what is there already.
        #[must_use]
        pub fn mode(mut self, mode: $crate::io::WriteMode) -> Self {
            self.placement.mode = mode;
            self
        }

        /// Folders named by the values of these columns, outermost first: `year=2023/zone=Old%20Town/part-00000.parquet`,
        /// as pyarrow, Dask and Hive have them. The files lack the columns; reading the folder gives them back, behind the
        /// others and with their types. Null is `__HIVE_DEFAULT_PARTITION__`.
        #[must_use]
        pub fn partition_by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
            self.placement.partition_by = columns.into_iter().map(Into::into).collect();
            self
        }
    };
}
pub(crate) use placed;
