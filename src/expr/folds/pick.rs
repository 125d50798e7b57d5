//! One row of each group: what [`First`](super::First) and [`Last`](super::Last) share.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, UInt64Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{cast, interleave, take};
use arrow::datatypes::{DataType, Field, Float16Type, Float32Type, Float64Type, UInt64Type};

use super::fold::{FoldState, Groups, Outcome, Places, Scope, foreign_columns, same_state};
use crate::base::Result;
use crate::base::schema::logical;

/// The value of each group with the first (`LAST = false`) or the last place, of any type.
pub struct Pick<const LAST: bool> {
    to: DataType,
    /// Rows taken from batches; some are out of use again.
    rows: Vec<ArrayRef>,
    /// Where the row of each group is: array and row.
    at: Vec<(u32, u32)>,
    /// Its rank by place: of two rows the one with the lower rank is picked.
    ranks: Vec<u64>,
    taken: usize,
    rows_bytes: usize,
    /// The next place of rows that come without.
    next: u64,
}

/// The rank of no row at all.
const NOTHING: u64 = u64::MAX;
/// Arrays that are kept before they become one.
const MOST_ARRAYS: usize = 1024;

impl<const LAST: bool> Pick<LAST> {
    /// The empty state.
    pub fn boxed(input: &DataType, scope: Scope) -> Box<dyn FoldState> {
        let mut state = Pick::<LAST> {
            to: logical(input),
            rows: Vec::new(),
            at: Vec::new(),
            ranks: Vec::new(),
            taken: 0,
            rows_bytes: 0,
            next: 0,
        };
        if scope == Scope::Column {
            state.make_room(Groups::One);
        }
        Box::new(state)
    }

    /// The columns of the portable form: the rank of the row, and its value.
    pub fn fields(input: &DataType) -> Vec<Field> {
        vec![Field::new("rank", DataType::UInt64, false), Field::new("value", logical(input), true)]
    }

    fn rank(place: u64) -> u64 {
        if LAST { NOTHING - 1 - place } else { place }
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        if self.at.len() < groups.count() {
            self.at.resize(groups.count(), (0, 0));
            self.ranks.resize(groups.count(), NOTHING);
        }
    }

    /// Keeps those of these rows of `values` that come before what is known of their groups.
    fn offer(
        &mut self,
        values: &ArrayRef,
        groups: Groups<'_>,
        rows: impl Iterator<Item = usize>,
        rank: impl Fn(usize) -> u64,
    ) -> Result<()> {
        let here = self.rows.len() as u32;
        let mut touched: Vec<u32> = Vec::new();
        for row in rows {
            let (group, rank) = (groups.of(row), rank(row));
            if rank < self.ranks[group] {
                if self.at[group].0 != here || self.ranks[group] == NOTHING {
                    touched.push(group as u32);
                }
                self.ranks[group] = rank;
                self.at[group] = (here, row as u32);
            }
        }
        if touched.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from_iter_values(touched.iter().map(|group| self.at[*group as usize].1));
        let taken = take(values, &rows, None)?;
        let taken = if taken.data_type() == &self.to { taken } else { cast(&taken, &self.to)? };
        for (row, group) in touched.iter().enumerate() {
            self.at[*group as usize].1 = row as u32;
        }
        self.hold(taken);
        self.compact_if_due()
    }

    fn hold(&mut self, rows: ArrayRef) {
        self.taken += rows.len();
        self.rows_bytes += rows.get_array_memory_size();
        self.rows.push(rows);
    }

    /// Makes one array of the rows in use, when most are out of use or the arrays have become many.
    fn compact_if_due(&mut self) -> Result<()> {
        if self.taken <= 2 * self.at.len() + 1024 && self.rows.len() <= MOST_ARRAYS {
            return Ok(());
        }
        let groups: Vec<usize> = (0..self.at.len()).filter(|group| self.ranks[*group] != NOTHING).collect();
        let kept = self.values(groups.iter().map(|group| self.at[*group]).collect())?;
        for (row, group) in groups.into_iter().enumerate() {
            self.at[group] = (0, row as u32);
        }
        (self.rows, self.taken, self.rows_bytes) = (Vec::new(), 0, 0);
        self.hold(kept);
        Ok(())
    }

    /// The values of these rows.
    fn values(&self, at: Vec<(u32, u32)>) -> Result<ArrayRef> {
        let null = new_null_array(&self.to, 1);
        let mut arrays: Vec<&dyn Array> = self.rows.iter().map(AsRef::as_ref).collect();
        arrays.push(null.as_ref());
        let at: Vec<(usize, usize)> = at.into_iter().map(|(array, row)| (array as usize, row as usize)).collect();
        Ok(interleave(&arrays, &at)?)
    }

    /// The value of each group; null where there is none.
    fn value_of_each(&self) -> Result<ArrayRef> {
        let nowhere = (self.rows.len() as u32, 0);
        let at = self.at.iter().zip(&self.ranks);
        self.values(at.map(|(at, rank)| if *rank == NOTHING { nowhere } else { *at }).collect())
    }
}

