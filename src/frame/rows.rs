//! Methods that choose rows.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::DataFrame;
use crate::base::{Error, Result};
use crate::expr::{Expr, SortKey};
use crate::ops::{Concat, Filter, Head, MapPartitions, Partitions, Repartition, Sample, SortBy, Tail, TopK};
use crate::plan::Plan;
use crate::plan::lower::expand;

impl DataFrame {
    /// The rows where `condition` is true: not where it is false or null, and a comparison with NaN is false.
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` when the condition is not Boolean.
    pub fn filter(&self, condition: impl Into<Expr>) -> Result<DataFrame> {
        self.then(Filter::new(condition.into()))
    }

    /// The first `rows` rows of all (Dask's `head` looks at the first partition only).
    ///
    /// # Errors
    /// Never in practice.
    pub fn head(&self, rows: usize) -> Result<DataFrame> {
        self.then(Head { rows })
    }

    /// The last `rows` rows of all.
    ///
    /// # Errors
    /// Never in practice.
    pub fn tail(&self, rows: usize) -> Result<DataFrame> {
        self.then(Tail::new(rows))
    }

    /// A random part of the rows, in their order: a fraction, or a [`Sample`] that says more (a seed, with replacement,
    /// exactly as Dask). The same rows are drawn for any partitioning, batch size and number of threads, and it makes
    /// no difference whether rows are filtered before or after.
    ///
    /// ```
    /// # use partita::{DataFrame, Sample};
    /// # let x = arrow::array::Int64Array::from_iter_values(0..1000);
    /// # let batch = arrow::array::RecordBatch::try_from_iter([("x", std::sync::Arc::new(x) as _)]).unwrap();
    /// let df = DataFrame::from_batches([batch])?;
    /// let some = df.sample(Sample::fraction(0.1).seed(42))?;
    /// assert_eq!(some.len()?, 85); // about 100
    /// assert_eq!(some.compute()?.f64s("x")?, df.repartition(7)?.sample(Sample::fraction(0.1).seed(42))?.compute()?.f64s("x")?);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` for a fraction below 0, or above 1 without replacement.
    pub fn sample(&self, sample: impl Into<Sample>) -> Result<DataFrame> {
        self.then(sample.into())
    }

    /// The rows in order: by the first key, where that is equal by the next, and where all are equal as they were. A key
    /// is a column's name or an expression, ordered from small to large with null and NaN last; `desc()`, `nulls_first()`
    /// say otherwise.
    ///
    /// An external merge sort: it works in any memory, and gives as many partitions as there were, in order, of about as
    /// many rows each.
    ///
    /// ```
    /// # use partita::{DataFrame, col};
    /// # use std::sync::Arc;
    /// # use arrow::array::{Float64Array, RecordBatch, StringArray};
    /// let zone = StringArray::from(vec!["b", "a", "b", "a"]);
    /// let fare = Float64Array::from(vec![Some(1.0), None, Some(2.0), Some(f64::NAN)]);
    /// let batch = RecordBatch::try_from_iter([("zone", Arc::new(zone) as _), ("fare", Arc::new(fare) as _)]).unwrap();
    /// let df = DataFrame::from_batches([batch])?;
    ///
    /// let by_zone = df.sort_by([col("zone").asc(), col("fare").desc()])?.compute()?;
    /// assert_eq!(by_zone.f64s("fare")?[2..], [Some(2.0), Some(1.0)]);
    /// let by_fare = df.sort_by([col("fare").asc().nulls_first()])?.compute()?; // null and NaN are equal: as they were
    /// assert!(by_fare.f64s("fare")?[0].is_none());
    /// assert_eq!(by_fare.f64s("fare")?[2..], [Some(1.0), Some(2.0)]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Invalid` without keys; `UnknownColumn`; `Unsupported` for types that have no order, such as lists.
    pub fn sort_by<K: Into<SortKey>>(&self, keys: impl IntoIterator<Item = K>) -> Result<DataFrame> {
        self.then(SortBy::new(keys.into_iter().map(Into::into))?)
    }

    /// The first `rows` rows of [`sort_by`](Self::sort_by), in order, without sorting the others. (`sort_by` followed by
    /// `head` does the same.)
    ///
    /// # Errors
    /// As [`sort_by`](Self::sort_by).
    pub fn top_k<K: Into<SortKey>>(&self, rows: usize, keys: impl IntoIterator<Item = K>) -> Result<DataFrame> {
        self.then(TopK::new(rows, keys.into_iter().map(Into::into))?)
    }

