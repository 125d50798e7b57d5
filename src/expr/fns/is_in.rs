//! `is_in`

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use rustc_hash::FxHashSet;

use super::compare::bits_of;
use super::one_column::{Domain, OneColumn};
use super::{Compare, Logic};
use crate::base::schema::logical;
use crate::base::{Error, Result};
use crate::expr::coerce::{meet_all_values, meet_types, to_type};
use crate::expr::{Portable, Scalar, ScalarFn, Value};

/// Whether a value is one of a list. Null stays null, NaN is in no list, and a null in the list is nothing's equal.
pub struct IsIn {
    values: Vec<Scalar>,
    list: Result<ArrayRef>,
    /// Made for the first type of column that comes: an expression rarely meets two.
    lookup: OnceLock<(DataType, Lookup)>,
}

enum Lookup {
    Whole(FxHashSet<i64>),
    /// By their bits, with one zero of two and without NaN.
    Floats(FxHashSet<u64>),
    Text(FxHashSet<String>),
    Other(ArrayRef),
}

impl IsIn {
    /// Whether a value is one of these, which must have a type in common.
    pub fn new(values: impl IntoIterator<Item = Scalar>) -> IsIn {
        let values: Vec<Scalar> = values.into_iter().filter(|v| !v.is_null()).collect();
        let list = one_array(&values);
        IsIn { values, list, lookup: OnceLock::new() }
    }

    /// The values of the list that are not null.
    pub fn values(&self) -> &[Scalar] {
        &self.values
    }
}

/// The values as one array of the type in which they meet.
fn one_array(values: &[Scalar]) -> Result<ArrayRef> {
    let all: Vec<Value> = values.iter().cloned().map(Value::Scalar).collect();
    let met = meet_all_values(&all.iter().collect::<Vec<_>>())?;
    let arrays: Vec<ArrayRef> = all.iter().map(|v| Ok(to_type(v, &met)?.rows().clone())).collect::<Result<_>>()?;
    match arrays.is_empty() {
        true => Ok(arrow::array::new_empty_array(&DataType::Null)),
        false => Ok(concat(&arrays.iter().map(|a| a.as_ref()).collect::<Vec<_>>())?),
    }
}

impl fmt::Debug for IsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed: Vec<_> = self.values.iter().map(|v| (v.data_type(), crate::Token::of(|t| t.identity(v)))).collect();
        f.debug_tuple("IsIn").field(&typed).finish()
    }
}

impl fmt::Display for IsIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is_in([")?;
        for (i, value) in self.values.iter().take(8).enumerate() {
            write!(f, "{}{value}", if i > 0 { ", " } else { "" })?;
        }
        f.write_str(if self.values.len() > 8 { ", …])" } else { "])" })
    }
}

/// The type in which column and list meet. Floats stay what they are, as beside a literal.
fn meet(column: &DataType, list: &ArrayRef) -> Option<DataType> {
    let text = |t: &DataType| logical(t) == DataType::Utf8;
    let own = match list.data_type() {
        DataType::Null => true,
        numbers if column.is_floating() => numbers.is_numeric(),
        texts if text(texts) => {
            let reads = || column.is_temporal() && to_type(&Value::Array(list.clone()), column).is_ok();
            text(column) || reads()
        }
        _ => false,
    };
    if own { Some(column.clone()) } else { meet_types(column, list.data_type()).filter(|met| !met.is_nested()) }
}

impl OneColumn for IsIn {
    fn domain(&self) -> Domain {
        match self.list.as_ref().map(|list| list.data_type()) {
            Ok(DataType::Boolean) => Domain::Booleans,
            Ok(DataType::Utf8) => Domain::Text,
            Ok(times) if times.is_temporal() => Domain::Times,
            _ => Domain::Numbers,
        }
    }

    fn check(&self) -> Result<()> {
        self.list.as_ref().map(|_| ()).map_err(Error::again)
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        meet(of, self.list.as_ref().ok()?).map(|_| DataType::Boolean)
    }

    fn refusal(&self, field: &Field) -> Error {
        let list = self.list.as_ref().map_or(DataType::Null, |list| list.data_type().clone());
        Error::types(format!("`{}` is {}, but the list of `is_in` is of {list}", field.name(), field.data_type()))
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let list = self.list.as_ref().map_err(Error::again)?;
        let met = meet(array.data_type(), list).ok_or_else(|| Error::types("`is_in` does not fit the column"))?;
        let column = to_type(&Value::Array(array.clone()), &met)?;
        if self.lookup.get().is_none() {
            // another thread may have been faster
            let _ = self.lookup.set((met.clone(), Lookup::of(list, &met)?));
        }
        match self.lookup.get() {
            Some((known, lookup)) if *known == met => lookup.find(column.rows()),
            _ => Lookup::of(list, &met)?.find(column.rows()),
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("is_in", &self.values)
    }
}

impl Lookup {
    fn of(list: &ArrayRef, met: &DataType) -> Result<Lookup> {
        let list = to_type(&Value::Array(list.clone()), met)?;
        Ok(match met {
            DataType::Float64 | DataType::Float32 => {
                let floats = to_type(&list, &DataType::Float64)?;
                let floats = floats.rows().as_primitive::<Float64Type>().values();
                Lookup::Floats(floats.iter().filter(|v| !v.is_nan()).map(|&v| bits_of_float(v)).collect())
            }
            whole if is_whole(whole) => {
                let whole = to_type(&list, &DataType::Int64)?;
                Lookup::Whole(whole.rows().as_primitive::<Int64Type>().values().iter().copied().collect())
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                let text = to_type(&list, &DataType::Utf8)?;
                Lookup::Text(text.rows().as_string::<i32>().iter().flatten().map(str::to_string).collect())
            }
            _ => Lookup::Other(list.rows().clone()),
        })
    }

    fn find(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let as_type = |t: DataType| Ok::<_, Error>(to_type(&Value::Array(column.clone()), &t)?.rows().clone());
        let bits = match self {
            Lookup::Floats(known) => {
                let column = as_type(DataType::Float64)?;
                bits_of(column.as_primitive::<Float64Type>().values(), |v| known.contains(&bits_of_float(v)))
            }
            Lookup::Whole(known) => {
                let column = as_type(DataType::Int64)?;
                bits_of(column.as_primitive::<Int64Type>().values(), |v| known.contains(&v))
            }
            Lookup::Text(texts) => {
                return super::str::text::predicate(column, |text| texts.contains(text));
            }
            Lookup::Other(list) => {
                let none = Value::Array(Arc::new(BooleanArray::new(BooleanBuffer::new_unset(column.len()), None)));
                let found = (0..list.len()).try_fold(none, |found, i| {
                    let equal = Compare::Eq
                        .eval(&[Value::Array(column.clone()), Value::Scalar(Scalar::of(list, i))], column.len())?;
                    Logic::Or.eval(&[found, equal], column.len())
                })?;
                found.rows().as_boolean().values().clone()
            }
        };
        Ok(Arc::new(BooleanArray::new(bits, column.logical_nulls())))
    }
}

/// The bits of a float; adding 0 makes one zero of two.
fn bits_of_float(v: f64) -> u64 {
    (v + 0.0).to_bits()
}

/// Whether all values of a type are among the 64-bit numbers.
fn is_whole(data_type: &DataType) -> bool {
    let time =
        matches!(data_type, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) | DataType::Duration(_));
    time || data_type.is_integer() && *data_type != DataType::UInt64
}
