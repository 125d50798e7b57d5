//! `len` and `len_bytes`

use std::fmt;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::text::{is_text, number};
use crate::base::Result;
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// How long a text is (Int64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Measure {
    /// In characters: Unicode scalar values, as Python counts.
    Chars,
    /// In bytes of UTF-8.
    Bytes,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Measure::Chars { "str.len" } else { "str.len_bytes" })
    }
}

impl OneColumn for Measure {
    fn domain(&self) -> Domain {
        Domain::Text
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        is_text(of).then_some(DataType::Int64)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Measure::Chars => number(array, |text| text.chars().count() as i64),
            Measure::Bytes => number(array, |text| text.len() as i64),
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("str.measure", self)
    }
}
