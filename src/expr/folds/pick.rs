//! One row of each group: what [`First`](super::First) and [`Last`](super::Last) share.

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, new_null_array};
use arrow::compute::{cast, interleave, take};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};

use super::fold::{FoldState, Groups, Outcome, Scope, same_state};
use crate::base::Result;
use crate::base::schema::logical;

/// The first (`LAST = false`) or the last value of each group, of any type.
pub struct Pick<const LAST: bool> {
    to: DataType,
    /// Rows taken from batches; some are out of use again.
    rows: Vec<ArrayRef>,
    /// Where the row of each group is: array and place.
    places: Vec<Option<(usize, usize)>>,
    taken: usize,
}

impl<const LAST: bool> Pick<LAST> {
    /// The empty state.
    pub fn boxed(input: &DataType, scope: Scope) -> Box<dyn FoldState> {
        let places = if scope == Scope::Column { vec![None] } else { Vec::new() };
        Box::new(Pick::<LAST> { to: logical(input), rows: Vec::new(), places, taken: 0 })
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        let count = groups.count().max(self.places.len());
        self.places.resize(count, None);
    }

    /// Keeps the rows `picked` (group and row) of `values`.
    fn keep(&mut self, values: &ArrayRef, picked: &[(usize, usize)]) -> Result<()> {
        if picked.is_empty() {
            return Ok(());
        }
        let rows: UInt32Array = picked.iter().map(|(_, row)| Some(*row as u32)).collect();
        let taken = take(values, &rows, None)?;
        let taken = if taken.data_type() == &self.to { taken } else { cast(&taken, &self.to)? };
        for (place, (group, _)) in picked.iter().enumerate() {
            self.places[*group] = Some((self.rows.len(), place));
        }
        self.rows.push(taken);
        self.taken += picked.len();
        if self.taken > 2 * self.places.len() + 1024 {
            self.compact()?;
        }
        Ok(())
    }

    /// One array of the rows in use.
    fn compact(&mut self) -> Result<()> {
        let (groups, wanted): (Vec<usize>, Vec<(usize, usize)>) =
            self.places.iter().enumerate().filter_map(|(group, place)| place.map(|place| (group, place))).unzip();
        let arrays: Vec<&dyn Array> = self.rows.iter().map(AsRef::as_ref).collect();
        let kept = interleave(&arrays, &wanted)?;
        for (place, group) in groups.iter().enumerate() {
            self.places[*group] = Some((0, place));
        }
        self.taken = kept.len();
        self.rows = vec![kept];
        Ok(())
    }
}

impl<const LAST: bool> FoldState for Pick<LAST> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        let valid = validity(values);
        if let Groups::One = groups {
            if !LAST && self.places[0].is_some() {
                return Ok(());
            }
            let mut rows = 0..values.len();
            let row = if LAST { rows.rfind(|row| valid(*row)) } else { rows.find(|row| valid(*row)) };
            return self.keep(values, &row.map(|row| (0, row)).into_iter().collect::<Vec<_>>());
        }
        // the place in `picked` of each group that has a row in this batch, after those that are kept already
        let mut picked: Vec<(usize, usize)> = Vec::new();
        let mut at = std::collections::HashMap::new();
        for row in (0..values.len()).filter(|row| valid(*row)) {
            let group = groups.of(row);
            if !LAST && self.places[group].is_some() {
                continue;
            }
            let place = *at.entry(group).or_insert(picked.len());
            if place == picked.len() {
                picked.push((group, row));
            } else if LAST {
                picked[place].1 = row;
            }
        }
        self.keep(values, &picked)
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        let before = self.rows.len();
        for (i, place) in later.places.into_iter().enumerate() {
            let ours = &mut self.places[groups.of(i)];
            if let Some((array, row)) = place
                && (LAST || ours.is_none())
            {
                *ours = Some((before + array, row));
            }
        }
        self.rows.extend(later.rows);
        self.taken += later.taken;
        if self.taken > 2 * self.places.len() + 1024 { self.compact() } else { Ok(()) }
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let null = new_null_array(&self.to, 1);
        let mut arrays: Vec<&dyn Array> = self.rows.iter().map(AsRef::as_ref).collect();
        arrays.push(null.as_ref());
        let nowhere = (self.rows.len(), 0);
        let wanted: Vec<(usize, usize)> = self.places.iter().map(|place| place.unwrap_or(nowhere)).collect();
        Ok(Outcome::Value(interleave(&arrays, &wanted)?))
    }

    fn bytes(&self) -> usize {
        let rows: usize = self.rows.iter().map(|rows| rows.get_array_memory_size()).sum();
        size_of::<Self>() + rows + self.places.capacity() * size_of::<Option<(usize, usize)>>()
    }
}

/// Whether a row has a value: neither null nor NaN.
fn validity(values: &ArrayRef) -> Box<dyn Fn(usize) -> bool + '_> {
    let nulls = values.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let present = move |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    match values.data_type() {
        DataType::Float64 => {
            let numbers = values.as_primitive::<Float64Type>();
            Box::new(move |row| present(row) && !numbers.value(row).is_nan())
        }
        DataType::Float32 => {
            let numbers = values.as_primitive::<Float32Type>();
            Box::new(move |row| present(row) && !numbers.value(row).is_nan())
        }
        DataType::Float16 => {
            let numbers = values.as_primitive::<Float16Type>();
            Box::new(move |row| present(row) && !numbers.value(row).is_nan())
        }
        _ => Box::new(present),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
