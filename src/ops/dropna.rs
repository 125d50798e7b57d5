//! Rows without missing values.

use std::fmt;

use arrow::datatypes::SchemaRef;

use super::Filter;
use crate::base::schema::{index_of, logical};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::{Expr, col, lit};
use crate::plan::node::only;
use crate::plan::{Op, Plan, Shape};

/// Leaves out rows in which values are null or NaN (pandas' `dropna`).
#[derive(Clone, Debug)]
pub struct DropNa {
    subset: Option<Vec<String>>,
    least: Least,
}

/// How many values a row must have.
#[derive(Clone, Copy, Debug)]
enum Least {
    All,
    One,
    Number(usize),
}

impl DropNa {
    /// Leaves out rows in which any value is missing.
    pub fn any() -> DropNa {
        DropNa { subset: None, least: Least::All }
    }

    /// Leaves out rows in which all values are missing.
    pub fn all() -> DropNa {
        DropNa { subset: None, least: Least::One }
    }

    /// Leaves out rows with fewer values than this (pandas' `thresh`).
    pub fn fewer_than(values: usize) -> DropNa {
        DropNa { subset: None, least: Least::Number(values) }
    }

    /// Looks at these columns only.
    #[must_use]
    pub fn subset(mut self, columns: impl super::Names) -> DropNa {
        self.subset = Some(columns.names());
        self
    }

    fn condition(&self, input: &SchemaRef) -> Result<Expr> {
        let all = || input.fields().iter().map(|f| f.name().clone()).collect();
        let names: Vec<String> = self.subset.clone().unwrap_or_else(all);
        let there = names.iter().map(|name| {
            let field = input.field(index_of(input, name)?);
            let there = col(name).is_not_null();
            Ok(if logical(field.data_type()).is_floating() { there.and(!col(name).is_nan()) } else { there })
        });
        let there = there.collect::<Result<Vec<Expr>>>()?;
        let found = match self.least {
            Least::All => Expr::all(there),
            Least::One => there.into_iter().reduce(|a, b| a.or(b)),
            Least::Number(values) => {
                let counted = there.into_iter().map(|e| e.fillna(false).cast(arrow::datatypes::DataType::Int64));
                counted.reduce(|a, b| a + b).map(|count| count.ge(values as u64))
            }
        };
        Ok(found.unwrap_or_else(|| lit(true)))
    }
}

impl fmt::Display for DropNa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.least {
            Least::All => f.write_str("dropna any")?,
            Least::One => f.write_str("dropna all")?,
            Least::Number(values) => write!(f, "dropna fewer than {values}")?,
        }
        match &self.subset {
            Some(names) => write!(f, " of {}", names.join(", ")),
            None => Ok(()),
        }
    }
}

impl Identity for DropNa {
    fn token(&self, t: &mut Tokenizer) {
        t.str("dropna");
        t.debug(&(&self.subset, self.least));
    }
}

impl Op for DropNa {
    fn name(&self) -> &'static str {
        "dropna"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let [input] = inputs else { return Err(Error::invalid("dropna has one input")) };
        Filter::new(self.condition(input)?).schema(inputs)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?.clone();
        Ok(Shape::Rewrite(Plan::new(Filter::new(self.condition(input.schema())?), vec![input])?))
    }
}
