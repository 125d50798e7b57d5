//! The numbers 0 to n, each once, in any order.

use std::fmt;
use std::sync::Arc;

use super::super::chunked::Array;
use super::super::chunks::ChunkSpec;
use super::super::lazy::{Lazy, Needs, Operations};
use super::super::region::Region;
use super::super::tile::Tile;
use super::draws::{bits, key};
use super::integers::below;
use crate::base::{Identity, Result, Tokenizer};

/// Permutations of so many numbers are written down.
const SMALL: u64 = 1 << 16;
/// Rounds of the Feistel network: from four on it passes for random (Luby & Rackoff 1988), more cost little.
const ROUNDS: u64 = 6;

/// An order of the numbers 0 to n.
pub(super) enum Order {
    /// Written down, drawn by Fisher and Yates' way: every order is equally likely.
    Written(Vec<u32>),
    /// Computed for each place: a Feistel network over the next larger square of a power of two, walked until it comes to
    /// a number that is there (Black & Rogaway 2002).
    Computed {
        /// How many numbers there are.
        len: u64,
        /// Bits of half a number.
        half: u32,
        /// What decides.
        key: u64,
    },
}

pub(super) fn order(seed: u64, len: u64) -> Order {
    let key = key(seed, "permutation");
    if len > SMALL {
        return Order::Computed { len, half: (64 - (len - 1).leading_zeros()).div_ceil(2), key };
    }
    let mut numbers: Vec<u32> = (0..len as u32).collect();
    for last in (1..numbers.len()).rev() {
        numbers.swap(last, below(bits(key, last as u64), last as u64 + 1) as usize);
    }
    Order::Written(numbers)
}

impl Order {
    /// The number at a place.
    pub(super) fn at(&self, place: u64) -> u64 {
        match self {
            Order::Written(numbers) => numbers.get(place as usize).copied().map_or(0, u64::from),
            Order::Computed { len, half, key } => {
                let mask = (1u64 << half) - 1;
                let mut number = place;
                loop {
                    let (mut left, mut right) = (number >> half, number & mask);
                    for round in 0..ROUNDS {
                        (left, right) = (right, left ^ (bits(key.wrapping_add(round), right) & mask));
                    }
                    number = (left << half) | right;
                    if number < *len {
                        return number;
                    }
                }
            }
        }
    }
}

struct Permutation {
    order: Order,
    seed: u64,
    shape: [usize; 1],
}

impl Identity for Permutation {
    fn token(&self, t: &mut Tokenizer) {
        t.str("permutation");
        t.u64(self.seed);
        t.debug(&self.shape);
    }
}

impl fmt::Debug for Permutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permutation of {} numbers of seed {}", self.shape[0], self.seed)
    }
}

impl Lazy<i64> for Permutation {
    fn name(&self) -> &'static str {
        "permutation"
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn operations(&self) -> Operations {
        Operations::ONE
    }

    fn needs(&self, _region: &Region, _needs: &mut Needs) {}

    fn read(&self, region: &Region, out: &mut [i64], _tile: &mut Tile<'_>) -> Result<()> {
        let last = region.last();
        out.iter_mut().enumerate().for_each(|(i, value)| *value = self.order.at(last.at(i) as u64) as i64);
        Ok(())
    }
}

/// The numbers from 0 up to, and without, `len`, each once, in a random order (numpy's `permutation`). Each is computed when
/// it is asked for, so there may be more of them than fit into memory. Up to 65,536 numbers every order is equally
/// likely.
///
/// # Errors
/// `Invalid` when the chunks do not fit.
pub fn permutation(seed: u64, len: usize, chunks: impl Into<ChunkSpec>) -> Result<Array<i64>> {
    Array::new(Arc::new(Permutation { order: order(seed, len as u64), seed, shape: [len] }), chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_once() {
        for len in [0, 1, 2, 3, 1000, SMALL + 1, 100_003] {
            let order = order(len, len);
            let mut numbers: Vec<u64> = (0..len).map(|place| order.at(place)).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..len).collect::<Vec<_>>(), "{len}");
        }
    }

    #[test]
    fn no_order_is_more_likely() {
        let mut seen = std::collections::BTreeMap::new();
        for seed in 0..24_000 {
            let order = order(seed, 4);
            *seen.entry((0..4).map(|place| order.at(place)).collect::<Vec<_>>()).or_insert(0) += 1;
        }
        // chi squared with 23 degrees of freedom: 49.7 is passed once in a thousand
        let chi: f64 = seen.values().map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0).sum();
        assert!(seen.len() == 24 && chi < 49.7, "{} orders, {chi}", seen.len());
        // neighbours of a large one are not neighbours
        let order = order(5, 1_000_000);
        let correlated: f64 =
            (0..10_000u64).map(|i| (order.at(i) as f64 / 1e6 - 0.5) * (order.at(i + 1) as f64 / 1e6 - 0.5)).sum();
        assert!((correlated / 10_000.0 * 12.0).abs() < 0.04, "{correlated}");
    }
}
