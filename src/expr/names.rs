//! What can name columns.

use super::{Expr, col};

/// Columns, by name or computed: `"fare"`, `col("fare") * 2`, `["a", "b"]`, `cols(NUMERIC).and(["tip"])`.
pub trait IntoColumns {
    /// The expressions.
    fn into_columns(self) -> Vec<Expr>;
}

impl IntoColumns for &str {
    fn into_columns(self) -> Vec<Expr> {
        vec![col(self)]
    }
}

impl IntoColumns for String {
    fn into_columns(self) -> Vec<Expr> {
        vec![col(self)]
    }
}

impl IntoColumns for &String {
    fn into_columns(self) -> Vec<Expr> {
        vec![col(self)]
    }
}

impl IntoColumns for Expr {
    fn into_columns(self) -> Vec<Expr> {
        vec![self]
    }
}

impl IntoColumns for &Expr {
    fn into_columns(self) -> Vec<Expr> {
        vec![self.clone()]
    }
}

impl<T: IntoColumns, const N: usize> IntoColumns for [T; N] {
    fn into_columns(self) -> Vec<Expr> {
        self.into_iter().flat_map(IntoColumns::into_columns).collect()
    }
}

impl<T: IntoColumns> IntoColumns for Vec<T> {
    fn into_columns(self) -> Vec<Expr> {
        self.into_iter().flat_map(IntoColumns::into_columns).collect()
    }
}

impl<T: IntoColumns + Clone> IntoColumns for &[T] {
    fn into_columns(self) -> Vec<Expr> {
        self.iter().cloned().flat_map(IntoColumns::into_columns).collect()
    }
}

impl<T: IntoColumns + Clone> IntoColumns for &Vec<T> {
    fn into_columns(self) -> Vec<Expr> {
        self.as_slice().into_columns()
    }
}

/// A list of columns that can be added to.
#[derive(Clone, Debug)]
pub struct Cols(Vec<Expr>);

/// A list of columns that can be added to: `cols(["a", "b"]).and(["c"])`.
pub fn cols(columns: impl IntoColumns) -> Cols {
    Cols(columns.into_columns())
}

impl Cols {
    /// These columns and more.
    #[must_use]
    pub fn and(mut self, more: impl IntoColumns) -> Cols {
        self.0.extend(more.into_columns());
        self
    }
}

impl IntoColumns for Cols {
    fn into_columns(self) -> Vec<Expr> {
        self.0
    }
}
