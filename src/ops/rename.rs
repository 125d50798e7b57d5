//! Columns under other names.

use std::fmt;

use arrow::datatypes::SchemaRef;

use super::columns::Columns;
use super::filter::named;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::{Expr, col};

/// All columns, those named under their new names.
#[derive(Debug, Clone)]
pub struct Rename {
    /// Present and new names.
    pub names: Vec<(String, String)>,
}

impl fmt::Display for Rename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.names.iter().map(|(a, b)| format!("{a} to {b}")).collect();
        write!(f, "rename {}", shown.join(", "))
    }
}

impl Identity for Rename {
    fn token(&self, t: &mut Tokenizer) {
        t.str("rename");
        t.debug(&self.names);
    }
}

impl Columns for Rename {
    const NAME: &'static str = "rename";

    fn exprs(&self, input: &SchemaRef) -> Result<Vec<Expr>> {
        named(input, self.names.iter().map(|(from, _)| from.as_str()))?;
        let renamed = |name: &str| self.names.iter().find(|(from, _)| from == name).map(|(_, to)| to);
        Ok(input
            .fields()
            .iter()
            .map(|f| match renamed(f.name()) {
                Some(to) => col(f.name()).alias(to),
                None => col(f.name()),
            })
            .collect())
    }
}
