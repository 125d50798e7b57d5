//! `-x`

use std::fmt;

use arrow::array::ArrayRef;
use arrow::compute::kernels::numeric;
use arrow::datatypes::DataType;

use super::one_column::{Domain, OneColumn};
use crate::base::Result;
use crate::expr::Notation;
use crate::expr::Portable;

/// The number with the other sign; the smallest whole number of a type is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Negate;

impl fmt::Display for Negate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-")
    }
}

impl OneColumn for Negate {
    fn domain(&self) -> Domain {
        Domain::Numbers
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        let signed = of.is_signed_integer() || of.is_floating();
        (signed || matches!(of, DataType::Decimal128(..) | DataType::Duration(_))).then(|| of.clone())
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        Ok(numeric::neg(array.as_ref())?)
    }

    fn notation(&self) -> Notation {
        Notation::Prefix
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("negate", self)
    }
}
