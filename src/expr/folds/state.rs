//! The state of most aggregates of a whole column, fed with blocks of numbers; and arrays of results.

use std::marker::PhantomData;

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::fold::{FoldState, Groups, Outcome, same_state};
use super::number::Number;
use crate::base::Result;

/// What an aggregate keeps of the numbers of a column. NaN may be among the numbers and are skipped.
pub trait Accumulator<N>: Send + 'static {
    /// Takes in numbers.
    fn add_all(&mut self, values: &[N]);
    /// Takes in what an accumulator of later rows has.
    fn merge(&mut self, later: Self);
    /// Bytes on the heap.
    fn bytes(&self) -> usize {
        0
    }
}

/// An accumulator of the numbers of a column, and what to make of it in the end.
pub struct Numeric<N, A, F> {
    all: A,
    finish: F,
    number: PhantomData<fn(N)>,
}

impl<N, A, F> Numeric<N, A, F>
where
    N: Number,
    A: Accumulator<N>,
    F: FnOnce(A) -> Result<Outcome> + Send + 'static,
{
    /// The state that begins with `empty`.
    pub fn boxed(empty: A, finish: F) -> Box<dyn FoldState> {
        Box::new(Numeric { all: empty, finish, number: PhantomData })
    }
}

impl<N, A, F> FoldState for Numeric<N, A, F>
where
    N: Number,
    A: Accumulator<N>,
    F: FnOnce(A) -> Result<Outcome> + Send + 'static,
{
    fn update(&mut self, values: &ArrayRef, _: Groups<'_>) -> Result<()> {
        N::blocks(values, |block| self.all.add_all(block))
    }

    fn merge(&mut self, later: Box<dyn FoldState>, _: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.all.merge(later.all);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        (self.finish)(self.all)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.all.bytes()
    }
}

/// One number a group, as an array of `Float64`.
pub fn floats(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    std::sync::Arc::new(values.into_iter().collect::<Float64Array>())
}

/// One whole number a group, as an array of type `to`: of integers, dates, times, timestamps or durations. What does not fit is null.
///
/// # Errors
/// Those of the conversion.
pub fn wholes(values: impl IntoIterator<Item = Option<i64>>, to: &DataType) -> Result<ArrayRef> {
    retyped(std::sync::Arc::new(values.into_iter().collect::<Int64Array>()), to)
}

/// Numbers of `Float64`, `Int64` or `UInt64` as an array of type `to`, the type they came from. What does not fit is null.
///
/// # Errors
/// Those of the conversion.
pub fn retyped(values: ArrayRef, to: &DataType) -> Result<ArrayRef> {
    use DataType as D;
    Ok(match to {
        D::Null => new_null_array(to, values.len()),
        same if same == values.data_type() => values,
        D::Date32 | D::Time32(_) => cast(&cast(&values, &D::Int32)?, to)?,
        other => cast(&values, other)?,
    })
}

/// One number of keys a group, as an array of type `to`, the type the keys came from.
///
/// # Errors
/// Those of the conversion.
pub fn of_keys<N: Number>(keys: impl IntoIterator<Item = Option<u64>>, to: &DataType) -> Result<ArrayRef> {
    let keys: Vec<Option<u64>> = keys.into_iter().collect();
    let nulls = keys.iter().map(Option::is_some).collect::<Vec<bool>>().into();
    retyped(N::array(keys.into_iter().map(|key| key.map_or(N::ZERO, N::of_key)).collect(), Some(nulls)), to)
}
