//! `+ - * / %`, `& | ^ !` and the sign: of arrays, owned or borrowed, and numbers on either side.
//!
//! Types promote as in numpy (see [`promote`](super::promote)); `/` of whole numbers is `f64`. What numpy does silently
//! is an error here, when elements are computed: a whole number that does not fit its type, or is divided by zero.
//! Shapes that do not match are an error that waits (see [`failed`](super::failed)).

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Sub};

use super::nodes::Operation;
use super::number::{Additive, Bits, Number, Real};
use super::promote::{Operand, Pair, Side};
use crate::array::chunked::Array;
use crate::array::element::Element;
use crate::base::Error;

macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident $name:literal $bound:ident $left:ident $right:ident $made:expr;)*) => {$(
        $(#[$doc])*
        pub struct $operation;

        impl<T: $bound> Operation<T> for $operation {
            const NAME: &'static str = $name;

            #[inline(always)]
            fn apply($left: T, $right: T) -> (T, bool) {
                $made
            }
        }
    )*};
}

operations! {
    /// `+`
    Plus "add" Additive left right left.plus(right);
    /// `-`
    Minus "subtract" Number left right left.minus(right);
    /// `*`
    Times "multiply" Additive left right left.times(right);
    /// `&`
    Both "and" Bits left right (left.and(right), false);
    /// `|`
    Either "or" Bits left right (left.or(right), false);
    /// `^`
    OneOf "xor" Bits left right (left.xor(right), false);
}

/// `/` of floating numbers.
pub struct Over;

macro_rules! quotients {
    ($($float:ty)*) => {$(
        impl Operation<$float> for Over {
            const NAME: &'static str = "divide";

            #[inline(always)]
            fn apply(left: $float, right: $float) -> ($float, bool) {
                (left / right, false)
            }
        }
    )*};
}

quotients!(f64 f32);

/// `%`
pub struct Rest;

impl<T: Number> Operation<T> for Rest {
    const NAME: &'static str = "remainder";

    fn apply(left: T, right: T) -> (T, bool) {
        left.remainder(right)
    }

    fn wrong(left: T, right: T) -> Error {
        Error::value(format!("{left:?} % {right:?}: a whole number has no remainder of a division by zero"))
            .help("convert to floating numbers first: astype()")
    }
}

impl<C: Element> Pair<C> {
    /// The operation on both.
    pub(super) fn run<O: Operation<C>>(self) -> Array<C> {
        match self.right {
            Side::Array(right) => self.left.joined::<O>(&right),
            Side::Number(number) => self.left.with_number::<O>(number, false),
        }
    }

    /// The operation on both, what stands beside the array being on the left.
    pub(super) fn turned<O: Operation<C>>(self) -> Array<C> {
        match self.right {
            Side::Array(right) => right.joined::<O>(&self.left),
            Side::Number(number) => self.left.with_number::<O>(number, true),
        }
    }
}

impl<C: Real> Pair<C> {
    /// Both as floating numbers.
    pub(super) fn real(self) -> Pair<C::Real> {
        let right = match self.right {
            Side::Array(right) => Side::Array(right.converted(C::real)),
            Side::Number(number) => Side::Number(number.real()),
        };
        Pair { left: self.left.converted(C::real), right }
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $operation:ident [$($bound:tt)*] [$($output:tt)*] $($real:ident)?;)*) => {$(
        impl<T: Element, O: Operand<T>> $trait<O> for &Array<T>
        where
            O::Promoted: $($bound)*,
        {
            type Output = Array<$($output)*>;

            fn $method(self, other: O) -> Self::Output {
                other.beside(self)$(.$real())?.run::<$operation>()
            }
        }

        impl<T: Element, O: Operand<T>> $trait<O> for Array<T>
        where
            O::Promoted: $($bound)*,
        {
            type Output = Array<$($output)*>;

            fn $method(self, other: O) -> Self::Output {
                other.beside(&self)$(.$real())?.run::<$operation>()
            }
        }
    )*};
}

operators! {
    Add add Plus [Additive] [O::Promoted];
    Sub sub Minus [Number] [O::Promoted];
    Mul mul Times [Additive] [O::Promoted];
    Rem rem Rest [Number] [O::Promoted];
    BitAnd bitand Both [Bits] [O::Promoted];
    BitOr bitor Either [Bits] [O::Promoted];
    BitXor bitxor OneOf [Bits] [O::Promoted];
}

