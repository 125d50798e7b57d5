//! What an aggregate of one column is: [`Fold`], its state, and how states meet.

use std::any::Any;
use std::fmt::{Debug, Display};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::base::{Error, Identity, Result};
use crate::expr::Portable;

/// Whether a state folds the whole column into one row, or each group of rows into its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One result for the column.
    Column,
    /// One result for each group: that of a column of its rows, to the bit.
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

/// Where the rows of a batch stand among all rows: what `first` and `last` compare. No two rows have the same place.
#[derive(Clone, Copy, Debug)]
pub enum Places<'a> {
    /// Row `i` stands at this place plus `i`.
    From(u64),
    /// Row `i` stands at the `i`-th of these.
    Of(&'a [u64]),
}

impl Places<'_> {
    /// The place of row `row`.
    #[inline]
    pub fn of(&self, row: usize) -> u64 {
        match self {
            Places::From(first) => first + row as u64,
            Places::Of(places) => places.get(row).copied().unwrap_or(u64::MAX),
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

    /// Whether the state of a group is of bounded size and has a portable form: [`Fold::state_fields`], [`FoldState::emit`] and
    /// [`FoldState::absorb`]. Without one, what travels between tasks and to disk is the rows.
    fn bounded(&self) -> bool {
        false
    }

    /// The columns of the portable form of a state for values of type `input`: what [`FoldState::emit`] gives.
    ///
    /// # Errors
    /// `Unsupported` by an aggregate that is not [bounded](Fold::bounded); `TypeMismatch` when it has no meaning for the type.
    fn state_fields(&self, input: &DataType) -> Result<Vec<Field>> {
        let _ = input;
        Err(Error::unsupported(format!("a portable state of `{self}`")))
    }

    /// Its name in the [`registry`](crate::expr::registry) and its settings, by which another process finds it; `None` if it
    /// cannot leave this one.
    fn portable(&self) -> Option<Portable> {
        None
    }

    /// Whether the result depends on the order of the rows, so that a state has to be told their [`Places`].
    fn placed(&self) -> bool {
        false
    }

    /// The same aggregate for values that come sorted by group and, within a group, in rising order: it holds a result a group and
    /// nothing else. Group `i` has `sizes[i]` values that are neither null nor NaN. `None` when there is no such form.
    ///
    /// # Errors
    /// `TypeMismatch` when the aggregate has no meaning for the type.
    fn ordered(&self, input: &DataType, sizes: &[u64]) -> Result<Option<Box<dyn OrderedFold>>> {
        let _ = (input, sizes);
        Ok(None)
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

    /// [`update`](FoldState::update) for rows at these places. An aggregate that is not [placed](Fold::placed) does not look at them; for one
    /// that is, `update` means that all rows come in order, and that states are merged in order.
    ///
    /// # Errors
    /// Those of [`update`](FoldState::update).
    fn update_at(&mut self, values: &ArrayRef, groups: Groups<'_>, places: Places<'_>) -> Result<()> {
        let _ = places;
        self.update(values, groups)
    }

    /// Takes in the state of other rows: later ones, where the order matters and no places were told. `groups` maps group `i` of
    /// `later` to one of ours.
    ///
    /// # Errors
    /// `Invalid` when `later` is the state of another aggregate.
    fn merge(&mut self, later: Box<dyn FoldState>, groups: Groups<'_>) -> Result<()>;

    /// Gives the state away in its portable form, a row for each group in the order of the groups, and is empty again.
    ///
    /// # Errors
    /// `Unsupported` by an aggregate that is not [bounded](Fold::bounded).
    fn emit(&mut self) -> Result<Vec<ArrayRef>> {
        Err(Error::unsupported("a portable state of this aggregate"))
    }

    /// Takes in rows of [emitted](FoldState::emit) columns, in any order: row `i` belongs to our group `groups.of(i)`.
    ///
    /// # Errors
    /// `Unsupported` by an aggregate that is not [bounded](Fold::bounded); `Invalid` when the columns are not those of its state.
    fn absorb(&mut self, columns: &[ArrayRef], groups: Groups<'_>) -> Result<()> {
        let _ = (columns, groups);
        Err(Error::unsupported("a portable state of this aggregate"))
    }

    /// The result.
    ///
    /// # Errors
    /// `Value` when the result does not fit its type (a sum of integers).
    fn finish(self: Box<Self>) -> Result<Outcome>;

    /// Bytes of memory held. It is asked after every batch, so it must not look at each group.
    fn bytes(&self) -> usize;
}

/// An aggregate of values that come in order; see [`Fold::ordered`].
pub trait OrderedFold: Send {
    /// Takes in a batch: row `i` belongs to group `ids[i]`. Ids rise, over all batches; values of one group rise, NaN and nulls may stand
    /// anywhere and are skipped.
    ///
    /// # Errors
    /// `TypeMismatch` when the values are of another type.
    fn push(&mut self, values: &ArrayRef, ids: &[u32]) -> Result<()>;

    /// The result: a row for each group.
    ///
    /// # Errors
    /// Those of building the array.
    fn finish(self: Box<Self>) -> Result<ArrayRef>;
}

/// The one portable column of a state, or the error for states of another aggregate.
pub(super) fn only_column(columns: &[ArrayRef]) -> Result<&ArrayRef> {
    match columns {
        [column] => Ok(column),
        _ => Err(foreign_columns()),
    }
}

/// The error for portable columns that are not those of a state.
pub(super) fn foreign_columns() -> Error {
    Error::invalid("the columns are not those of the state of this aggregate")
}

/// `later` as the state `S`, or the error for states that cannot meet.
pub(super) fn same_state<S: FoldState>(later: Box<dyn FoldState>) -> Result<S> {
    let later: Box<dyn Any> = later;
    match later.downcast::<S>() {
        Ok(state) => Ok(*state),
        Err(_) => Err(Error::invalid("states of different aggregates cannot be merged")),
    }
}
