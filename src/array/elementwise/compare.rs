//! Comparisons, logic, and what is NaN: arrays of `bool`.

use super::promote::{Operand, Side};
use crate::array::chunked::Array;
use crate::array::element::{Element, Float};

/// Whether an element is true: not zero. NaN is true, as in Python.
#[inline(always)]
fn truth<T: Element>(value: T) -> bool {
    value != T::default()
}

macro_rules! relations {
    ($($(#[$doc:meta])* $name:ident $label:literal $left:ident $right:ident $holds:expr;)*) => {
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self, other: impl Operand<T>) -> Array<bool> {
                let pair = other.beside(self);
                match pair.right {
                    Side::Array(right) => pair.left.related($label, &right, |$left, $right| $holds),
                    Side::Number($right) => pair.left.each($label, vec![$right.bits()], move |$left| $holds),
                }
            }
        )*}
    };
}

relations! {
    /// Where it is equal to another array, or a number. NaN is equal to nothing.
    eq "equal" left right left == right;
    /// Where it is not equal. NaN is not equal to itself.
    ne "not_equal" left right left != right;
    /// Where it is less. False for NaN.
    lt "less" left right left < right;
    /// Where it is less or equal. False for NaN.
    le "less_equal" left right left <= right;
    /// Where it is greater. False for NaN.
    gt "greater" left right left > right;
    /// Where it is greater or equal. False for NaN.
    ge "greater_equal" left right left >= right;
    /// Where both are true: not zero.
    logical_and "logical_and" left right truth(left) & truth(right);
    /// Where either is true.
    logical_or "logical_or" left right truth(left) | truth(right);
    /// Where one is true and the other is not.
    logical_xor "logical_xor" left right truth(left) ^ truth(right);
}

impl<T: Element> Array<T> {
    /// Where it is zero, or false.
    #[must_use]
    pub fn logical_not(&self) -> Array<bool> {
        self.each("logical_not", Vec::new(), |value| !truth(value))
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $function:expr;)*) => {
        impl<T: Float> Array<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> Array<bool> {
                let function: fn(f64) -> bool = $function;
                self.each(stringify!($name), Vec::new(), move |value| function(value.to_f64()))
            }
        )*}
    };
}

kinds! {
    /// Where it is NaN.
    isnan f64::is_nan;
    /// Where it is infinite, of either sign.
    isinf f64::is_infinite;
    /// Where it is neither infinite nor NaN.
    isfinite f64::is_finite;
    /// Where its sign is set: also of -0.0.
    signbit f64::is_sign_negative;
}
