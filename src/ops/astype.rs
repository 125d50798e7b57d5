//! Columns converted to other types.

use std::fmt;

use arrow::datatypes::{DataType, SchemaRef};

use super::columns::Columns;
use super::filter::named;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::{Expr, col};

/// All columns, converted to one type or some of them to types of their own.
#[derive(Debug, Clone)]
pub enum Astype {
    /// Every column to this type.
    All(DataType),
    /// The named columns to their types.
    Some(Vec<(String, DataType)>),
}

impl From<DataType> for Astype {
    fn from(to: DataType) -> Astype {
        Astype::All(to)
    }
}

impl<N: Into<String>, const K: usize> From<[(N, DataType); K]> for Astype {
    fn from(types: [(N, DataType); K]) -> Astype {
        Astype::Some(types.into_iter().map(|(n, t)| (n.into(), t)).collect())
    }
}

impl<N: Into<String>> From<Vec<(N, DataType)>> for Astype {
    fn from(types: Vec<(N, DataType)>) -> Astype {
        Astype::Some(types.into_iter().map(|(n, t)| (n.into(), t)).collect())
    }
}

impl fmt::Display for Astype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Astype::All(to) => write!(f, "astype {to}"),
            Astype::Some(types) => {
                let shown: Vec<_> = types.iter().map(|(n, t)| format!("{n} to {t}")).collect();
                write!(f, "astype {}", shown.join(", "))
            }
        }
    }
}

impl Identity for Astype {
    fn token(&self, t: &mut Tokenizer) {
        t.str("astype");
        t.debug(self);
    }
}

impl Columns for Astype {
    const NAME: &'static str = "astype";

    fn exprs(&self, input: &SchemaRef) -> Result<Vec<Expr>> {
        if let Astype::Some(types) = self {
            named(input, types.iter().map(|(n, _)| n.as_str()))?;
        }
        let wanted = |name: &str| match self {
            Astype::All(to) => Some(to),
            Astype::Some(types) => types.iter().find(|(n, _)| n == name).map(|(_, t)| t),
        };
        Ok(input
            .fields()
            .iter()
            .map(|f| match wanted(f.name()) {
                Some(to) if to != f.data_type() => col(f.name()).cast(to.clone()).alias(f.name()),
                _ => col(f.name()),
            })
            .collect())
    }
}
