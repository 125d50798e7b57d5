//! Methods that summarise columns.

use std::sync::Arc;

use arrow::datatypes::DataType;

use super::DataFrame;
use crate::base::{Error, Result};

use crate::expr::folds::{Count, Fold, Max, Mean, Min, Nunique, Quantile, Std, Sum, Var};
use crate::ops::aggregate::{Agg, Aggregate};
use crate::ops::{Describe, Include};

impl DataFrame {
    /// Count, mean, std (ddof = 1), min, quartiles and max of the numeric columns: a row for each, its name in the
    /// column `statistic`. Nulls and NaN are skipped; without values count is 0 and the rest null.
    ///
    /// Exact, whatever the size and the partitioning: mean and std are rounded once, quantiles are pandas' to the bit.
    /// One pass over the rows where a column has few distinct values, normally two, never more than four.
    ///
    /// ```
    /// # use partita::DataFrame;
    /// # let x = arrow::array::Int64Array::from(vec![1, 2, 3, 4]);
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("x", std::sync::Arc::new(x) as _)]).unwrap();
    /// let summary = DataFrame::from_batches([batch])?.describe()?.compute()?;
    /// assert_eq!(summary.value("x", 1)?.as_f64(), Some(2.5)); // the mean
    /// assert_eq!(summary.value("x", 4)?.as_f64(), Some(1.75)); // 25%
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `TypeMismatch` when there is no column to describe.
    pub fn describe(&self) -> Result<DataFrame> {
        self.describe_with(Include::Numeric, &[0.25, 0.5, 0.75])
    }

    /// As [`describe`](Self::describe), of other columns and with other percentiles (each from 0 to 1). Texts and truth
    /// values have count, unique, top and freq, times have no std; such columns are shown as text.
    ///
    /// # Errors
    /// `UnknownColumn`; `Invalid` for a percentile that is not between 0 and 1.
    pub fn describe_with(&self, include: Include, percentiles: &[f64]) -> Result<DataFrame> {
        self.then(Describe::new(include, percentiles)?)
    }

    /// The number of values (not null, not NaN) of each column, as one row.
    ///
    /// # Errors
    /// Never in practice.
    pub fn count(&self) -> Result<DataFrame> {
        self.fold(Arc::new(Count), |_| true)
    }

    /// The sum of each numeric or Boolean column, as one row; 0 without values. Exact: floating sums are rounded once.
    ///
    /// # Errors
    /// When computed, `Value` if a sum of whole numbers does not fit 64 bits.
    pub fn sum(&self) -> Result<DataFrame> {
        self.fold(Arc::new(Sum), numeric_or_bool)
    }

    /// The mean of each numeric or Boolean column, as one row, rounded once; null without values.
    ///
    /// # Errors
    /// Never in practice.
    pub fn mean(&self) -> Result<DataFrame> {
        self.fold(Arc::new(Mean), numeric_or_bool)
    }

    /// The smallest value of each column, as one row; null without values.
    ///
    /// # Errors
    /// Never in practice.
    pub fn min(&self) -> Result<DataFrame> {
        self.fold(Arc::new(Min), |_| true)
    }

    /// The largest value of each column, as one row; null without values.
    ///
    /// # Errors
    /// Never in practice.
    pub fn max(&self) -> Result<DataFrame> {
        self.fold(Arc::new(Max), |_| true)
    }

    /// The standard deviation of each numeric column, as one row, rounded once: the sum of squares divided by n − `ddof`
    /// (pandas' default is 1); null where that is not positive.
    ///
    /// # Errors
    /// Never in practice.
    pub fn std(&self, ddof: u8) -> Result<DataFrame> {
        self.fold(Arc::new(Std { ddof: ddof.into() }), DataType::is_numeric)
    }

    /// The variance of each numeric column, as one row; see [`std`](Self::std).
    ///
    /// # Errors
    /// Never in practice.
    pub fn var(&self, ddof: u8) -> Result<DataFrame> {
        self.fold(Arc::new(Var { ddof: ddof.into() }), DataType::is_numeric)
    }

    /// The median of each numeric column, as one row; see [`quantile`](Self::quantile).
    ///
    /// # Errors
    /// Never in practice.
    pub fn median(&self) -> Result<DataFrame> {
        self.quantile(0.5)
    }

    /// A quantile of each numeric column, as one row: exact, linear between neighbours as numpy's default; null without
    /// values.
    ///
    /// # Errors
    /// `Invalid` when `q` is not between 0 and 1.
    pub fn quantile(&self, q: f64) -> Result<DataFrame> {
        self.fold(Arc::new(Quantile::new(q)?), DataType::is_numeric)
    }

    /// The number of distinct values of each column, as one row; null and NaN are not values.
    ///
    /// # Errors
    /// Never in practice.
    pub fn nunique(&self) -> Result<DataFrame> {
        self.fold(Arc::new(Nunique), |_| true)
    }

    /// All floating columns rounded to so many decimals, half to even as numpy rounds; the others as they are.
    ///
    /// # Errors
    /// Never in practice.
    pub fn round(&self, decimals: i32) -> Result<DataFrame> {
        self.select(super::table::rounded(self.schema(), decimals))
    }

    /// `fold` of every column that it has a meaning for, among those whose type is wanted.
    fn fold(&self, fold: Arc<dyn Fold>, wanted: impl Fn(&DataType) -> bool) -> Result<DataFrame> {
        let fields = self.schema().fields().iter();
        let fitting = fields.filter(|f| wanted(f.data_type()) && fold.return_field(f).is_ok());
        let aggs: Vec<Agg> =
            fitting.map(|f| Agg { column: f.name().clone(), fold: fold.clone(), name: f.name().clone() }).collect();
        if aggs.is_empty() {
            return Err(Error::types(format!("there is no column that `{fold}` has a meaning for")));
        }
        self.then(Aggregate::new(aggs))
    }
}

fn numeric_or_bool(t: &DataType) -> bool {
    t.is_numeric() || matches!(t, DataType::Boolean)
}
