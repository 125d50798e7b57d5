//! The product of two panels in memory.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::super::element::Element;

/// Elements that matrices can be multiplied of.
pub trait Multiply: Element {
    /// Adds the product of `left`, of `shape.0` rows and `shape.1` columns, and `right`, of `shape.1` rows and `shape.2` columns,
    /// to `out`; the last axis runs fastest. Whole numbers wrap around, as in numpy; of booleans it is "and", added by "or".
    fn multiply(left: &[Self], right: &[Self], out: &mut [Self], shape: (usize, usize, usize));

    /// Adds partial results.
    fn add(out: &mut [Self], more: &[Self]);
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Multiply for $float {
            fn multiply(left: &[$float], right: &[$float], out: &mut [$float], (rows, inner, columns): (usize, usize, usize)) {
                let left = ArrayView2::from_shape((rows, inner), left);
                let right = ArrayView2::from_shape((inner, columns), right);
                let out = ArrayViewMut2::from_shape((rows, columns), out);
                if let (Ok(left), Ok(right), Ok(mut out)) = (left, right, out) {
                    general_mat_mul(1.0, &left, &right, 1.0, &mut out);
                }
            }

            fn add(out: &mut [$float], more: &[$float]) {
                out.iter_mut().zip(more).for_each(|(out, more)| *out += more);
            }
        }
    )*};
}

floats!(f64 f32);

macro_rules! others {
    ($($whole:ty, $sum:expr, $product:expr;)*) => {$(
        impl Multiply for $whole {
            fn multiply(left: &[$whole], right: &[$whole], out: &mut [$whole], (_, inner, columns): (usize, usize, usize)) {
                let (sum, product): (fn($whole, $whole) -> $whole, fn($whole, $whole) -> $whole) = ($sum, $product);
                let rows = left.chunks(inner.max(1)).zip(out.chunks_mut(columns.max(1)));
                for (left, out) in rows {
                    for (&left, right) in left.iter().zip(right.chunks(columns.max(1))) {
                        out.iter_mut().zip(right).for_each(|(out, &right)| *out = sum(*out, product(left, right)));
                    }
                }
            }

            fn add(out: &mut [$whole], more: &[$whole]) {
                let sum: fn($whole, $whole) -> $whole = $sum;
                out.iter_mut().zip(more).for_each(|(out, &more)| *out = sum(*out, more));
            }
        }
    )*};
}

others! {
    i64, i64::wrapping_add, i64::wrapping_mul;
    i32, i32::wrapping_add, i32::wrapping_mul;
    u8, u8::wrapping_add, u8::wrapping_mul;
    bool, |a, b| a | b, |a, b| a & b;
}
