//! Exact fractions and their square roots, rounded once to the nearest `f64` (ties to even).

use num_bigint::{BigInt, BigUint, Sign};

/// `numerator / denominator · 2^exponent`, correctly rounded. The denominator must not be zero.
pub fn ratio(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> f64 {
    let magnitude = numerator.magnitude();
    let shift = (denominator.bits() + 56).saturating_sub(magnitude.bits());
    let scaled = magnitude << shift;
    let quotient = &scaled / denominator;
    let inexact = &quotient * denominator != scaled;
    let rounded = nearest_big(&quotient, exponent - shift as i64, inexact);
    if numerator.sign() == Sign::Minus { -rounded } else { rounded }
}

/// The square root of `numerator / denominator · 2^exponent`, correctly rounded. The denominator must not be zero.
pub fn ratio_sqrt(numerator: &BigUint, denominator: &BigUint, exponent: i64) -> f64 {
    let mut shift = (denominator.bits() + 114).saturating_sub(numerator.bits());
    if (exponent - shift as i64) % 2 != 0 {
        shift += 1;
    }
    let scaled = numerator << shift;
    let quotient = &scaled / denominator;
    let root = quotient.sqrt();
    let inexact = &root * &root * denominator != scaled;
    nearest_big(&root, (exponent - shift as i64) / 2, inexact)
}

/// [`ratio`] of a number of fixed width, which is `inexact` when there is a little more, below its lowest bit: then its highest bit is
/// set.
pub fn narrow_ratio(numerator: u128, inexact: bool, denominator: u64, exponent: i64) -> f64 {
    if numerator == 0 {
        return 0.0;
    }
    let shift = numerator.leading_zeros();
    let (scaled, exponent) = (numerator << shift, exponent - i64::from(shift));
    // below 2⁹ the upper half alone leaves the 55 bits that are needed, by a division that is several times faster
    if denominator < 1 << 9 {
        let (high, low) = ((scaled >> 64) as u64, scaled as u64);
        let (quotient, rest) = (high / denominator, high % denominator);
        return nearest(u128::from(quotient), exponent + 64, inexact || rest != 0 || low != 0);
    }
    let denominator = u128::from(denominator);
    let quotient = scaled / denominator;
    nearest(quotient, exponent, inexact || quotient * denominator != scaled)
}

/// A whole number ·2^`exponent`, correctly rounded, where no result lies below the normal numbers but those that are exact.
pub fn scaled(number: i128, exponent: i64) -> f64 {
    // the conversion rounds, to the nearest; two factors, since one might not be a number
    let half = exponent / 2;
    number as f64 * power(half) * power(exponent - half)
}

/// 2^`exponent`, from −1022 to 1023.
fn power(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

fn nearest_big(mantissa: &BigUint, exponent: i64, inexact: bool) -> f64 {
    let shift = mantissa.bits().saturating_sub(128);
    let below = shift > 0 && mantissa.trailing_zeros().is_some_and(|zeros| zeros < shift);
    let top = (mantissa >> shift).iter_u64_digits().rev().fold(0u128, |top, digit| top << 64 | u128::from(digit));
    nearest(top, exponent + shift as i64, inexact || below)
}

/// `mantissa · 2^exponent`, and a little more if `inexact`, to the nearest `f64`. An inexact mantissa must have at
/// least 55 bits, so that the little more lies below the rounding.
pub fn nearest(mantissa: u128, exponent: i64, inexact: bool) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let top = 127 - i64::from(mantissa.leading_zeros()) + exponent;
    if top > 1023 {
        return f64::INFINITY;
    }
    let last = (top - 52).max(-1074);
    let shift = last - exponent;
    let kept = if shift <= 0 {
        (mantissa << shift.unsigned_abs()) as u64
    } else if shift > 128 {
        0
    } else {
        let kept = mantissa.checked_shr(shift as u32).unwrap_or(0) as u64;
        let half = 1u128 << (shift - 1);
        let below = inexact || mantissa & (half - 1) != 0;
        let up = mantissa & half != 0 && (below || kept & 1 == 1);
        kept + u64::from(up)
    };
    const HIDDEN: u64 = 1 << 52;
    if kept < HIDDEN {
        return f64::from_bits(kept);
    }
    // a mantissa rounded up to 2⁵³ carries into the exponent by itself, up to the bits of infinity
    f64::from_bits((((last + 1075) as u64) << 52) + (kept - HIDDEN))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(value: f64) -> f64 {
        ratio(&BigInt::from(value as i64), &BigUint::from(1u8), 0)
    }

    #[test]
    fn ties_go_to_even_and_ends_are_right() {
        assert_eq!(whole(3.0), 3.0);
        let one = BigUint::from(1u8);
        let of = |n: i128, e: i64| ratio(&BigInt::from(n), &one, e);
        assert_eq!(of((1 << 53) + 1, 0), 9_007_199_254_740_992.0);
        assert_eq!(of((1 << 53) + 3, 0), 9_007_199_254_740_996.0);
        assert_eq!(of(-((1 << 54) + 1), 0), -18_014_398_509_481_984.0);
        assert_eq!(of(1, -1074), 5e-324);
        assert_eq!(of(1, -1075), 0.0);
        assert_eq!(of(3, -1076), 5e-324);
        assert_eq!(of((1 << 53) - 1, 971), f64::MAX);
        assert_eq!(of((1 << 54) - 1, 970), f64::INFINITY);
        assert_eq!(of((1 << 55) - 3, 969), f64::MAX);
        assert_eq!(of(1, 5000), f64::INFINITY);
        assert_eq!(of((1 << 53) - 1, -1075), f64::MIN_POSITIVE);
        assert_eq!(of(0, 12), 0.0);
    }

    proptest! {
        #[test]
        fn narrow_division_is_the_wide_one(a in any::<u128>(), narrow in 0u32..128, b in any::<u64>(), short in 0u32..64, e in -1400i64..1000) {
            let (a, b) = (a >> narrow, (b >> short).max(1));
            let wide = ratio(&BigInt::from(a), &BigUint::from(b), e);
            prop_assert_eq!(narrow_ratio(a, false, b, e).to_bits(), wide.to_bits());
            let a = a | 1 << 127;
            let more = (BigInt::from(a) << 70u32) + 1;
            let wide = ratio(&more, &BigUint::from(b), e - 70);
            prop_assert_eq!(narrow_ratio(a, true, b, e).to_bits(), wide.to_bits());
        }

        #[test]
        fn scaling_is_division_by_one(a in any::<i128>(), narrow in 0u32..128, e in -1074i64..1000) {
            let a = a >> narrow;
            let wide = ratio(&BigInt::from(a), &BigUint::from(1u8), e);
            prop_assert_eq!(scaled(a, e).to_bits(), wide.to_bits());
        }

        #[test]
        fn division_and_root_are_those_of_the_processor(a in 1u64..1 << 53, b in 1u64..1 << 53, e in -1100i64..900) {
            let (big_a, big_b) = (BigUint::from(a), BigUint::from(b));
            let quotient = ratio(&BigInt::from(big_a.clone()), &big_b, 0);
            prop_assert_eq!(quotient.to_bits(), (a as f64 / b as f64).to_bits());
            let scaled = ratio(&BigInt::from(big_a.clone()), &BigUint::from(1u8), e);
            let half = |e: i64| f64::powi(2.0, e as i32);
            let expected = if e < -1000 { a as f64 * half(-1000) * half(e + 1000) } else { a as f64 * half(e) };
            prop_assert_eq!(scaled.to_bits(), expected.to_bits());
            let even = e / 2 * 2;
            let root = ratio_sqrt(&big_a, &BigUint::from(1u8), even);
            // scaling by a power of four commutes with the root
            prop_assert_eq!(root.to_bits(), ((a as f64).sqrt() * half(even / 2)).to_bits());
        }
    }
}
