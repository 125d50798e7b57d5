//! The classes of a target: sorted distinct labels, as scikit-learn's `classes_`.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crate::base::schema::logical;
use crate::base::{Error, Result};

/// The distinct labels of a target in rising order. `false` comes before `true`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Classes {
    /// Labels of a boolean target.
    Bool(Vec<bool>),
    /// Labels of an integer target.
    Int(Vec<i64>),
    /// Labels of a floating target.
    Float(Vec<f64>),
    /// Labels of a target of strings.
    Text(Vec<String>),
}

/// A type that labels a class, in arrays.
pub trait Label: Clone {
    /// The classes among the labels and the number of each row's class.
    ///
    /// # Errors
    /// `Model` for a label that is no label, as NaN.
    fn encode<'a>(labels: impl Iterator<Item = &'a Self>) -> Result<(Classes, Vec<u32>)>
    where
        Self: 'a;

    /// The label of class `class`, converted if the model was fitted on labels of another type: text as its class
    /// number, numbers as booleans by being the last class.
    fn of_class(classes: &Classes, class: usize) -> Self;
}

impl Classes {
    /// The number of classes.
    pub fn len(&self) -> usize {
        match self {
            Classes::Bool(labels) => labels.len(),
            Classes::Int(labels) => labels.len(),
            Classes::Float(labels) => labels.len(),
            Classes::Text(labels) => labels.len(),
        }
    }

    /// Whether there are no classes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The classes in a column and the number of each row's class. Booleans, numbers and strings can be labels.
    ///
    /// # Errors
    /// `Model` for a null or NaN, `TypeMismatch` for a column of another type.
    pub fn of_column(column: &ArrayRef) -> Result<(Classes, Vec<u32>)> {
        let column = &unpacked(column)?;
        if let Some(row) = (0..column.len()).find(|&i| column.is_null(i)) {
            return Err(Error::model(format!("the target is null in row {row}"))
                .help("drop the rows without a label, or fill them"));
        }
        match logical(column.data_type()) {
            DataType::Boolean => {
                let labels: Vec<bool> = column.as_boolean().values().iter().collect();
                bool::encode(labels.iter())
            }
            t if t.is_integer() => i64::encode(whole_numbers(column)?.as_primitive::<Int64Type>().values().iter()),
            t if t.is_floating() => {
                f64::encode(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().values().iter())
            }
            DataType::Utf8 => {
                let column = cast(column, &DataType::Utf8)?;
                let labels: Vec<String> = column.as_string::<i32>().iter().flatten().map(str::to_string).collect();
                String::encode(labels.iter())
            }
            other => Err(Error::types(format!("a target of type {other} has no classes"))
                .help("use a boolean, a number or a string as label")),
        }
    }

    /// The labels of these class numbers, as a column of the type of the labels.
    pub fn column(&self, classes: impl Iterator<Item = usize>) -> ArrayRef {
        match self {
            Classes::Bool(labels) => Arc::new(classes.map(|c| labels.get(c).copied()).collect::<BooleanArray>()),
            Classes::Int(labels) => Arc::new(classes.map(|c| labels.get(c).copied()).collect::<Int64Array>()),
            Classes::Float(labels) => Arc::new(classes.map(|c| labels.get(c).copied()).collect::<Float64Array>()),
            Classes::Text(labels) => Arc::new(classes.map(|c| labels.get(c)).collect::<StringArray>()),
        }
    }

    /// The type of [`Classes::column`].
    pub fn data_type(&self) -> DataType {
        match self {
            Classes::Bool(_) => DataType::Boolean,
            Classes::Int(_) => DataType::Int64,
            Classes::Float(_) => DataType::Float64,
            Classes::Text(_) => DataType::Utf8,
        }
    }

    /// The first `n` of these.
    pub(crate) fn prefix(&self, n: usize) -> Classes {
        match self {
            Classes::Bool(labels) => Classes::Bool(labels[..n].to_vec()),
            Classes::Int(labels) => Classes::Int(labels[..n].to_vec()),
            Classes::Float(labels) => Classes::Float(labels[..n].to_vec()),
            Classes::Text(labels) => Classes::Text(labels[..n].to_vec()),
        }
    }

    /// The place of each of `found` among these, to which those that are not there are added in the order `order`.
    ///
    /// # Errors
    /// `Model` for labels of another type.
    pub(crate) fn numbered(&mut self, found: &Classes, order: &[usize]) -> Result<Vec<u32>> {
        fn places<T: Clone + PartialEq>(known: &mut Vec<T>, found: &[T], order: &[usize]) -> Vec<u32> {
            let mut places = vec![0; found.len()];
            for &i in order {
                let place = known.iter().position(|label| *label == found[i]).unwrap_or_else(|| {
                    known.push(found[i].clone());
                    known.len() - 1
                });
                places[i] = place as u32;
            }
            places
        }
        match (self, found) {
            (Classes::Bool(known), Classes::Bool(found)) => Ok(places(known, found, order)),
            (Classes::Int(known), Classes::Int(found)) => Ok(places(known, found, order)),
            (Classes::Float(known), Classes::Float(found)) => Ok(places(known, found, order)),
            (Classes::Text(known), Classes::Text(found)) => Ok(places(known, found, order)),
            _ => Err(Error::model("the labels are of one type here and of another there")),
        }
    }

