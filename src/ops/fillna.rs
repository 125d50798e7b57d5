//! Values for what is missing.

use std::fmt;

use arrow::datatypes::{DataType, SchemaRef};

use super::columns::Columns;
use super::filter::named;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::{Expr, Scalar, col};

/// All columns, with values in place of null and NaN: one value for every column that it fits, or a value for each
/// named one.
#[derive(Debug, Clone)]
pub enum Fillna {
    /// This value in every column of its kind (a number in numeric ones, a text in texts, a bool in bools).
    All(Scalar),
    /// A value for each named column.
    Some(Vec<(String, Scalar)>),
}

macro_rules! fillna_from {
    ($($native:ty),*) => {$(
        impl From<$native> for Fillna {
            fn from(value: $native) -> Fillna {
                Fillna::All(value.into())
            }
        }
    )*};
}

fillna_from!(i32, i64, f32, f64, bool, &str, String, Scalar);

impl<N: Into<String>, V: Into<Scalar>, const K: usize> From<[(N, V); K]> for Fillna {
    fn from(values: [(N, V); K]) -> Fillna {
        Fillna::Some(values.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

impl<N: Into<String>, V: Into<Scalar>> From<Vec<(N, V)>> for Fillna {
    fn from(values: Vec<(N, V)>) -> Fillna {
        Fillna::Some(values.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}

impl fmt::Display for Fillna {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fillna::All(value) => write!(f, "fillna {value}"),
            Fillna::Some(values) => {
                let shown: Vec<_> = values.iter().map(|(n, v)| format!("{n} with {v}")).collect();
                write!(f, "fillna {}", shown.join(", "))
            }
        }
    }
}

impl Identity for Fillna {
    fn token(&self, t: &mut Tokenizer) {
        t.str("fillna");
        match self {
            Fillna::All(value) => t.identity(value),
            Fillna::Some(values) => t.list(values, |t, (name, value)| {
                t.str(name);
                t.identity(value);
            }),
        }
    }
}

/// Whether a value can stand in a column of this type.
fn fits(value: &DataType, column: &DataType) -> bool {
    let text = |t: &DataType| crate::base::schema::logical(t) == DataType::Utf8;
    (value.is_numeric() && column.is_numeric())
        || (text(value) && text(column))
        || crate::base::schema::same_type(value, column)
        || column.is_null()
}

impl Columns for Fillna {
    const NAME: &'static str = "fillna";

    fn exprs(&self, input: &SchemaRef) -> Result<Vec<Expr>> {
        if let Fillna::Some(values) = self {
            named(input, values.iter().map(|(n, _)| n.as_str()))?;
        }
        let value_for = |name: &str, data_type: &DataType| match self {
            Fillna::All(value) => fits(value.data_type(), data_type).then_some(value),
            Fillna::Some(values) => values.iter().find(|(n, _)| n == name).map(|(_, v)| v),
        };
        Ok(input
            .fields()
            .iter()
            .map(|f| match value_for(f.name(), f.data_type()) {
                Some(value) => col(f.name()).fillna(value.clone()).alias(f.name()),
                None => col(f.name()),
            })
            .collect())
    }
}
