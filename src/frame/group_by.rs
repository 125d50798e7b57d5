//! Methods that aggregate by keys.

use super::{DataFrame, IntoColumns};
use crate::base::{Error, Result};
use crate::expr::{Agg, Expr, SortKey, col, size};
use crate::ops::{self, DropDuplicates, Keep};

/// Rows of a frame by their keys; [`agg`](GroupBy::agg) says what is wanted of each group.
#[derive(Clone)]
pub struct GroupBy {
    frame: DataFrame,
    keys: Vec<Expr>,
    sort: bool,
    dropna: bool,
}

impl DataFrame {
    /// Rows by the values of some columns or expressions: pandas' `groupby`. A key of categories stays one, with the
    /// categories that occur.
    ///
    /// ```
    /// use partita::{DataFrame, col};
    /// # use arrow::array::{Float64Array, RecordBatch, StringArray};
    /// # use std::sync::Arc;
    /// # let zones = StringArray::from(vec!["b", "a", "b"]);
    /// # let fares = Float64Array::from(vec![1.0, 2.0, 4.0]);
    /// # let batch = RecordBatch::try_from_iter([("zone", Arc::new(zones) as _), ("fare", Arc::new(fares) as _)]).unwrap();
    /// # let df = DataFrame::from_batches([batch])?;
    /// let by_zone = df.groupby("zone")?.agg([col("fare").sum(), col("fare").mean().alias("mean")])?;
    /// let table = by_zone.compute()?;
    /// assert_eq!(by_zone.columns(), ["zone", "fare", "mean"]);
    /// assert_eq!(table.value("fare", 1)?.as_f64(), Some(5.0));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`; `Unsupported` for keys of nested types; `Invalid` without keys.
    pub fn groupby(&self, keys: impl IntoColumns) -> Result<GroupBy> {
        let grouped = GroupBy { frame: self.clone(), keys: keys.into_columns(), sort: true, dropna: true };
        grouped.size()?;
        Ok(grouped)
    }
}

impl DataFrame {
    /// One row of those that are equal in the columns `subset`, or in all columns when it is empty (pandas'
    /// `drop_duplicates`): null equals null, and NaN equals NaN. Rows stay in their order, which costs sorting those that
    /// are kept; with [`Keep::Any`] they come in the order of a fixed hash, for less.
    ///
    /// ```
    /// use partita::{DataFrame, Keep};
    /// # use arrow::array::{Int64Array, RecordBatch};
    /// # use std::sync::Arc;
    /// # let (a, b) = (Int64Array::from(vec![1, 1, 2]), Int64Array::from(vec![Some(3), None, None]));
    /// # let batch = RecordBatch::try_from_iter([("a", Arc::new(a) as _), ("b", Arc::new(b) as _)]).unwrap();
    /// let df = DataFrame::from_batches([batch])?;
    /// let first = df.drop_duplicates(["a"], Keep::First)?.compute()?;
    /// assert_eq!(first.f64s("b")?, [Some(3.0), None]);
    /// assert_eq!(df.drop_duplicates(["a"], Keep::Neither)?.len()?, 1);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `UnknownColumn`; `Unsupported` for columns of nested types.
    pub fn drop_duplicates<N: Into<String>>(
        &self,
        subset: impl IntoIterator<Item = N>,
        keep: Keep,
    ) -> Result<DataFrame> {
        let subset: Vec<String> = subset.into_iter().map(Into::into).collect();
        self.then(DropDuplicates { subset: (!subset.is_empty()).then_some(subset), keep })
    }

    /// The distinct combinations of these columns or expressions, null and NaN among them, in the order in which they come
    /// (pandas' `unique`). [`drop_duplicates`](Self::drop_duplicates) with [`Keep::Any`] gives them in any order, for less.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`; `Unsupported` for columns of nested types.
    pub fn unique(&self, columns: impl IntoColumns) -> Result<DataFrame> {
        self.select(columns)?.then(DropDuplicates { subset: None, keep: Keep::First })
    }

    /// How often each combination of these columns or expressions occurs, in the column `count`: most often first, and
    /// among equals by the columns (pandas' `value_counts`). Null and NaN are left out.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`; `Unsupported` for columns of nested types; `Invalid` when one of them is called
    /// `count`.
    pub fn value_counts(&self, columns: impl IntoColumns) -> Result<DataFrame> {
        let keys = columns.into_columns();
        let names: Vec<SortKey> = keys.iter().map(|key| col(key.name().as_ref()).asc()).collect();
        let counted = self.groupby(keys)?.sort(false).agg([size().alias("count")])?;
        counted.sort_by(std::iter::once(col("count").desc()).chain(names))
    }
}

impl GroupBy {
    /// Whether groups come in the order of their keys (the default, as in pandas and Dask). Else they come in the order
    /// of a fixed hash of their keys, which costs nothing.
    #[must_use]
    pub fn sort(mut self, sort: bool) -> GroupBy {
        self.sort = sort;
        self
    }

    /// Whether rows whose key is null or NaN are left out (the default, as in pandas). Else null is a group, and NaN is
    /// another.
    #[must_use]
    pub fn dropna(mut self, dropna: bool) -> GroupBy {
        self.dropna = dropna;
        self
    }

    /// A row for each group: its keys, and these aggregates. The same for any number of threads and partitions and any
    /// memory limit, to the bit; groups that do not fit into memory are spilled.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch` for what an aggregate has no meaning for; `Invalid` when two columns would have
    /// one name.
    pub fn agg(&self, aggs: impl IntoIterator<Item = Agg>) -> Result<DataFrame> {
        let aggs: Vec<Agg> = aggs.into_iter().collect();
        if aggs.is_empty() {
            return Err(Error::invalid("there is nothing to aggregate").help("for the groups alone, ask for unique()"));
        }
        let GroupBy { keys, sort, dropna, .. } = self.clone();
        self.frame.then(ops::GroupBy { keys, aggs, sort, dropna })
    }

    /// The number of rows of each group, in the column `size`.
    ///
    /// # Errors
    /// As [`agg`](Self::agg).
    pub fn size(&self) -> Result<DataFrame> {
        self.agg([size()])
    }
}
