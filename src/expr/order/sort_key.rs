//! How an order is written.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::{Identity, Tokenizer};
use crate::expr::{Expr, col};

/// What rows are ordered by: an expression, a direction, and where null and NaN go.
///
/// A column's name, or an expression, is ordered from small to large with null and NaN last.
///
/// ```
/// use partita::{SortKey, col};
/// assert_eq!(SortKey::from("fare").to_string(), "fare");
/// assert_eq!((col("tip") / col("fare")).desc().nulls_first().to_string(), "(tip / fare) desc nulls first");
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SortKey {
    /// What is compared.
    pub expr: Expr,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Whether null and NaN come first, in both directions.
    pub nulls_first: bool,
}

impl SortKey {
    /// From small to large, null and NaN last.
    pub fn new(expr: impl Into<Expr>) -> SortKey {
        SortKey { expr: expr.into(), descending: false, nulls_first: false }
    }

    /// The same from large to small; null and NaN stay where they are.
    #[must_use]
    pub fn desc(self) -> SortKey {
        SortKey { descending: true, ..self }
    }

    /// The same with null and NaN first.
    #[must_use]
    pub fn nulls_first(self) -> SortKey {
        SortKey { nulls_first: true, ..self }
    }

    /// The same with null and NaN last, as it is if nothing is said.
    #[must_use]
    pub fn nulls_last(self) -> SortKey {
        SortKey { nulls_first: false, ..self }
    }
}

impl Expr {
    /// Ordered from small to large, null and NaN last.
    #[must_use]
    pub fn asc(self) -> SortKey {
        SortKey::new(self)
    }

    /// Ordered from large to small, null and NaN last.
    #[must_use]
    pub fn desc(self) -> SortKey {
        SortKey::new(self).desc()
    }
}

impl From<Expr> for SortKey {
    fn from(expr: Expr) -> SortKey {
        SortKey::new(expr)
    }
}

impl From<&Expr> for SortKey {
    fn from(expr: &Expr) -> SortKey {
        SortKey::new(expr)
    }
}

impl From<&str> for SortKey {
    fn from(name: &str) -> SortKey {
        SortKey::new(col(name))
    }
}

impl From<&String> for SortKey {
    fn from(name: &String) -> SortKey {
        SortKey::new(col(name))
    }
}

impl From<String> for SortKey {
    fn from(name: String) -> SortKey {
        SortKey::new(col(name))
    }
}

/// Keys to order by: `"t"`, `col("t").desc()`, `["a", "b"]`.
pub trait IntoSortKeys {
    /// The keys.
    fn into_sort_keys(self) -> Vec<SortKey>;
}

impl<T: Into<SortKey>> IntoSortKeys for T {
    fn into_sort_keys(self) -> Vec<SortKey> {
        vec![self.into()]
    }
}

impl<T: Into<SortKey>, const N: usize> IntoSortKeys for [T; N] {
    fn into_sort_keys(self) -> Vec<SortKey> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<T: Into<SortKey>> IntoSortKeys for Vec<T> {
    fn into_sort_keys(self) -> Vec<SortKey> {
        self.into_iter().map(Into::into).collect()
    }
}

impl fmt::Display for SortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.expr)?;
        f.write_str(if self.descending { " desc" } else { "" })?;
        f.write_str(if self.nulls_first { " nulls first" } else { "" })
    }
}

impl Identity for SortKey {
    fn token(&self, t: &mut Tokenizer) {
        t.identity(&self.expr);
        t.u64(u64::from(self.descending) | u64::from(self.nulls_first) << 1);
    }
}
