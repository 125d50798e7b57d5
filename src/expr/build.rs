//! How expressions are written: [`col`], [`lit`], operators and methods.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::fns::{Arithmetic, Cast, Compare, FillNull, IsIn, IsNan, IsNull, Logic, Map, Negate, Not, StructField};
use super::{Expr, Scalar};
use crate::base::Result;

/// The column `name`.
pub fn col(name: impl AsRef<str>) -> Expr {
    Expr::Column(name.as_ref().into())
}

/// A value that is the same in every row. It takes the type of the column that it meets where it fits.
pub fn lit(value: impl Into<Scalar>) -> Expr {
    Expr::Literal(value.into())
}

macro_rules! expr_from {
    ($($native:ty),*) => {$(
        impl From<$native> for Expr {
            fn from(value: $native) -> Expr {
                Expr::Literal(value.into())
            }
        }
    )*};
}

expr_from!(
    bool,
    i8,
    i16,
    i32,
    i64,
    u8,
    u16,
    u32,
    u64,
    usize,
    f32,
    f64,
    &str,
    String,
    Scalar,
    chrono::NaiveDate,
    chrono::NaiveDateTime
);

impl From<&Expr> for Expr {
    fn from(expr: &Expr) -> Expr {
        expr.clone()
    }
}

macro_rules! operator {
    ($($trait:ident, $method:ident, $func:expr;)*) => {$(
        impl<R: Into<Expr>> std::ops::$trait<R> for Expr {
            type Output = Expr;
            fn $method(self, other: R) -> Expr {
                Expr::call($func, [self, other.into()])
            }
        }
        impl<R: Into<Expr>> std::ops::$trait<R> for &Expr {
            type Output = Expr;
            fn $method(self, other: R) -> Expr {
                Expr::call($func, [self.clone(), other.into()])
            }
        }
    )*};
}

operator! {
    Add, add, Arithmetic::Add;
    Sub, sub, Arithmetic::Sub;
    Mul, mul, Arithmetic::Mul;
    Div, div, Arithmetic::Div;
    Rem, rem, Arithmetic::Rem;
    BitAnd, bitand, Logic::And;
    BitOr, bitor, Logic::Or;
    BitXor, bitxor, Logic::Xor;
}

macro_rules! left_operator {
    ($($native:ty),*) => {$(
        impl std::ops::Add<Expr> for $native {
            type Output = Expr;
            fn add(self, other: Expr) -> Expr { Expr::from(self) + other }
        }
        impl std::ops::Sub<Expr> for $native {
            type Output = Expr;
            fn sub(self, other: Expr) -> Expr { Expr::from(self) - other }
        }
        impl std::ops::Mul<Expr> for $native {
            type Output = Expr;
            fn mul(self, other: Expr) -> Expr { Expr::from(self) * other }
        }
        impl std::ops::Div<Expr> for $native {
            type Output = Expr;
            fn div(self, other: Expr) -> Expr { Expr::from(self) / other }
        }
    )*};
}

left_operator!(i32, i64, f32, f64);

impl std::ops::Neg for Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        Expr::call(Negate, [self])
    }
}

impl std::ops::Not for Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        Expr::call(Not, [self])
    }
}

impl Expr {
    /// The conditions that must all be true for this one to be: the parts of `a & b & c`.
    pub fn conjuncts(&self) -> Vec<Expr> {
        let (mut parts, mut left) = (Vec::new(), vec![self.clone()]);
        while let Some(e) = left.pop() {
            match e.unaliased() {
                Expr::Call { func, args } if is_and(func.as_ref()) => left.extend(args.iter().rev().cloned()),
                part => parts.push(part.clone()),
            }
        }
        parts
    }

    /// The condition that is true where all of `conditions` are; `None` if there are none.
    pub fn all(conditions: impl IntoIterator<Item = Expr>) -> Option<Expr> {
        conditions.into_iter().reduce(|a, b| a.and(b))
    }

    /// The same called `name`: with an alias only where one is needed.
    #[must_use]
    pub(crate) fn named_as(self, name: &Arc<str>) -> Expr {
        if self.name() == *name { self } else { Expr::Alias(Arc::new(self.unaliased().clone()), name.clone()) }
    }

    /// The same under another name.
    #[must_use]
    pub fn alias(self, name: impl AsRef<str>) -> Expr {
        Expr::Alias(Arc::new(self), name.as_ref().into())
    }

