//! Categorical columns as codes of one dictionary, which grows while rows are cached: a value keeps the code that it got
//! when it first appeared, so what was cached before stays right.

use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type};
use rustc_hash::FxHashMap;

use crate::base::schema::logical;
use crate::base::{Error, Result};
use crate::ml::classes::whole_numbers;
use crate::ml::prepare::Categories;

/// The dictionary of a column.
#[derive(Clone, Debug)]
pub(super) enum Dictionary {
    /// Of values as they appear; null and NaN have no code.
    Growing(Growing),
    /// Of a column that is categorical already, the same in all its batches.
    Given { values: Option<ArrayRef>, value_type: DataType },
}

#[derive(Clone, Debug)]
pub(super) enum Growing {
    Bool(FxHashMap<bool, i32>),
    Int(FxHashMap<i64, i32>),
    /// By the bits of the values; −0 is 0.
    Float(FxHashMap<u64, i32>),
    Text(FxHashMap<String, i32>),
}

impl Dictionary {
    /// For a column of this type, if it can be categorical.
    pub fn for_type(data_type: &DataType) -> Option<Dictionary> {
        let growing = match (data_type, logical(data_type)) {
            (DataType::Dictionary(_, values), _) => {
                return Some(Dictionary::Given { values: None, value_type: values.as_ref().clone() });
            }
            (_, DataType::Boolean) => Growing::Bool(FxHashMap::default()),
            (_, DataType::Utf8) => Growing::Text(FxHashMap::default()),
            (_, t) if t.is_integer() => Growing::Int(FxHashMap::default()),
            (_, t) if t.is_floating() => Growing::Float(FxHashMap::default()),
            _ => return None,
        };
        Some(Dictionary::Growing(growing))
    }

    /// The codes of a batch of the column.
    ///
    /// # Errors
    /// `Model` where a categorical column has other categories than before.
    pub fn codes(&mut self, column: &ArrayRef) -> Result<Int32Array> {
        match self {
            Dictionary::Growing(growing) => growing.codes(column),
            Dictionary::Given { values, value_type } => {
                let t = DataType::Dictionary(Box::new(DataType::Int32), Box::new(value_type.clone()));
                let column = cast(column, &t)?;
                let column = column.as_dictionary::<Int32Type>();
                if column.values().is_empty() {
                    // no row has a value
                    return Ok(column.keys().clone());
                }
                let known = values.get_or_insert_with(|| column.values().clone());
                if known.to_data() != column.values().to_data() {
                    return Err(Error::model("the categories are not the same in every partition")
                        .help("make the column categorical with Categorizer, which gives all partitions the same"));
                }
                Ok(column.keys().clone())
            }
        }
    }

    /// How many codes there are.
    pub fn len(&self) -> usize {
        match self {
            Dictionary::Growing(Growing::Bool(known)) => known.len(),
            Dictionary::Growing(Growing::Int(known)) => known.len(),
            Dictionary::Growing(Growing::Float(known)) => known.len(),
            Dictionary::Growing(Growing::Text(known)) => known.len(),
            Dictionary::Given { values, .. } => values.as_ref().map_or(0, |values| values.len()),
        }
    }

    /// The values of all codes, in their order.
    pub fn values(&self) -> ArrayRef {
        match self {
            Dictionary::Growing(growing) => growing.values(),
            Dictionary::Given { values: Some(values), .. } => values.clone(),
            Dictionary::Given { value_type, .. } => arrow::array::new_empty_array(value_type),
        }
    }

    /// The column of these codes.
    ///
    /// # Errors
    /// When a code has no value.
    pub fn column(codes: &ArrayRef, values: &ArrayRef) -> Result<ArrayRef> {
        let codes = codes.as_primitive::<Int32Type>().clone();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(codes, values.clone())?))
    }

    /// The field of the column.
    pub fn field(&self, of: &Field) -> Field {
        let values = Box::new(self.values().data_type().clone());
        Field::new(of.name(), DataType::Dictionary(Box::new(DataType::Int32), values), true)
    }
}

