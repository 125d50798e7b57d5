//! The product of two panels in memory.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::super::elementwise::Additive;

/// Elements that matrices can be multiplied of.
pub trait Multiply: Additive {
    /// Adds the product of `left`, of `shape.0` rows and `shape.1` columns, and `right`, of `shape.1` rows and `shape.2` columns,
    /// to `out`; the last axis runs fastest. Of booleans it is "and", added by "or". Says whether a whole number was too
    /// large for its type.
    fn multiply(left: &[Self], right: &[Self], out: &mut [Self], shape: (usize, usize, usize)) -> bool;

    /// Adds partial results, and says the same.
    fn add(out: &mut [Self], more: &[Self]) -> bool;
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Multiply for $float {
            fn multiply(left: &[$float], right: &[$float], out: &mut [$float], shape: (usize, usize, usize)) -> bool {
                let left = ArrayView2::from_shape((shape.0, shape.1), left);
                let right = ArrayView2::from_shape((shape.1, shape.2), right);
                let out = ArrayViewMut2::from_shape((shape.0, shape.2), out);
                if let (Ok(left), Ok(right), Ok(mut out)) = (left, right, out) {
                    general_mat_mul(1.0, &left, &right, 1.0, &mut out);
                }
                false
            }

            fn add(out: &mut [$float], more: &[$float]) -> bool {
                out.iter_mut().zip(more).for_each(|(out, more)| *out += more);
                false
            }
        }
    )*};
}

floats!(f64 f32);

/// Adds to sums, and says whether one was too large.
fn added<T: Additive>(out: &mut [T], more: impl Iterator<Item = (T, bool)>) -> bool {
    let mut wrong = false;
    for (out, (more, bad)) in out.iter_mut().zip(more) {
        let (sum, too_large) = out.plus(more);
        *out = sum;
        wrong |= bad | too_large;
    }
    wrong
}

macro_rules! others {
    ($($whole:ty)*) => {$(
        impl Multiply for $whole {
            fn multiply(left: &[$whole], right: &[$whole], out: &mut [$whole], shape: (usize, usize, usize)) -> bool {
                let (inner, columns) = (shape.1.max(1), shape.2.max(1));
                let mut wrong = false;
                for (left, out) in left.chunks(inner).zip(out.chunks_mut(columns)) {
                    for (&left, right) in left.iter().zip(right.chunks(columns)) {
                        wrong |= added(out, right.iter().map(|&right| left.times(right)));
                    }
                }
                wrong
            }

            fn add(out: &mut [$whole], more: &[$whole]) -> bool {
                added(out, more.iter().map(|&more| (more, false)))
            }
        }
    )*};
}

others!(i64 i32 u8 bool);
