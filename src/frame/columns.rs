//! Methods that compute columns.

use super::{DataFrame, IntoColumns};
use crate::base::Result;
use crate::expr::Expr;
use crate::ops::{Astype, Categorize, Drop, Fillna, Names, Rename, Select, WithColumns};

impl DataFrame {
    /// These columns, in this order, and no others: names or expressions.
    ///
    /// ```
    /// # use partita::{DataFrame, col, cols};
    /// # let batch = arrow::array::RecordBatch::try_from_iter([
    /// #     ("a", std::sync::Arc::new(arrow::array::Int64Array::from(vec![1, 2])) as _),
    /// #     ("b", std::sync::Arc::new(arrow::array::Int64Array::from(vec![3, 4])) as _)]).unwrap();
    /// # let df = DataFrame::from_batches([batch])?;
    /// let both = df.select(cols(["b"]).and((col("a") * 2).alias("twice")))?;
    /// assert_eq!(both.columns(), ["b", "twice"]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`; `Schema` when two columns would have one name.
    pub fn select(&self, columns: impl IntoColumns) -> Result<DataFrame> {
        self.then(Select { exprs: columns.into_columns() })
    }

    /// All columns and one more, or another in place of the one called `name` (pandas' `df[name] = …`).
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`.
    pub fn with_column(&self, name: impl AsRef<str>, expr: impl Into<Expr>) -> Result<DataFrame> {
        self.then(WithColumns { exprs: vec![expr.into().alias(name)] })
    }

    /// All columns and `exprs`, called by their names; each sees the columns as they were.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`; `Schema` when two of them have one name.
    pub fn with_columns(&self, exprs: impl IntoColumns) -> Result<DataFrame> {
        self.then(WithColumns { exprs: exprs.into_columns() })
    }

    /// All columns but these.
    ///
    /// # Errors
    /// `UnknownColumn`.
    pub fn drop<N: Into<String>>(&self, names: impl IntoIterator<Item = N>) -> Result<DataFrame> {
        self.then(Drop { names: names.into_iter().map(Into::into).collect() })
    }

    /// All columns, some under other names: pairs of present and new names.
    ///
    /// # Errors
    /// `UnknownColumn`; `Schema` when two columns would have one name.
    pub fn rename<A: Into<String>, B: Into<String>>(
        &self,
        names: impl IntoIterator<Item = (A, B)>,
    ) -> Result<DataFrame> {
        self.then(Rename { names: names.into_iter().map(|(a, b)| (a.into(), b.into())).collect() })
    }

    /// Columns converted: all to one type, or the named ones to types of their own. See [`Expr::cast`] for what
    /// becomes of what.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch` here; values that have no counterpart when they are met.
    pub fn astype(&self, types: impl Into<Astype>) -> Result<DataFrame> {
        self.then(types.into())
    }

    /// Columns of text as categories: each distinct text is kept once, in order, in a dictionary that all partitions
    /// share, and each row has its number (pandas' `astype("category")`). The texts are looked for in a first pass when
    /// something is computed.
    ///
    /// Such columns take little memory; grouped, joined, sorted and compared they are the texts that they stand for.
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch` for a column that is no text.
    pub fn categorize(&self, columns: impl Names) -> Result<DataFrame> {
        self.then(Categorize::new(columns.names()))
    }

    /// Values in place of null and NaN: one for every column of its kind, or one for each named column.
    ///
    /// # Errors
    /// `UnknownColumn`, `TypeMismatch`.
    pub fn fillna(&self, value: impl Into<Fillna>) -> Result<DataFrame> {
        self.then(value.into())
    }
}
