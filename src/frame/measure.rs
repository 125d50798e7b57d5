//! Methods that say how much there is.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::DataFrame;
use crate::base::{ByteSize, Result};
use crate::ops::{MemoryUsage, NullCount};

impl DataFrame {
    /// The bytes of each column, decoded: a row a column, with its name (`column`) and its size (`bytes`).
    ///
    /// As pandas' `memory_usage(deep=True)`, without an index: numbers and times take the width of their type, missing
    /// ones too, booleans a byte. Texts take the bytes of their UTF-8 and four of the offset to where they end. Sizes do
    /// not depend on how the rows are partitioned or held. Only texts and lists are read; where there are none, the
    /// number of rows is enough.
    ///
    /// # Errors
    /// Never in practice.
    pub fn memory_usage(&self) -> Result<DataFrame> {
        self.then(MemoryUsage::new(self.schema()))
    }

    /// The bytes of all columns, decoded: the sum of [`memory_usage`](Self::memory_usage), computed.
    ///
    /// # Errors
    /// The first error of a task.
    pub fn memory_total(&self) -> Result<ByteSize> {
        let sizes = self.memory_usage()?.compute()?.column("bytes")?;
        Ok(ByteSize(sizes.as_primitive::<Int64Type>().values().iter().map(|&bytes| bytes as u64).sum()))
    }

    /// How many values of each column are missing: a row a column, with its name (`column`), its nulls (`null`) and its
    /// NaN (`nan`), which are told apart (pandas' `isna().sum()` is the sum of both).
    ///
    /// # Errors
    /// Never in practice.
    pub fn null_count(&self) -> Result<DataFrame> {
        self.then(NullCount)
    }
}
