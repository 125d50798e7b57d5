//! What `describe` says of one column.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::fold::{Fold, FoldState, Scope};
use super::kind::Kind;
use super::quantile;
use super::report::Report;
use super::search::Bounds;
use super::top;
use crate::base::{Identity, Result, Tokenizer};

/// All that `describe` says of a column, as a struct.
///
/// - numbers: `count` (`Int64`), `mean`, `std` (ddof = 1), `min`, the percentiles (`25%`, …), `max` (`Float64`);
/// - dates and times: the same without `std`, in their own type;
/// - strings and truth values: `count`, `unique`, `top` (the most frequent value, the smallest of several), `freq`.
///
/// All exact: mean and std are rounded once, quantiles are those of pandas to the bit. Nulls and NaN are skipped; nothing gives count 0 and
/// nulls. See [`Quantile`](super::Quantile) for the number of passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary(Report);

impl Summary {
    /// A summary with these quantiles (each from 0 to 1).
    ///
    /// # Errors
    /// `Invalid` when one of them is not between 0 and 1.
    pub fn new(quantiles: &[f64]) -> Result<Self> {
        Ok(Summary(Report::Summary(quantiles.into()).checked()?))
    }

    /// The fields of the result for a column of type `input`.
    ///
    /// # Errors
    /// `TypeMismatch` for a type that has no summary.
    pub fn result_type(&self, input: &DataType) -> Result<DataType> {
        Ok(match Kind::of_type(input, "summary", Kind::ALL)? {
            Kind::Text | Kind::Bool => top::result_type(input),
            _ => self.0.result_type(input),
        })
    }
}

impl Default for Summary {
    /// With the quartiles.
    fn default() -> Self {
        Summary(Report::Summary([0.25, 0.5, 0.75].into()))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Identity for Summary {
    fn token(&self, t: &mut Tokenizer) {
        self.0.token(t);
    }
}

impl Fold for Summary {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Kind::of_column(input, "summary", Kind::ALL)?;
        Ok(Arc::new(Field::new(input.name(), self.result_type(input.data_type())?, true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        match Kind::of_type(input, "summary", Kind::ALL)? {
            Kind::Text | Kind::Bool => Ok(top::start(input, scope)),
            _ => quantile::start::<true>(&self.0, input, scope, Bounds::USUAL),
        }
    }
}
