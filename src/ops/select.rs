//! Some columns, or others computed from them.

use std::fmt;

use arrow::datatypes::SchemaRef;

use super::columns::Columns;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Expr;

/// The columns `exprs`, in that order, and no others.
#[derive(Debug, Clone)]
pub struct Select {
    /// The columns.
    pub exprs: Vec<Expr>,
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.exprs.iter().map(Expr::to_string).collect();
        write!(f, "select {}", shown.join(", "))
    }
}

impl Identity for Select {
    fn token(&self, t: &mut Tokenizer) {
        t.str("select");
        t.list(&self.exprs, |t, e| t.identity(e));
    }
}

impl Columns for Select {
    const NAME: &'static str = "select";

    fn exprs(&self, _input: &SchemaRef) -> Result<Vec<Expr>> {
        Ok(self.exprs.clone())
    }
}
