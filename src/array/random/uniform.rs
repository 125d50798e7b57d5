//! Numbers from 0 to 1.

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::draws::{Distribution, Draws, drawn, unit};
use crate::base::{Identity, Result, Tokenizer};

struct Uniform;

impl Identity for Uniform {
    fn token(&self, _t: &mut Tokenizer) {}
}

impl Distribution<f64> for Uniform {
    const NAME: &'static str = "uniform";

    #[inline(always)]
    fn draw(&self, draws: Draws) -> f64 {
        unit(draws.first())
    }
}

/// Numbers from 0 up to, and without, 1, all equally likely (numpy's `random`). A number depends on the seed and its place
/// in the array alone.
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn uniform(seed: u64, shape: impl AsRef<[usize]>, chunks: impl Into<ChunkSpec>) -> Result<Array<f64>> {
    drawn(Uniform, seed, shape, chunks)
}
