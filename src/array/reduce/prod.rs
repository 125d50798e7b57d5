//! Products.

use super::super::chunked::Array;
use super::axes::Axes;
use super::number::Number;
use super::reduction::Reduction;
use super::skip::Skip;
use crate::base::{Error, Identity, Result, Tokenizer};

/// The product of elements.
#[derive(Clone, Copy, Debug)]
pub struct Prod;

/// What is known of a product.
pub trait Product<T: Number>: Clone + Default + Send + Sync + 'static {
    /// Takes in an element.
    fn multiply(&mut self, value: T);
    /// Takes in another product.
    fn merge(&mut self, later: &Self);
    /// The product.
    ///
    /// # Errors
    /// `Value` when it is too large.
    fn value(&self) -> Result<T::Sum>;
    /// All that is known of it.
    fn carry(&self) -> [T::Carry; 2];
    /// The product of which this is known.
    fn of(carry: [T::Carry; 2]) -> Self;
}

/// A product of floating numbers that neither overflows nor underflows on the way: a number of size ½ to 1, zero or not
/// finite, and a power of two.
#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    fraction: f64,
    power: i64,
}

impl Default for Scaled {
    fn default() -> Scaled {
        Scaled { fraction: 1.0, power: 0 }
    }
}

/// The power of two that makes a number ½ to 1 in size, and what it is then.
#[inline]
fn parts(value: f64) -> (f64, i64) {
    let exponent = (value.to_bits() >> 52) & 0x7ff;
    match exponent {
        0x7ff => (value, 0),
        0 if value == 0.0 => (value, 0),
        0 => {
            let (fraction, power) = parts(value * 2f64.powi(64));
            (fraction, power - 64)
        }
        exponent => {
            let fraction = f64::from_bits(value.to_bits() & !(0x7ff << 52) | 0x3fe << 52);
            (fraction, exponent as i64 - 0x3fe)
        }
    }
}

impl Scaled {
    #[inline]
    fn times(&mut self, value: f64) {
        let (fraction, power) = parts(value);
        let (fraction, more) = parts(self.fraction * fraction);
        self.fraction = fraction;
        self.power += power + more;
    }

    fn as_f64(self) -> f64 {
        // in two steps, of which only the second may round
        let power = self.power.clamp(-2200, 2200) as i32;
        let first = power.clamp(-1000, 1000);
        let second = (power - first).clamp(-1000, 1000);
        self.fraction * 2f64.powi(first) * 2f64.powi(second) * 2f64.powi(power - first - second)
    }
}

macro_rules! floats {
    ($($float:ty)*) => {$(
        impl Product<$float> for Scaled {
            #[inline]
            fn multiply(&mut self, value: $float) {
                self.times(f64::from(value));
            }

            fn merge(&mut self, later: &Scaled) {
                self.times(later.fraction);
                self.power += later.power;
            }

            fn value(&self) -> Result<$float> {
                Ok(self.as_f64() as $float)
            }

            fn carry(&self) -> [f64; 2] {
                [self.fraction, self.power as f64]
            }

            fn of(carry: [f64; 2]) -> Scaled {
                Scaled { fraction: carry[0], power: carry[1] as i64 }
            }
        }
    )*};
}

floats!(f64 f32);

/// An exact product of whole numbers.
#[derive(Clone, Copy, Debug)]
pub struct WholeProduct {
    size: u64,
    negative: bool,
    /// It is larger than any `i64`, unless there is a zero.
    over: bool,
}

impl Default for WholeProduct {
    fn default() -> WholeProduct {
        WholeProduct { size: 1, negative: false, over: false }
    }
}

/// The size of the smallest `i64`.
const MOST: u64 = 1 << 63;

impl WholeProduct {
    #[inline]
    fn times(&mut self, size: u64, negative: bool, over: bool) {
        self.negative ^= negative;
        if size == 0 || self.size == 0 {
            (self.size, self.over) = (0, false);
            return;
        }
        match self.size.checked_mul(size).filter(|&size| size <= MOST) {
            Some(product) if !over && !self.over => self.size = product,
            _ => self.over = true,
        }
    }
}

