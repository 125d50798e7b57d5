//! Exact sums in words of fixed width, and the statistics of them: the fast way for groups. It has the bits of [`Exact`].

use num_bigint::{BigInt, BigUint};

use super::exact::Exact;
use super::rounding::{narrow_ratio, nearest, scaled};

/// An unsigned number of 256 bits, the lowest word first.
pub type Squares = [u64; 4];

/// Exact sums of `n` values: Σx = `sum`·2^`exponent`, Σx² = `squares`·2^(2·`exponent`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Fixed {
    /// Values, infinities included.
    pub n: u64,
    /// Σx in units.
    pub sum: i128,
    /// Σx² in squares of units.
    pub squares: Squares,
    /// The unit: a power of two, from −1074 to 972.
    pub exponent: i64,
}

/// Words of n·Σx².
const WIDE: usize = 5;

impl Fixed {
    /// The same sums at any width.
    pub fn exact(&self) -> Exact {
        let squares = self.squares.iter().rev().fold(BigUint::default(), |wide, word| (wide << 64u32) + *word);
        Exact { n: self.n, sum: BigInt::from(self.sum), squares, exponent: self.exponent, ..Exact::default() }
    }

    /// Σx, correctly rounded; 0 for no values.
    #[inline]
    pub fn sum(&self) -> f64 {
        scaled(self.sum, self.exponent)
    }

    /// Σx/n, correctly rounded; `None` for no values.
    #[inline]
    pub fn mean(&self) -> Option<f64> {
        let mean = match self.n {
            0 => return None,
            1 => return Some(self.sum()),
            n => narrow_ratio(self.sum.unsigned_abs(), false, n, self.exponent),
        };
        Some(if self.sum < 0 { -mean } else { mean })
    }

    /// The variance, correctly rounded; `None` for n ≤ ddof.
    pub fn var(&self, ddof: u64) -> Option<f64> {
        let freedom = self.n.checked_sub(ddof).filter(|freedom| *freedom > 0)?;
        let Some(divisor) = self.n.checked_mul(freedom) else { return self.exact().var(ddof) };
        let spread = self.spread();
        let place = bits(&spread).saturating_sub(128);
        let (top, below) = shifted(&spread, place as i64);
        let top = u128::from(top[0]) | u128::from(top[1]) << 64;
        Some(narrow_ratio(top, below, divisor, 2 * self.exponent + place as i64))
    }

    /// The square root of the exact variance, correctly rounded; `None` for n ≤ ddof.
    pub fn std(&self, ddof: u64) -> Option<f64> {
        let freedom = self.n.checked_sub(ddof).filter(|freedom| *freedom > 0)?;
        let Some(divisor) = self.n.checked_mul(freedom) else { return self.exact().std(ddof) };
        let spread = self.spread();
        let long = bits(&spread);
        if long == 0 {
            return Some(0.0);
        }
        // so many bits that the quotient has 126 to 128, and that the exponent is even
        let place = (long as i64 - 126 - i64::from(u64::BITS - divisor.leading_zeros())) & !1;
        let (top, mut below) = shifted(&spread, place);
        let (mut quotient, mut rest) = (0u128, 0u128);
        for word in top[..3].iter().rev() {
            let part = rest << 64 | u128::from(*word);
            let digit = part / u128::from(divisor);
            rest = part - digit * u128::from(divisor);
            quotient = quotient << 64 | digit;
        }
        let root = quotient.isqrt();
        below |= rest != 0 || root * root != quotient;
        Some(nearest(root, self.exponent + place / 2, below))
    }

