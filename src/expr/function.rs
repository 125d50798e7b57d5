//! What a function of columns must say of itself.

use std::fmt::{Debug, Display};

use arrow::datatypes::{DataType, FieldRef};

use super::{Portable, Scalar, Value};
use crate::base::{Identity, Result};

/// A function of columns, row by row: row `i` of its result depends on row `i` of its arguments alone.
///
/// `Display` is its name. Null in gives null out unless the function says otherwise.
pub trait ScalarFn: Identity + Debug + Display + Send + Sync {
    /// The name, type and nullability of the result; the name is usually that of the first argument.
    ///
    /// # Errors
    /// `TypeMismatch` when the arguments do not fit.
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef>;

    /// The result for `rows` rows. Each argument is a column of that length or a scalar; if all are scalars, so is the
    /// result. Its type is what [`return_field`](Self::return_field) said.
    ///
    /// # Errors
    /// When a value has no result.
    fn eval(&self, args: &[Value], rows: usize) -> Result<Value>;

    /// Whether [`eval`](Self::eval) may fail for some values. Conditions that may are not asked about rows that an earlier
    /// condition has left out.
    fn can_fail(&self) -> bool {
        true
    }

    /// Whether it gives the same for the same arguments each time. A closure may not.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Whether row `i` of its result depends on row `i` of its arguments alone. What does not is never evaluated on a
    /// batch: see [`windows`](super::windows).
    fn is_rowwise(&self) -> bool {
        true
    }

    /// Its name in the [`registry`](super::registry) and its settings, by which another process finds it; `None` if it
    /// cannot leave this one.
    fn portable(&self) -> Option<Portable> {
        None
    }

    /// How a call is written.
    fn notation(&self) -> Notation {
        Notation::Call
    }
}

/// An argument, before any row is seen.
#[derive(Clone, Debug)]
pub struct Arg<'a> {
    /// Its name, type and nullability.
    pub field: &'a FieldRef,
    /// Its value, if it is the same for all rows. Such a value takes the type of the column it meets (see
    /// [`coerce`](super::coerce)).
    pub constant: Option<Scalar>,
}

impl Arg<'_> {
    /// The type.
    pub fn data_type(&self) -> &DataType {
        self.field.data_type()
    }
}

/// How a call is written for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notation {
    /// `name(a, b)`
    Call,
    /// `a name b`
    Infix,
    /// `name a`
    Prefix,
    /// `a.name(b)`
    Method,
}