    /// The place of each of `labels` among these, numbers and truth values by what they are worth; nothing if labels are
    /// text here and numbers there.
    pub(crate) fn places_of(&self, labels: &Classes) -> Option<Vec<Option<u32>>> {
        fn places<T: PartialEq>(known: &[T], labels: &[T]) -> Vec<Option<u32>> {
            let place = |label| known.iter().position(|known| known == label).map(|place| place as u32);
            labels.iter().map(place).collect()
        }
        match (self, labels) {
            (Classes::Int(known), Classes::Int(labels)) => Some(places(known, labels)),
            (Classes::Text(known), Classes::Text(labels)) => Some(places(known, labels)),
            _ => Some(places(&self.numbers()?, &labels.numbers()?)),
        }
    }

    /// Whether no label is a number that is not whole.
    pub(crate) fn are_whole(&self) -> bool {
        !matches!(self, Classes::Float(labels) if labels.iter().any(|label| label.fract() != 0.0))
    }

    /// What the labels are worth as numbers; nothing for text.
    fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Classes::Bool(labels) => Some(labels.iter().map(|label| f64::from(*label)).collect()),
            Classes::Int(labels) => Some(labels.iter().map(|label| *label as f64).collect()),
            Classes::Float(labels) => Some(labels.clone()),
            Classes::Text(_) => None,
        }
    }

    /// The text of each label: `true`, `3`, `1.0`, or the string in backticks.
    pub(crate) fn labels(&self) -> Vec<String> {
        match self {
            Classes::Bool(labels) => labels.iter().map(bool::to_string).collect(),
            Classes::Int(labels) => labels.iter().map(i64::to_string).collect(),
            Classes::Float(labels) => labels.iter().map(|l| format!("{l:?}")).collect(),
            Classes::Text(labels) => labels.iter().map(|l| format!("`{l}`")).collect(),
        }
    }

    /// Succeeds for two classes.
    ///
    /// # Errors
    /// `Model`, naming the classes there are.
    pub fn expect_two(&self) -> Result<()> {
        match self.len() {
            2 => Ok(()),
            0 => Err(Error::model("the target has no rows, and so no classes")
                .help("look at what filters and samples leave, with len()")),
            1 => Err(Error::model(format!("the target has only one class, {self}, and two are needed"))
                .help("look at the target with describe(), or draw a larger sample")),
            n => Err(Error::model(format!("the target has {n} classes, {self}, and two are needed"))
                .help("make a boolean target, as col(\"y\").eq(label)")),
        }
    }
}

impl fmt::Display for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let mut labels = self.labels();
        labels.truncate(SHOWN);
        let more = if self.len() > SHOWN { ", …" } else { "" };
        write!(f, "{}{more}", labels.join(", "))
    }
}

/// The column itself, if it is a dictionary with its values in their places.
pub(crate) fn unpacked(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values)?,
        _ => column.clone(),
    })
}

/// A column of whole numbers as those of 64 bits with a sign.
///
/// # Errors
/// When one is too large.
pub(crate) fn whole_numbers(column: &ArrayRef) -> Result<ArrayRef> {
    let refuse = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(column, &DataType::Int64, &refuse)?)
}

/// Sorted distinct labels and each row's place among them.
fn sort_distinct<K: Hash + Eq + Ord + Clone>(labels: impl Iterator<Item = K>) -> (Vec<K>, Vec<u32>) {
    let mut seen: FxHashMap<K, u32> = FxHashMap::default();
    let mut order = Vec::new();
    let mut rows = Vec::with_capacity(labels.size_hint().0);
    for label in labels {
        rows.push(*seen.entry(label).or_insert_with_key(|label| {
            order.push(label.clone());
            order.len() as u32 - 1
        }));
    }
    let mut by_label: Vec<u32> = (0..order.len() as u32).collect();
    by_label.sort_by(|a, b| order[*a as usize].cmp(&order[*b as usize]));
    let mut rank = vec![0; order.len()];
    for (place, first) in by_label.iter().enumerate() {
        rank[*first as usize] = place as u32;
    }
    rows.iter_mut().for_each(|row| *row = rank[*row as usize]);
    (by_label.into_iter().map(|i| order[i as usize].clone()).collect(), rows)
}

impl Label for bool {
    fn encode<'a>(labels: impl Iterator<Item = &'a Self>) -> Result<(Classes, Vec<u32>)> {
        let (classes, rows) = sort_distinct(labels.copied());
        Ok((Classes::Bool(classes), rows))
    }

    fn of_class(classes: &Classes, class: usize) -> bool {
        match classes {
            Classes::Bool(labels) => labels.get(class).copied().unwrap_or_default(),
            _ => class + 1 == classes.len(),
        }
    }
}

