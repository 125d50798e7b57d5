//! What functions of one column have in common: arity, dictionaries, columns without a type, identity.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};

use crate::base::{Error, Identity, Result, Tokenizer};
use crate::expr::coerce::to_type;
use crate::expr::{Arg, Notation, Portable, ScalarFn, Value};

/// A function of one column: whoever implements this is a [`ScalarFn`].
///
/// `Display` is how it is written, settings included (`round(2)`); `Debug` must print all settings, for it is the
/// identity. Dictionaries are unpacked: the function sees each of their values once.
pub trait OneColumn: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What the column must hold.
    fn domain(&self) -> Domain;

    /// The type of the result for a column of type `of`, if it takes such a column. Never asked of `Null` or of a
    /// dictionary.
    fn result(&self, of: &DataType) -> Option<DataType>;

    /// The result, of the length of `array` and the type that [`result`](Self::result) said.
    ///
    /// # Errors
    /// When a value has no result.
    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef>;

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// When they do not, for example a regular expression that cannot be read.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether the result can be null; usually if the column can.
    fn nullable(&self, of: &Field) -> bool {
        of.is_nullable()
    }

    /// The error for a column that it does not take.
    fn refusal(&self, field: &Field) -> Error {
        self.domain().refusal(&self, field)
    }

    /// How another process finds it; see [`ScalarFn::portable`].
    fn portable(&self) -> Option<Portable> {
        None
    }

    /// How a call is written.
    fn notation(&self) -> Notation {
        Notation::Method
    }
}

/// What a column must hold to be an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Whole and floating numbers, decimals, sometimes bools.
    Numbers,
    /// Strings.
    Text,
    /// Timestamps and dates.
    Times,
    /// Durations.
    Durations,
    /// Booleans.
    Booleans,
}

impl Domain {
    fn noun(self) -> &'static str {
        match self {
            Domain::Numbers => "numbers",
            Domain::Text => "text",
            Domain::Times => "timestamps or dates",
            Domain::Durations => "durations",
            Domain::Booleans => "booleans",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Domain::Numbers => "convert it with cast(DataType::Float64) first",
            Domain::Text => "convert it with cast(DataType::Utf8) first",
            Domain::Times => "convert it with cast(DataType::Timestamp(..)) first",
            Domain::Durations => "subtract two timestamps to get a duration",
            Domain::Booleans => "compare it with something first, for example .ne(0)",
        }
    }

    /// The error for a column that holds something else.
    pub(super) fn refusal(self, function: &dyn fmt::Display, field: &Field) -> Error {
        let what = format!("`{function}` needs {}, but `{}` is {}", self.noun(), field.name(), field.data_type());
        Error::types(what).help(self.help())
    }

    /// The type that a column of nothing but nulls takes.
    fn of_nulls(self) -> DataType {
        match self {
            Domain::Numbers => DataType::Float64,
            Domain::Text => DataType::Utf8,
            Domain::Times => DataType::Timestamp(TimeUnit::Microsecond, None),
            Domain::Durations => DataType::Duration(TimeUnit::Microsecond),
            Domain::Booleans => DataType::Boolean,
        }
    }

    /// The type in which a function sees a column of type `of`.
    fn seen(self, of: &DataType) -> DataType {
        match of {
            DataType::Null => self.of_nulls(),
            DataType::Dictionary(_, values) => self.seen(values),
            other => other.clone(),
        }
    }
}

impl<F: OneColumn> Identity for F {
    fn token(&self, t: &mut Tokenizer) {
        t.str("one column");
        t.debug(&self.to_string());
        t.debug(self);
    }
}

impl<F: OneColumn> ScalarFn for F {
    fn return_field(&self, args: &[Arg<'_>]) -> Result<FieldRef> {
        let [a] = args else { return Err(arity(self, 1, args.len())) };
        self.check()?;
        let data_type = self.result(&self.domain().seen(a.data_type())).ok_or_else(|| self.refusal(a.field))?;
        Ok(Arc::new(Field::new(a.field.name(), data_type, self.nullable(a.field))))
    }

    fn eval(&self, args: &[Value], _rows: usize) -> Result<Value> {
        let [a] = args else { return Err(arity(self, 1, args.len())) };
        if a.data_type().is_null() {
            let nulls = to_type(a, &self.domain().of_nulls())?;
            return Ok(a.like(self.apply(nulls.rows())?));
        }
        let rows = a.rows();
        let result = match rows.as_any_dictionary_opt() {
            // dictionaries may hold dictionaries
            Some(dictionary) => {
                let values = self.eval(&[Value::Array(dictionary.values().clone())], dictionary.values().len())?;
                take(values.rows(), dictionary.keys(), None)?
            }
            None => self.apply(rows)?,
        };
        Ok(a.like(result))
    }

    fn portable(&self) -> Option<Portable> {
        OneColumn::portable(self)
    }

    fn notation(&self) -> Notation {
        OneColumn::notation(self)
    }
}

/// The error for a call with the wrong number of arguments.
pub(super) fn arity(function: &dyn fmt::Display, takes: usize, given: usize) -> Error {
    Error::invalid(format!("`{function}` takes {takes} operands, not {given}"))
}
