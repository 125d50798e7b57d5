//! Elements that can be added up and ordered.

use super::super::element::{Element, Float};
use super::compensated::{Compensated, row_sum};
use super::prod::{Product, Scaled, WholeProduct};
use super::sum::Whole;
use crate::base::Result;

/// Elements that can be added up and ordered: all types that arrays hold.
pub trait Number: Element {
    /// Their sums and products: `i64` for whole numbers (also of `u8`, whose sums are `uint64` in numpy: there is no such
    /// array here), else their own type.
    type Sum: Element;
    /// Their means: their own type where it has fractions, else `f64`.
    type Real: Float + Number<Real = Self::Real>;
    /// What a sum goes on from: two of these.
    #[doc(hidden)]
    type Carry: Number;
    #[doc(hidden)]
    type Total: Total<Self>;
    #[doc(hidden)]
    type Product: Product<Self>;

    /// The nearest floating number.
    fn as_f64(self) -> f64;

    /// The difference, rounded once.
    fn minus(self, other: Self) -> f64;

    /// A number that orders them: NaN after all others, the zero below 0 just before 0.
    fn key(self) -> u64;

    /// The element of a key.
    fn from_key(key: u64) -> Self;

    /// Whether it is no number.
    fn is_nan(self) -> bool {
        self.partial_cmp(&self).is_none()
    }
}

/// What is known of a sum.
pub trait Total<T: Number>: Clone + Default + Send + Sync + 'static {
    /// Takes in an element.
    fn add(&mut self, value: T);
    /// Takes in a row.
    fn add_row(&mut self, values: &[T]);
    /// Takes in another sum.
    fn merge(&mut self, later: &Self);
    /// The sum.
    ///
    /// # Errors
    /// `Value` when it is too large.
    fn value(&self) -> Result<T::Sum>;
    /// The nearest floating number.
    fn as_f64(&self) -> f64;
    /// All that is known of it.
    fn carry(&self) -> [T::Carry; 2];
    /// The sum of which this is known.
    fn of(carry: [T::Carry; 2]) -> Self;
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Total<$float> for Compensated {
            #[inline]
            fn add(&mut self, value: $float) {
                Compensated::add(self, f64::from(value));
            }

            fn add_row(&mut self, values: &[$float]) {
                Compensated::add(self, row_sum(values, f64::from));
            }

            fn merge(&mut self, later: &Compensated) {
                Compensated::merge(self, later);
            }

            #[inline]
            fn value(&self) -> Result<$float> {
                Ok(Compensated::value(self) as $float)
            }

            fn as_f64(&self) -> f64 {
                Compensated::value(self)
            }

            fn carry(&self) -> [f64; 2] {
                [self.sum, self.lost]
            }

            fn of(carry: [f64; 2]) -> Compensated {
                Compensated { sum: carry[0], lost: carry[1] }
            }
        }

        impl Number for $float {
            type Sum = $float;
            type Real = $float;
            type Carry = f64;
            type Total = Compensated;
            type Product = Scaled;

            fn as_f64(self) -> f64 {
                f64::from(self)
            }

            fn minus(self, other: $float) -> f64 {
                f64::from(self) - f64::from(other)
            }

            fn key(self) -> u64 {
                if self.is_nan() {
                    return u64::MAX;
                }
                let bits = f64::from(self).to_bits();
                if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
            }

            fn from_key(key: u64) -> $float {
                if key == u64::MAX {
                    return <$float>::NAN;
                }
                let bits = if key >> 63 == 1 { key & !(1 << 63) } else { !key };
                f64::from_bits(bits) as $float
            }
        }
    )*};
}

floats!(f64 f32);

macro_rules! wholes {
    ($($whole:ty: $key:expr;)*) => {$(
        impl Number for $whole {
            type Sum = i64;
            type Real = f64;
            type Carry = i64;
            type Total = Whole;
            type Product = WholeProduct;

            fn as_f64(self) -> f64 {
                i64::from(self) as f64
            }

            fn minus(self, other: $whole) -> f64 {
                (i128::from(self) - i128::from(other)) as f64
            }

            fn key(self) -> u64 {
                (i64::from(self) as u64) ^ (1 << 63)
            }

            fn from_key(key: u64) -> $whole {
                let whole: fn(i64) -> $whole = $key;
                whole((key ^ (1 << 63)) as i64)
            }
        }
    )*};
}

wholes! {
    i64: |key| key;
    i32: |key| key as i32;
    u8: |key| key as u8;
    bool: |key| key != 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_numbers_do() {
        let numbers = [f64::NEG_INFINITY, -1e300, -1.5, -5e-324, 0.0, 5e-324, 1.0, f64::MAX, f64::INFINITY];
        assert!(numbers.windows(2).all(|pair| pair[0].key() < pair[1].key()));
        assert!(numbers.iter().all(|&number| f64::from_key(number.key()) == number));
        assert!(f64::NAN.key() == u64::MAX && f64::from_key(u64::MAX).is_nan() && (-f64::NAN).key() == u64::MAX);
        assert_eq!((-0.0f64).key() + 1, 0.0f64.key());
        assert!(i64::MIN.key() < (-1i64).key() && (-1i64).key() < 0i64.key() && 0i64.key() < i64::MAX.key());
        assert_eq!(
            (i32::from_key((-7i32).key()), u8::from_key(200u8.key()), bool::from_key(true.key())),
            (-7, 200, true)
        );
        assert_eq!(f32::from_key(1.25f32.key()), 1.25);
    }
}
