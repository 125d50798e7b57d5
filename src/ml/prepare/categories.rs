//! The distinct values of a column, their names and their codes.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use rustc_hash::{FxHashMap, FxHashSet};

use super::dictionary;
use crate::base::schema::logical;
use crate::base::{Error, Result};
use crate::ml::classes::Classes;

/// The categories of a column: its distinct values, as a rule in rising order.
pub type Categories = Classes;

/// Distinct values in the making; null and NaN are none.
#[derive(Clone, Debug)]
pub enum Vocabulary {
    /// Of a boolean column: whether `false` and `true` occur.
    Bool([bool; 2]),
    /// Of an integer column.
    Int(FxHashSet<i64>),
    /// Of a floating column, by the bits of the values; −0 counts as 0.
    Float(FxHashSet<u64>),
    /// Of a column of strings.
    Text(FxHashSet<String>),
}

fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

impl Vocabulary {
    /// The empty vocabulary for columns of this type: booleans, numbers or strings.
    ///
    /// # Errors
    /// `TypeMismatch` for any other type.
    pub fn for_type(data_type: &DataType) -> Result<Self> {
        match logical(data_type) {
            DataType::Boolean => Ok(Vocabulary::Bool([false; 2])),
            DataType::Utf8 => Ok(Vocabulary::Text(FxHashSet::default())),
            t if t.is_integer() => Ok(Vocabulary::Int(FxHashSet::default())),
            t if t.is_floating() => Ok(Vocabulary::Float(FxHashSet::default())),
            other => Err(Error::types(format!("values of type {other} cannot be categories"))
                .help("cast the column to strings or numbers first")),
        }
    }

    /// The value of a row of a column, to be shown; nothing where it is missing.
    ///
    /// # Errors
    /// `TypeMismatch` for a column whose values are no categories.
    pub fn of_row(column: &ArrayRef, row: usize) -> Result<Categories> {
        let mut value = Vocabulary::for_type(column.data_type())?;
        value.update(&column.slice(row, 1))?;
        Ok(value.finish())
    }

