//! The first value.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::fold::{Fold, FoldState, Scope};
use super::pick::Pick;
use crate::base::schema::logical;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The first value that is neither null nor NaN, in the order of the rows, of any type (pandas' `first` of a group). Nothing gives null.
#[derive(Clone, Copy, Debug, Default)]
pub struct First;

impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("first")
    }
}

impl Identity for First {
    fn token(&self, t: &mut Tokenizer) {
        t.str("first");
    }
}

impl Fold for First {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(input.name(), logical(input.data_type()), true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        Ok(Pick::<false>::boxed(input, scope))
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        Ok(Pick::<false>::fields(input))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("first", &())
    }

    fn placed(&self) -> bool {
        true
    }
}
