//! Methods of numbers.

use crate::expr::fns::{Abs, Clip, Extreme, Pow, Real, Round};
use crate::expr::{Expr, Scalar};

macro_rules! real {
    ($($(#[$doc:meta])* $method:ident => $function:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $method(self) -> Expr {
            Expr::call(Real::$function, [self])
        }
    )*};
}

impl Expr {
    /// The number without its sign; the smallest whole number of a type is an error. Null stays null, NaN NaN.
    #[must_use]
    pub fn abs(self) -> Expr {
        Expr::call(Abs, [self])
    }

    /// The number rounded to so many decimals, from the middle to the even digit, exactly as numpy and pandas do:
    /// multiplied by a power of ten, rounded, divided (so that 2.675 becomes 2.68). Negative: to tens, hundreds …
    #[must_use]
    pub fn round(self, decimals: i32) -> Expr {
        Expr::call(Round::Decimals(decimals), [self])
    }

    /// The largest whole number that is not larger; the type stays.
    #[must_use]
    pub fn floor(self) -> Expr {
        Expr::call(Round::Floor, [self])
    }

    /// The smallest whole number that is not smaller; the type stays.
    #[must_use]
    pub fn ceil(self) -> Expr {
        Expr::call(Round::Ceil, [self])
    }

    real! {
        /// The square root (Float64, of Float32 Float32); NaN of negative numbers.
        sqrt => Sqrt;
        /// The cube root.
        cbrt => Cbrt;
        /// e to the power of the number.
        exp => Exp;
        /// `exp(x) - 1`, exact near 0.
        expm1 => Expm1;
        /// The natural logarithm: of 0 it is -inf, of negative numbers NaN.
        log => Log;
        /// The logarithm to base 2.
        log2 => Log2;
        /// The logarithm to base 10.
        log10 => Log10;
        /// `log(1 + x)`, exact near 0.
        log1p => Log1p;
        /// The sine of an angle in radians.
        sin => Sin;
        /// The cosine of an angle in radians.
        cos => Cos;
        /// The tangent of an angle in radians.
        tan => Tan;
        /// The angle in radians whose sine it is.
        asin => Asin;
        /// The angle in radians whose cosine it is.
        acos => Acos;
        /// The angle in radians whose tangent it is.
        atan => Atan;
        /// The hyperbolic sine.
        sinh => Sinh;
        /// The hyperbolic cosine.
        cosh => Cosh;
        /// The hyperbolic tangent.
        tanh => Tanh;
    }

    /// The number to a power. A whole number to the power of a whole literal from 0 up stays what it is, and an
    /// overflow is an error; all others are computed as floats. Null where either is null.
    #[must_use]
    pub fn pow(self, exponent: impl Into<Expr>) -> Expr {
        Expr::call(Pow, [self, exponent.into()])
    }

    /// The value moved into bounds, as pandas' `clip`: null and NaN stay; a bound that is null or NaN does not bound.
    #[must_use]
    pub fn clip(self, low: impl Into<Expr>, high: impl Into<Expr>) -> Expr {
        Expr::call(Clip, [self, low.into(), high.into()])
    }

    /// The value, or `low` where it is smaller: [`clip`](Self::clip) without an upper bound.
    #[must_use]
    pub fn clip_min(self, low: impl Into<Expr>) -> Expr {
        self.clip(low, Scalar::null())
    }

    /// The value, or `high` where it is larger: [`clip`](Self::clip) without a lower bound.
    #[must_use]
    pub fn clip_max(self, high: impl Into<Expr>) -> Expr {
        self.clip(Scalar::null(), high)
    }
}

/// The smallest of several columns, row by row, as pandas' `min(axis=1)`: null and NaN are skipped; where all are
/// missing it is NaN if one of them is, else null.
pub fn min_of<E: Into<Expr>>(exprs: impl IntoIterator<Item = E>) -> Expr {
    Expr::call(Extreme::Min, exprs.into_iter().map(Into::into))
}

/// The largest of several columns, row by row, as pandas' `max(axis=1)`: see [`min_of`].
pub fn max_of<E: Into<Expr>>(exprs: impl IntoIterator<Item = E>) -> Expr {
    Expr::call(Extreme::Max, exprs.into_iter().map(Into::into))
}
