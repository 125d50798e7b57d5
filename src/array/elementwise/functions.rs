//! Functions of one number. Those of whole numbers and `bool` are `f64`.

use super::kernels;
use super::nodes::Operation;
use super::number::{Number, Real};
use crate::array::chunked::Array;
use crate::array::element::Float;
use crate::base::Error;

impl<T: Float> Array<T> {
    /// What a kernel makes of the elements, in 64 bits.
    pub(super) fn function(
        &self,
        name: &'static str,
        bits: Vec<u64>,
        kernel: impl Fn(&mut [f64]) + Send + Sync + 'static,
    ) -> Array<T> {
        self.changed(name, bits, move |values| {
            T::with_f64(values, &kernel);
            Ok(())
        })
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident: $kernel:expr;)*) => {
        impl<T: Real> Array<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> Array<T::Real> {
                self.converted(T::real).function(stringify!($name), Vec::new(), $kernel)
            }
        )*}
    };
}

macro_rules! one_by_one {
    ($($(#[$doc:meta])* $name:ident: $function:expr;)*) => {
        functions! {$(
            $(#[$doc])*
            $name: |values: &mut [f64]| values.iter_mut().for_each(|value| {
                let function: fn(f64) -> f64 = $function;
                *value = function(*value);
            });
        )*}
    };
}

/// The standard library doubles a number, which overflows beyond this one; 1 is nothing there.
const FAR: f64 = 1e300;

fn arcsinh(value: f64) -> f64 {
    let size = value.abs();
    if size > FAR { (size.ln() + std::f64::consts::LN_2).copysign(value) } else { value.asinh() }
}

fn arccosh(value: f64) -> f64 {
    if value > FAR { value.ln() + std::f64::consts::LN_2 } else { value.acosh() }
}

functions! {
    /// The sine, of radians.
    sin: kernels::sin;
    /// The cosine, of radians.
    cos: kernels::cos;
    /// e to the power of it.
    exp: kernels::exp;
    /// The natural logarithm; NaN below zero.
    log: kernels::log;
    /// The square root; NaN below zero.
    sqrt: kernels::sqrt;
    /// From degrees to radians.
    radians: |values| kernels::map(values, |value| value * (std::f64::consts::PI / 180.0));
    /// From radians to degrees.
    degrees: |values| kernels::map(values, |value| value * (180.0 / std::f64::consts::PI));
}

one_by_one! {
    /// The tangent, of radians.
    tan: f64::tan;
    /// The angle with that sine.
    arcsin: f64::asin;
    /// The angle with that cosine.
    arccos: f64::acos;
    /// The angle with that tangent.
    arctan: f64::atan;
    /// The hyperbolic sine.
    sinh: f64::sinh;
    /// The hyperbolic cosine.
    cosh: f64::cosh;
    /// The hyperbolic tangent.
    tanh: f64::tanh;
    /// The inverse of the hyperbolic sine.
    arcsinh: arcsinh;
    /// The inverse of the hyperbolic cosine.
    arccosh: arccosh;
    /// The inverse of the hyperbolic tangent.
    arctanh: f64::atanh;
    /// 2 to the power of it.
    exp2: f64::exp2;
    /// e to the power of it, less 1: exact where it is small.
    expm1: f64::exp_m1;
    /// The logarithm to base 2.
    log2: f64::log2;
    /// The logarithm to base 10.
    log10: f64::log10;
    /// The logarithm of it and 1: exact where it is small.
    log1p: f64::ln_1p;
    /// The cube root.
    cbrt: f64::cbrt;
}

impl<T: Float> Array<T> {
    /// 1 divided by it.
    #[must_use]
    pub fn reciprocal(&self) -> Array<T> {
        self.function("reciprocal", Vec::new(), kernels::reciprocal)
    }
}

macro_rules! of_one {
    ($($operation:ident $name:literal $value:ident $made:expr;)*) => {$(
        /// A function of one number that may not fit its type.
        pub struct $operation;

        impl<T: Number> Operation<T> for $operation {
            const NAME: &'static str = $name;

            #[inline(always)]
            fn apply($value: T, _: T) -> (T, bool) {
                $made
            }

            fn wrong(value: T, _: T) -> Error {
                let what = format!("{} of {value:?} overflows {}", $name, T::DTYPE);
                Error::value(what).help("convert to a wider type first: astype()")
            }
        }
    )*};
}

of_one! {
    Absolute "abs" value value.magnitude();
    Square "square" value value.times(value);
    Sign "sign" value (value.sign(), false);
}

impl<T: Number> Array<T> {
    /// Without its sign.
    #[must_use]
    pub fn abs(&self) -> Array<T> {
        self.with_number::<Absolute>(T::default(), false)
    }

    /// Multiplied by itself.
    #[must_use]
    pub fn square(&self) -> Array<T> {
        self.with_number::<Square>(T::default(), false)
    }

    /// -1, 0 or 1; NaN of NaN.
    #[must_use]
    pub fn sign(&self) -> Array<T> {
        self.with_number::<Sign>(T::default(), false)
    }
}
