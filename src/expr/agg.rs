//! Aggregates of expressions: `col("v").sum()`, what `agg` takes.

use std::fmt;
use std::sync::Arc;

use super::Expr;
use super::folds::{Count, First, Fold, Last, Max, Mean, Min, Nunique, Quantile, Size, Std, Sum, Var};
use crate::base::{Deferred, Result};

/// An aggregate of an expression, under a name: by default that of the expression, as in Polars.
///
/// ```
/// use partita::col;
/// assert_eq!(col("fare").mean().alias("mean_fare").to_string(), "mean(fare)");
/// ```
#[derive(Clone, Debug)]
pub struct Agg {
    input: Option<Expr>,
    fold: Deferred<Arc<dyn Fold>>,
    name: Arc<str>,
}

impl Agg {
    /// What `fold` makes of `input`.
    pub fn new(input: Expr, fold: Arc<dyn Fold>) -> Agg {
        Agg::of(input, Ok(fold))
    }

    fn of(input: Expr, fold: Deferred<Arc<dyn Fold>>) -> Agg {
        Agg { name: input.name(), input: Some(input), fold }
    }

    /// The same under another name.
    #[must_use]
    pub fn alias(mut self, name: impl AsRef<str>) -> Agg {
        self.name = name.as_ref().into();
        self
    }

    /// What it is called.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What is aggregated; `None` for the number of rows.
    pub fn input(&self) -> Option<&Expr> {
        self.input.as_ref()
    }

    /// What is made of it.
    ///
    /// # Errors
    /// `Invalid` for a quantile that is not between 0 and 1.
    pub fn fold(&self) -> Result<Arc<dyn Fold>> {
        Ok(self.fold.clone()?)
    }
}

impl fmt::Display for Agg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.fold, &self.input) {
            (Ok(fold), Some(input)) => write!(f, "{fold}({})", input.unaliased()),
            (Ok(fold), None) => write!(f, "{fold}"),
            (Err(error), _) => write!(f, "{error}"),
        }
    }
}

/// The number of rows, nulls included, called `size` (pandas' `groupby(..).size()`).
pub fn size() -> Agg {
    Agg { input: None, fold: Ok(Arc::new(Size)), name: "size".into() }
}

impl Expr {
    /// The sum of the values; see [`Sum`].
    pub fn sum(self) -> Agg {
        Agg::new(self, Arc::new(Sum))
    }

    /// The mean of the values; see [`Mean`].
    pub fn mean(self) -> Agg {
        Agg::new(self, Arc::new(Mean))
    }

    /// The number of values that are neither null nor NaN; see [`Count`].
    pub fn count(self) -> Agg {
        Agg::new(self, Arc::new(Count))
    }

    /// The smallest value; see [`Min`].
    pub fn min(self) -> Agg {
        Agg::new(self, Arc::new(Min))
    }

    /// The largest value; see [`Max`].
    pub fn max(self) -> Agg {
        Agg::new(self, Arc::new(Max))
    }

    /// The standard deviation of the values: squares divided by n − `ddof` (pandas' default is 1); see [`Std`].
    pub fn std(self, ddof: u8) -> Agg {
        Agg::new(self, Arc::new(Std { ddof: ddof.into() }))
    }

    /// The variance of the values: squares divided by n − `ddof` (pandas' default is 1); see [`Var`].
    pub fn var(self, ddof: u8) -> Agg {
        Agg::new(self, Arc::new(Var { ddof: ddof.into() }))
    }

    /// The first value that is neither null nor NaN, in the order of the rows; see [`First`].
    pub fn first(self) -> Agg {
        Agg::new(self, Arc::new(First))
    }

    /// The last value that is neither null nor NaN, in the order of the rows; see [`Last`].
    pub fn last(self) -> Agg {
        Agg::new(self, Arc::new(Last))
    }

    /// The median of the values: exact; see [`Quantile`].
    pub fn median(self) -> Agg {
        Agg::new(self, Arc::new(Quantile::median()))
    }

    /// A quantile of the values, from 0 to 1: exact, linear between neighbours; see [`Quantile`].
    pub fn quantile(self, q: f64) -> Agg {
        Agg::of(self, Quantile::new(q).map(|fold| Arc::new(fold) as Arc<dyn Fold>).map_err(Arc::new))
    }

    /// The number of distinct values; null and NaN are none. See [`Nunique`].
    pub fn nunique(self) -> Agg {
        Agg::new(self, Arc::new(Nunique))
    }

    /// What an aggregate of your own makes of the values.
    pub fn aggregate(self, fold: impl Fold) -> Agg {
        Agg::new(self, Arc::new(fold))
    }
}
