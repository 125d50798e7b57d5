//! One of two, by a condition; within bounds; numbers in place of NaN.

use super::extreme::{Maximum, Minimum};
use super::promote::{Operand, Side};
use crate::array::chunked::Array;
use crate::array::create::full;
use crate::array::element::{Element, Float};

/// The elements of `yes` where the condition holds, and of `no`, an array or a number, where it does not (numpy's
/// `where`). All are broadcast to one shape.
///
/// ```
/// use partita::array::{arange, where_};
/// let x = arange(-2.0, 3.0, 1.0, 2)?;
/// let positive = where_(&x.gt(0.0), &x, 0.0);
/// assert_eq!(positive.compute()?.as_slice(), Some(&[0.0, 0.0, 0.0, 1.0, 2.0][..]));
/// # Ok::<(), partita::Error>(())
/// ```
#[must_use]
pub fn where_<T: Element, O: Operand<T>>(condition: &Array<bool>, yes: &Array<T>, no: O) -> Array<O::Promoted> {
    let pair = no.beside(yes);
    match pair.right {
        Side::Array(no) => pair.left.chosen(condition, &no),
        Side::Number(number) => match full([], number, "auto") {
            Ok(no) => pair.left.chosen(condition, &no),
            Err(error) => pair.left.failed(error.into(), pair.left.shape()),
        },
    }
}

impl Array<bool> {
    /// One number where it is true, another where it is not.
    #[must_use]
    pub fn choose<T: Element>(&self, yes: T, no: T) -> Array<T> {
        self.each("choose", vec![yes.bits(), no.bits()], move |holds| if holds { yes } else { no })
    }
}

impl<T: Element> Array<T> {
    /// Not below `lowest` and not above `highest`; NaN stays. Where the bounds are the wrong way round, all is `highest`.
    #[must_use]
    pub fn clip(&self, lowest: T, highest: T) -> Array<T> {
        self.with_number::<Maximum>(lowest, false).with_number::<Minimum>(highest, false)
    }
}

impl<T: Float> Array<T> {
    /// Zero in place of NaN, the largest and the lowest number in place of infinities.
    #[must_use]
    pub fn nan_to_num(&self) -> Array<T> {
        self.nan_to_num_with(T::default(), T::LARGEST, T::from_f64(-T::LARGEST.to_f64()))
    }

    /// These numbers in place of NaN and of the infinities above and below.
    #[must_use]
    pub fn nan_to_num_with(&self, nan: T, above: T, below: T) -> Array<T> {
        let bits = vec![nan.bits(), above.bits(), below.bits()];
        self.each("nan_to_num", bits, move |value| match value.to_f64() {
            number if number.is_nan() => nan,
            f64::INFINITY => above,
            f64::NEG_INFINITY => below,
            _ => value,
        })
    }
}
