//! The arithmetic of the logistic function over slices: written so that the compiler makes vector code of it, and
//! without fused multiply-add, so that every machine gives the same bits.

use std::f64::consts::{LN_2, LOG2_E};

/// Values handled side by side; the length of every partial sum.
const LANES: usize = 8;

/// 1.5·2⁵²: adding it rounds a small number to an integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts, the first the second half of its bits zero, so that its multiples by exponents are exact.
const LN_2_HIGH: f64 = f64::from_bits(LN_2.to_bits() & 0xFFFF_FFFF_0000_0000);
/// ln 2 − `LN_2_HIGH`, to 53 bits.
const LN_2_LOW: f64 = 4.749_325_039_031_672_6e-7;

/// eˣ for x ≤ 0, within 1 ulp; below −708 as e⁻⁷⁰⁸.
///
/// x = k·ln 2 + r with |r| ≤ ln 2 / 2, and the Taylor polynomial of degree 13 in r, whose remainder is below 2⁻⁵⁷.
#[inline(always)]
pub(crate) fn exp_of_negative(x: f64) -> f64 {
    let x = if x > -708.0 { x } else { -708.0 };
    let shifted = x * LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let r2 = r * r;
    let r4 = r2 * r2;
    let a = (1.0 / 2.0 + r * (1.0 / 6.0)) + r2 * (1.0 / 24.0 + r * (1.0 / 120.0));
    let b = (1.0 / 720.0 + r * (1.0 / 5_040.0)) + r2 * (1.0 / 40_320.0 + r * (1.0 / 362_880.0));
    let c = (1.0 / 3_628_800.0 + r * (1.0 / 39_916_800.0)) + r2 * (1.0 / 479_001_600.0 + r * (1.0 / 6_227_020_800.0));
    let tail = a + r4 * (b + r4 * c);
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    (1.0 + (r + r2 * tail)) * scale
}

/// log(1 + e) for 0 ≤ e ≤ 1, within 2 ulp.
///
/// Above √2 − 1 a factor of 2 is taken out, so that with f in [−0.293, 0.415] the series of 2·atanh(f / (2 + f)) ends
/// after eleven terms.
#[inline(always)]
pub(crate) fn log_of_one_plus(e: f64) -> f64 {
    let far = e > 0.414_213_562_373_095_15;
    let f = if far { 0.5 * (e - 1.0) } else { e };
    let base = if far { LN_2 } else { 0.0 };
    let s = f / (2.0 + f);
    let z = s * s;
    let z2 = z * z;
    let z4 = z2 * z2;
    let a = (1.0 / 3.0 + z * (1.0 / 5.0)) + z2 * (1.0 / 7.0 + z * (1.0 / 9.0));
    let b = (1.0 / 11.0 + z * (1.0 / 13.0)) + z2 * (1.0 / 15.0 + z * (1.0 / 17.0));
    let c = (1.0 / 19.0 + z * (1.0 / 21.0)) + z2 * (1.0 / 23.0);
    // f − s·f + 2·s³·series = 2s·(1 + s²·series), with the leading term exact where no factor was taken out
    base + (f - s * (f - 2.0 * z * (a + z4 * (b + z4 * c))))
}

