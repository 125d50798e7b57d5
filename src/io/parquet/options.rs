//! How Parquet files are read.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;

use crate::base::{Identity, Tokenizer};
use crate::io::store::{Storage, stored};

/// How Parquet files are read. The defaults fit nearly always.
///
/// Strings, bytes and dictionaries of any layout are `Utf8` and `Binary`. INT96 is a timestamp in microseconds, as Spark and
/// DuckDB have it. Checksums of pages are not verified, as pyarrow and DuckDB do not by default; encrypted files and LZO are
/// refused.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ParquetReadOptions {
    /// At most about so many rows in a partition; fewer where the files are small, so that there is work for all
    /// threads.
    pub partition_rows: u64,
    /// At most about so many decoded bytes in a partition.
    pub partition_bytes: u64,
    /// Types that columns are given whatever the files say, by name.
    #[serde(with = "crate::expr::portable::typed_by_name")]
    pub dtypes: BTreeMap<String, DataType>,
    /// Whether the names of folders such as `year=2023` say columns.
    pub hive: bool,
    #[serde(skip)]
    pub(super) storage: Storage,
}

impl Default for ParquetReadOptions {
    fn default() -> Self {
        ParquetReadOptions {
            partition_rows: 1 << 20,
            partition_bytes: 128 << 20,
            dtypes: BTreeMap::new(),
            hive: true,
            storage: Storage::default(),
        }
    }
}

impl ParquetReadOptions {
    /// The usual options.
    pub fn new() -> Self {
        ParquetReadOptions::default()
    }

    /// Gives column `name` a type, whatever the files say: the way out where their types do not go together. Values
    /// are converted as by [`Expr::cast`](crate::Expr::cast), but null stays null.
    #[must_use]
    pub fn dtype(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.dtypes.insert(name.into(), data_type);
        self
    }

    /// Whether the names of folders such as `year=2023` say columns, as they do unless told otherwise. Their types are
    /// those that were written by [`partition_by`](crate::ParquetWriteOptions::partition_by) or given by
    /// [`dtype`](Self::dtype), else whole numbers, dates or texts. Filters on them leave out whole files.
    #[must_use]
    pub fn hive(mut self, hive: bool) -> Self {
        self.hive = hive;
        self
    }

    stored!();

    /// At most about so many rows in a partition.
    #[must_use]
    pub fn partition_rows(mut self, rows: u64) -> Self {
        self.partition_rows = rows.max(1);
        self
    }

    /// At most about so many decoded bytes in a partition.
    #[must_use]
    pub fn partition_bytes(mut self, bytes: u64) -> Self {
        self.partition_bytes = bytes.max(1);
        self
    }
}

impl Identity for ParquetReadOptions {
    fn token(&self, t: &mut Tokenizer) {
        t.str("parquet options");
        t.u64(self.partition_rows);
        t.u64(self.partition_bytes);
        t.u64(self.dtypes.len() as u64);
        for (name, data_type) in &self.dtypes {
            t.str(name);
            t.debug(data_type);
        }
        t.u64(u64::from(self.hive));
    }
}
