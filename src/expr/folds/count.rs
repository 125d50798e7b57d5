//! How many values there are.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};

use super::fold::{Fold, FoldState, Groups, Outcome, Scope, foreign_columns, only_column, same_state};
use super::number::Number;
use crate::base::{Identity, Result, Tokenizer};
use crate::expr::Portable;

/// The number of values that are neither null nor NaN, of any type, as `Int64`; 0 for nothing (pandas' `count`).
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Count;

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("count")
    }
}

impl Identity for Count {
    fn token(&self, t: &mut Tokenizer) {
        t.str("count");
    }
}

impl Fold for Count {
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(input.name(), DataType::Int64, false)))
    }

    fn start(&self, _: &DataType, scope: Scope) -> Result<Box<dyn FoldState>> {
        Ok(Tallies::boxed(scope, true))
    }

    fn bounded(&self) -> bool {
        true
    }

    fn state_fields(&self, _: &DataType) -> Result<Vec<Field>> {
        Ok(Tallies::fields())
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("count", self)
    }
}

/// One count a group, of all rows or of those with a value.
#[derive(Debug)]
pub(super) struct Tallies {
    counts: Vec<i64>,
    values_only: bool,
}

impl Tallies {
    pub(super) fn boxed(scope: Scope, values_only: bool) -> Box<dyn FoldState> {
        let counts = if scope == Scope::Column { vec![0] } else { Vec::new() };
        Box::new(Tallies { counts, values_only })
    }

    pub(super) fn fields() -> Vec<Field> {
        vec![Field::new("count", DataType::Int64, false)]
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        let count = groups.count().max(self.counts.len());
        self.counts.resize(count, 0);
    }
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

impl FoldState for Tallies {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let floats = self.values_only && is_float(values.data_type());
        let nulls = values.logical_nulls().filter(|nulls| self.values_only && nulls.null_count() > 0);
        match groups {
            Groups::One if floats => f64::blocks(values, |block| {
                self.counts[0] += block.iter().map(|v| i64::from(!v.is_nan())).sum::<i64>();
            })?,
            Groups::One => self.counts[0] += (values.len() - nulls.map_or(0, |nulls| nulls.null_count())) as i64,
            Groups::Of { ids, .. } if !floats && nulls.is_none() => {
                for id in ids {
                    self.counts[*id as usize] += 1;
                }
            }
            Groups::Of { ids, .. } if floats => f64::grouped(values, ids, |group, value| {
                self.counts[group] += i64::from(!value.is_nan());
            })?,
            Groups::Of { ids, .. } => {
                for (row, id) in ids.iter().enumerate() {
                    self.counts[*id as usize] += i64::from(nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)));
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        for (i, count) in later.counts.into_iter().enumerate() {
            self.counts[groups.of(i)] += count;
        }
        Ok(())
    }

    fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(Int64Array::from(std::mem::take(&mut self.counts)))])
    }

    fn absorb(&mut self, columns: &[ArrayRef], groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let counts = only_column(columns)?.as_primitive_opt::<Int64Type>().ok_or_else(foreign_columns)?;
        for (row, count) in counts.values().iter().enumerate() {
            self.counts[groups.of(row)] += count;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Value(Arc::new(Int64Array::from(self.counts))))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.counts.capacity() * size_of::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, StringArray};

    use super::super::size::Size;
    use super::super::testing::{grouped, whole};
    use super::*;

    #[test]
    fn nulls_and_nan_are_not_counted_but_have_a_size() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(f64::NAN), Some(f64::INFINITY)]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b"), Some("")]));
        let int = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
        assert_eq!(&whole(&Count, &floats), &int(vec![2]));
        assert_eq!(&whole(&Count, &texts), &int(vec![3]));
        assert_eq!(&whole(&Size, &floats), &int(vec![4]));
        assert_eq!(&grouped(&Count, &floats, &[0, 0, 1, 1], 3), &int(vec![1, 1, 0]));
        assert_eq!(&grouped(&Size, &floats, &[0, 0, 0, 1], 2), &int(vec![3, 1]));
        assert_eq!(&whole(&Count, &floats.slice(0, 0)), &int(vec![0]));
    }
}