impl<const LAST: bool> FoldState for Pick<LAST> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        let first = self.next;
        self.next += values.len() as u64;
        self.update_at(values, groups, Places::From(first))
    }

    fn update_at(&mut self, values: &ArrayRef, groups: Groups<'_>, places: Places<'_>) -> Result<()> {
        self.make_room(groups);
        let rank = |row: usize| Self::rank(places.of(row));
        let valid = validity(values);
        let is_valid = |row: &usize| valid.as_ref().is_none_or(|valid| valid.is_valid(*row));
        let mut rows = 0..values.len();
        match (groups, places) {
            (Groups::One, Places::From(_)) => {
                let row = if LAST { rows.rfind(is_valid) } else { rows.find(is_valid) };
                self.offer(values, groups, row.into_iter(), rank)
            }
            _ => match &valid {
                None => self.offer(values, groups, rows, rank),
                Some(valid) => self.offer(values, groups, valid.valid_indices(), rank),
            },
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        let before = self.rows.len() as u32;
        for (i, (rank, (array, row))) in later.ranks.into_iter().zip(later.at).enumerate() {
            let group = groups.of(i);
            // places that were not told count from the first row of each state
            let rank = match rank {
                NOTHING => continue,
                rank if LAST => rank - self.next,
                rank => rank + self.next,
            };
            if rank < self.ranks[group] {
                (self.ranks[group], self.at[group]) = (rank, (before + array, row));
            }
        }
        self.next += later.next;
        later.rows.into_iter().for_each(|rows| self.hold(rows));
        self.compact_if_due()
    }

    fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        let values = self.value_of_each()?;
        (self.rows, self.taken, self.rows_bytes) = (Vec::new(), 0, 0);
        self.at = Vec::new();
        Ok(vec![Arc::new(UInt64Array::from(std::mem::take(&mut self.ranks))), values])
    }

    fn absorb(&mut self, columns: &[ArrayRef], groups: Groups<'_>) -> Result<()> {
        let [ranks, values] = columns else { return Err(foreign_columns()) };
        let ranks = ranks.as_primitive_opt::<UInt64Type>().ok_or_else(foreign_columns)?.values();
        self.make_room(groups);
        self.offer(values, groups, 0..values.len(), |row| ranks[row])
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Value(self.value_of_each()?))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.rows_bytes + self.at.capacity() * size_of::<(u32, u32)>() + self.ranks.capacity() * 8
    }
}

/// Which rows have a value: neither null nor NaN. `None` when all have.
fn validity(values: &ArrayRef) -> Option<NullBuffer> {
    let nulls = values.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let without = |is_nan: &dyn Fn(usize) -> bool| {
        if !(0..values.len()).any(is_nan) {
            return nulls.clone();
        }
        let valid = |row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) && !is_nan(row);
        Some(NullBuffer::new(BooleanBuffer::collect_bool(values.len(), valid)))
    };
    match values.data_type() {
        DataType::Float64 => {
            let numbers = values.as_primitive::<Float64Type>().values();
            without(&|row| numbers[row].is_nan())
        }
        DataType::Float32 => {
            let numbers = values.as_primitive::<Float32Type>().values();
            without(&|row| numbers[row].is_nan())
        }
        DataType::Float16 => {
            let numbers = values.as_primitive::<Float16Type>().values();
            without(&|row| numbers[row].is_nan())
        }
        _ => nulls,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::super::testing::{grouped, whole};
    use super::super::{First, Fold, Last};
    use super::*;

    #[test]
    fn the_first_and_the_last_value() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(f64::NAN), Some(3.0), Some(4.0), None]));
        assert_eq!(&whole(&First, &floats), &floats.slice(2, 1));
        assert_eq!(&whole(&Last, &floats), &floats.slice(3, 1));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
        let wanted: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
        assert_eq!(&grouped(&First, &texts, &[0, 1, 1, 0], 3), &wanted);
        let wanted: ArrayRef = Arc::new(StringArray::from(vec![Some("d"), Some("c"), None]));
        assert_eq!(&grouped(&Last, &texts, &[0, 1, 1, 0], 3), &wanted);
        assert_eq!(whole(&First, &floats.slice(0, 2)).null_count(), 1);
    }

    #[test]
    fn places_may_be_told_in_any_order() {
        let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
        let ids = Groups::Of { ids: &[0, 0, 0, 1], count: 2 };
        for (fold, wanted) in [(&First as &dyn Fold, ["b", "d"]), (&Last, ["c", "d"])] {
            assert!(fold.placed());
            let mut state = fold.start(&DataType::Utf8, Scope::Groups).unwrap();
            state.update_at(&values, ids, Places::Of(&[5, 0, 9, 7])).unwrap();
            let wanted: ArrayRef = Arc::new(StringArray::from(wanted.to_vec()));
            assert_eq!(&state.finish().unwrap().value().unwrap(), &wanted);
        }
    }

    #[test]
    fn rows_out_of_use_are_let_go() {
        let mut state = Last.start(&DataType::Int64, Scope::Groups).unwrap();
        for batch in 0..40 {
            let values: ArrayRef = Arc::new(Int64Array::from_iter_values((0..100).map(|i| batch * 100 + i)));
            let ids: Vec<u32> = (0..100).collect();
            state.update(&values, Groups::Of { ids: &ids, count: 100 }).unwrap();
        }
        assert!(state.bytes() < 40_000, "{}", state.bytes());
        let wanted: ArrayRef = Arc::new(Int64Array::from_iter_values(3900..4000));
        assert_eq!(&state.finish().unwrap().value().unwrap(), &wanted);
    }
}
