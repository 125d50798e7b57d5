//! Methods of frames whose partitions are ranges of a column.

use std::ops::{Bound, RangeBounds};

use super::DataFrame;
use crate::base::{Error, Result};
use crate::expr::{Expr, Scalar, col};
use crate::ops::{Filter, SetIndex};
use crate::plan::lower::expand;

impl DataFrame {
    /// The rows in the order of a column, in partitions that are known ranges of it: each value lies in one partition.
    /// Null and NaN stand last, equal rows as they were. The column stays a column like the others.
    ///
    /// Where the partitions begin follows from keys sampled from all of them, once, when a result or
    /// [`divisions`](Self::divisions) is first asked for; it depends on the rows and their partitions alone. There are
    /// about as many as before, of about as many rows each, or as many as a [`SetIndex`] says; fewer where there are few
    /// different values. The sort works in any memory. (Dask's `set_index`, which is not lazy.)
    ///
    /// ```
    /// # use partita::{DataFrame, SetIndex};
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch};
    /// let days = Int64Array::from_iter_values((0..1000).map(|i| i * 7 % 1000));
    /// let batch = RecordBatch::try_from_iter([("day", Arc::new(days) as _)]).unwrap();
    /// let by_day = DataFrame::from_batches([batch])?.set_index(SetIndex::new("day").partitions(4))?;
    ///
    /// let bounds = by_day.divisions()?.unwrap();
    /// assert_eq!(bounds.len(), 5); // where each partition begins, and the last value
    /// assert_eq!(bounds[4].as_i64(), Some(999));
    /// let week = by_day.loc(0..7)?; // looks at one partition
    /// assert!(week.explain()?.contains("looks at partitions 0..1, 1 of 4"));
    /// assert_eq!(week.len()?, 7);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `UnknownColumn`; `Unsupported` for types that have no order, such as lists; `Invalid` for no partitions at all.
    pub fn set_index(&self, index: impl Into<SetIndex>) -> Result<DataFrame> {
        self.then(index.into().anew())
    }

    /// Says that the rows are in the order of a column already, null and NaN last: they stay where they are. That is
    /// checked when it is first asked for, in one pass over the column. Equal values may lie in neighbouring partitions.
    ///
    /// # Errors
    /// As [`set_index`](Self::set_index); when it is asked for, `Value` with the first row, or partition, that is not in
    /// order.
    pub fn set_index_sorted(&self, column: impl Into<String>) -> Result<DataFrame> {
        self.then(SetIndex::new(column).sorted())
    }

    /// The column that the partitions are ranges of, if there is one.
    ///
    /// # Errors
    /// When an operation is found wrong only now.
    pub fn index(&self) -> Result<Option<String>> {
        Ok(expand(&self.plan)?.divisions().map(|divisions| divisions.column().to_string()))
    }

    /// The first value of the index in each partition, and the last one of all: what decides them is computed here if it
    /// was not yet. Absent when nothing is known of the partitions. After a filter they are bounds: there may be no
    /// such row. Long texts are cut, which leaves them bounds too. Null where no value is known; null and NaN themselves
    /// are in the last partition and not counted.
    ///
    /// # Errors
    /// Those of the tasks.
    pub fn divisions(&self) -> Result<Option<Vec<Scalar>>> {
        let Some(index) = expand(&self.plan)?.divisions() else { return Ok(None) };
        if index.bounds().is_some() {
            return Ok(index.values());
        }
        Ok(self.session.resolved(&self.plan, false)?.divisions().and_then(|divisions| divisions.values()))
    }

    /// The rows whose index lies in a range, from the partitions that can have them: `df.loc("2023-01-01".."2023-02-01")`.
    /// Null and NaN lie in no range but `..`, which gives all rows. (Dask's `loc` with a slice is `a..=b`.)
    ///
    /// # Errors
    /// `Invalid` without an index; `TypeMismatch` when the ends cannot be compared with it.
    pub fn loc<S: Into<Scalar> + Clone>(&self, range: impl RangeBounds<S>) -> Result<DataFrame> {
        let Some(index) = self.index()? else {
            let error = Error::invalid("the frame has no index").doing("look up a range");
            return Err(error.help("call set_index first, or filter by a column"));
        };
        let index = || col(index.as_str());
        let value = |end: &S| Expr::Literal(end.clone().into());
        let start = match range.start_bound() {
            Bound::Included(start) => Some(index().ge(value(start))),
            Bound::Excluded(start) => Some(index().gt(value(start))),
            Bound::Unbounded => None,
        };
        let end = match range.end_bound() {
            Bound::Included(end) => Some(index().le(value(end))),
            Bound::Excluded(end) => Some(index().lt(value(end))),
            Bound::Unbounded => None,
        };
        match Expr::all(start.into_iter().chain(end).collect::<Vec<_>>()) {
            Some(condition) => self.then(Filter::new(condition)),
            None => Ok(self.clone()),
        }
    }
}
