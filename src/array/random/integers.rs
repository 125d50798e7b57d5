//! Whole numbers, all equally likely.

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::draws::{Distribution, Draws, drawn};
use crate::base::{Error, Identity, Result, Tokenizer};

struct Integers {
    low: i64,
    /// How many numbers there are.
    many: u64,
}

impl Identity for Integers {
    fn token(&self, t: &mut Tokenizer) {
        t.u64(self.low as u64);
        t.u64(self.many);
    }
}

impl Distribution<i64> for Integers {
    const NAME: &'static str = "integers";

    #[inline(always)]
    fn draw(&self, draws: Draws) -> i64 {
        self.low.wrapping_add(below(draws.first(), self.many) as i64)
    }
}

/// One of so many numbers: the high half of a product of 128 bits (Lemire 2019, without its rejection: no number is more
/// likely than another by more than `many` in 2⁶⁴).
#[inline(always)]
pub(super) fn below(bits: u64, many: u64) -> u64 {
    ((u128::from(bits) * u128::from(many)) >> 64) as u64
}

/// Whole numbers from `low` up to, and without, `high`, all equally likely (numpy's `integers`). A number depends on the seed
/// and its place in the array alone.
///
/// # Errors
/// `Invalid` when there is no such number, and when the chunks do not fit the shape.
pub fn integers(
    seed: u64,
    low: i64,
    high: i64,
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<i64>> {
    if low >= high {
        return Err(Error::invalid(format!("low >= high: there is no number from {low} up to {high}")));
    }
    drawn(Integers { low, many: high.wrapping_sub(low) as u64 }, seed, shape, chunks)
}
