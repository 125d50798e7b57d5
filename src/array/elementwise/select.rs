//! One of two, by a condition; within bounds; numbers in place of NaN.

use super::extreme::{Maximum, Minimum};
use super::promote::{Operand, Promote, Side};
use crate::array::chunked::Array;
use crate::array::create::full;
use crate::array::element::{Element, Float};

/// What may stand where a condition holds, beside what stands where it does not: an array or a number each.
pub trait Choice<O> {
    /// The type of both together.
    type Promoted: Element;

    /// One where the condition holds, the other where it does not.
    fn where_(self, condition: &Array<bool>, no: O) -> Array<Self::Promoted>;
}

/// The elements of `yes` where the condition holds, and of `no` where it does not; each is an array or a number (numpy's
/// `where`). All are broadcast to one shape. Types promote as with `+`: a number beside an array takes the type of the
/// array where it can.
///
/// ```
/// use partita::array::{arange, where_};
/// let x = arange(-2.0, 3.0, 1.0, 2)?;
/// let positive = where_(&x.gt(0.0), &x, 0.0);
/// assert_eq!(positive.compute()?.as_slice(), Some(&[0.0, 0.0, 0.0, 1.0, 2.0][..]));
/// let sign = where_(&x.lt(0.0), -1, where_(&x.gt(0.0), 1, 0));
/// assert_eq!(sign.compute()?.as_slice(), Some(&[-1i64, -1, 0, 1, 1][..]));
/// # Ok::<(), partita::Error>(())
/// ```
#[must_use]
pub fn where_<Y: Choice<N>, N>(condition: &Array<bool>, yes: Y, no: N) -> Array<Y::Promoted> {
    yes.where_(condition, no)
}

impl<T: Element, O: Operand<T>> Choice<O> for &Array<T> {
    type Promoted = O::Promoted;

    fn where_(self, condition: &Array<bool>, no: O) -> Array<O::Promoted> {
        let pair = no.beside(self);
        match pair.right {
            Side::Array(no) => pair.left.chosen(condition, &no),
            Side::Number(number) => pair.left.chosen(condition, &everywhere(number, &pair.left)),
        }
    }
}

impl<T: Element, O: Operand<T>> Choice<O> for Array<T> {
    type Promoted = O::Promoted;

    fn where_(self, condition: &Array<bool>, no: O) -> Array<O::Promoted> {
        (&self).where_(condition, no)
    }
}

/// A number as an array of no axes, for the session of another one.
fn everywhere<T: Element, U: Element>(number: T, beside: &Array<U>) -> Array<T> {
    match full([], number, "auto") {
        Ok(number) => number.in_session(beside.session()),
        Err(error) => beside.failed(error.into(), beside.shape()),
    }
}

macro_rules! numbers {
    ($($number:ident)*) => {$(
        impl<T: Element> Choice<&Array<T>> for $number
        where
            $number: Operand<T>,
        {
            type Promoted = <$number as Operand<T>>::Promoted;

            fn where_(self, condition: &Array<bool>, no: &Array<T>) -> Array<Self::Promoted> {
                no.where_(&condition.logical_not(), self)
            }
        }

        impl<T: Element> Choice<Array<T>> for $number
        where
            $number: Operand<T>,
        {
            type Promoted = <$number as Operand<T>>::Promoted;

            fn where_(self, condition: &Array<bool>, no: Array<T>) -> Array<Self::Promoted> {
                self.where_(condition, &no)
            }
        }
    )*};
}

numbers!(f64 f32 i64 i32 u8 bool);

/// Two numbers: whole ones are `i64`, as in numpy. Others are not among them, so that `1` and `0` mean these.
macro_rules! pairs {
    ($($yes:ident $no:ident $promoted:ident)*) => {$(
        impl Choice<$no> for $yes {
            type Promoted = $promoted;

            fn where_(self, condition: &Array<bool>, no: $no) -> Array<$promoted> {
                condition.choose(<$yes as Promote<$no>>::promoted(self), <$yes as Promote<$no>>::other(no))
            }
        }
    )*};
}

pairs!(f64 f64 f64 f32 f32 f32 i64 i64 i64 bool bool bool f64 i64 f64 i64 f64 f64);

impl Array<bool> {
    /// One number where it is true, another of the same type where it is not.
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