    /// n·Σx² − (Σx)², which is never negative (Cauchy–Schwarz).
    fn spread(&self) -> [u64; WIDE] {
        let mut spread = [0; WIDE];
        let mut carry = 0u128;
        for (word, square) in spread.iter_mut().zip(&self.squares) {
            carry += u128::from(*square) * u128::from(self.n);
            *word = carry as u64;
            carry >>= 64;
        }
        spread[WIDE - 1] = carry as u64;
        let sum = self.sum.unsigned_abs();
        let of_sum = product(sum, sum);
        let mut borrow = false;
        for (word, term) in spread.iter_mut().zip(of_sum.iter().chain(&[0])) {
            let (part, first) = word.overflowing_sub(*term);
            let (all, second) = part.overflowing_sub(u64::from(borrow));
            (*word, borrow) = (all, first | second);
        }
        spread
    }
}

/// The product of two numbers of 128 bits.
pub fn product(a: u128, b: u128) -> Squares {
    const LOW: u128 = u64::MAX as u128;
    let (a, b) = ([a & LOW, a >> 64], [b & LOW, b >> 64]);
    let low = a[0] * b[0];
    let mid = a[1] * b[0] + (low >> 64);
    let cross = a[0] * b[1] + (mid & LOW);
    let high = a[1] * b[1] + (mid >> 64) + (cross >> 64);
    [low as u64, cross as u64, high as u64, (high >> 64) as u64]
}

/// The number of bits up to the highest that is set.
fn bits(words: &[u64; WIDE]) -> u32 {
    let highest = words.iter().rposition(|word| *word != 0);
    highest.map_or(0, |i| 64 * i as u32 + 64 - words[i].leading_zeros())
}

/// `words` / 2^`place`, which must fit, and whether anything is left below.
fn shifted(words: &[u64; WIDE], place: i64) -> ([u64; WIDE], bool) {
    let (whole, bit) = (place.div_euclid(64), place.rem_euclid(64) as u32);
    let word = |i: i64| usize::try_from(i).ok().and_then(|i| words.get(i)).copied().unwrap_or(0);
    let mut moved = [0; WIDE];
    for (i, moved) in moved.iter_mut().enumerate() {
        let from = i as i64 + whole;
        let above = if bit == 0 { 0 } else { word(from + 1) << (64 - bit) };
        *moved = word(from) >> bit | above;
    }
    let below = (0..whole).any(|i| word(i) != 0) || word(whole) & ((1u64 << bit) - 1) != 0;
    (moved, below)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_statistic_has_the_bits_of_the_wide_way(
            values in prop::collection::vec((any::<i64>(), 0u32..64, 0u32..40), 0..40), times in prop::sample::select(vec![1u64, 3, 600, 1 << 33]),
            exponent in -1074i64..900, ddof in 0u64..3,
        ) {
            let mut fixed = Fixed { exponent, ..Fixed::default() };
            let mut squares = BigUint::default();
            for (value, narrow, shift) in values {
                let value = i128::from(value >> narrow) << shift;
                fixed.n += times;
                fixed.sum += value * i128::from(times >> 20).max(1);
                squares += BigUint::from(value.unsigned_abs()) * value.unsigned_abs() * (times >> 20).max(1);
            }
            // fewer times than n says: as if the others were zero
            for (word, digit) in fixed.squares.iter_mut().zip(squares.iter_u64_digits()) {
                *word = digit;
            }
            let exact = fixed.exact();
            prop_assert_eq!(&exact.squares, &squares);
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            prop_assert_eq!(fixed.sum().to_bits(), exact.sum().to_bits());
            prop_assert_eq!(bits(fixed.mean()), bits(exact.mean()));
            prop_assert_eq!(bits(fixed.var(ddof)), bits(exact.var(ddof)));
            prop_assert_eq!(bits(fixed.std(ddof)), bits(exact.std(ddof)));
        }

        #[test]
        fn products_are_those_of_big_integers(a in any::<u128>(), b in any::<u128>()) {
            let big = product(a, b).iter().rev().fold(BigUint::default(), |wide, word| (wide << 64u32) + *word);
            prop_assert_eq!(big, BigUint::from(a) * b);
        }
    }
}