    /// `self > other`; null where either is null, false where either is NaN.
    #[must_use]
    pub fn gt(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Compare::Gt, [self, other.into()])
    }

    /// `self >= other`; null where either is null, false where either is NaN.
    #[must_use]
    pub fn ge(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Compare::Ge, [self, other.into()])
    }

    /// `self < other`; null where either is null, false where either is NaN.
    #[must_use]
    pub fn lt(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Compare::Lt, [self, other.into()])
    }

    /// `self <= other`; null where either is null, false where either is NaN.
    #[must_use]
    pub fn le(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Compare::Le, [self, other.into()])
    }

    /// `self == other`; null where either is null, false where either is NaN.
    #[must_use]
    pub fn eq(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Compare::Eq, [self, other.into()])
    }

    /// `self != other`; null where either is null, true where either is NaN.
    #[must_use]
    pub fn ne(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Compare::Ne, [self, other.into()])
    }

    /// Both, three-valued: false if one is false, whatever the other. The same as `&`.
    #[must_use]
    pub fn and(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Logic::And, [self, other.into()])
    }

    /// One of both, three-valued: true if one is true, whatever the other. The same as `|`.
    #[must_use]
    pub fn or(self, other: impl Into<Expr>) -> Expr {
        Expr::call(Logic::Or, [self, other.into()])
    }

    /// The values converted to another type, as pandas' `astype` does.
    ///
    /// Bool becomes 0 and 1, text is parsed, floats are cut to whole numbers. To an integer type NaN and null (of
    /// columns that are not integers already), infinities and values out of range are errors.
    #[must_use]
    pub fn cast(self, to: DataType) -> Expr {
        Expr::call(Cast { to }, [self])
    }

    /// True where the value is null; NaN is not null.
    #[must_use]
    pub fn is_null(self) -> Expr {
        Expr::call(IsNull { negated: false }, [self])
    }

    /// True where the value is not null.
    #[must_use]
    pub fn is_not_null(self) -> Expr {
        Expr::call(IsNull { negated: true }, [self])
    }

    /// True where the value is NaN; null stays null.
    #[must_use]
    pub fn is_nan(self) -> Expr {
        Expr::call(IsNan, [self])
    }

    /// The value, or `value` where it is null or NaN, as pandas' `fillna`.
    #[must_use]
    pub fn fillna(self, value: impl Into<Expr>) -> Expr {
        Expr::call(FillNull, [self, value.into()])
    }

    /// The field called `name` of a column of structs, under that name; null where the struct is (Polars'
    /// `struct.field`). Of a Parquet file only the fields that are looked at are read.
    ///
    /// ```
    /// use partita::col;
    /// let street = col("address").field("street").field("name").is_not_null();
    /// ```
    #[must_use]
    pub fn field(self, name: impl AsRef<str>) -> Expr {
        let name: Arc<str> = name.as_ref().into();
        Expr::Alias(Arc::new(Expr::call(StructField(name.clone()), [self])), name)
    }

    /// Whether the value is one of a list. Null stays null, NaN is in no list, and a null in the list is nothing's
    /// equal. The list must fit the column; long ones are looked up by hash.
    #[must_use]
    pub fn is_in<V: Into<Scalar>>(self, values: impl IntoIterator<Item = V>) -> Expr {
        Expr::call(IsIn::new(values.into_iter().map(Into::into)), [self])
    }

    /// `low <= self <= high`: both bounds belong to it, as in pandas' `between`. Null where it cannot be told, false
    /// for NaN.
    #[must_use]
    pub fn between(self, low: impl Into<Expr>, high: impl Into<Expr>) -> Expr {
        self.clone().ge(low).and(self.le(high))
    }

    /// A closure over the array of this column, with the type of its result; `name` stands for it in texts. It must
    /// give as many values as it gets, each from its own row alone; anything else is an error.
    ///
    /// The closure has an identity of its own: two equal ones are two pieces of work. [`Map`] takes closures of several
    /// columns and closures with a name and version.
    #[must_use]
    pub fn map(
        self,
        name: impl AsRef<str>,
        result: DataType,
        closure: impl Fn(&ArrayRef) -> Result<ArrayRef> + Send + Sync + 'static,
    ) -> Expr {
        let one = move |arrays: &[ArrayRef]| match arrays {
            [array] => closure(array),
            _ => Err(crate::Error::invalid("a closure of one column got several")),
        };
        Map::new(name, result, one).of([self])
    }
}

fn is_and(func: &dyn super::ScalarFn) -> bool {
    (func as &dyn std::any::Any).downcast_ref::<Logic>() == Some(&Logic::And)
}
