//! All columns, and computed ones added or put in place of those of the same name.

use std::fmt;

use arrow::datatypes::SchemaRef;

use super::columns::Columns;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::{Expr, col};

/// All columns and `exprs`; one with the name of a column takes its place. All see the columns as they were.
#[derive(Debug, Clone)]
pub struct WithColumns {
    /// The computed columns.
    pub exprs: Vec<Expr>,
}

impl fmt::Display for WithColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.exprs.iter().map(|e| format!("{} = {}", e.name(), e.unaliased())).collect();
        write!(f, "with_columns {}", shown.join(", "))
    }
}

impl Identity for WithColumns {
    fn token(&self, t: &mut Tokenizer) {
        t.str("with_columns");
        t.list(&self.exprs, |t, e| {
            t.str(&e.name());
            t.identity(e);
        });
    }
}

impl Columns for WithColumns {
    const NAME: &'static str = "with_columns";

    fn exprs(&self, input: &SchemaRef) -> Result<Vec<Expr>> {
        let mut all: Vec<Expr> = input.fields().iter().map(|f| col(f.name())).collect();
        let mut added = Vec::new();
        for e in &self.exprs {
            match input.index_of(&e.name()) {
                Ok(place) => all[place] = e.clone(),
                Err(_) => added.push(e.clone()),
            }
        }
        all.extend(added);
        Ok(all)
    }
}
