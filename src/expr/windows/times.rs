//! The times of a column in nanoseconds.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit};

use crate::base::{Error, Result};

/// The nanoseconds from 1970-01-01 00:00 to each time of a column of timestamps or dates.
///
/// # Errors
/// `TypeMismatch` for other columns; `Value` when a time is null.
pub fn times(array: &ArrayRef) -> Result<Vec<i128>> {
    let unit = nanoseconds(array.data_type())
        .ok_or_else(|| Error::types(format!("{} is no timestamp and no date", array.data_type())))?;
    if array.null_count() > 0 {
        return Err(Error::value("a time is null, which has no place in a window of time")
            .help("leave such rows out with a filter on is_not_null() first"));
    }
    let whole = cast(array, &DataType::Int64)?;
    Ok(whole.as_primitive::<Int64Type>().values().iter().map(|&t| i128::from(t) * unit).collect())
}

/// How many nanoseconds one step of a type takes, if it is a timestamp or a date.
pub fn nanoseconds(data_type: &DataType) -> Option<i128> {
    Some(match data_type {
        DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
        DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Date64 => 1_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 1,
        DataType::Date32 => 86_400_000_000_000,
        _ => return None,
    })
}
