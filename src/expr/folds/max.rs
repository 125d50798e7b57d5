//! The greatest value.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::extreme;
use super::fold::{Fold, FoldState, Scope};
use super::kind::Kind;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The greatest value (pandas' `max`) of numbers, truth values, dates, times or strings (in the order of their bytes), in their
/// own type. Nothing gives null.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Max;

impl fmt::Display for Max {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("max")
    }
}

impl Identity for Max {
    fn token(&self, t: &mut Tokenizer) {
        t.str("max");
    }
}

impl Fold for Max {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Kind::of_column(input, "max", Kind::ALL)?;
        Ok(Arc::new(Field::new(input.name(), extreme::result_type(input.data_type()), true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        extreme::start::<true>(input, scope)
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        extreme::state_fields::<true>(input)
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("max", self)
    }
}
