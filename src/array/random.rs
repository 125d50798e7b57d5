//! Random numbers that depend on the seed and the place alone, never on chunks or threads.

use std::fmt;
use std::sync::Arc;

use super::chunked::Array;
use super::chunks::ChunkSpec;
use super::lanes::vectorised;
use super::lazy::{Lazy, Needs};
use super::region::Region;
use super::tile::Tile;
use crate::base::{Identity, Result, Tokenizer};

/// From the counter of one place to that of the next.
const NEXT: u64 = 0x9e37_79b9_7f4a_7c15;

/// The bits at a counter: the finaliser of SplitMix64 (Steele, Lea & Flood 2014, with the constants of Stafford's variant
/// 13), which is a permutation of 64 bits.
#[inline(always)]
fn mixed(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The bits at a place.
#[inline(always)]
fn bits(key: u64, place: u64) -> u64 {
    mixed(place.wrapping_mul(NEXT).wrapping_add(key))
}

/// 52 random bits as a number from 0 up to, and without, 1.
#[inline(always)]
fn unit(bits: u64) -> f64 {
    f64::from_bits((bits >> 12) | 0x3ff0_0000_0000_0000) - 1.0
}

struct Uniform {
    seed: u64,
    shape: Vec<usize>,
}

impl Identity for Uniform {
    fn token(&self, t: &mut Tokenizer) {
        t.str("uniform");
        t.u64(self.seed);
        t.debug(&self.shape);
    }
}

impl fmt::Debug for Uniform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "uniform numbers of seed {}", self.seed)
    }
}

impl Lazy<f64> for Uniform {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> usize {
        1
    }

    fn needs(&self, _region: &Region, _needs: &mut Needs) {}

    fn read(&self, region: &Region, out: &mut [f64], _tile: &mut Tile<'_>) -> Result<()> {
        let key = bits(0x2545_f491_4f6c_dd1d, self.seed);
        let last = region.last();
        let mut rows = out.chunks_mut(last.len.max(1));
        region.rows(|index| {
            let first = index.iter().zip(&self.shape).fold(0u64, |at, (i, len)| at * *len as u64 + *i as u64);
            let Some(row) = rows.next() else { return };
            let mut counter = first.wrapping_mul(NEXT).wrapping_add(key);
            let next = NEXT.wrapping_mul(last.step as u64);
            vectorised(
                #[inline(always)]
                || {
                    for value in row {
                        *value = unit(mixed(counter));
                        counter = counter.wrapping_add(next);
                    }
                },
            );
        });
        Ok(())
    }
}

/// Numbers from 0 up to, and without, 1, all equally likely (numpy's `random`). A number depends on the seed and its place
/// in the array alone.
///
/// # Errors
/// `Invalid` when the chunks do not fit the shape.
pub fn uniform(seed: u64, shape: impl AsRef<[usize]>, chunks: impl Into<ChunkSpec>) -> Result<Array<f64>> {
    Array::new(Arc::new(Uniform { seed, shape: shape.as_ref().to_vec() }), chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_their_places() {
        let session = crate::session::Session::builder().threads(1).build().unwrap();
        session.make_current();
        let key = bits(0x2545_f491_4f6c_dd1d, 42);
        let table = uniform(42, [7, 13], 3).unwrap().compute().unwrap();
        for (place, value) in table.iter().enumerate() {
            assert_eq!(value.to_bits(), unit(bits(key, place as u64)).to_bits(), "{place}");
        }
    }
}
