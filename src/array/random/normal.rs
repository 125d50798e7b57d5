//! The bell curve.

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::draws::{Distribution, Draws, drawn, open_unit};
use crate::base::{Error, Identity, Result, Tokenizer};

struct Normal {
    mean: f64,
    deviation: f64,
}

impl Identity for Normal {
    fn token(&self, t: &mut Tokenizer) {
        t.f64(self.mean);
        t.f64(self.deviation);
    }
}

impl Distribution<f64> for Normal {
    const NAME: &'static str = "normal";

    #[inline(always)]
    fn draw(&self, draws: Draws) -> f64 {
        self.mean + self.deviation * quantile(open_unit(draws.first()))
    }
}

/// Numbers around `mean`, with this standard deviation (numpy's `normal`): the quantile of one uniform number, so that a
/// number depends on the seed and its place in the array alone. None is further than 8.2 deviations away.
///
/// # Errors
/// `Invalid` for a deviation that is negative, for parameters that are no numbers, and when the chunks do not fit the shape.
pub fn normal(
    seed: u64,
    mean: f64,
    deviation: f64,
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<f64>> {
    if !(deviation >= 0.0 && deviation.is_finite() && mean.is_finite()) {
        return Err(Error::invalid(format!("mean {mean}, scale {deviation}: scale < 0")).doing("draw normal numbers"));
    }
    drawn(Normal { mean, deviation }, seed, shape, chunks)
}

/// Coefficients of rational approximations, the highest power first (Wichura, Algorithm AS 241, PPND16, 1988; relative
/// error about 1e-16).
const MIDDLE: ([f64; 8], [f64; 8]) = (
    [
        2.509_080_928_730_122_7e3,
        3.343_057_558_358_813e4,
        6.726_577_092_700_87e4,
        4.592_195_393_154_987e4,
        1.373_169_376_550_946e4,
        1.971_590_950_306_551_3e3,
        1.331_416_678_917_843_8e2,
        3.387_132_872_796_366_5,
    ],
    [
        5.226_495_278_852_854e3,
        2.872_908_573_572_194_3e4,
        3.930_789_580_009_271e4,
        2.121_379_430_158_659_7e4,
        5.394_196_021_424_751e3,
        6.871_870_074_920_579e2,
        4.231_333_070_160_091e1,
        1.0,
    ],
);
const NEAR: ([f64; 8], [f64; 8]) = (
    [
        7.745_450_142_783_414e-4,
        2.272_384_498_926_918_4e-2,
        2.417_807_251_774_506e-1,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        1.519_866_656_361_645_7e-2,
        1.481_039_764_274_800_8e-1,
        6.897_673_349_851e-1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
);
const FAR: ([f64; 8], [f64; 8]) = (
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        1.242_660_947_388_078_4e-3,
        2.653_218_952_657_612_4e-2,
        2.965_605_718_285_048_7e-1,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        1.487_536_129_085_061_5e-2,
        1.369_298_809_227_358e-1,
        5.998_322_065_558_88e-1,
        1.0,
    ],
);

#[inline(always)]
fn ratio((above, below): &([f64; 8], [f64; 8]), x: f64) -> f64 {
    let at = |coefficients: &[f64; 8]| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    at(above) / at(below)
}

/// The number below which a standard normal number lies with this probability.
#[inline(always)]
fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&MIDDLE, 0.180_625 - q * q);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let away = if r <= 5.0 { ratio(&NEAR, r - 1.6) } else { ratio(&FAR, r - 5.0) };
    if q < 0.0 { -away } else { away }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_known_ones() {
        // scipy.stats.norm.ppf
        for (p, expected) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.01, -2.326_347_874_040_840_8),
            (1e-5, -4.264_890_793_922_825),
            (1e-12, -7.034_483_825_301_131),
            (0.1, -1.281_551_565_544_600_4),
        ] {
            assert!((quantile(p) - expected).abs() <= 4e-15 * expected.abs(), "{p}: {} {expected}", quantile(p));
        }
    }
}
