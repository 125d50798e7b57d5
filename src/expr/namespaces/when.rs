//! `when(..).then(..).otherwise(..)`

use crate::expr::fns::When;
use crate::expr::{Expr, Scalar};

/// The beginning of a choice between values (pandas' `case_when`, numpy's `select`, SQL's `CASE`).
///
/// The first condition that is true decides; a condition that is null is not true. The values meet in one type.
///
/// ```
/// use partita::{col, when};
/// let size = when(col("x").gt(100)).then("large").when(col("x").gt(10)).then("middle").otherwise("small");
/// assert_eq!(size.to_string(), r#"when((x > 100), "large", (x > 10), "middle", "small")"#);
/// ```
pub fn when(condition: impl Into<Expr>) -> Condition {
    Condition { args: vec![condition.into()] }
}

/// A choice that waits for the value of its last condition.
#[derive(Clone, Debug)]
#[must_use]
pub struct Condition {
    args: Vec<Expr>,
}

/// A choice that takes further conditions, or the value where none is true.
#[derive(Clone, Debug)]
#[must_use]
pub struct Choice {
    args: Vec<Expr>,
}

impl Condition {
    /// The value where the condition is true (and none before it).
    pub fn then(mut self, value: impl Into<Expr>) -> Choice {
        self.args.push(value.into());
        Choice { args: self.args }
    }
}

impl Choice {
    /// A further condition.
    pub fn when(mut self, condition: impl Into<Expr>) -> Condition {
        self.args.push(condition.into());
        Condition { args: self.args }
    }

    /// The value where no condition is true.
    #[must_use]
    pub fn otherwise(mut self, value: impl Into<Expr>) -> Expr {
        self.args.push(value.into());
        Expr::call(When, self.args)
    }

    /// Null where no condition is true.
    #[must_use]
    pub fn otherwise_null(self) -> Expr {
        self.otherwise(Scalar::null())
    }
}
