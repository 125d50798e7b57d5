//! The last value.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::fold::{Fold, FoldState, Scope};
use super::pick::Pick;
use crate::base::schema::logical;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The last value that is neither null nor NaN, in the order of the rows, of any type (pandas' `last` of a group). Nothing gives null.
#[derive(Clone, Copy, Debug, Default)]
pub struct Last;

impl fmt::Display for Last {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("last")
    }
}

impl Identity for Last {
    fn token(&self, t: &mut Tokenizer) {
        t.str("last");
    }
}

impl Fold for Last {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(input.name(), logical(input.data_type()), true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        Ok(Pick::<true>::boxed(input, scope))
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        Ok(Pick::<true>::fields(input))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("last", &())
    }

    fn placed(&self) -> bool {
        true
    }
}
