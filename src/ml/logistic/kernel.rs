//! The arithmetic of the logistic function over slices: written so that the compiler makes vector code of it, and
//! without fused multiply-add, so that every machine gives the same bits.

use std::f64::consts::{LN_2, LOG2_E};

/// Values handled side by side; the length of every partial sum.
const LANES: usize = 8;

/// 1.5·2⁵²: adding it rounds a small number to an integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Rows whose factors, none above 2, are multiplied before the logarithm is taken; 2⁵¹² is far from infinite.
const PRODUCT: usize = 512;

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

/// log x for finite x ≥ 1, within 2 ulp or 2⁻⁵².
#[inline(always)]
pub(crate) fn log_from_one(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52) as i32 - 1023;
    let mantissa = f64::from_bits((x.to_bits() & ((1 << 52) - 1)) | 1.0_f64.to_bits());
    f64::from(exponent) * LN_2 + log_of_one_plus(mantissa - 1.0)
}

/// For margins z and labels y: residuals p − y into `residual`, curvatures p·(1 − p) into `curvature`; the sum of the
/// logistic losses log(1 + eᶻ) − y·z is returned, to an absolute error of about 2⁻⁵² a row. All slices have one length.
///
/// The sum of the logarithms is the logarithm of a product of numbers from 1 to 2, one logarithm for many rows.
pub(crate) fn logistic(z: &[f64], y: &[bool], residual: &mut [f64], curvature: &mut [f64]) -> f64 {
    let mut loss = 0.0;
    let rows = z.chunks(PRODUCT).zip(y.chunks(PRODUCT));
    let outputs = residual.chunks_mut(PRODUCT).zip(curvature.chunks_mut(PRODUCT));
    for ((z, y), (residual, curvature)) in rows.zip(outputs) {
        let mut sums = Sums { linear: [0.0; LANES], product: [1.0; LANES] };
        let (z, z_rest) = z.as_chunks();
        let (y, y_rest) = y.as_chunks();
        let (residual, residual_rest) = residual.as_chunks_mut();
        let (curvature, curvature_rest) = curvature.as_chunks_mut();
        for (((z, y), residual), curvature) in z.iter().zip(y).zip(residual).zip(curvature) {
            sums.add(z, y, residual, curvature);
        }
        loss += sums.total();
        // the last rows are filled up with others, which are counted in sums of their own
        if !z_rest.is_empty() {
            let mut filled = ([0.0; LANES], [false; LANES], [0.0; LANES], [0.0; LANES]);
            filled.0[..z_rest.len()].copy_from_slice(z_rest);
            filled.1[..z_rest.len()].copy_from_slice(y_rest);
            let mut sums = Sums { linear: [0.0; LANES], product: [1.0; LANES] };
            sums.add(&filled.0, &filled.1, &mut filled.2, &mut filled.3);
            residual_rest.copy_from_slice(&filled.2[..z_rest.len()]);
            curvature_rest.copy_from_slice(&filled.3[..z_rest.len()]);
            sums.linear[z_rest.len()..].fill(0.0);
            sums.product[z_rest.len()..].fill(1.0);
            loss += sums.total();
        }
    }
    loss
}

/// As [`logistic`], each row counted `weights` times: its residual, curvature and loss are multiplied by its weight. The
/// weighted sum of logarithms is no logarithm of a product, so each row has its own.
pub(crate) fn weighted_logistic(
    z: &[f64],
    y: &[bool],
    weights: &[f64],
    residual: &mut [f64],
    curvature: &mut [f64],
) -> f64 {
    let mut sums = [0.0; LANES];
    let rows = z.chunks(LANES).zip(y.chunks(LANES)).zip(weights.chunks(LANES));
    let outputs = residual.chunks_mut(LANES).zip(curvature.chunks_mut(LANES));
    for (((z, y), weights), (residual, curvature)) in rows.zip(outputs) {
        let mut filled = ([0.0; LANES], [false; LANES], [0.0; LANES]);
        let rows = z.len();
        let (z, y, weights) = match (z.try_into(), y.try_into(), weights.try_into()) {
            (Ok(z), Ok(y), Ok(weights)) => (z, y, weights),
            // the last rows are filled up with others of weight 0
            _ => {
                filled.0[..rows].copy_from_slice(z);
                filled.1[..rows].copy_from_slice(y);
                filled.2[..rows].copy_from_slice(weights);
                (&filled.0, &filled.1, &filled.2)
            }
        };
        let (mut r, mut w) = ([0.0; LANES], [0.0; LANES]);
        for i in 0..LANES {
            let row = Row::at(z[i], y[i]);
            r[i] = weights[i] * row.residual;
            w[i] = weights[i] * row.curvature;
            sums[i] += weights[i] * (row.linear + log_of_one_plus(row.e));
        }
        residual.copy_from_slice(&r[..rows]);
        curvature.copy_from_slice(&w[..rows]);
    }
    total(&sums)
}

