//! Sines, cosines, exponentials and logarithms of many numbers at once.
//!
//! Each is a straight line of sums and products, without a branch, so that the compiler makes vectors of it; what it does
//! not cover (far from zero, next to a zero of the function, infinite, subnormal) comes out as NaN and is done once more by
//! the function of the standard library. An element therefore never depends on its place. The errors are below 1.5 units in
//! the last place. Polynomials and reductions are those of FDLIBM (Sun Microsystems 1993).

use crate::array::lanes::vectorised;

/// Rounds to a whole number when added, and leaves it in the lowest bits: 1.5 · 2⁵².
const ROUND: f64 = 6_755_399_441_055_744.0;

/// So many numbers are kept beside their results, in case some have to be done once more.
const PART: usize = 256;

fn over(values: &mut [f64], fast: impl Fn(f64) -> f64, slow: fn(f64) -> f64) {
    vectorised(
        #[inline(always)]
        || {
            let mut known = [0.0; PART];
            for part in values.chunks_mut(PART) {
                let known = &mut known[..part.len()];
                known.copy_from_slice(part);
                part.iter_mut().zip(&*known).for_each(|(place, &value)| *place = fast(value));
                let missing: u64 = part.iter().map(|made| u64::from(made.is_nan())).sum();
                if missing > 0 {
                    let pairs = part.iter_mut().zip(&*known).filter(|(made, _)| made.is_nan());
                    pairs.for_each(|(place, &value)| *place = slow(value));
                }
            }
        },
    );
}

/// What a function without branches makes of each number.
pub(super) fn map(values: &mut [f64], function: impl Fn(f64) -> f64) {
    vectorised(
        #[inline(always)]
        || values.iter_mut().for_each(|value| *value = function(*value)),
    );
}

#[inline(always)]
fn choose(condition: bool, yes: f64, no: f64) -> f64 {
    if condition { yes } else { no }
}

/// π/2 as a number of 33 bits, whose products with whole numbers below 2²⁰ are exact, and the rest.
const HIGH: f64 = f64::from_bits(0x3ff9_21fb_5440_0000);
const LOW: f64 = f64::from_bits(0x3dd0_b461_1a62_6331);

#[inline(always)]
fn sine(x: f64, tail: f64, z: f64) -> f64 {
    let r = 8.333_333_333_322_49e-3
        + z * (-1.984_126_982_985_795e-4
            + z * (2.755_731_370_707_006_8e-6 + z * (-2.505_076_025_340_686_3e-8 + z * 1.589_690_995_211_55e-10)));
    x + (z * x * (-1.666_666_666_666_663_2e-1 + z * r) + tail)
}

#[inline(always)]
fn cosine(x: f64, tail: f64, z: f64) -> f64 {
    let r = z
        * (4.166_666_666_666_66e-2
            + z * (-1.388_888_888_887_411e-3
                + z * (2.480_158_728_947_673e-5
                    + z * (-2.755_731_435_139_066_3e-7
                        + z * (2.087_572_321_298_175e-9 + z * -1.135_964_755_778_819_5e-11)))));
    1.0 - (0.5 * z - (z * r - x * tail))
}

#[inline(always)]
fn turned(x: f64, quarter: u64) -> f64 {
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let n = shifted - ROUND;
    let r = x - n * HIGH;
    let w = n * LOW;
    let y = r - w;
    let tail = (r - y) - w;
    let z = y * y;
    let turns = shifted.to_bits().wrapping_add(quarter);
    let odd = 0u64.wrapping_sub(turns & 1);
    let made = (sine(y, tail, z).to_bits() & !odd) | (cosine(y, tail, z).to_bits() & odd);
    let made = f64::from_bits(made ^ ((turns & 2) << 62));
    // far from zero, and close to a multiple of π/2, the rest has too few bits
    choose((y.abs() >= n.abs() * 9.3e-10) & (n.abs() < 16384.0), made, f64::NAN)
}

pub(super) fn sin(values: &mut [f64]) {
    over(
        values,
        // zero keeps its sign
        #[inline(always)]
        |x| choose(x == 0.0, x, turned(x, 0)),
        f64::sin,
    );
}

pub(super) fn cos(values: &mut [f64]) {
    over(
        values,
        #[inline(always)]
        |x| turned(x, 1),
        f64::cos,
    );
}

/// ln 2 as a number of 32 bits, and the rest.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

pub(super) fn exp(values: &mut [f64]) {
    over(values, raised, f64::exp);
}

/// eˣ = 2ⁿ · eʳ, r between ±½ ln 2.
#[inline(always)]
fn raised(x: f64) -> f64 {
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let (high, low) = (x - n * LN_2_HIGH, n * LN_2_LOW);
    let r = high - low;
    let t = r * r;
    let c = 6.613_756_321_437_934e-5 + t * (-1.653_390_220_546_525_2e-6 + t * 4.138_136_797_057_238_5e-8);
    let c = r - t * (1.666_666_666_666_660_2e-1 + t * (-2.777_777_777_701_559_3e-3 + t * c));
    let y = 1.0 + (r * c / (2.0 - c) - low + high);
    let made = f64::from_bits(y.to_bits().wrapping_add(shifted.to_bits() << 52));
    choose(x.abs() < 708.0, made, f64::NAN)
}

pub(super) fn log(values: &mut [f64]) {
    over(values, logarithm, f64::ln);
}

/// √½, by its bits.
const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;

/// ln x = k · ln 2 + ln m, where x = 2ᵏ · m and m lies between √½ and √2.
#[inline(always)]
fn logarithm(x: f64) -> f64 {
    let bits = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - ROOT_HALF);
    let k = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(ROOT_HALF));
    let f = m - 1.0;
    let half = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (3.999_999_999_940_942e-1 + w * (2.222_219_843_214_978_4e-1 + w * 1.531_383_769_920_937_3e-1));
    let odd = 2.857_142_874_366_239e-1 + w * (1.818_357_216_161_805e-1 + w * 1.479_819_860_511_658_6e-1);
    let r = even + z * (6.666_666_666_666_735e-1 + w * odd);
    let y = s * (half + r) + k * LN_2_LOW - half + f + k * LN_2_HIGH;
    let (normal, finite) = (x >= f64::MIN_POSITIVE, x < f64::INFINITY);
    choose(normal & finite, y, f64::NAN)
}

pub(super) fn sqrt(values: &mut [f64]) {
    map(values, f64::sqrt);
}

pub(super) fn square(values: &mut [f64]) {
    map(values, |value| value * value);
}

pub(super) fn reciprocal(values: &mut [f64]) {
    map(values, |value| 1.0 / value);
}

#[cfg(test)]
mod tests;
