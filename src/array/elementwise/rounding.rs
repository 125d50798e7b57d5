//! To whole numbers and digits.

use super::kernels;
use crate::array::chunked::Array;
use crate::array::element::Float;

macro_rules! roundings {
    ($($(#[$doc:meta])* $name:ident $function:path;)*) => {
        impl<T: Float> Array<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self) -> Array<T> {
                self.function(stringify!($name), Vec::new(), |values| kernels::map(values, $function))
            }
        )*}
    };
}

roundings! {
    /// The whole number not above it.
    floor f64::floor;
    /// The whole number not below it.
    ceil f64::ceil;
    /// Without its fraction.
    trunc f64::trunc;
    /// The nearest whole number; of two, the even one.
    rint f64::round_ties_even;
}

impl<T: Float> Array<T> {
    /// To so many digits after the point, before it if negative; of two, to the even one. As numpy, by way of the
    /// product with a power of ten.
    #[must_use]
    pub fn round(&self, decimals: i32) -> Array<T> {
        let scale = T::from_f64(10f64.powi(decimals.saturating_abs()));
        let (bits, up) = (vec![decimals as u64], decimals >= 0);
        self.changed("round", bits, move |values| {
            for value in values {
                let by = scale.to_f64();
                // each step is rounded to the type of the elements
                let step = |number: f64| T::from_f64(number).to_f64();
                let scaled = step(if up { value.to_f64() * by } else { value.to_f64() / by }).round_ties_even();
                *value = T::from_f64(if up { scaled / by } else { scaled * by });
            }
            Ok(())
        })
    }
}