    /// The `rows` rows with the largest values in a column, the largest first; where it is equal, by the next column, and
    /// in the end the earlier row first (pandas' `nlargest` with `keep='first'`).
    ///
    /// # Errors
    /// As [`sort_by`](Self::sort_by).
    pub fn nlargest<K: Into<SortKey>>(&self, rows: usize, columns: impl IntoIterator<Item = K>) -> Result<DataFrame> {
        self.top_k(rows, columns.into_iter().map(|c| c.into().desc()))
    }

    /// The `rows` rows with the smallest values in a column, the smallest first; as [`nlargest`](Self::nlargest).
    ///
    /// # Errors
    /// As [`sort_by`](Self::sort_by).
    pub fn nsmallest<K: Into<SortKey>>(&self, rows: usize, columns: impl IntoIterator<Item = K>) -> Result<DataFrame> {
        self.top_k(rows, columns)
    }

    /// The same rows in the same order, in other partitions: a number of them, [`Repartition::size`] or, for a frame with
    /// an index, [`Repartition::divisions`]. Fewer: neighbouring partitions are joined. More: each takes an even range of
    /// all rows, which are counted first where their number is not known, and an input partition is held until all its
    /// rows are handed out.
    ///
    /// # Errors
    /// `Invalid` for no partitions at all, for what is no size, for divisions without an index or that do not rise.
    pub fn repartition(&self, to: impl Into<Repartition>) -> Result<DataFrame> {
        let to = to.into();
        to.check(self.schema(), || Ok(expand(&self.plan)?.divisions()))?;
        self.then(to)
    }

    /// Some of the partitions, by their numbers from 0.
    ///
    /// # Errors
    /// `Invalid` when there are fewer.
    pub fn partitions(&self, range: Range<usize>) -> Result<DataFrame> {
        let all = self.npartitions()?;
        if range.end > all || range.start > range.end {
            return Err(Error::invalid(format!("there are {all} partitions, not {}..{}", range.start, range.end)));
        }
        self.then(Partitions { range })
    }

    /// What `function` makes of each partition as one record batch. It has to give the columns of `schema`.
    ///
    /// A partition is held whole while the function has it. Nothing is known of a closure's content, so the work of
    /// two calls is never shared, unless it is [`named`](Self::named).
    ///
    /// # Errors
    /// When computed: those of the function, `Panicked` when it panics, `Schema` when it gives other columns.
    pub fn map_partitions(
        &self,
        function: impl Fn(RecordBatch) -> Result<RecordBatch> + Send + Sync + 'static,
        schema: SchemaRef,
    ) -> Result<DataFrame> {
        self.then(MapPartitions::new(Arc::new(function), schema))
    }

    /// Names the closure of the [`map_partitions`](Self::map_partitions) that this frame comes from: the promise that any
    /// closure of this name and version gives the same results. Then work on it is shared, and a
    /// [`checkpoint`](Self::checkpoint) finds it again in the next run. Change the version with the code.
    ///
    /// # Errors
    /// `Invalid` when the frame does not come from `map_partitions`.
    pub fn named(&self, name: &str, version: &str) -> Result<DataFrame> {
        let Some(closure) = self.plan.downcast::<MapPartitions>() else {
            let error = Error::invalid("only what map_partitions gives can be named");
            return Err(error.help("call it right after map_partitions"));
        };
        let plan = Plan::new(closure.clone().named(name, version), self.plan.inputs().to_vec())?;
        Ok(DataFrame::from_plan(plan, self.session.clone()))
    }
}

/// The rows of several frames, one frame after the other. Columns go together by name: one that a frame does not have
/// is null there, and types are widened as in arithmetic (pandas' `concat`).
///
/// # Errors
/// `Invalid` without frames; `Schema` when a column's types have nothing in common.
pub fn concat<'a>(frames: impl IntoIterator<Item = &'a DataFrame>) -> Result<DataFrame> {
    let frames: Vec<&DataFrame> = frames.into_iter().collect();
    let first = frames.first().ok_or_else(|| Error::invalid("concat needs at least one frame"))?;
    let plan = Plan::new(Concat, frames.iter().map(|f| f.plan.clone()).collect())?;
    Ok(DataFrame::from_plan(plan, first.session.clone()))
}