/// For margins z and labels y: residuals p − y into `residual`, curvatures p·(1 − p) into `curvature`; the sum of the
/// logistic losses log(1 + eᶻ) − y·z is returned. All slices have one length.
pub(crate) fn logistic(z: &[f64], y: &[bool], residual: &mut [f64], curvature: &mut [f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let blocks = z.chunks(LANES).zip(y.chunks(LANES));
    let outputs = residual.chunks_mut(LANES).zip(curvature.chunks_mut(LANES));
    for ((z, y), (residual, curvature)) in blocks.zip(outputs) {
        // a short last block is filled up with rows of label 1 and margin 0, whose loss is left out below
        let mut margin = [0.0; LANES];
        let mut label = [1.0; LANES];
        margin[..z.len()].copy_from_slice(z);
        for (label, y) in label.iter_mut().zip(y) {
            *label = f64::from(u8::from(*y));
        }
        let (mut r, mut w, mut loss) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        for i in 0..LANES {
            let e = exp_of_negative(-margin[i].abs());
            let inverse = 1.0 / (1.0 + e);
            let small = e * inverse;
            let p = if margin[i] > 0.0 { inverse } else { small };
            let above = if margin[i] > 0.0 { margin[i] } else { 0.0 };
            r[i] = p - label[i];
            w[i] = small * inverse;
            loss[i] = (above - label[i] * margin[i]) + log_of_one_plus(e);
        }
        for (sum, loss) in sums.iter_mut().zip(&loss[..z.len()]) {
            *sum += loss;
        }
        residual.copy_from_slice(&r[..z.len()]);
        curvature.copy_from_slice(&w[..z.len()]);
    }
    total(&sums)
}

/// The inner product, in eight partial sums added in a fixed order.
#[inline]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    total(&sums) + rest
}

/// The sum, in eight partial sums added in a fixed order.
#[inline]
pub(crate) fn sum(a: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a, rest) = a.as_chunks::<LANES>();
    for a in a {
        for i in 0..LANES {
            sums[i] += a[i];
        }
    }
    total(&sums) + rest.iter().sum::<f64>()
}

/// y ← y + factor·x.
#[inline]
pub(crate) fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += factor * x;
    }
}

fn total(s: &[f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The distance in units of the last place of `b`.
    fn ulps(a: f64, b: f64) -> f64 {
        (a - b).abs() / (f64::from_bits(b.to_bits() + 1) - b).abs()
    }

    #[test]
    fn the_functions_keep_their_accuracy() {
        assert_eq!(exp_of_negative(0.0), 1.0);
        assert_eq!(log_of_one_plus(0.0), 0.0);
        assert_eq!(exp_of_negative(-1e9), exp_of_negative(-708.0));
        let (mut worst_exp, mut worst_log) = (0.0_f64, 0.0_f64);
        for i in 0..200_000 {
            let x = -708.0 * (f64::from(i) / 200_000.0).powi(3);
            worst_exp = worst_exp.max(ulps(exp_of_negative(x), x.exp()));
            let e = f64::from(i) / 199_999.0;
            worst_log = worst_log.max(ulps(log_of_one_plus(e), e.ln_1p()));
        }
        // the references are themselves within one unit of the truth
        assert!(worst_exp <= 2.0 && worst_log <= 2.0, "exp {worst_exp} ulp, log {worst_log} ulp");
    }

    proptest! {
        #[test]
        fn the_kernel_is_the_textbook_formula(rows in prop::collection::vec((-40.0..40.0f64, any::<bool>()), 0..40)) {
            let (z, y): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
            let (mut r, mut w) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            let loss = logistic(&z, &y, &mut r, &mut w);
            let mut expected = 0.0;
            for i in 0..z.len() {
                let p = 1.0 / (1.0 + (-z[i]).exp());
                let t = f64::from(u8::from(y[i]));
                expected += if z[i] > 0.0 { z[i] + (-z[i]).exp().ln_1p() } else { z[i].exp().ln_1p() } - t * z[i];
                prop_assert!((r[i] - (p - t)).abs() < 1e-15);
                prop_assert!((w[i] - p * (1.0 - p)).abs() < 1e-15);
            }
            prop_assert!((loss - expected).abs() <= 1e-14 * (1.0 + expected));
        }

        #[test]
        fn sums_are_sums(values in prop::collection::vec(-1e3..1e3f64, 0..100)) {
            let ones = vec![1.0; values.len()];
            let plain: f64 = values.iter().sum();
            prop_assert!((sum(&values) - plain).abs() < 1e-9);
            prop_assert!((dot(&values, &ones) - plain).abs() < 1e-9);
        }
    }
}