impl Growing {
    fn codes(&mut self, column: &ArrayRef) -> Result<Int32Array> {
        Ok(match self {
            Growing::Bool(known) => numbered(known, cast(column, &DataType::Boolean)?.as_boolean().iter()),
            Growing::Int(known) => numbered(known, whole_numbers(column)?.as_primitive::<Int64Type>().iter()),
            Growing::Float(known) => {
                let column = cast(column, &DataType::Float64)?;
                let values = column.as_primitive::<Float64Type>().iter();
                numbered(known, values.map(|v| v.filter(|v| !v.is_nan()).map(|v| (v + 0.0).to_bits())))
            }
            Growing::Text(known) => {
                let column = cast(column, &DataType::Utf8)?;
                let code = |value: &str| match known.get(value) {
                    Some(code) => *code,
                    None => {
                        let code = known.len() as i32;
                        known.insert(value.to_string(), code);
                        code
                    }
                };
                let mut code = code;
                column.as_string::<i32>().iter().map(|value| value.map(&mut code)).collect()
            }
        })
    }

    fn values(&self) -> ArrayRef {
        let categories = match self {
            Growing::Bool(known) => Categories::Bool(in_order(known)),
            Growing::Int(known) => Categories::Int(in_order(known)),
            Growing::Float(known) => Categories::Float(in_order(known).into_iter().map(f64::from_bits).collect()),
            Growing::Text(known) => Categories::Text(in_order(known)),
        };
        categories.column(0..categories.len())
    }
}

fn numbered<K: Hash + Eq>(known: &mut FxHashMap<K, i32>, values: impl Iterator<Item = Option<K>>) -> Int32Array {
    values
        .map(|value| {
            value.map(|value| {
                let next = known.len() as i32;
                *known.entry(value).or_insert(next)
            })
        })
        .collect()
}

/// The values by their codes.
fn in_order<K: Clone>(known: &FxHashMap<K, i32>) -> Vec<K> {
    let mut values: Vec<(&K, i32)> = known.iter().map(|(value, code)| (value, *code)).collect();
    values.sort_unstable_by_key(|(_, code)| *code);
    values.into_iter().map(|(value, _)| value.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, StringArray};

    #[test]
    fn a_value_keeps_its_code() {
        let mut dictionary = Dictionary::for_type(&DataType::Float64).unwrap();
        let first: ArrayRef = Arc::new(Float64Array::from(vec![Some(7.0), None, Some(f64::NAN), Some(-0.0)]));
        let second: ArrayRef = Arc::new(Float64Array::from(vec![3.0, 7.0, 0.0]));
        let codes = dictionary.codes(&first).unwrap();
        assert_eq!(codes, Int32Array::from(vec![Some(0), None, None, Some(1)]));
        assert_eq!(dictionary.codes(&second).unwrap(), Int32Array::from(vec![2, 0, 1]));
        let column = Dictionary::column(&(Arc::new(codes) as ArrayRef), &dictionary.values()).unwrap();
        let back = cast(&column, &DataType::Float64).unwrap();
        assert_eq!(back.as_primitive::<Float64Type>(), &Float64Array::from(vec![Some(7.0), None, None, Some(0.0)]));
    }

    #[test]
    fn categorical_columns_keep_their_dictionary() {
        let column = |values: Vec<&str>| -> ArrayRef {
            let keys = Int32Array::from(vec![1, 0]);
            Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(StringArray::from(values))).unwrap())
        };
        let one = column(vec!["z", "a"]);
        let mut dictionary = Dictionary::for_type(one.data_type()).unwrap();
        assert_eq!(dictionary.codes(&one).unwrap(), Int32Array::from(vec![1, 0]));
        assert_eq!(dictionary.values().as_string::<i32>().value(0), "z");
        assert!(dictionary.codes(&column(vec!["a", "z"])).unwrap_err().to_string().contains("not the same"));
    }
}
