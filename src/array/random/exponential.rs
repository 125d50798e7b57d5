//! Times between events.

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::draws::{Distribution, Draws, drawn, open_unit};
use crate::base::{Error, Identity, Result, Tokenizer};

struct Exponential {
    scale: f64,
}

impl Identity for Exponential {
    fn token(&self, t: &mut Tokenizer) {
        t.f64(self.scale);
    }
}

impl Distribution<f64> for Exponential {
    const NAME: &'static str = "exponential";

    #[inline(always)]
    fn draw(&self, draws: Draws) -> f64 {
        -self.scale * open_unit(draws.first()).ln()
    }
}

/// Times between events that come once in `scale` on average, whatever happened before (numpy's `exponential`). A number
/// depends on the seed and its place in the array alone.
///
/// # Errors
/// `Invalid` for a scale that is negative or no number, and when the chunks do not fit the shape.
pub fn exponential(
    seed: u64,
    scale: f64,
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<f64>> {
    if !(scale >= 0.0 && scale.is_finite()) {
        return Err(Error::invalid(format!("scale < 0: {scale}")).doing("draw exponential numbers"));
    }
    drawn(Exponential { scale }, seed, shape, chunks)
}