/// What a margin and a label give.
struct Row {
    residual: f64,
    curvature: f64,
    /// max(z, 0) − y·z.
    linear: f64,
    /// exp(−|z|).
    e: f64,
}

impl Row {
    #[inline(always)]
    fn at(z: f64, y: bool) -> Row {
        let label = f64::from(u8::from(y));
        let e = exp_of_negative(-z.abs());
        let inverse = 1.0 / (1.0 + e);
        let small = e * inverse;
        let p = if z > 0.0 { inverse } else { small };
        let above = if z > 0.0 { z } else { 0.0 };
        Row { residual: p - label, curvature: small * inverse, linear: above - label * z, e }
    }
}

/// The sum of losses in the making: Σ max(z, 0) − y·z, and Π (1 + exp(−|z|)).
struct Sums {
    linear: [f64; LANES],
    product: [f64; LANES],
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, z: &[f64; LANES], y: &[bool; LANES], residual: &mut [f64; LANES], curvature: &mut [f64; LANES]) {
        for i in 0..LANES {
            let row = Row::at(z[i], y[i]);
            residual[i] = row.residual;
            curvature[i] = row.curvature;
            self.linear[i] += row.linear;
            self.product[i] *= 1.0 + row.e;
        }
    }

    fn total(&self) -> f64 {
        let product: f64 = self.product.iter().product();
        total(&self.linear) + log_from_one(product)
    }
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

/// y ← y − (a·A + b·B + c·C + d·D) for four factors and rows, in one reading of y.
pub(crate) fn subtract_four(y: &mut [f64], factors: [f64; 4], rows: [&[f64]; 4]) {
    let [a, b, c, d] = factors;
    let [ra, rb, rc, rd] = rows;
    for ((((y, ra), rb), rc), rd) in y.iter_mut().zip(ra).zip(rb).zip(rc).zip(rd) {
        *y -= (a * ra + b * rb) + (c * rc + d * rd);
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
        for i in 0..100_000 {
            let x = 1.0 + f64::from(i) * f64::from(i) / 1e6;
            assert!((log_from_one(x) - x.ln()).abs() <= 1e-15 * (1.0 + x.ln()), "log {x}");
        }
        // the references are themselves within one unit of the truth
        assert!(worst_exp <= 2.0 && worst_log <= 2.0, "exp {worst_exp} ulp, log {worst_log} ulp");
    }

    proptest! {
        #[test]
        fn the_kernel_is_the_textbook_formula(rows in prop::collection::vec((-40.0..40.0f64, any::<bool>()), 0..1300)) {
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
        fn weights_multiply_what_a_row_gives(
            rows in prop::collection::vec((-40.0..40.0f64, any::<bool>(), 0.0..3.0f64), 0..100),
        ) {
            let z: Vec<f64> = rows.iter().map(|r| r.0).collect();
            let y: Vec<bool> = rows.iter().map(|r| r.1).collect();
            let weights: Vec<f64> = rows.iter().map(|r| r.2).collect();
            let (mut r, mut w) = (vec![0.0; z.len()], vec![0.0; z.len()]);
            let loss = weighted_logistic(&z, &y, &weights, &mut r, &mut w);
            let mut expected = 0.0;
            for i in 0..z.len() {
                let (mut one_r, mut one_w) = ([0.0], [0.0]);
                expected += weights[i] * logistic(&z[i..=i], &y[i..=i], &mut one_r, &mut one_w);
                prop_assert_eq!((r[i], w[i]), (weights[i] * one_r[0], weights[i] * one_w[0]));
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
