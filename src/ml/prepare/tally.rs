//! How often each value of a column occurs, for the one that does most.

use std::cmp::Reverse;
use std::hash::Hash;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use rustc_hash::FxHashMap;

use super::categories::Categories;
use crate::base::schema::logical;
use crate::base::{Error, Result};

/// Values and how often they occur; null and NaN are none. It holds each distinct value.
#[derive(Clone, Debug)]
pub(super) enum Tally {
    Bool(FxHashMap<bool, u64>),
    Int(FxHashMap<i64, u64>),
    /// By the bits of the values; −0 counts as 0.
    Float(FxHashMap<u64, u64>),
    Text(FxHashMap<String, u64>),
}

impl Tally {
    /// Of a column of this type: booleans, numbers or strings.
    ///
    /// # Errors
    /// `TypeMismatch` for any other type.
    pub fn for_type(data_type: &DataType) -> Result<Self> {
        match logical(data_type) {
            DataType::Boolean => Ok(Tally::Bool(FxHashMap::default())),
            DataType::Utf8 => Ok(Tally::Text(FxHashMap::default())),
            t if t.is_integer() => Ok(Tally::Int(FxHashMap::default())),
            t if t.is_floating() => Ok(Tally::Float(FxHashMap::default())),
            t => Err(Error::types(format!("values of type {t} cannot be counted"))),
        }
    }

    /// Takes in the values of a column.
    ///
    /// # Errors
    /// `TypeMismatch` for a column of another type.
    pub fn update(&mut self, column: &ArrayRef) -> Result<()> {
        match self {
            Tally::Bool(tally) => {
                count(tally, cast(column, &DataType::Boolean)?.as_boolean().iter().flatten());
            }
            Tally::Int(tally) => {
                count(tally, cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().iter().flatten());
            }
            Tally::Float(tally) => {
                let column = cast(column, &DataType::Float64)?;
                let values = column.as_primitive::<Float64Type>().iter().flatten().filter(|value| !value.is_nan());
                count(tally, values.map(|value| (value + 0.0).to_bits()));
            }
            Tally::Text(tally) => {
                for value in cast(column, &DataType::Utf8)?.as_string::<i32>().iter().flatten() {
                    match tally.get_mut(value) {
                        Some(times) => *times += 1,
                        None => _ = tally.insert(value.to_string(), 1),
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes in what was counted elsewhere.
    pub fn merge(&mut self, other: Tally) {
        match (self, other) {
            (Tally::Bool(a), Tally::Bool(b)) => add(a, b),
            (Tally::Int(a), Tally::Int(b)) => add(a, b),
            (Tally::Float(a), Tally::Float(b)) => add(a, b),
            (Tally::Text(a), Tally::Text(b)) => add(a, b),
            _ => {}
        }
    }

    /// The value that occurs most often, the smallest of those that do; none of no values.
    pub fn most_frequent(self) -> Option<Categories> {
        match self {
            Tally::Bool(tally) => most(tally, |v| *v).map(|v| Categories::Bool(vec![v])),
            Tally::Int(tally) => most(tally, |v| *v).map(|v| Categories::Int(vec![v])),
            Tally::Float(tally) => {
                // flipped so, bits are in the order of the numbers
                let rising = |bits: &u64| if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
                most(tally, rising).map(|bits| Categories::Float(vec![f64::from_bits(bits)]))
            }
            Tally::Text(tally) => most(tally, String::clone).map(|v| Categories::Text(vec![v])),
        }
    }
}

fn count<K: Hash + Eq>(tally: &mut FxHashMap<K, u64>, values: impl Iterator<Item = K>) {
    values.for_each(|value| *tally.entry(value).or_default() += 1);
}

fn add<K: Hash + Eq>(tally: &mut FxHashMap<K, u64>, more: FxHashMap<K, u64>) {
    more.into_iter().for_each(|(value, times)| *tally.entry(value).or_default() += times);
}

fn most<K: Hash + Eq, O: Ord>(tally: FxHashMap<K, u64>, order: impl Fn(&K) -> O) -> Option<K> {
    tally.into_iter().max_by_key(|(value, times)| (*times, Reverse(order(value)))).map(|(value, _)| value)
}