    /// Takes in the values of a column; of a categorical one those that its rows have, not all of its dictionary.
    ///
    /// # Errors
    /// `TypeMismatch` for a column of another type.
    pub fn update(&mut self, column: &ArrayRef) -> Result<()> {
        if let Some(column) = column.as_any_dictionary_opt() {
            return self.update(&dictionary::values_that_occur(column)?);
        }
        let column = cast(column, &self.data_type())?;
        match self {
            Vocabulary::Bool(seen) => {
                column.as_boolean().iter().flatten().for_each(|value| seen[usize::from(value)] = true);
            }
            Vocabulary::Int(seen) => seen.extend(column.as_primitive::<Int64Type>().iter().flatten()),
            Vocabulary::Float(seen) => {
                let values = column.as_primitive::<Float64Type>().iter().flatten();
                seen.extend(values.filter(|v| !v.is_nan()).map(bits));
            }
            Vocabulary::Text(seen) => {
                for value in column.as_string::<i32>().iter().flatten() {
                    if !seen.contains(value) {
                        seen.insert(value.to_string());
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes in another vocabulary of the same type.
    ///
    /// # Errors
    /// `TypeMismatch` for vocabularies of different types.
    pub fn merge(&mut self, other: Vocabulary) -> Result<()> {
        match (self, other) {
            (Vocabulary::Bool(a), Vocabulary::Bool(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a |= b),
            (Vocabulary::Int(a), Vocabulary::Int(b)) => a.extend(b),
            (Vocabulary::Float(a), Vocabulary::Float(b)) => a.extend(b),
            (Vocabulary::Text(a), Vocabulary::Text(b)) => a.extend(b),
            (a, b) => {
                return Err(Error::types(format!("categories are {} here and {} there", a.data_type(), b.data_type())));
            }
        }
        Ok(())
    }

    /// The values in rising order.
    pub fn finish(self) -> Categories {
        match self {
            Vocabulary::Bool(seen) => {
                Categories::Bool([false, true].into_iter().filter(|v| seen[usize::from(*v)]).collect())
            }
            Vocabulary::Int(seen) => Categories::Int(sorted(seen)),
            Vocabulary::Float(seen) => {
                let mut values: Vec<f64> = seen.into_iter().map(f64::from_bits).collect();
                values.sort_unstable_by(f64::total_cmp);
                Categories::Float(values)
            }
            Vocabulary::Text(seen) => Categories::Text(sorted(seen)),
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Vocabulary::Bool(_) => DataType::Boolean,
            Vocabulary::Int(_) => DataType::Int64,
            Vocabulary::Float(_) => DataType::Float64,
            Vocabulary::Text(_) => DataType::Utf8,
        }
    }
}

fn sorted<T: Ord>(values: FxHashSet<T>) -> Vec<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    values
}

impl Categories {
    /// The values of a dictionary, in its order.
    ///
    /// # Errors
    /// `TypeMismatch` for values that cannot be categories.
    pub fn of_dictionary(values: &ArrayRef) -> Result<Self> {
        match logical(values.data_type()) {
            DataType::Boolean => Ok(Categories::Bool(values.as_boolean().iter().flatten().collect())),
            DataType::Utf8 => {
                let values = cast(values, &DataType::Utf8)?;
                Ok(Categories::Text(values.as_string::<i32>().iter().flatten().map(str::to_string).collect()))
            }
            t if t.is_integer() => {
                let values = cast(values, &DataType::Int64)?;
                Ok(Categories::Int(values.as_primitive::<Int64Type>().iter().flatten().collect()))
            }
            t if t.is_floating() => {
                let values = cast(values, &DataType::Float64)?;
                Ok(Categories::Float(values.as_primitive::<Float64Type>().iter().flatten().collect()))
            }
            other => Err(Error::types(format!("values of type {other} cannot be categories"))),
        }
    }

    /// The name of each value, as Python prints it: `74`, `74.0`, `True`, text as it is.
    pub fn names(&self) -> Vec<String> {
        match self {
            Categories::Bool(values) => values.iter().map(|v| if *v { "True" } else { "False" }.to_string()).collect(),
            Categories::Int(values) => values.iter().map(i64::to_string).collect(),
            Categories::Float(values) => values.iter().copied().map(python_float).collect(),
            Categories::Text(values) => values.clone(),
        }
    }

    /// The code of each value of a column: its place among the categories, and their number for null, NaN and values
    /// that are no category.
    ///
    /// # Errors
    /// `TypeMismatch` for a column whose values cannot be compared with the categories.
    pub fn codes(&self, column: &ArrayRef) -> Result<Vec<u32>> {
        if let Some(column) = column.as_any_dictionary_opt() {
            return dictionary::translate(column, &self.codes(column.values())?, self.len() as u32);
        }
        let (from, to) = (logical(column.data_type()), self.data_type());
        let numbers = |t: &DataType| t.is_numeric() || *t == DataType::Boolean;
        if from != to && !(numbers(&from) && numbers(&to)) {
            return Err(Error::types(format!("the values are {from} and the categories {to}")));
        }
        // 1.5 is no category where 1 is: integers are compared as floats
        if from.is_floating()
            && let Categories::Int(values) = self
        {
            return Categories::Float(values.iter().map(|v| *v as f64).collect()).codes(column);
        }
        let none = self.len() as u32;
        let column = cast(column, &to)?;
        Ok(match self {
            Categories::Bool(values) => look_up(values.iter().copied(), column.as_boolean().iter(), none),
            Categories::Int(values) => look_up(values.iter().copied(), column.as_primitive::<Int64Type>().iter(), none),
            Categories::Float(values) => {
                let keys = column.as_primitive::<Float64Type>().iter().map(|v| v.map(bits));
                look_up(values.iter().copied().map(bits), keys, none)
            }
            Categories::Text(values) => {
                look_up(values.iter().map(String::as_str), column.as_string::<i32>().iter(), none)
            }
        })
    }
}

fn look_up<K: std::hash::Hash + Eq>(
    categories: impl Iterator<Item = K>,
    values: impl Iterator<Item = Option<K>>,
    none: u32,
) -> Vec<u32> {
    let codes: FxHashMap<K, u32> = categories.zip(0..).collect();
    values.map(|value| value.and_then(|v| codes.get(&v).copied()).unwrap_or(none)).collect()
}

/// A float as Python's `repr` gives it: the shortest digits that read back the same, with an exponent from 1e16 on and
/// below 1e-4.
pub fn python_float(value: f64) -> String {
    let magnitude = value.abs();
    if value.is_nan() {
        "nan".to_string()
    } else if value.is_infinite() {
        if value > 0.0 { "inf" } else { "-inf" }.to_string()
    } else if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((digits, exponent)) => {
                let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |e| ("-", e));
                format!("{digits}e{sign}{exponent:0>2}")
            }
            None => text,
        }
    } else {
        format!("{value:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BooleanArray, Float64Array, Int32Array, StringArray};
    use std::sync::Arc;

    fn vocabulary(columns: &[ArrayRef]) -> Categories {
        let mut whole = Vocabulary::for_type(columns[0].data_type()).unwrap();
        for column in columns {
            let mut part = Vocabulary::for_type(column.data_type()).unwrap();
            part.update(column).unwrap();
            whole.merge(part).unwrap();
        }
        whole.finish()
    }

    #[test]
    fn floats_stay_floats_and_nothing_is_no_category() {
        let a: ArrayRef = Arc::new(Float64Array::from(vec![Some(74.0), None, Some(f64::NAN), Some(7.0)]));
        let b: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, 0.0, 7.0, -1.0]));
        let categories = vocabulary(&[a.clone(), b]);
        assert_eq!(categories, Categories::Float(vec![-1.0, 0.0, 7.0, 74.0]));
        assert_eq!(categories.names(), ["-1.0", "0.0", "7.0", "74.0"]);
        assert_eq!(categories.codes(&a).unwrap(), [3, 4, 4, 2]);
        let ints: ArrayRef = Arc::new(Int32Array::from(vec![7, 8]));
        assert_eq!(categories.codes(&ints).unwrap(), [2, 4]);
    }

    #[test]
    fn integers_booleans_and_strings_are_categories() {
        let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(3), None, Some(-2)]));
        assert_eq!(vocabulary(&[ints]), Categories::Int(vec![-2, 3]));
        let halves: ArrayRef = Arc::new(Float64Array::from(vec![3.0, 2.5]));
        assert_eq!(Categories::Int(vec![-2, 3]).codes(&halves).unwrap(), [1, 2]);
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, true]));
        assert_eq!(vocabulary(&[flags]).names(), ["True"]);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), Some("a"), None]));
        let views = cast(&texts, &DataType::Utf8View).unwrap();
        let categories = vocabulary(std::slice::from_ref(&views));
        assert_eq!(categories, Categories::Text(vec!["a".into(), "b".into()]));
        assert_eq!(categories.codes(&views).unwrap(), [1, 0, 2]);
        assert!(categories.codes(&halves).is_err());
        assert!(Vocabulary::for_type(&DataType::Date32).is_err());
    }

    #[test]
    fn floats_print_as_in_python() {
        let cases = [
            (74.0, "74.0"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (9999999999999998.0, "9999999999999998.0"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (1e100, "1e+100"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(python_float(value), text);
        }
    }
}
