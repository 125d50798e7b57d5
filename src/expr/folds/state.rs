//! The state most aggregates share: an accumulator for each group, fed from a column of numbers.

use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::fold::{FoldState, Groups, Outcome, Scope, same_state};
use super::number::Number;
use crate::base::Result;

/// What an aggregate keeps of the numbers of one group. NaN may be among the numbers and are skipped.
pub trait Accumulator<N>: Send + 'static {
    /// Takes in a number.
    fn add(&mut self, value: N);
    /// Takes in many.
    fn add_all(&mut self, values: &[N]);
    /// Takes in what an accumulator of later rows has.
    fn merge(&mut self, later: Self);
    /// Bytes on the heap.
    fn bytes(&self) -> usize {
        0
    }
}

/// An accumulator for each group, and what to make of them in the end.
pub struct Numeric<N, A, F> {
    groups: Vec<A>,
    fresh: Box<dyn Fn() -> A + Send>,
    finish: F,
    number: std::marker::PhantomData<fn(N)>,
}

impl<N, A, F> Numeric<N, A, F>
where
    N: Number,
    A: Accumulator<N>,
    F: FnOnce(Vec<A>) -> Result<Outcome> + Send + 'static,
{
    /// The empty state: of one group for a column, of none yet for groups.
    pub fn boxed(scope: Scope, finish: F) -> Box<dyn FoldState>
    where
        A: Default,
    {
        Self::with(scope, A::default, finish)
    }

    /// The empty state, with accumulators made by `fresh`.
    pub fn with(scope: Scope, fresh: impl Fn() -> A + Send + 'static, finish: F) -> Box<dyn FoldState> {
        let groups = match scope {
            Scope::Column => vec![fresh()],
            Scope::Groups => Vec::new(),
        };
        Box::new(Numeric { groups, fresh: Box::new(fresh), finish, number: std::marker::PhantomData })
    }

    fn make_room(&mut self, count: usize) {
        if self.groups.len() < count {
            self.groups.resize_with(count, &self.fresh);
        }
    }
}

impl<N, A, F> FoldState for Numeric<N, A, F>
where
    N: Number,
    A: Accumulator<N>,
    F: FnOnce(Vec<A>) -> Result<Outcome> + Send + 'static,
{
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()> {
        self.make_room(groups.count());
        match groups {
            Groups::One => N::blocks(values, |block| self.groups[0].add_all(block)),
            Groups::Of { ids, .. } => N::grouped(values, ids, |group, value| self.groups[group].add(value)),
        }
    }

    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()> {
        let later: Self = same_state(later)?;
        self.make_room(groups.count());
        for (i, theirs) in later.groups.into_iter().enumerate() {
            self.groups[groups.of(i)].merge(theirs);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        (self.finish)(self.groups)
    }

    fn bytes(&self) -> usize {
        let inside: usize = self.groups.iter().map(Accumulator::bytes).sum();
        size_of::<Self>() + self.groups.capacity() * size_of::<A>() + inside
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
