//! Exact quantiles of a column, or of its groups.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};

use super::distribution::{Distribution, spot};
use super::exact::Exact;
use super::fold::{Fold, FoldState, OrderedFold, Outcome, Scope};
use super::gather::{Gathered, OrderedQuantiles};
use super::kind::Kind;
use super::number::Number;
use super::quantiles::Row;
use super::report::Report;
use super::search::{Bounds, Pass, Search};
use super::state::Numeric;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The value below which the part q of all values lies: numpy's and pandas' `quantile` with linear interpolation, to the bit, at any
/// size in bounded memory.
///
/// Numbers give `Float64`, dates and times their own type (without the fraction). Nulls and NaN are skipped; nothing gives null.
/// A column of few distinct values takes one pass, others normally two, never more than four.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantile(Report);

impl Quantile {
    /// The quantile `q`.
    ///
    /// # Errors
    /// `Invalid` when `q` is not between 0 and 1.
    pub fn new(q: f64) -> Result<Self> {
        Ok(Quantile(Report::Quantile(q).checked()?))
    }

    /// Several quantiles in one go: the result is a list of fixed size.
    ///
    /// # Errors
    /// `Invalid` when one of them is not between 0 and 1.
    pub fn several(qs: &[f64]) -> Result<Self> {
        Ok(Quantile(Report::Quantiles(qs.into()).checked()?))
    }

    /// The median: quantile ½.
    pub fn median() -> Self {
        Quantile(Report::Quantile(0.5))
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Identity for Quantile {
    fn token(&self, t: &mut Tokenizer) {
        self.0.token(t);
    }
}

impl Fold for Quantile {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Kind::of_column(input, &self.to_string(), Kind::ORDERED)?;
        Ok(Arc::new(Field::new(input.name(), self.0.result_type(input.data_type()), true)))
    }

    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        start::<false>(&self.0, input, scope, Bounds::USUAL)
    }

    fn portable(&self) -> Option<Portable> {
        // bits, for a text may be read as the number beside
        match &self.0 {
            Report::Quantile(q) => Portable::of("quantile", &q.to_bits()),
            Report::Quantiles(qs) => Portable::of("quantiles", &qs.iter().map(|q| q.to_bits()).collect::<Vec<_>>()),
            Report::Summary(_) => None,
        }
    }

    fn ordered(&self, input: &DataType, sizes: &[u64]) -> Result<Option<Box<dyn OrderedFold>>> {
        Ok(Some(match Kind::of_type(input, &self.to_string(), Kind::ORDERED)? {
            Kind::Float => OrderedQuantiles::<f64>::boxed(&self.0, input, sizes),
            Kind::Unsigned => OrderedQuantiles::<u64>::boxed(&self.0, input, sizes),
            _ => OrderedQuantiles::<i64>::boxed(&self.0, input, sizes),
        }))
    }
}

/// The state for a report on a column of numbers or times; `SUMS` says whether it needs mean and std.
///
/// # Errors
/// `TypeMismatch` for other columns.
pub(super) fn start<const SUMS: bool>(
    report: &Report,
    input: &DataType,
    scope: Scope,
    bounds: Bounds,
) -> Result<Box<dyn FoldState>> {
    Ok(match Kind::of_type(input, &report.to_string(), Kind::ORDERED)? {
        Kind::Float => start_of::<f64, SUMS>(report, input, scope, bounds),
        Kind::Unsigned => start_of::<u64, SUMS>(report, input, scope, bounds),
        _ => start_of::<i64, SUMS>(report, input, scope, bounds),
    })
}

fn start_of<N: Number, const SUMS: bool>(
    report: &Report,
    input: &DataType,
    scope: Scope,
    bounds: Bounds,
) -> Box<dyn FoldState> {
    let (report, input) = (report.clone(), input.clone());
    match scope {
        Scope::Column => Numeric::<N, _, _>::boxed(Distribution::<N, SUMS>::new(bounds), move |distribution| {
            let (exact, ends, search) = distribution.finish(report.quantiles());
            LaterPass { report, input, exact, ends, search: Arc::new(search) }.outcome::<N>()
        }),
        Scope::Groups => Gathered::<N, SUMS>::boxed(report, input),
    }
}

/// Another pass over the column, for the quantiles whose brackets are known; counts, sums and ends are already exact.
#[derive(Clone, Debug)]
pub(super) struct LaterPass {
    report: Report,
    input: DataType,
    exact: Exact,
    ends: Option<(u64, u64)>,
    search: Arc<Search>,
}

impl LaterPass {
    /// The result when the search is done, else the next pass.
    fn outcome<N: Number>(self) -> Result<Outcome> {
        if !self.search.done() {
            return Ok(Outcome::Again(Arc::new(self)));
        }
        let spots = self.report.quantiles().iter().map(|q| spot(&self.search, *q, self.exact.n)).collect();
        let row = Row { exact: self.exact, ends: self.ends, spots };
        Ok(Outcome::Value(self.report.result::<N>(&self.input, &[row])?))
    }

    fn start_of<N: Number>(&self) -> Box<dyn FoldState> {
        let next = self.clone();
        Numeric::<N, _, _>::boxed(Pass::<N>::new(self.search.clone()), move |pass| {
            LaterPass { search: Arc::new(pass.finish()), ..next }.outcome::<N>()
        })
    }
}

impl fmt::Display for LaterPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, pass {}", self.report, self.search.passes() + 1)
    }
}

impl Identity for LaterPass {
    fn token(&self, t: &mut Tokenizer) {
        t.str("later pass");
        self.report.token(t);
        t.debug(&(&self.input, &self.exact, self.ends, &self.search));
    }
}

impl Fold for LaterPass {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(input.name(), self.report.result_type(input.data_type()), true)))
    }

    fn start(&self, _: &DataType, _: Scope) -> Result<Box<dyn FoldState>> {
        Ok(match Kind::of(&self.input) {
            Some(Kind::Float) => self.start_of::<f64>(),
            Some(Kind::Unsigned) => self.start_of::<u64>(),
            _ => self.start_of::<i64>(),
        })
    }
}
