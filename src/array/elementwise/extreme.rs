//! The smaller and the larger of two.

use super::nodes::Operation;
use super::promote::Operand;
use crate::array::chunked::Array;
use crate::array::element::Element;

/// What is not equal to itself.
#[inline(always)]
#[allow(clippy::eq_op)]
fn is_nan<T: Element>(value: T) -> bool {
    value != value
}

macro_rules! extremes {
    ($($(#[$doc:meta])* $name:ident $operation:ident $left:ident $right:ident $made:expr;)*) => {
        $(
            $(#[$doc])*
            pub struct $operation;

            impl<T: Element> Operation<T> for $operation {
                const NAME: &'static str = stringify!($name);

                #[inline(always)]
                fn apply($left: T, $right: T) -> (T, bool) {
                    ($made, false)
                }
            }
        )*

        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name<O: Operand<T>>(&self, other: O) -> Array<O::Promoted> {
                other.beside(self).run::<$operation>()
            }
        )*}
    };
}

extremes! {
    /// The smaller of both; NaN if either is.
    minimum Minimum left right if left < right || is_nan(left) { left } else { right };
    /// The larger of both; NaN if either is.
    maximum Maximum left right if left > right || is_nan(left) { left } else { right };
    /// The smaller of both; the other one where one is NaN.
    fmin Fmin left right if left <= right || is_nan(right) { left } else { right };
    /// The larger of both; the other one where one is NaN.
    fmax Fmax left right if left >= right || is_nan(right) { left } else { right };
}
