//! Operations that are a projection written shorter: each says which columns it gives, and is rewritten to a
//! [`Project`].

use std::fmt::{Debug, Display};

use arrow::datatypes::SchemaRef;

use super::Project;
use super::project::schema_of;
use crate::base::{Error, Identity, Result, Token};
use crate::expr::Expr;
use crate::plan::node::only;
use crate::plan::{Op, Plan, Shape};

/// An operation that gives columns computed from those of its only input.
pub trait Columns: Identity + Debug + Display + Send + Sync {
    /// Its name.
    const NAME: &'static str;

    /// The columns it gives over an input with these.
    ///
    /// # Errors
    /// Unknown columns.
    fn exprs(&self, input: &SchemaRef) -> Result<Vec<Expr>>;
}

impl<C: Columns> Op for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid(format!("{} has one input", C::NAME))) };
        schema_of(&self.exprs(input)?, input)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        Ok(Shape::Rewrite(Plan::new(Project::new(self.exprs(input.schema())?), vec![input.clone()])?))
    }

    fn known_rows(&self, inputs: &[Option<Vec<u64>>]) -> Option<Vec<u64>> {
        inputs.first().cloned().flatten()
    }
}

/// The name under which `input` is among `columns`; it is added where it is not.
pub(in crate::ops) fn place_of(columns: &mut Vec<Expr>, input: &Expr) -> String {
    // what an expression shows does not say all of it: closures show their name only
    let token = |e: &Expr| Token::of(|t| t.identity(e.unaliased()));
    let plain = input.unaliased();
    if let Some(known) = columns.iter().find(|c| token(c) == token(plain)) {
        return known.name().to_string();
    }
    let mut name = plain.to_string();
    while columns.iter().any(|c| *c.name() == *name) {
        name.push('\'');
    }
    columns.push(plain.clone().alias(&name));
    name
}