impl Label for f64 {
    fn encode<'a>(labels: impl Iterator<Item = &'a Self>) -> Result<(Classes, Vec<u32>)> {
        // −0 and 0 are one label; the order of the shifted bits is the order of the numbers
        let rising = |v: f64| {
            let bits = (v + 0.0).to_bits() as i64;
            bits ^ (((bits >> 63) as u64) >> 1) as i64
        };
        let labels: Vec<f64> = labels.copied().collect();
        if let Some(row) = labels.iter().position(|v| v.is_nan()) {
            return Err(Error::model(format!("the target is NaN in row {row}"))
                .help("drop the rows without a label, or fill them"));
        }
        let (classes, rows) = sort_distinct(labels.into_iter().map(rising));
        let value = |key: i64| f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64);
        Ok((Classes::Float(classes.into_iter().map(value).collect()), rows))
    }

    fn of_class(classes: &Classes, class: usize) -> f64 {
        match classes {
            Classes::Float(labels) => labels.get(class).copied().unwrap_or(f64::NAN),
            _ => i64::of_class(classes, class) as f64,
        }
    }
}

impl Label for i64 {
    fn encode<'a>(labels: impl Iterator<Item = &'a Self>) -> Result<(Classes, Vec<u32>)> {
        let (classes, rows) = sort_distinct(labels.copied());
        Ok((Classes::Int(classes), rows))
    }

    fn of_class(classes: &Classes, class: usize) -> i64 {
        match classes {
            Classes::Int(labels) => labels.get(class).copied().unwrap_or_default(),
            Classes::Float(labels) => labels.get(class).map_or(0, |l| *l as i64),
            Classes::Bool(labels) => labels.get(class).map_or(0, |l| i64::from(*l)),
            Classes::Text(_) => class as i64,
        }
    }
}

impl Label for usize {
    fn encode<'a>(labels: impl Iterator<Item = &'a Self>) -> Result<(Classes, Vec<u32>)> {
        let (classes, rows) = sort_distinct(labels.map(|l| *l as i64));
        Ok((Classes::Int(classes), rows))
    }

    fn of_class(classes: &Classes, class: usize) -> usize {
        usize::try_from(i64::of_class(classes, class)).unwrap_or_default()
    }
}

impl Label for String {
    fn encode<'a>(labels: impl Iterator<Item = &'a Self>) -> Result<(Classes, Vec<u32>)> {
        let (classes, rows) = sort_distinct(labels);
        Ok((Classes::Text(classes.into_iter().cloned().collect()), rows))
    }

    fn of_class(classes: &Classes, class: usize) -> String {
        match classes {
            Classes::Text(labels) => labels.get(class).cloned().unwrap_or_default(),
            Classes::Bool(labels) => labels.get(class).map(bool::to_string).unwrap_or_default(),
            Classes::Int(labels) => labels.get(class).map(i64::to_string).unwrap_or_default(),
            Classes::Float(labels) => labels.get(class).map(|l| format!("{l:?}")).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_sorted_distinct_labels() {
        let (classes, rows) = f64::encode([1.0, -2.5, 0.0, -0.0, 1.0].iter()).unwrap();
        assert_eq!((classes, rows), (Classes::Float(vec![-2.5, 0.0, 1.0]), vec![2, 0, 1, 1, 2]));
        let column: ArrayRef = Arc::new(StringArray::from(vec!["no", "yes", "no"]));
        let (classes, rows) = Classes::of_column(&column).unwrap();
        assert_eq!(rows, [0, 1, 0]);
        assert_eq!(&classes.column(rows.iter().map(|&r| r as usize)), &column);
        assert_eq!(usize::encode([3, 1].iter()).unwrap().0, Classes::Int(vec![1, 3]));
    }

    #[test]
    fn a_missing_label_is_an_error() {
        assert!(f64::encode([1.0, f64::NAN].iter()).unwrap_err().to_string().contains("NaN in row 1"));
        let column: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None]));
        assert!(Classes::of_column(&column).unwrap_err().to_string().contains("null in row 1"));
    }

    #[test]
    fn one_class_is_not_enough() {
        let text = Classes::Bool(vec![false]).expect_two().unwrap_err().to_string();
        assert!(text.contains("only one class, false"), "{text}");
        let text = Classes::Int((0..20).collect()).expect_two().unwrap_err().to_string();
        assert!(text.contains("20 classes, 0, 1, 2, 3, 4, 5, 6, 7, …"), "{text}");
    }

    #[test]
    fn labels_convert_between_types() {
        let classes = Classes::Float(vec![0.0, 1.0]);
        assert!(bool::of_class(&classes, 1) && !bool::of_class(&classes, 0));
        assert_eq!(usize::of_class(&classes, 1), 1);
        assert_eq!(String::of_class(&Classes::Bool(vec![false, true]), 1), "true");
    }
}