macro_rules! wholes {
    ($($whole:ty)*) => {$(
        impl Product<$whole> for WholeProduct {
            #[inline]
            fn multiply(&mut self, value: $whole) {
                let value = i64::from(value);
                self.times(value.unsigned_abs(), value < 0, false);
            }

            fn merge(&mut self, later: &WholeProduct) {
                self.times(later.size, later.negative, later.over);
            }

            fn value(&self) -> Result<i64> {
                let product = if self.negative { -i128::from(self.size) } else { i128::from(self.size) };
                let whole = i64::try_from(product).ok().filter(|_| !self.over);
                whole.ok_or_else(|| Error::value("a product is no int64").help("convert to float64 first: astype()"))
            }

            fn carry(&self) -> [i64; 2] {
                [self.size as i64, i64::from(self.negative) | i64::from(self.over) << 1]
            }

            fn of(carry: [i64; 2]) -> WholeProduct {
                WholeProduct { size: carry[0] as u64, negative: carry[1] & 1 != 0, over: carry[1] & 2 != 0 }
            }
        }
    )*};
}

wholes!(i64 i32 u8 bool);

impl Identity for Prod {
    fn token(&self, t: &mut Tokenizer) {
        t.str("prod");
    }
}

impl<T: Number> Reduction<T> for Prod {
    type Acc = T::Product;
    type Output = T::Sum;

    fn name(&self) -> &'static str {
        "prod"
    }

    fn start(&self) -> T::Product {
        T::Product::default()
    }

    fn fold_row(&self, acc: &mut T::Product, values: &[T], _at: u64) {
        values.iter().for_each(|&value| acc.multiply(value));
    }

    fn merge(&self, acc: &mut T::Product, later: &T::Product) {
        acc.merge(later);
    }

    fn finish(&self, acc: T::Product, _count: u64) -> Result<T::Sum> {
        acc.value()
    }
}

impl<T: Number> Array<T> {
    /// The product: exact for whole numbers; for floating ones too large or too small only where the whole is.
    ///
    /// # Errors
    /// Computing it is an error of kind `Value` where a product of whole numbers is no `i64`.
    pub fn prod(&self) -> Result<Array<T::Sum>> {
        self.reduce(Prod, Axes::all())
    }

    /// The product along some axes: see [`Axes`].
    ///
    /// # Errors
    /// As [`reduce`](Self::reduce) and [`prod`](Self::prod).
    pub fn prod_axis(&self, axes: impl Into<Axes>) -> Result<Array<T::Sum>> {
        self.reduce(Prod, axes)
    }

    /// The product of what is not NaN (numpy's `nanprod`).
    ///
    /// # Errors
    /// As [`prod_axis`](Self::prod_axis).
    pub fn nanprod(&self, axes: impl Into<Axes>) -> Result<Array<T::Sum>> {
        self.reduce(Skip::new(Prod, "nanprod"), axes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(values: &[f64]) -> f64 {
        let mut product = Scaled::default();
        values.iter().for_each(|&value| Product::<f64>::multiply(&mut product, value));
        Product::<f64>::value(&product).unwrap()
    }

    #[test]
    fn products_are_large_or_small_only_in_the_end() {
        assert_eq!(product(&[1e300, 1e300, 1e-300, 1e-300]), 1.0000000000000002);
        assert_eq!(product(&[5e-324, 2.0, 0.5]), 5e-324);
        assert_eq!(product(&[-3.0, 0.5, 4.0]), -6.0);
        assert_eq!(product(&[1e200, 1e200]), f64::INFINITY);
        assert_eq!(product(&[1e-200, -1e-200]), -0.0);
        assert!(product(&[0.0, f64::INFINITY]).is_nan());
        assert_eq!(product(&[f64::MAX]), f64::MAX);
    }

    #[test]
    fn whole_products_are_exact_or_refused() {
        let product = |values: &[i64]| {
            let mut product = WholeProduct::default();
            values.iter().for_each(|&value| Product::<i64>::multiply(&mut product, value));
            Product::<i64>::value(&product).ok()
        };
        assert_eq!(product(&[i64::MAX, 2]), None);
        assert_eq!(product(&[i64::MAX, 2, 0]), Some(0));
        assert_eq!(product(&[1 << 62, 2, -1]), Some(i64::MIN));
        assert_eq!(product(&[-3, 5]), Some(-15));
    }
}
