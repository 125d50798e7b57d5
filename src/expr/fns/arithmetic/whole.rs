//! Arithmetic of whole numbers, where an overflow is an error.

use std::sync::Arc;

use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::ArrowNativeTypeOp;

use super::Arithmetic::{self, Add, Div, Mul, Rem, Sub};
use crate::base::{Error, Result};
use crate::expr::Value;
use crate::expr::fns::pairs::{map_pairs, paired, value_at};

/// A whole number whose overflows can be gathered over a whole column without a branch: the wrapped result, and a
/// number whose highest bit is set if it has overflowed.
pub(in crate::expr::fns) trait Whole: ArrowNativeTypeOp {
    fn added(self, other: Self) -> (Self, Self);
    fn subtracted(self, other: Self) -> (Self, Self);
    fn multiplied(self, other: Self) -> (Self, Self);
    /// Either of two marks.
    fn either(self, other: Self) -> Self;
    /// Whether the highest bit is set.
    fn is_marked(self) -> bool;
}

macro_rules! whole {
    (@signed $($t:ty, $mul:expr;)*) => {$(
        impl Whole for $t {
            #[inline(always)]
            fn added(self, y: Self) -> (Self, Self) {
                let r = self.wrapping_add(y);
                (r, (self ^ r) & (y ^ r))
            }
            #[inline(always)]
            fn subtracted(self, y: Self) -> (Self, Self) {
                let r = self.wrapping_sub(y);
                (r, (self ^ y) & (self ^ r))
            }
            whole!(@rest $t, $mul);
        }
    )*};
    (@unsigned $($t:ty, $mul:expr;)*) => {$(
        impl Whole for $t {
            #[inline(always)]
            fn added(self, y: Self) -> (Self, Self) {
                let r = self.wrapping_add(y);
                (r, (self & y) | ((self | y) & !r))
            }
            #[inline(always)]
            fn subtracted(self, y: Self) -> (Self, Self) {
                let r = self.wrapping_sub(y);
                (r, (!self & y) | ((!self | y) & r))
            }
            whole!(@rest $t, $mul);
        }
    )*};
    (@rest $t:ty, $mul:expr) => {
        #[inline(always)]
        fn multiplied(self, y: Self) -> (Self, Self) {
            let f: fn($t, $t) -> ($t, bool) = $mul;
            let (r, over) = f(self, y);
            (r, (over as $t) << (<$t>::BITS - 1))
        }
        #[inline(always)]
        fn either(self, other: Self) -> Self {
            self | other
        }
        #[inline(always)]
        fn is_marked(self) -> bool {
            self >> (<$t>::BITS - 1) & 1 == 1
        }
    };
}

/// The product by way of a type that holds it: for narrow types that vectorises, where the processor's overflow flag
/// does not.
macro_rules! through {
    ($t:ty, $wide:ty) => {
        |x, y| {
            let wide = x as $wide * y as $wide;
            (wide as $t, wide != wide as $t as $wide)
        }
    };
}

whole! { @signed
    i8, through!(i8, i16); i16, through!(i16, i32); i32, i32::overflowing_mul; i64, i64::overflowing_mul;
}
whole! { @unsigned
    u8, through!(u8, u16); u16, through!(u16, u32); u32, u32::overflowing_mul; u64, u64::overflowing_mul;
}

/// Wraps around and notes whether that ever happened; only then looks for a row where both operands are there.
pub(super) fn whole_numbers<T: ArrowPrimitiveType<Native: Whole>>(
    op: Arithmetic,
    a: &Value,
    b: &Value,
) -> Result<Value> {
    type N<T> = <T as ArrowPrimitiveType>::Native;
    type Step<T> = fn(N<T>, N<T>) -> (N<T>, N<T>);
    let mut over = N::<T>::ZERO;
    let (marked, (values, nulls)): (Step<T>, _) = match op {
        Add => (N::<T>::added, map_pairs::<T, T, _>(a, b, |x, y| note(x.added(y), &mut over))),
        Sub => (N::<T>::subtracted, map_pairs::<T, T, _>(a, b, |x, y| note(x.subtracted(y), &mut over))),
        Mul => (N::<T>::multiplied, map_pairs::<T, T, _>(a, b, |x, y| note(x.multiplied(y), &mut over))),
        Rem => return Ok(modulo::<T>(a, b)),
        Div => return Err(Error::types("whole numbers divide as Float64")),
    };
    if over.is_marked() {
        let (x, y) = (a.rows().as_primitive::<T>(), b.rows().as_primitive::<T>());
        let row = (0..values.len()).find(|&i| {
            nulls.as_ref().is_none_or(|n| n.is_valid(i)) && marked(value_at(x, i), value_at(y, i)).1.is_marked()
        });
        if let Some(i) = row {
            let what = format!("{:?} {op} {:?} overflows {}", value_at(x, i), value_at(y, i), T::DATA_TYPE);
            return Err(Error::value(what).help("cast one operand to Int64 or Float64 first"));
        }
    }
    Ok(paired(a, b, Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))))
}

#[inline(always)]
fn note<N: Whole>((result, mark): (N, N), over: &mut N) -> N {
    *over = over.either(mark);
    result
}

/// The remainder with the sign of the divisor; null where the divisor is 0.
fn modulo<T: ArrowPrimitiveType<Native: Whole>>(a: &Value, b: &Value) -> Value {
    type N<T> = <T as ArrowPrimitiveType>::Native;
    let zero = N::<T>::ZERO;
    let (values, nulls) = map_pairs::<T, T, _>(a, b, |x, y| {
        if y == zero {
            return zero;
        }
        let r = x.mod_wrapping(y);
        if r != zero && (r < zero) != (y < zero) { r.add_wrapping(y) } else { r }
    });
    let divisor = b.rows().as_primitive::<T>();
    let zeros = divisor.values().contains(&zero).then(|| {
        NullBuffer::from_iter(
            (0..values.len())
                .map(|i| divisor.is_null(if divisor.len() == 1 { 0 } else { i }) || value_at(divisor, i) != zero),
        )
    });
    let nulls = NullBuffer::union(nulls.as_ref(), zeros.as_ref());
    paired(a, b, Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)))
}
