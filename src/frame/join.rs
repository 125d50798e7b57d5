//! Methods that bring two frames together.

use super::DataFrame;
use crate::base::Result;
use crate::ops::{Join, JoinOp};
use crate::plan::Plan;

impl DataFrame {
    /// The rows of this frame beside those of `right` that have the same keys: an inner join on the named columns, or
    /// what a [`Join`] says (pandas' `merge`). A side of a few megabytes is held by every task, and rows come in the
    /// order of the other side; two big sides meet in buckets, which go to disk where memory is short, and rows come in
    /// the order of a fixed hash of their keys: the same for any partitioning, memory limit and number of threads.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    /// use partita::{DataFrame, Join};
    /// # let frame = |a: &str, k: Vec<i64>, b: &str, v: Vec<&str>| -> partita::Result<DataFrame> {
    /// #     let k: ArrayRef = Arc::new(Int64Array::from(k));
    /// #     let v: ArrayRef = Arc::new(StringArray::from(v));
    /// #     DataFrame::from_batches([RecordBatch::try_from_iter([(a, k), (b, v)]).unwrap()])
    /// # };
    /// let trips = frame("zone", vec![7, 4, 7, 9], "payment", vec!["card", "cash", "cash", "card"])?;
    /// let zones = frame("id", vec![4, 7], "name", vec!["Alphabet City", "Astoria"])?;
    /// let named = trips.join(&zones, Join::left("zone").right_on("id"))?;
    /// assert_eq!(named.columns(), ["zone", "payment", "id", "name"]);
    /// assert_eq!(named.len()?, 4); // zone 9 has no name: it is null there
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `UnknownColumn` for a key that a frame does not have; `TypeMismatch` for keys that cannot be compared; `Schema`
    /// when two columns would have one name.
    pub fn join(&self, right: &DataFrame, join: impl Into<Join>) -> Result<DataFrame> {
        let op = JoinOp::new(join.into(), self.schema(), right.schema())?;
        let plan = Plan::new(op, vec![self.plan.clone(), right.plan.clone()])?;
        Ok(DataFrame::from_plan(plan, self.session.clone()))
    }
}
