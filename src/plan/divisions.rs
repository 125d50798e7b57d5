//! What is known of how the values of a column lie in the partitions.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt64Array};
use arrow::compute::take;

use crate::base::Result;
use crate::expr::fns::compare::strictly;
use crate::expr::{Expr, Scalar};
use crate::io::parquet::prune::{Facts, Nulls, can_be_true};

/// The index of a frame: the column that its partitions are ranges of, and where these begin and end, if that is known
/// already. What stands in place of a value (null, NaN) lies behind all values.
#[derive(Clone, Debug)]
pub struct Divisions {
    column: Arc<str>,
    /// One more than there are partitions, ascending: values in partition `i` are at least the `i`-th and less than the
    /// next one; in the last partition also equal to it. Null where there is no value at all.
    bounds: Option<ArrayRef>,
    /// Whether values in other partitions than the last may be equal to the next bound too.
    touching: bool,
}

impl Divisions {
    /// The index is `column`; where its partitions begin is not known (yet).
    pub fn unknown(column: &str) -> Divisions {
        Divisions { column: column.into(), bounds: None, touching: false }
    }

    /// The partitions of `column` begin at `bounds`, and the last ends at the last of them. Equal values lie in one
    /// partition, unless they are `touching`.
    pub fn known(column: &str, bounds: ArrayRef, touching: bool) -> Divisions {
        Divisions { column: column.into(), bounds: Some(bounds), touching }
    }

    /// The name of the index.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// Where the partitions begin, and the end of the last.
    pub fn bounds(&self) -> Option<&ArrayRef> {
        self.bounds.as_ref().filter(|bounds| bounds.len() > 1)
    }

    /// The same, value by value.
    pub fn values(&self) -> Option<Vec<Scalar>> {
        self.bounds().map(|bounds| (0..bounds.len()).map(|i| Scalar::of(bounds, i)).collect())
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> Option<usize> {
        self.bounds().map(|bounds| bounds.len() - 1)
    }

    /// The same of a column that was renamed.
    #[must_use]
    pub fn renamed(self, column: &str) -> Divisions {
        Divisions { column: column.into(), ..self }
    }

    /// Those of the partitions in `range`.
    #[must_use]
    pub fn of_partitions(&self, range: &Range<usize>) -> Divisions {
        let all = self.partitions().unwrap_or(0);
        let (start, end) = (range.start.min(all), range.end.min(all));
        let bounds = self.bounds().filter(|_| start < end).map(|bounds| bounds.slice(start, end - start + 1));
        // what was the end of a partition in the middle is less sharp than the end of the last one
        Divisions { bounds, ..self.clone() }
    }

    /// Those of partitions that begin where the partitions `starts` do.
    ///
    /// # Errors
    /// Never in practice.
    pub fn joined(&self, starts: impl IntoIterator<Item = usize>) -> Result<Divisions> {
        let Some(bounds) = self.bounds() else { return Ok(self.clone()) };
        let starts = starts.into_iter().chain([bounds.len() - 1]).map(|i| i as u64);
        let bounds = take(bounds, &UInt64Array::from_iter_values(starts), None)?;
        Ok(Divisions { bounds: Some(bounds), ..self.clone() })
    }

    /// From the first to the last partition that can have rows for which `predicate` is true, if that can be said.
    pub fn reached_by(&self, predicate: &Expr) -> Option<Range<usize>> {
        let (bounds, all) = (self.bounds()?, self.partitions()?);
        let conditions: Vec<Expr> = predicate.conjuncts().iter().map(strictly).collect();
        let reached = |i: &usize| {
            let last = i + 1 == all;
            let nulls = if last || self.touching { Nulls::Unknown } else { Nulls::None };
            let facts = Facts { range: Some(bounds.slice(*i, 2)), nulls, lacks: None };
            let facts = |name: &str| if *name == *self.column { facts.clone() } else { Facts::unknown() };
            let open = last || self.touching;
            can_be_true(predicate, &facts) && (open || conditions.iter().all(|c| can_be_true(c, &facts)))
        };
        let first = (0..all).find(reached).unwrap_or(0);
        let last = (first..all).rev().find(reached).unwrap_or(first);
        Some(first..last + 1)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::*;
    use crate::expr::{col, lit};

    #[test]
    fn a_condition_reaches_the_partitions_that_can_have_it() {
        let wholes = Divisions::known("k", Arc::new(Int64Array::from(vec![0, 10, 20, 30])), false);
        let reached = |e: Expr| wholes.reached_by(&e).unwrap();
        assert_eq!(reached(col("k").ge(10)), 1..3);
        assert_eq!(reached(col("k").gt(10)), 1..3);
        assert_eq!(reached(col("k").ge(9)), 0..3);
        assert_eq!(reached(col("k").lt(10)), 0..1);
        assert_eq!(reached(col("k").le(10)), 0..2);
        assert_eq!(reached(col("k").eq(20)), 2..3);
        assert_eq!(reached(lit(20).eq(col("k"))), 2..3);
        assert_eq!(reached(col("k").eq(30)), 2..3);
        assert_eq!(reached(col("k").eq(99)), 0..1, "nowhere, and a frame has a partition");
        assert_eq!(reached(col("k").is_null()), 2..3);
        assert_eq!(reached(col("k").ge(12) & col("k").le(14) & col("other").gt(3)), 1..2);
        assert_eq!(reached(col("k").lt(5) | col("k").gt(25)), 0..3);
        assert_eq!(reached(col("other").eq(3)), 0..3);
    }

    #[test]
    fn equal_values_that_touch_are_looked_for_on_both_sides() {
        let texts = Divisions::known("k", Arc::new(StringArray::from(vec!["a", "f", "m"])), true);
        assert_eq!(texts.reached_by(&col("k").eq("f")).unwrap(), 0..2);
        assert_eq!(texts.reached_by(&col("k").gt("f")).unwrap(), 1..2);
        let nothing = Divisions::known("k", Arc::new(Float64Array::from(vec![None, None])), false);
        assert_eq!(nothing.reached_by(&col("k").gt(1.0)).unwrap(), 0..1);
        assert!(Divisions::unknown("k").reached_by(&col("k").gt(1)).is_none());
    }

    #[test]
    fn partitions_are_chosen_and_joined() {
        let wholes = Divisions::known("k", Arc::new(Int64Array::from(vec![0, 10, 20, 30])), false);
        let shown = |d: Divisions| d.values().map(|v| v.iter().map(Scalar::to_string).collect::<Vec<_>>().join(" "));
        assert_eq!(shown(wholes.of_partitions(&(1..2))).unwrap(), "10 20");
        assert_eq!(shown(wholes.of_partitions(&(1..9))).unwrap(), "10 20 30");
        assert_eq!(shown(wholes.of_partitions(&(2..2))), None);
        assert_eq!(shown(wholes.joined([0, 2]).unwrap()).unwrap(), "0 20 30");
    }
}
