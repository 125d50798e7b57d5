//! What an aggregate of one column is: [`Fold`], its state, and how states meet.

use std::any::Any;
use std::fmt::{Debug, Display};
use std::io::{Read, Write};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, FieldRef};

use crate::base::{Error, Identity, Result};

/// Whether a state folds the whole column into one row, or each group of rows into its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One result for the column; floating sums are exact.
    Column,
    /// One result for each group; floating sums are compensated.
    Groups,
}

/// To which group each row belongs.
#[derive(Clone, Copy, Debug)]
pub enum Groups<'a> {
    /// All rows belong to the one group of a state of [`Scope::Column`].
    One,
    /// Row `i` belongs to group `ids[i]`; there are `count` groups so far, all ids are below it.
    Of {
        /// The group of each row.
        ids: &'a [u32],
        /// Groups so far, in this and all earlier batches.
        count: usize,
    },
}

impl Groups<'_> {
    /// The number of groups so far.
    pub fn count(&self) -> usize {
        match self {
            Groups::One => 1,
            Groups::Of { count, .. } => *count,
        }
    }

    /// The group of row `row`.
    pub fn of(&self, row: usize) -> usize {
        match self {
            Groups::One => 0,
            Groups::Of { ids, .. } => ids.get(row).map_or(0, |id| *id as usize),
        }
    }
}

/// What a finished state has to say.
pub enum Outcome {
    /// The result: one row for each group.
    Value(ArrayRef),
    /// The column has to be read again, with this fold, whose result is the one that was asked for.
    Again(Arc<dyn Fold>),
}

impl Outcome {
    /// The result, where one pass must have been enough.
    ///
    /// # Errors
    /// `Unsupported` when another pass is needed.
    pub fn value(self) -> Result<ArrayRef> {
        match self {
            Outcome::Value(array) => Ok(array),
            Outcome::Again(fold) => Err(Error::unsupported(format!("`{fold}` in a single pass"))),
        }
    }
}

/// An aggregate of one column. Nulls and NaN are skipped by all of them, as in pandas; only
/// [`Size`](super::Size) counts them.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, AsArray, Float64Array};
/// use arrow::datatypes::{DataType, Float64Type};
/// use partita::expr::folds::{Fold, Groups, Scope, Sum};
///
/// // floating sums are exact: the order and the partitioning of the rows do not matter
/// let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(1e100), Some(1.0), None, Some(-1e100)]));
/// let mut state = Sum.start(&DataType::Float64, Scope::Column)?;
/// state.update(&values, Groups::One)?;
/// let sum = state.finish()?.value()?;
/// assert_eq!(sum.as_primitive::<Float64Type>().value(0), 1.0);
/// # Ok::<(), partita::Error>(())
/// ```
pub trait Fold: Identity + Debug + Display + Send + Sync {
    /// The result's column: its type, under the name of the input.
    ///
    /// # Errors
    /// `TypeMismatch`, naming the column, when the aggregate has no meaning for its type.
    fn return_field(&self, input: &FieldRef) -> Result<FieldRef>;

    /// An empty state for values of type `input`.
    ///
    /// # Errors
    /// `TypeMismatch` when the aggregate has no meaning for the type.
    fn start(&self, input: &DataType, scope: Scope) -> Result<Box<dyn FoldState>>;

    /// A state that was written by [`FoldState::write`].
    ///
    /// # Errors
    /// `Unsupported` by an aggregate whose state has no spilled form; `Corrupt` when the bytes are damaged.
    fn read(&self, input: &DataType, scope: Scope, from: &mut dyn Read) -> Result<Box<dyn FoldState>> {
        let _ = (input, scope, from);
        Err(Error::unsupported(format!("reading back the state of `{self}`")))
    }
}

/// The state of an aggregate in the middle of its column.
pub trait FoldState: Any + Send {
    /// Takes in a batch of values: of the type the state was started with, in any of its layouts (strings may arrive
    /// as `Utf8`, `LargeUtf8`, `Utf8View` or a dictionary).
    ///
    /// # Errors
    /// `TypeMismatch` when the values are of another type.
    fn update(&mut self, values: &ArrayRef, groups: Groups<'_>) -> Result<()>;

    /// Takes in the state of later rows. `groups` maps group `i` of `later` to one of ours. States are merged in the order
    /// of their partitions where it matters (`first`, `last`, grouped floating sums).
    ///
    /// # Errors
    /// `Invalid` when `later` is the state of another aggregate.
    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()>;

    /// The result.
    ///
    /// # Errors
    /// `Value` when the result does not fit its type (a sum of integers).
    fn finish(self: Box<Self>) -> Result<Outcome>;

    /// Bytes of memory held.
    fn bytes(&self) -> usize;

    /// Writes the state, to be read back by [`Fold::read`].
    ///
    /// # Errors
    /// `Unsupported` by a state that has no spilled form; `Io` when writing fails.
    fn write(&self, out: &mut dyn Write) -> Result<()> {
        let _ = out;
        Err(Error::unsupported("writing the state of this aggregate"))
    }
}

/// `later` as the state `S`, or the error for states that cannot meet.
pub(super) fn same_state<S: FoldState>(later: Box<dyn FoldState>) -> Result<S> {
    let later: Box<dyn Any> = later;
    match later.downcast::<S>() {
        Ok(state) => Ok(*state),
        Err(_) => Err(Error::invalid("states of different aggregates cannot be merged")),
    }
}
