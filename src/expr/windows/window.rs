//! What a function that looks at other rows says of itself.

use std::any::Any;
use std::fmt::{Debug, Display};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};

use crate::base::{Error, Identity, Result};
use crate::expr::folds::Fold;
use crate::expr::{Arg, Portable};

/// A function that looks at other rows than its own. Its results depend on the rows and their order alone: not on
/// partitions or batches.
///
/// `Display` is its name with its settings, as in `shift(1)`.
pub trait Window: Identity + Debug + Display + Send + Sync {
    /// The name, type and nullability of the result.
    ///
    /// # Errors
    /// `TypeMismatch` when the arguments do not fit.
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef>;

    /// The function as a name and its settings, by which another process finds it.
    fn portable(&self) -> Option<Portable> {
        None
    }

    /// At which other rows it looks.
    fn reach(&self) -> Reach;

    /// The function at the beginning of rows that come in order, the first of which is row `first` of all.
    ///
    /// # Errors
    /// `Unsupported` where it has to see all rows at once.
    fn start(&self, args: &[DataType], first: u64) -> Result<Box<dyn Running>>;

    /// What rows mean to those that follow, no row yet: only where the [reach](Self::reach) is
    /// [`Reach::Before`] or [`Reach::All`].
    ///
    /// # Errors
    /// `TypeMismatch` when the arguments do not fit.
    fn carry(&self, args: &[DataType]) -> Result<Option<Box<dyn Carry>>> {
        let _ = args;
        Ok(None)
    }

    /// Whether it wants its rows in the order of its first argument, null and NaN last: `Some(true)` from large to small.
    fn sorted(&self) -> Option<bool> {
        None
    }

    /// The aggregate of whose group each row has the result, if this is nothing else.
    fn fold(&self) -> Option<Arc<dyn Fold>> {
        None
    }

    /// The results for whole groups, whose rows lie together and in order: group `g` begins at row `starts[g]` and ends
    /// where the next one begins; the last of `starts` is the number of rows.
    ///
    /// # Errors
    /// Of its work.
    fn grouped(&self, args: &[ArrayRef], starts: &[usize]) -> Result<ArrayRef> {
        let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
        let mut parts = Vec::with_capacity(starts.len());
        for bounds in starts.windows(2) {
            let rows = bounds[1] - bounds[0];
            let own: Vec<ArrayRef> = args.iter().map(|a| a.slice(bounds[0], rows)).collect();
            let mut running = self.start(&types, 0)?;
            parts.push(running.push(&own, rows)?);
            parts.push(running.end()?);
        }
        if parts.is_empty() {
            parts.push(self.start(&types, 0)?.end()?);
        }
        joined(&parts)
    }
}

/// Arrays of one type, one after the other.
///
/// # Errors
/// `Invalid` when there are none.
pub fn joined(parts: &[ArrayRef]) -> Result<ArrayRef> {
    match parts {
        [] => Err(Error::invalid("there is nothing to join")),
        [only] => Ok(only.clone()),
        parts => Ok(concat(&parts.iter().map(|p| p.as_ref() as &dyn Array).collect::<Vec<_>>())?),
    }
}

/// Bytes of the rows of an array, without those around them that it may be a part of.
pub fn own_bytes(array: &ArrayRef) -> usize {
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
}

/// At which rows other than its own a function looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At so many rows before and so many after.
    Rows {
        /// Before its own.
        before: u64,
        /// After its own.
        after: u64,
    },
    /// At all rows before, of which a [`Carry`] is enough.
    Before,
    /// At all rows before and after, of which carries are enough.
    All,
    /// At the rows around whose times, the second argument, differ by less than a span.
    Time(Span),
    /// At all rows of its group.
    Group,
}

/// A span of time around a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Nanoseconds.
    pub width: i64,
    /// Whether half of it lies behind the row; else all of it ends with the row.
    pub centred: bool,
}

impl Span {
    /// Whether a row at `time` lies before all that the row at `own` looks at.
    pub fn is_past(&self, own: i128, time: i128) -> bool {
        let apart = own - time;
        (if self.centred { 2 * apart } else { apart }) >= i128::from(self.width)
    }

    /// Whether a row at `time` lies behind all that the row at `own` looks at.
    pub fn is_ahead(&self, own: i128, time: i128) -> bool {
        let apart = time - own;
        if self.centred { 2 * apart > i128::from(self.width) } else { apart > 0 }
    }
}

/// A [`Window`] in the middle of rows that come in order.
pub trait Running: Send {
    /// Takes the next `rows` rows. Gives the results that are certain now, in the order of the rows.
    ///
    /// # Errors
    /// Of its work.
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef>;

    /// Takes rows that lie before all whose results are wanted: they are there to be looked at, and get no results that
    /// could be too large. They come first, in the order of the rows.
    ///
    /// As it is, it fits functions that give each row its result at once and check none.
    ///
    /// # Errors
    /// Of its work.
    fn lead_in(&mut self, args: &[ArrayRef], rows: usize) -> Result<()> {
        self.push(args, rows).map(drop)
    }

    /// Takes rows that lie behind all whose results are wanted. Gives the results that are certain now; these rows get
    /// none. They come last.
    ///
    /// # Errors
    /// `Invalid` from functions that look at no later rows; of its work.
    fn run_out(&mut self, args: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let _ = (args, rows);
        Err(Error::invalid("a function that looks at no later rows was given some"))
    }

    /// There are no more rows: the results that still wait. There are as many results as rows that were pushed then.
    ///
    /// # Errors
    /// Of its work.
    fn end(&mut self) -> Result<ArrayRef>;

    /// Bytes of memory held.
    fn bytes(&self) -> usize {
        0
    }
}

/// What some rows mean to those that follow.
pub trait Carry: Any + Send + Sync {
    /// Takes in the next rows.
    ///
    /// # Errors
    /// Of its work.
    fn push(&mut self, args: &[ArrayRef], rows: usize) -> Result<()>;

    /// Takes in what later rows mean.
    ///
    /// # Errors
    /// `Invalid` when it is the carry of another function.
    fn follow(&mut self, later: &dyn Carry) -> Result<()>;

    /// The same again.
    fn again(&self) -> Box<dyn Carry>;

    /// The function behind these rows; where it looks at [all rows](Reach::All), before those of `after`.
    ///
    /// # Errors
    /// `Invalid` when `after` is the carry of another function; of its work.
    fn start(&self, after: Option<&dyn Carry>) -> Result<Box<dyn Running>>;
}

/// A carry as what it is.
pub(super) fn same_carry<C: Carry>(carry: &dyn Carry) -> Result<&C> {
    let any: &dyn Any = carry;
    any.downcast_ref().ok_or_else(|| Error::invalid("what is carried on belongs to another function"))
}
