//! How JSON lines are read.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use crate::base::{ByteSize, Identity, Tokenizer};
use crate::io::store::{Storage, stored};

/// How JSON lines are read. The defaults fit nearly always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonOptions {
    #[serde(with = "crate::expr::portable::typed_by_name")]
    pub(super) dtypes: BTreeMap<String, DataType>,
    pub(super) infer_rows: Option<usize>,
    pub(super) block_size: u64,
    #[serde(skip)]
    pub(super) storage: Storage,
}

impl Default for JsonOptions {
    fn default() -> Self {
        let storage = Storage::default();
        JsonOptions { dtypes: BTreeMap::new(), infer_rows: Some(1_000), block_size: 32 << 20, storage }
    }
}

impl JsonOptions {
    /// The usual options.
    pub fn new() -> Self {
        JsonOptions::default()
    }

    stored!();

    /// The type of a column, nested ones too. Numbers and truth values in a column of strings are taken as they are written.
    #[must_use]
    pub fn dtype(mut self, name: impl Into<String>, data_type: DataType) -> Self {
        self.dtypes.insert(name.into(), data_type);
        self
    }

    /// The types of columns are found in the first so many lines of each file, 1,000 if not said; in all of them if `None`.
    #[must_use]
    pub fn infer_rows(mut self, rows: impl Into<Option<usize>>) -> Self {
        self.infer_rows = rows.into().map(|rows| rows.max(1));
        self
    }

    /// About how many bytes of a file make a partition; 32 MiB if not said.
    #[must_use]
    pub fn block_size(mut self, bytes: impl Into<ByteSize>) -> Self {
        self.block_size = bytes.into().0.max(1);
        self
    }
}

impl Identity for JsonOptions {
    fn token(&self, t: &mut Tokenizer) {
        t.str("json options");
        t.debug(self);
    }
}
