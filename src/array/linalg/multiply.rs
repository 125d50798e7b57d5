//! The product of two panels in memory.

use gemm::Parallelism;

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

/// Adds the product of two matrices by the kernels of `gemm`, which take the widest registers there are: this is nine tenths
/// of the time of a product.
#[allow(unsafe_code)]
fn floating<T: Copy + 'static>(left: &[T], right: &[T], out: &mut [T], shape: (usize, usize, usize), one: T) {
    let (rows, inner, columns) = shape;
    let fits = [(left.len(), rows, inner), (right.len(), inner, columns), (out.len(), rows, columns)];
    assert!(fits.into_iter().all(|(len, a, b)| a.checked_mul(b) == Some(len)), "matrices of {shape:?}");
    // SAFETY: an element at row r and column c of a matrix of n columns is read, or written, at r · n + c. With the lengths
    // above that lies inside each slice. `out` is borrowed alone, so that nothing else reads or writes it. `T` is f32 or f64,
    // the types of the macro below, for which there are kernels; it is plain data.
    unsafe {
        let (down, across) = (columns as isize, inner as isize);
        let (out, left, right) = (out.as_mut_ptr(), left.as_ptr(), right.as_ptr());
        let add = true;
        gemm::gemm(
            rows,
            columns,
            inner,
            out,
            1,
            down,
            add,
            left,
            1,
            across,
            right,
            1,
            down,
            one,
            one,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Multiply for $float {
            fn multiply(left: &[$float], right: &[$float], out: &mut [$float], shape: (usize, usize, usize)) -> bool {
                floating(left, right, out, shape, 1.0);
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

#[cfg(test)]
mod tests {
    use super::Multiply;

    /// The slow twin of the kernel.
    fn slowly(left: &[f64], right: &[f64], out: &mut [f64], (rows, inner, columns): (usize, usize, usize)) {
        for row in 0..rows {
            for column in 0..columns {
                let products = (0..inner).map(|k| left[row * inner + k] * right[k * columns + column]);
                out[row * columns + column] += products.sum::<f64>();
            }
        }
    }

    #[test]
    fn the_kernel_and_its_slow_twin() {
        for shape @ (rows, inner, columns) in [
            (1, 1, 1),
            (3, 5, 7),
            (0, 4, 2),
            (2, 0, 3),
            (4, 2, 0),
            (17, 33, 9),
            (70, 130, 65),
            (1, 300, 1),
            (129, 1, 67),
        ] {
            // whole numbers, so that any order of additions gives the same
            let number = |i: usize| (i * 37 % 101) as f64 - 50.0;
            let left: Vec<f64> = (0..rows * inner).map(number).collect();
            let right: Vec<f64> = (0..inner * columns).map(|i| number(i + 7)).collect();
            let mut out: Vec<f64> = (0..rows * columns).map(number).collect();
            let mut twin = out.clone();
            f64::multiply(&left, &right, &mut out, shape);
            slowly(&left, &right, &mut twin, shape);
            assert_eq!(out, twin, "{shape:?}");
            let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
            let mut out: Vec<f32> = (0..rows * columns).map(|i| number(i) as f32).collect();
            f32::multiply(&narrow(&left), &narrow(&right), &mut out, shape);
            assert_eq!(out, narrow(&twin), "{shape:?}");
        }
    }
}
