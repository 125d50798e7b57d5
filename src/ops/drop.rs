//! All columns but some.

use std::fmt;

use arrow::datatypes::SchemaRef;

use super::columns::Columns;
use super::filter::named;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::{Expr, col};

/// All columns but `names`.
#[derive(Debug, Clone)]
pub struct Drop {
    /// The columns left out.
    pub names: Vec<String>,
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "drop {}", self.names.join(", "))
    }
}

impl Identity for Drop {
    fn token(&self, t: &mut Tokenizer) {
        t.str("drop");
        t.list(&self.names, |t, n| t.str(n));
    }
}

impl Columns for Drop {
    const NAME: &'static str = "drop";

    fn exprs(&self, input: &SchemaRef) -> Result<Vec<Expr>> {
        let left_out = named(input, self.names.iter().map(String::as_str))?;
        let kept = input.fields().iter().enumerate().filter(|(i, _)| !left_out.contains(i));
        Ok(kept.map(|(_, f)| col(f.name())).collect())
    }
}
