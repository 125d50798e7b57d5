//! Powers, hypotenuses, angles, and quotients rounded down.

use super::nodes::Operation;
use super::number::{Number, Real};
use super::promote::Operand;
use crate::array::chunked::Array;
use crate::array::element::{Element, Float};
use crate::base::Error;

/// What is done to numbers.
type Kernel = dyn Fn(&mut [f64]) + Send + Sync;

/// To a power.
pub struct Power;

impl<T: Number> Operation<T> for Power {
    const NAME: &'static str = "power";

    fn apply(left: T, right: T) -> (T, bool) {
        left.raised(right)
    }

    fn wrong(left: T, right: T) -> Error {
        let what = match right < T::default() {
            true => format!("{left:?} to the power of {right:?}: whole numbers have no negative powers"),
            false => format!("{left:?} to the power of {right:?} overflows {}", T::DTYPE),
        };
        Error::value(what).help("convert to floating numbers first: astype()")
    }
}

/// The quotient rounded down.
pub struct FloorDivide;

impl<T: Number> Operation<T> for FloorDivide {
    const NAME: &'static str = "floor_divide";

    fn apply(left: T, right: T) -> (T, bool) {
        left.floor_quotient(right)
    }

    fn wrong(left: T, right: T) -> Error {
        let what = match right == T::default() {
            true => format!("{left:?} cannot be divided by zero"),
            false => format!("{left:?} divided by {right:?} overflows {}", T::DTYPE),
        };
        Error::value(what).help("convert to floating numbers first: astype()")
    }
}

macro_rules! of_floats {
    ($($operation:ident $name:literal $function:path;)*) => {$(
        /// A function of two floating numbers.
        pub struct $operation;

        impl<T: Float> Operation<T> for $operation {
            const NAME: &'static str = $name;

            fn apply(left: T, right: T) -> (T, bool) {
                (T::from_f64($function(left.to_f64(), right.to_f64())), false)
            }
        }
    )*};
}

of_floats! {
    Hypot "hypot" f64::hypot;
    Arctan2 "arctan2" f64::atan2;
}

impl<T: Element> Array<T> {
    /// To the power of another array, or a number. Whole numbers stay whole, and have no negative powers.
    #[must_use]
    pub fn power<O: Operand<T, Promoted: Number>>(&self, exponent: O) -> Array<O::Promoted> {
        exponent.beside(self).run::<Power>()
    }

    /// The quotient rounded down (Python's `//`), of an array or a number.
    #[must_use]
    pub fn floor_divide<O: Operand<T, Promoted: Number>>(&self, divisor: O) -> Array<O::Promoted> {
        divisor.beside(self).run::<FloorDivide>()
    }

    /// The length of the hypotenuse over this side and another.
    #[must_use]
    pub fn hypot<O: Operand<T, Promoted: Real>>(&self, other: O) -> Array<<O::Promoted as Real>::Real> {
        other.beside(self).real().run::<Hypot>()
    }

    /// The angle of the point that is so far right as `x` says, and as far up as this does: from -π to π.
    #[must_use]
    pub fn arctan2<O: Operand<T, Promoted: Real>>(&self, x: O) -> Array<<O::Promoted as Real>::Real> {
        x.beside(self).real().run::<Arctan2>()
    }
}

/// What takes floating numbers to a power.
pub(super) fn kernel(exponent: f64) -> Box<Kernel> {
    match exponent {
        1.0 => Box::new(|_| ()),
        2.0 => Box::new(super::kernels::square),
        -1.0 => Box::new(super::kernels::reciprocal),
        0.5 => Box::new(super::kernels::sqrt),
        _ => Box::new(move |values| values.iter_mut().for_each(|value| *value = value.powf(exponent))),
    }
}

impl<T: Float> Array<T> {
    /// To the power of a number; 2, -1 and ½ by way of the square, the reciprocal and the square root.
    #[must_use]
    pub fn powf(&self, exponent: f64) -> Array<T> {
        self.function("powf", vec![exponent.to_bits()], kernel(exponent))
    }
}

impl<T: Number> Array<T> {
    /// To the power of a whole number. Whole numbers stay whole; a negative power of them, or one that does not fit their
    /// type, is an error when it is computed.
    ///
    /// ```
    /// use partita::array::arange;
    /// assert_eq!(arange(1, 4, 1, "auto")?.powi(3).compute()?.as_slice(), Some(&[1i64, 8, 27][..]));
    /// assert_eq!(arange(1.0, 3.0, 1.0, "auto")?.powi(-1).compute()?.as_slice(), Some(&[1.0, 0.5][..]));
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn powi(&self, exponent: i32) -> Array<T> {
        self.changed("powi", vec![exponent as u64], move |values| {
            let Some(wrong) = T::raise(values, exponent) else { return Ok(()) };
            let what = match exponent < 0 {
                true => format!("{wrong:?} to the power of {exponent}: whole numbers have no negative powers"),
                false => format!("{wrong:?} to the power of {exponent} overflows {}", T::DTYPE),
            };
            Err(Error::value(what).help("convert to floating numbers first: astype()"))
        })
    }
}
