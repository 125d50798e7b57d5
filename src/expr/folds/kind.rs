//! Which aggregates have a meaning for which types.

use arrow::datatypes::{DataType, FieldRef};

use crate::base::schema::logical;
use crate::base::{Error, Result};

/// What the values of a column are to an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Floating numbers, and a column of nulls alone.
    Float,
    /// Whole numbers in an `i64`.
    Signed,
    /// Whole numbers in a `u64`.
    Unsigned,
    /// Truth values: numbers 0 and 1.
    Bool,
    /// Dates, times, timestamps and durations: whole numbers in an `i64`, whose results keep their type.
    Temporal,
    /// Strings.
    Text,
}

impl Kind {
    /// The kind of a type, if the aggregates know it.
    pub fn of(data_type: &DataType) -> Option<Kind> {
        use DataType as D;
        Some(match logical(data_type) {
            D::Float16 | D::Float32 | D::Float64 | D::Null => Kind::Float,
            D::Int8 | D::Int16 | D::Int32 | D::Int64 => Kind::Signed,
            D::UInt8 | D::UInt16 | D::UInt32 | D::UInt64 => Kind::Unsigned,
            D::Boolean => Kind::Bool,
            D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) | D::Timestamp(..) | D::Duration(_) => Kind::Temporal,
            D::Utf8 => Kind::Text,
            _ => return None,
        })
    }

    /// The kind of a column that `aggregate` is asked for.
    ///
    /// # Errors
    /// `TypeMismatch` when it is none of `fit`; it names the column.
    pub fn of_column(input: &FieldRef, aggregate: &str, fit: &[Kind]) -> Result<Kind> {
        let kind = Kind::of_type(input.data_type(), aggregate, fit);
        kind.map_err(|error| error.doing("aggregate").at_column(input.name()))
    }

    /// The kind of a type that `aggregate` is asked for.
    ///
    /// # Errors
    /// `TypeMismatch` when it is none of `fit`.
    pub fn of_type(data_type: &DataType, aggregate: &str, fit: &[Kind]) -> Result<Kind> {
        Kind::of(data_type).filter(|kind| fit.contains(kind)).ok_or_else(|| {
            let error = Error::types(format!("{aggregate} has no meaning for {}", logical(data_type)));
            match logical(data_type) {
                DataType::Utf8 => error.help("turn the text into numbers with astype(DataType::Float64) first"),
                _ => error.help("select the columns it is meant for, or convert this one with astype first"),
            }
        })
    }

    /// Kinds that can be counted with.
    pub const NUMBERS: &'static [Kind] = &[Kind::Float, Kind::Signed, Kind::Unsigned, Kind::Bool];
    /// Numbers, dates and times.
    pub const ORDERED: &'static [Kind] = &[Kind::Float, Kind::Signed, Kind::Unsigned, Kind::Bool, Kind::Temporal];
    /// Everything.
    pub const ALL: &'static [Kind] =
        &[Kind::Float, Kind::Signed, Kind::Unsigned, Kind::Bool, Kind::Temporal, Kind::Text];
}
