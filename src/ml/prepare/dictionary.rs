//! Categorical columns by their keys: what is known of a dictionary's values holds for the rows, without a look at each
//! row's value.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{AnyDictionaryArray, Array, ArrayRef, BooleanArray, downcast_integer_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter;
use arrow::datatypes::ArrowNativeType;

use super::categories::Categories;
use crate::base::{Error, Result};

/// The values of the dictionary that rows of the column have, in its order.
///
/// # Errors
/// Never in practice.
pub(super) fn values_that_occur(column: &dyn AnyDictionaryArray) -> Result<ArrayRef> {
    let values = column.values();
    let mut seen = vec![false; values.len()];
    for_keys(column, |key| {
        if let Some(seen) = key.and_then(|key| seen.get_mut(key)) {
            *seen = true;
        }
    })?;
    if seen.iter().all(|seen| *seen) {
        return Ok(values.clone());
    }
    Ok(filter(values, &BooleanArray::new(BooleanBuffer::from(seen), None))?)
}

/// For each row what `table` has for its key, and `none` for a row without a value.
///
/// # Errors
/// Never in practice.
pub(super) fn translate<T: Copy>(column: &dyn AnyDictionaryArray, table: &[T], none: T) -> Result<Vec<T>> {
    let mut rows = Vec::with_capacity(column.len());
    for_keys(column, |key| rows.push(key.and_then(|key| table.get(key)).copied().unwrap_or(none)))?;
    Ok(rows)
}

fn for_keys(column: &dyn AnyDictionaryArray, mut work: impl FnMut(Option<usize>)) -> Result<()> {
    let keys = column.keys();
    downcast_integer_array!(
        keys => match keys.null_count() {
            0 => keys.values().iter().for_each(|key| work(Some(key.as_usize()))),
            _ => keys.iter().for_each(|key| work(key.map(|key| key.as_usize()))),
        },
        other => return Err(Error::types(format!("keys of type {other} cannot name values of a dictionary")))
    );
    Ok(())
}

/// What a fitted step remembers of the dictionaries of its columns, each by its place among them. Partitions share their
/// dictionaries, so the one that was met last is mostly the one that is met next. It is no part of what the step is: it
/// is not saved, and all are equal.
#[derive(Default)]
pub(super) struct Remembered {
    own: OnceLock<Vec<ArrayRef>>,
    met: Mutex<Vec<Option<Met>>>,
}

impl fmt::Debug for Remembered {
    /// It is nothing that a step has learnt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// The values of a dictionary and their codes.
type Met = (ArrayRef, Arc<[u32]>);

impl Remembered {
    /// The codes of a dictionary's values among the categories of the column at `place`.
    ///
    /// # Errors
    /// As [`Categories::codes`].
    pub fn codes(&self, place: usize, categories: &Categories, values: &ArrayRef) -> Result<Arc<[u32]>> {
        let met = || self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some((known, codes))) = met().get(place)
            && Arc::ptr_eq(known, values)
        {
            return Ok(codes.clone());
        }
        let codes: Arc<[u32]> = categories.codes(values)?.into();
        let mut met = met();
        let places = met.len().max(place + 1);
        met.resize(places, None);
        met[place] = Some((values.clone(), codes.clone()));
        Ok(codes)
    }

    /// The dictionaries of the categories of each column, made once.
    pub fn dictionaries(&self, columns: &[(String, Categories)]) -> &[ArrayRef] {
        let dictionary = |categories: &Categories| categories.column(0..categories.len());
        self.own.get_or_init(|| columns.iter().map(|(_, categories)| dictionary(categories)).collect())
    }
}

impl Clone for Remembered {
    fn clone(&self) -> Self {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Remembered { own: self.own.clone(), met: Mutex::new(met) }
    }
}

impl PartialEq for Remembered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::prepare::categories::Vocabulary;
    use arrow::array::{AsArray, DictionaryArray, Float64Array, UInt8Array};
    use arrow::compute::cast;
    use proptest::prelude::*;

    fn dictionary(keys: &[Option<u8>]) -> ArrayRef {
        let values = Float64Array::from(vec![Some(74.0), Some(7.0), None, Some(f64::NAN), Some(-0.0), Some(3.5)]);
        Arc::new(DictionaryArray::try_new(UInt8Array::from(keys.to_vec()), Arc::new(values)).unwrap())
    }

    proptest! {
        /// A categorical column says what its values say.
        #[test]
        fn keys_stand_for_their_values(keys in prop::collection::vec(prop::option::of(0..6_u8), 0..40)) {
            let column = dictionary(&keys);
            let plain = cast(&column, column.as_any_dictionary().values().data_type()).unwrap();
            let vocabulary = |column: &ArrayRef| {
                let mut vocabulary = Vocabulary::for_type(column.data_type()).unwrap();
                vocabulary.update(column).unwrap();
                vocabulary.finish()
            };
            prop_assert_eq!(vocabulary(&column), vocabulary(&plain));
            for categories in [Categories::Float(vec![0.0, 7.0, 8.0, 74.0]), Categories::Int(vec![7, 3, 74])] {
                prop_assert_eq!(categories.codes(&column).unwrap(), categories.codes(&plain).unwrap());
            }
        }
    }

    #[test]
    fn a_dictionary_that_is_met_again_is_known() {
        let (remembered, categories) = (Remembered::default(), Categories::Float(vec![7.0, 74.0]));
        let column = dictionary(&[Some(0)]);
        let values = column.as_any_dictionary().values();
        let first = remembered.codes(1, &categories, values).unwrap();
        assert_eq!(*first, [1, 0, 2, 2, 2, 2]);
        assert!(Arc::ptr_eq(&first, &remembered.codes(1, &categories, values).unwrap()));
        let other: ArrayRef = Arc::new(Float64Array::from(vec![7.0]));
        assert_eq!(*remembered.codes(1, &categories, &other).unwrap(), [0]);
    }
}
