//! The numbers of a column, row by row.

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;

use crate::base::Result;
use crate::expr::folds::Number;

/// The number of each row; `None` where it is null or NaN.
pub fn numbers<N: Number>(array: &ArrayRef) -> Result<Vec<Option<N>>> {
    let mut values = vec![None; array.len()];
    let rows: Vec<u32> = (0..array.len() as u32).collect();
    N::grouped(array, &rows, |row, value| {
        if !value.is_nan() {
            values[row] = Some(value);
        }
    })?;
    Ok(values)
}

/// Results by row, as an array of the numbers' own type.
pub fn array_of<N: Number>(values: Vec<Option<N>>) -> ArrayRef {
    let nulls = NullBuffer::from_iter(values.iter().map(Option::is_some));
    let plain = values.into_iter().map(|v| v.unwrap_or(N::ZERO)).collect();
    N::array(plain, Some(nulls).filter(|n| n.null_count() > 0))
}

/// Fills in NaN for rows without a result that are NaN themselves: what is missing stays as it was missing.
pub fn missing_as_it_was(results: Vec<Option<f64>>, values: &ArrayRef) -> ArrayRef {
    let valid = values.logical_nulls();
    let kept = results
        .into_iter()
        .enumerate()
        .map(|(row, result)| result.or_else(|| valid.as_ref().is_none_or(|v| v.is_valid(row)).then_some(f64::NAN)));
    array_of(kept.collect())
}
