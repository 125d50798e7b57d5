//! Which type two types have together, and what may stand beside an array: numpy's rules.
//!
//! | | f64 | f32 | i64 | i32 | u8 | bool |
//! |---|---|---|---|---|---|---|
//! | **f64** | f64 | f64 | f64 | f64 | f64 | f64 |
//! | **f32** | f64 | f32 | f64 | f64 | f32 | f32 |
//! | **i64** | f64 | f64 | i64 | i64 | i64 | i64 |
//! | **i32** | f64 | f64 | i64 | i32 | i32 | i32 |
//! | **u8** | f64 | f32 | i64 | i32 | u8 | u8 |
//! | **bool** | f64 | f32 | i64 | i32 | u8 | bool |
//!
//! A number beside an array is weak, as a number of Python is beside an array of numpy 2: `&x + 1` and `&x + 1.0` keep the
//! type of floating arrays, `&x + 1` that of whole ones; `&x + 1.5` is `f64` where `x` is whole.

use std::any::Any;

use crate::array::chunked::Array;
use crate::array::element::Element;

/// Types that have one together.
pub trait Promote<U: Element>: Element {
    /// The type.
    type Promoted: Element;

    /// As that type.
    fn promoted(self) -> Self::Promoted;

    /// The other one as that type.
    fn other(other: U) -> Self::Promoted;
}

/// `as`, which there is not from `bool` to floating numbers.
macro_rules! converted {
    ($value:expr, bool => bool) => {
        $value
    };
    ($value:expr, bool => f64) => {
        f64::from(u8::from($value))
    };
    ($value:expr, bool => f32) => {
        f32::from(u8::from($value))
    };
    ($value:expr, $from:tt => $to:tt) => {
        $value as $to
    };
}

macro_rules! promotions {
    ($($left:tt: $($right:tt $promoted:tt),*;)*) => {$($(
        impl Promote<$right> for $left {
            type Promoted = $promoted;

            #[inline(always)]
            fn promoted(self) -> $promoted {
                converted!(self, $left => $promoted)
            }

            #[inline(always)]
            fn other(other: $right) -> $promoted {
                converted!(other, $right => $promoted)
            }
        }
    )*)*};
}

promotions! {
    f64: f64 f64, f32 f64, i64 f64, i32 f64, u8 f64, bool f64;
    f32: f64 f64, f32 f32, i64 f64, i32 f64, u8 f32, bool f32;
    i64: f64 f64, f32 f64, i64 i64, i32 i64, u8 i64, bool i64;
    i32: f64 f64, f32 f64, i64 i64, i32 i32, u8 i32, bool i32;
    u8: f64 f64, f32 f32, i64 i64, i32 i32, u8 u8, bool u8;
    bool: f64 f64, f32 f32, i64 i64, i32 i32, u8 u8, bool bool;
}

/// An array and what stands beside it, of one type.
pub struct Pair<C> {
    pub(super) left: Array<C>,
    pub(super) right: Side<C>,
}

/// What stands beside an array.
pub enum Side<C> {
    /// An array, whose shape has to match.
    Array(Array<C>),
    /// A number: the same everywhere.
    Number(C),
}

/// What may stand beside an array of `T`: an array, or a number.
pub trait Operand<T: Element> {
    /// The type of both together.
    type Promoted: Element;

    /// Both, as that type.
    fn beside(self, left: &Array<T>) -> Pair<Self::Promoted>;
}

impl<T: Promote<U>, U: Element> Operand<T> for &Array<U> {
    type Promoted = T::Promoted;

    fn beside(self, left: &Array<T>) -> Pair<T::Promoted> {
        Pair { left: left.converted(T::promoted), right: Side::Array(self.converted(T::other)) }
    }
}

impl<T: Promote<U>, U: Element> Operand<T> for Array<U> {
    type Promoted = T::Promoted;

    fn beside(self, left: &Array<T>) -> Pair<T::Promoted> {
        (&self).beside(left)
    }
}

macro_rules! numbers {
    ($($number:tt: $($element:tt $promoted:tt),*;)*) => {$($(
        impl Operand<$element> for $number {
            type Promoted = $promoted;

            fn beside(self, left: &Array<$element>) -> Pair<$promoted> {
                let left = left.converted(|value: $element| converted!(value, $element => $promoted));
                Pair { left, right: Side::Number(converted!(self, $number => $promoted)) }
            }
        }
    )*)*};
}

numbers! {
    f64: f64 f64, i64 f64, i32 f64, u8 f64, bool f64;
    f32: f32 f32;
    i64: i64 i64, bool i64;
    i32: i32 i32, f64 f64, f32 f32;
    u8: u8 u8;
    bool: bool bool;
}

impl<T: Element> Array<T> {
    /// The elements as a type that holds them; itself if they are of that type.
    pub(in crate::array) fn converted<U: Element>(
        &self,
        function: impl Fn(T) -> U + Copy + Send + Sync + 'static,
    ) -> Array<U> {
        match (self as &dyn Any).downcast_ref::<Array<U>>() {
            Some(same) => same.clone(),
            None => self.each("astype", Vec::new(), function),
        }
    }
}
