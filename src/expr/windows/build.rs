//! How functions of other rows are written.

use super::Windowed;
use super::aggregated::Aggregated;
use super::cum_count::CumCount;
use super::cum_extreme::CumExtreme;
use super::cum_sum::CumSum;
use super::rank::{Rank, RankMethod};
use super::rolling::{Rolling, RollingStatistic, Statistic};
use super::shift::Shift;
use crate::expr::names::IntoColumns;
use crate::expr::order::IntoSortKeys;
use crate::expr::{Agg, Expr};

/// The number of each row, counted from 1, as the column `row_number`; [`over`](Expr::over) keys, among those with the
/// same keys.
pub fn row_number() -> Expr {
    Windowed::of(CumCount { rows: true }, []).alias("row_number")
}

impl Expr {
    /// The value `rows` rows further up, or further down if `rows` is negative; null where there is no such row (pandas'
    /// `shift`, SQL's `lag` and `lead`).
    ///
    /// Expressions that look at other rows are computed in `select`, `with_columns`, `filter` and `groupby`: across the
    /// borders of partitions, in the order of the rows. The rows are read twice, the second time with what was found at
    /// the borders.
    ///
    /// ```
    /// # use partita::{DataFrame, col};
    /// # let x = arrow::array::Int64Array::from(vec![1, 4, 9, 16]);
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("x", std::sync::Arc::new(x) as _)]).unwrap();
    /// let df = DataFrame::from_batches([batch.clone(), batch])?;
    /// let table = df.select([
    ///     col("x").shift(1).alias("before"),
    ///     col("x").diff(1).alias("step"),
    ///     (col("x") + col("x").cum_sum()).alias("more"),
    /// ])?.compute()?;
    /// assert_eq!(table.f64s("before")?[3..6], [Some(9.0), Some(16.0), Some(1.0)]);
    /// assert_eq!(table.f64s("step")?[..3], [None, Some(3.0), Some(5.0)]);
    /// assert_eq!(table.f64s("more")?[7], Some(76.0));
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn shift(self, rows: i64) -> Expr {
        Windowed::of(Shift { rows }, [self])
    }

    /// The value minus the one `rows` rows further up: `x - x.shift(rows)` (pandas' `diff`). Of times, a duration.
    #[must_use]
    pub fn diff(self, rows: i64) -> Expr {
        self.clone() - self.shift(rows)
    }

    /// By which part the value has grown since `rows` rows further up: `x / x.shift(rows) - 1` (pandas' `pct_change`
    /// without filling).
    #[must_use]
    pub fn pct_change(self, rows: i64) -> Expr {
        self.clone() / self.shift(rows) - 1
    }

    /// The sum of the values up to this row; see [`CumSum`].
    #[must_use]
    pub fn cum_sum(self) -> Expr {
        Windowed::of(CumSum, [self])
    }

    /// The smallest value up to this row; see [`CumExtreme`].
    #[must_use]
    pub fn cum_min(self) -> Expr {
        Windowed::of(CumExtreme { max: false }, [self])
    }

    /// The largest value up to this row; see [`CumExtreme`].
    #[must_use]
    pub fn cum_max(self) -> Expr {
        Windowed::of(CumExtreme { max: true }, [self])
    }

    /// How many values up to this row are neither null nor NaN.
    #[must_use]
    pub fn cum_count(self) -> Expr {
        Windowed::of(CumCount { rows: false }, [self])
    }

    /// The place of the value in the order of all, from 1; null and NaN have none (pandas' `rank`). Over keys, its place
    /// among those with the same keys. Equal values are ranked as `method` says; with [`RankMethod::First`] in the order
    /// of the rows, or in that of [`order_by`](Self::order_by).
    ///
    /// Rows are sorted by the value, on disk where they do not fit into memory, and come back in their order.
    ///
    /// ```
    /// # use partita::{DataFrame, RankMethod, col};
    /// # let fare = arrow::array::Int64Array::from(vec![Some(7), Some(3), None, Some(7), Some(9)]);
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("fare", std::sync::Arc::new(fare) as _)]).unwrap();
    /// let df = DataFrame::from_batches([batch])?;
    /// let table = df.select([
    ///     col("fare").rank(RankMethod::Average).alias("rank"),
    ///     col("fare").rank_descending(RankMethod::Dense).alias("place"),
    /// ])?.compute()?;
    /// assert_eq!(table.f64s("rank")?, [Some(2.5), Some(1.0), None, Some(2.5), Some(4.0)]);
    /// assert_eq!(table.f64s("place")?, [Some(2.0), Some(3.0), None, Some(2.0), Some(1.0)]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn rank(self, method: RankMethod) -> Expr {
        Windowed::of(Rank { method, descending: false }, [self])
    }

    /// The same with the largest value first.
    #[must_use]
    pub fn rank_descending(self, method: RankMethod) -> Expr {
        Windowed::of(Rank { method, descending: true }, [self])
    }

    /// The sum of the values in a window that rolls over the rows (pandas' `rolling(..).sum()`): whole numbers give whole
    /// numbers. Floating sums are compensated and depend on the rows of the window alone, so that a large value leaves no
    /// trace behind it; infinities are numbers like others.
    ///
    /// ```
    /// # use partita::{DataFrame, Rolling, col};
    /// # let x = arrow::array::Float64Array::from(vec![Some(1.0), Some(2.0), None, Some(5.0), Some(3.0)]);
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("x", std::sync::Arc::new(x) as _)]).unwrap();
    /// let df = DataFrame::from_batches([batch])?;
    /// let table = df.select([
    ///     col("x").rolling_sum(2).alias("two"),
    ///     col("x").rolling_mean(Rolling::rows(3).min_periods(1).centred()).alias("around"),
    /// ])?.compute()?;
    /// assert_eq!(table.f64s("two")?, [None, Some(3.0), None, None, Some(8.0)]);
    /// assert_eq!(table.f64s("around")?, [Some(1.5), Some(1.5), Some(3.5), Some(4.0), Some(4.0)]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn rolling_sum(self, window: impl Into<Rolling>) -> Expr {
        RollingStatistic::of(self, Statistic::Sum, window.into())
    }

    /// The mean of the values in a window that rolls over the rows; see [`rolling_sum`](Self::rolling_sum).
    #[must_use]
    pub fn rolling_mean(self, window: impl Into<Rolling>) -> Expr {
        RollingStatistic::of(self, Statistic::Mean, window.into())
    }

    /// The smallest value in a window that rolls over the rows.
    #[must_use]
    pub fn rolling_min(self, window: impl Into<Rolling>) -> Expr {
        RollingStatistic::of(self, Statistic::Min, window.into())
    }

    /// The largest value in a window that rolls over the rows.
    #[must_use]
    pub fn rolling_max(self, window: impl Into<Rolling>) -> Expr {
        RollingStatistic::of(self, Statistic::Max, window.into())
    }

    /// The number of values in a window that rolls over the rows, also where the window is not full.
    #[must_use]
    pub fn rolling_count(self, window: impl Into<Rolling>) -> Expr {
        RollingStatistic::of(self, Statistic::Count, window.into())
    }

    /// The variance of the values in a window that rolls over the rows: squares divided by n − `ddof` (pandas' default
    /// is 1).
    #[must_use]
    pub fn rolling_var(self, window: impl Into<Rolling>, ddof: u8) -> Expr {
        RollingStatistic::of(self, Statistic::Var(ddof.into()), window.into())
    }

    /// The standard deviation of the values in a window that rolls over the rows; see [`rolling_var`](Self::rolling_var).
    #[must_use]
    pub fn rolling_std(self, window: impl Into<Rolling>, ddof: u8) -> Expr {
        RollingStatistic::of(self, Statistic::Std(ddof.into()), window.into())
    }

    /// The same among the rows with the same keys, in their order: SQL's `OVER (PARTITION BY …)`. It means every
    /// function of other rows in this expression that has no keys yet. Null is a key, and so is NaN; rows stay in their
    /// order.
    ///
    /// ```
    /// # use partita::{DataFrame, RankMethod, col, row_number};
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch, StringArray};
    /// # let zone = StringArray::from(vec!["b", "a", "b", "a"]);
    /// # let fare = Int64Array::from(vec![4, 2, 6, 2]);
    /// # let batch = RecordBatch::try_from_iter([("zone", Arc::new(zone) as _), ("fare", Arc::new(fare) as _)]).unwrap();
    /// let df = DataFrame::from_batches([batch])?;
    /// let table = df.with_columns([
    ///     (col("fare") - col("fare").mean().over("zone")).alias("above"),
    ///     col("fare").rank(RankMethod::Average).over("zone").alias("rank"),
    ///     row_number().over("zone"),
    /// ])?.compute()?;
    /// assert_eq!(table.f64s("above")?, [Some(-1.0), Some(0.0), Some(1.0), Some(0.0)]);
    /// assert_eq!(table.f64s("rank")?, [Some(1.0), Some(1.5), Some(2.0), Some(1.5)]);
    /// assert_eq!(table.f64s("row_number")?, [Some(1.0), Some(1.0), Some(2.0), Some(2.0)]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn over(self, keys: impl IntoColumns) -> Expr {
        Windowed::over(&self, &keys.into_columns())
    }

    /// The same as if the rows were in this order: SQL's `OVER (… ORDER BY …)`, Polars' `over(…, order_by=…)`. It means
    /// every function of other rows in this expression that has no order yet, with or without keys; equal rows count as
    /// they lie, and all rows stay where they are. An aggregate is still that of all rows with the same keys.
    ///
    /// ```
    /// # use partita::{DataFrame, col};
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch, StringArray};
    /// # let zone = StringArray::from(vec!["b", "a", "b", "a"]);
    /// # let (day, fare) = (Int64Array::from(vec![2, 2, 1, 1]), Int64Array::from(vec![4, 2, 6, 8]));
    /// # let columns = [("zone", Arc::new(zone) as _), ("day", Arc::new(day) as _), ("fare", Arc::new(fare) as _)];
    /// # let batch = RecordBatch::try_from_iter(columns).unwrap();
    /// let df = DataFrame::from_batches([batch])?;
    /// let table = df.select([
    ///     col("fare").cum_sum().over("zone").order_by("day").alias("so_far"),
    ///     col("fare").diff(1).order_by([col("zone").asc(), col("day").desc()]).alias("step"),
    /// ])?.compute()?;
    /// assert_eq!(table.f64s("so_far")?, [Some(10.0), Some(10.0), Some(6.0), Some(8.0)]);
    /// assert_eq!(table.f64s("step")?, [Some(-4.0), None, Some(2.0), Some(6.0)]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn order_by(self, keys: impl IntoSortKeys) -> Expr {
        Windowed::order_by(&self, &keys.into_sort_keys())
    }
}

impl Agg {
    /// The aggregate of all rows with the same keys, beside each of them (pandas' `transform`, SQL's `OVER`). Rows stay in
    /// their order.
    #[must_use]
    pub fn over(self, keys: impl IntoColumns) -> Expr {
        let call = Windowed::of(Aggregated { fold: self.fold().map_err(Into::into) }, self.input().cloned());
        let over = Windowed::over(&call, &keys.into_columns());
        over.alias(self.name())
    }
}
