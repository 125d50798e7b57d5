//! What happened to the type of a column while it was found.

use std::fmt;

use arrow::datatypes::DataType;

use crate::base::shown::count;

/// A place at which a column's type became wider than the values before it had it: a value that
/// [`Infer::All`](super::Infer::All) met, or a file of another type than those before.
#[derive(Clone, Debug, PartialEq)]
pub struct Widening {
    /// The file.
    pub path: String,
    /// The line of the value, from 1; none if it is the whole file that is wider.
    pub line: Option<u64>,
    /// The column.
    pub column: String,
    /// The type of the values before it.
    pub from: DataType,
    /// The type with it.
    pub to: DataType,
    /// The value.
    pub value: Option<String>,
}

impl fmt::Display for Widening {
    /// As `column fare: Int64 → Float64 at line 70,003 of trips-02.csv (\`12.5\`)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Widening { path, line, column, from, to, value } = self;
        write!(f, "column {column}: {from} → {to} ")?;
        match line {
            Some(line) => write!(f, "at line {} of {path}", count(*line))?,
            None => write!(f, "from {path} on")?,
        }
        match value {
            Some(value) => write!(f, " (`{}`)", value.chars().take(80).collect::<String>()),
            None => Ok(()),
        }
    }
}