macro_rules! division {
    ($($array:ty),*) => {$(
        impl<T: Element, O: Operand<T>> Div<O> for $array
        where
            O::Promoted: Real,
            Over: Operation<<O::Promoted as Real>::Real>,
        {
            type Output = Array<<O::Promoted as Real>::Real>;

            fn div(self, other: O) -> Self::Output {
                #[allow(clippy::needless_borrow)]
                other.beside(&self).real().run::<Over>()
            }
        }
    )*};
}

division!(&Array<T>, Array<T>);

/// Numbers on the left.
macro_rules! numbers_first {
    ($($number:ident $element:ident $promoted:ty;)*) => {$(
        numbers_first!(@ $number $element; Add add Plus $promoted, Mul mul Times $promoted);
        numbers_first!(@number $promoted, $number $element;);
    )*};
    (@ $number:ident $element:ident; $($trait:ident $method:ident $operation:ident $output:ty),*) => {$(
        impl $trait<&Array<$element>> for $number {
            type Output = Array<$output>;

            fn $method(self, array: &Array<$element>) -> Array<$output> {
                self.beside(array).turned::<$operation>()
            }
        }

        impl $trait<Array<$element>> for $number {
            type Output = Array<$output>;

            fn $method(self, array: Array<$element>) -> Array<$output> {
                $trait::$method(self, &array)
            }
        }
    )*};
    // bool has neither difference nor remainder
    (@number bool, $number:ident $element:ident;) => {
        numbers_first!(@ $number $element; BitAnd bitand Both bool, BitOr bitor Either bool, BitXor bitxor OneOf bool);
    };
    (@number $promoted:ty, $number:ident $element:ident;) => {
        numbers_first!(@ $number $element; Sub sub Minus $promoted, Rem rem Rest $promoted);

        impl Div<&Array<$element>> for $number {
            type Output = Array<<$promoted as Real>::Real>;

            fn div(self, array: &Array<$element>) -> Self::Output {
                self.beside(array).real().turned::<Over>()
            }
        }

        impl Div<Array<$element>> for $number {
            type Output = Array<<$promoted as Real>::Real>;

            fn div(self, array: Array<$element>) -> Self::Output {
                self / &array
            }
        }
    };
}

numbers_first! {
    f64 f64 f64;
    f64 i64 f64;
    f64 i32 f64;
    f64 u8 f64;
    f64 bool f64;
    f32 f32 f32;
    i64 i64 i64;
    i64 bool i64;
    i32 i32 i32;
    i32 f64 f64;
    i32 f32 f32;
    u8 u8 u8;
}

macro_rules! whole_bits_first {
    ($($number:ident)*) => {$(
        numbers_first!(@ $number $number; BitAnd bitand Both $number, BitOr bitor Either $number, BitXor bitxor OneOf $number);
    )*};
}

whole_bits_first!(i64 i32 u8 bool);

/// From 0: the sign turned. It overflows for the lowest whole number.
pub struct Negative;

macro_rules! negatives {
    ($($element:ty, $value:ident => $made:expr;)*) => {$(
        impl Operation<$element> for Negative {
            const NAME: &'static str = "negative";

            #[inline(always)]
            fn apply($value: $element, _: $element) -> ($element, bool) {
                $made
            }

            fn wrong(value: $element, _: $element) -> Error {
                let what = format!("the negative of {value:?} overflows {}", <$element as Element>::DTYPE);
                Error::value(what).help("convert to a wider type first: astype()")
            }
        }

        impl Neg for &Array<$element> {
            type Output = Array<$element>;

            fn neg(self) -> Array<$element> {
                self.with_number::<Negative>(Default::default(), false)
            }
        }

        impl Neg for Array<$element> {
            type Output = Array<$element>;

            fn neg(self) -> Array<$element> {
                -&self
            }
        }
    )*};
}

negatives! {
    f64, value => (-value, false);
    f32, value => (-value, false);
    i64, value => value.overflowing_neg();
    i32, value => value.overflowing_neg();
    u8, value => value.overflowing_neg();
}

/// Every bit turned; of `bool`, its opposite.
pub struct Opposite;

impl<T: Bits> Operation<T> for Opposite {
    const NAME: &'static str = "not";

    #[inline(always)]
    fn apply(value: T, _: T) -> (T, bool) {
        (value.not(), false)
    }
}

impl<T: Bits> Not for &Array<T> {
    type Output = Array<T>;

    fn not(self) -> Array<T> {
        self.with_number::<Opposite>(T::default(), false)
    }
}

impl<T: Bits> Not for Array<T> {
    type Output = Array<T>;

    fn not(self) -> Array<T> {
        !&self
    }
}
