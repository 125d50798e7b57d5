//! Strings inside a column, whatever its layout, and the state of the aggregates over them.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;

use super::fold::{FoldState, Groups, Outcome, Scope, same_state};
use crate::base::{Error, Result};

/// What an aggregate keeps of the strings (or truth values, as strings) of one group.
pub trait TextAccumulator: Default + Send + 'static {
    /// Takes in a string, `times` times.
    fn add(&mut self, text: &str, times: u64);
    /// Takes in what an accumulator of later rows has.
    fn merge(&mut self, later: Self);
    /// Bytes on the heap.
    fn bytes(&self) -> usize;
}

/// An accumulator for each group, and what to make of them in the end.
pub struct Texts<A, F> {
    groups: Vec<A>,
    /// Bytes on the heap of all of them.
    heap: usize,
    finish: F,
}

impl<A: TextAccumulator, F: FnOnce(Vec<A>) -> Result<ArrayRef> + Send + 'static> Texts<A, F> {
    /// The empty state: of one group for a column, of none yet for groups.
    pub fn boxed(scope: Scope, finish: F) -> Box<dyn FoldState> {
        let groups = if scope == Scope::Column { vec![A::default()] } else { Vec::new() };
        Box::new(Texts { groups, heap: 0, finish })
    }

    fn make_room(&mut self, groups: Groups<'_>) {
        if self.groups.len() < groups.count() {
            self.groups.resize_with(groups.count(), A::default);
        }
    }

    fn change(&mut self, group: usize, change: impl FnOnce(&mut A)) {
        let group = &mut self.groups[group];
        let before = group.bytes();
        change(group);
        self.heap = self.heap + group.bytes() - before;
    }
}

impl<A: TextAccumulator, F: FnOnce(Vec<A>) -> Result<ArrayRef> + Send + 'static> FoldState for Texts<A, F> {
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups);
        match groups {
            Groups::One => weighted(values, |text, times| self.change(0, |group| group.add(text, times))),
            Groups::Of { ids, .. } => {
                rows(values, |row, text| self.change(ids[row] as usize, |group| group.add(text, 1)))
            }
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups);
        for (i, theirs) in later.groups.into_iter().enumerate() {
            self.change(groups.of(i), |group| group.merge(theirs));
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        Ok(Outcome::Value((self.finish)(self.groups)?))
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.groups.capacity() * size_of::<A>() + self.heap
    }
}

/// Gives row and text to `f` for all values that are not null.
///
/// # Errors
/// `TypeMismatch` when the array holds neither strings nor truth values.
pub fn rows(array: &ArrayRef, mut f: impl FnMut(usize, &str)) -> Result<()> {
    fn each<'a>(texts: impl Iterator<Item = Option<&'a str>>, mut f: impl FnMut(usize, &str)) {
        for (row, text) in texts.enumerate() {
            if let Some(text) = text {
                f(row, text);
            }
        }
    }
    match array.data_type() {
        DataType::Utf8 => each(array.as_string::<i32>().iter(), f),
        DataType::LargeUtf8 => each(array.as_string::<i64>().iter(), f),
        DataType::Utf8View => each(array.as_string_view().iter(), f),
        DataType::Boolean => each(array.as_boolean().iter().map(|v| v.map(|v| if v { "true" } else { "false" })), f),
        DataType::Null => {}
        DataType::Dictionary(..) => {
            let (codes, texts) = (codes(array), dictionary(array)?);
            for (row, code) in codes.into_iter().enumerate() {
                if let Some(text) = code.and_then(|code| texts.get(code)).and_then(Option::as_ref) {
                    f(row, text);
                }
            }
        }
        other => return Err(Error::types(format!("values of type {other} came to an aggregate of strings"))),
    }
    Ok(())
}

/// Gives all texts that are not null to `f`, with the times they occur; a text may come more than once.
///
/// # Errors
/// Those of [`rows`].
pub fn weighted(array: &ArrayRef, mut f: impl FnMut(&str, u64)) -> Result<()> {
    if !matches!(array.data_type(), DataType::Dictionary(..)) {
        return rows(array, |_, text| f(text, 1));
    }
    // a dictionary is counted by its codes, and each of its texts is looked at once
    let texts = dictionary(array)?;
    let mut times = vec![0u64; texts.len()];
    for code in codes(array).into_iter().flatten() {
        if let Some(times) = times.get_mut(code) {
            *times += 1;
        }
    }
    for (text, times) in texts.iter().zip(times).filter(|(_, times)| *times > 0) {
        if let Some(text) = text {
            f(text, times);
        }
    }
    Ok(())
}

fn codes(array: &ArrayRef) -> Vec<Option<usize>> {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return vec![None; array.len()];
    }
    let nulls = dictionary.keys().nulls();
    let valid = |row| nulls.is_none_or(|nulls| nulls.is_valid(row));
    dictionary.normalized_keys().into_iter().enumerate().map(|(row, key)| valid(row).then_some(key)).collect()
}

fn dictionary(array: &ArrayRef) -> Result<Vec<Option<String>>> {
    let values = array.as_any_dictionary().values();
    let mut texts = vec![None; values.len()];
    rows(values, |row, text| texts[row] = Some(text.to_string()))?;
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;
    use arrow::compute::cast;

    use super::*;

    #[test]
    fn all_layouts_hold_the_same_texts() {
        let plain: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b")]));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        for layout in [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, dictionary] {
            let array = cast(&plain, &layout).unwrap();
            let (mut found, mut counts) = (Vec::new(), std::collections::BTreeMap::new());
            rows(&array, |row, text| found.push((row, text.to_string()))).unwrap();
            weighted(&array, |text, times| *counts.entry(text.to_string()).or_insert(0) += times).unwrap();
            assert_eq!(found, [(0, "b".to_string()), (2, "a".to_string()), (3, "b".to_string())]);
            assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("a".to_string(), 1), ("b".to_string(), 2)]);
            weighted(&array.slice(1, 1), |_, _| panic!("a null has no text")).unwrap();
        }
    }
}
