//! How many rows there are.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::count::Tallies;
use super::fold::{Fold, FoldState, Scope};
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The number of rows, nulls and NaN included, as `Int64` (pandas' `size`).
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Size;

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("size")
    }
}

impl Identity for Size {
    fn token(&self, t: &mut Tokenizer) {
        t.str("size");
    }
}

impl Fold for Size {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(input.name(), DataType::Int64, false)))
    }

    fn start(&self, _: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        Ok(Tallies::boxed(scope, false))
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, _: &DataType) -> Result<Vec<Field>> {
        Ok(Tallies::fields())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("size", self)
    }
}
