//! Random bits by seed and place, and the machine of all distributions.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::super::element::Element;
use super::super::lanes::vectorised;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::Region;
use super::super::tile::Tile;
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
pub(super) fn bits(key: u64, place: u64) -> u64 {
    mixed(place.wrapping_mul(NEXT).wrapping_add(key))
}

/// The key of a seed, another for each kind of numbers: those of one seed do not depend on each other.
pub(super) fn key(seed: u64, kind: &str) -> u64 {
    let kind = kind.bytes().fold(0x2545_f491_4f6c_dd1d, |key, byte| mixed(key ^ u64::from(byte)));
    bits(kind, seed)
}

/// All the random bits of one place: as many words as somebody wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    key: u64,
    /// The key, and the place times what lies between two counters.
    counter: u64,
}

impl Draws {
    #[cfg(test)]
    pub(super) fn at(seed: u64, place: u64) -> Draws {
        let key = key(seed, "test");
        Draws { key, counter: key.wrapping_add(place.wrapping_mul(NEXT)) }
    }

    /// The first word.
    #[inline(always)]
    pub(super) fn first(self) -> u64 {
        mixed(self.counter)
    }

    /// Another word.
    #[inline]
    pub(super) fn word(self, number: u64) -> u64 {
        match number {
            0 => self.first(),
            number => mixed(self.counter.wrapping_sub(self.key).wrapping_add(bits(self.key, !number))),
        }
    }
}

/// 52 random bits as a number from 0 up to, and without, 1.
#[inline(always)]
pub(super) fn unit(bits: u64) -> f64 {
    f64::from_bits((bits >> 12) | 0x3ff0_0000_0000_0000) - 1.0
}

/// 52 random bits as a number between 0 and 1, without both: one more would be rounded to 1 at the end.
#[inline(always)]
pub(super) fn open_unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// How likely which number is.
pub(super) trait Distribution<T>: Identity + Send + Sync + 'static {
    /// One word.
    const NAME: &'static str;

    /// The number at a place.
    fn draw(&self, draws: Draws) -> T;
}

struct Drawn<T, D> {
    distribution: D,
    seed: u64,
    shape: Vec<usize>,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T: Element, D: Distribution<T>> Identity for Drawn<T, D> {
    fn token(&self, t: &mut Tokenizer) {
        t.str(D::NAME);
        t.debug(&T::DTYPE);
        t.u64(self.seed);
        t.debug(&self.shape);
        t.identity(&self.distribution);
    }
}

impl<T, D: Distribution<T>> fmt::Debug for Drawn<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers of seed {}", D::NAME, self.seed)
    }
}

impl<T: Element, D: Distribution<T>> Lazy<T> for Drawn<T, D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE
    }

    fn needs(&self, _region: &Region, _needs: &mut Needs) {}

    fn read(&self, region: &Region, out: &mut [T], _tile: &mut Tile<'_>) -> Result<()> {
        let key = key(self.seed, D::NAME);
        let last = region.last();
        let mut rows = out.chunks_mut(last.len.max(1));
        region.rows(|index| {
            let first = index.iter().zip(&self.shape).fold(0u64, |at, (i, len)| at * *len as u64 + *i as u64);
            let Some(row) = rows.next() else { return };
            let draws = Draws { key, counter: first.wrapping_mul(NEXT).wrapping_add(key) };
            let next = NEXT.wrapping_mul(last.step as u64);
            vectorised(
                #[inline(always)]
                || draw_row(row, &self.distribution, draws, next),
            );
        });
        Ok(())
    }
}

/// The numbers of places whose counters lie `next` apart. The arguments are told apart here, so that a loop over them can be
/// one over vectors.
#[inline(always)]
fn draw_row<T, D: Distribution<T>>(row: &mut [T], distribution: &D, draws: Draws, next: u64) {
    let Draws { key, mut counter } = draws;
    for value in row {
        *value = distribution.draw(Draws { key, counter });
        counter = counter.wrapping_add(next);
    }
}

/// An array of such numbers.
pub(super) fn drawn<T: Element, D: Distribution<T>>(
    distribution: D,
    seed: u64,
    shape: impl AsRef<[usize]>,
    chunks: impl Into<ChunkSpec>,
) -> Result<Array<T>> {
    let of = std::marker::PhantomData;
    Array::new(Arc::new(Drawn { distribution, seed, shape: shape.as_ref().to_vec(), of }), chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_their_places() {
        for place in [0, 1, 77, u64::MAX] {
            let draws = Draws::at(42, place);
            assert_eq!(draws.first(), bits(key(42, "test"), place));
            assert_eq!(draws.word(3), bits(bits(key(42, "test"), !3), place));
        }
        assert_eq!(open_unit(u64::MAX), 1.0 - f64::EPSILON / 2.0);
        assert!(open_unit(0) > 0.0 && unit(u64::MAX) < 1.0);
    }
}
