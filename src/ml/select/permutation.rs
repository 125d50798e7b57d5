//! Shuffling without memory.

use crate::base::mixed;

/// Rounds of the network: four make it a pseudorandom permutation (M. Luby, C. Rackoff, "How to construct pseudorandom
/// permutations from pseudorandom functions", 1988), two more are spare.
const ROUNDS: usize = 6;
/// Halves below this are mixed badly.
const LEAST_BITS: u32 = 4;

/// A permutation of 0..n that a seed chooses. It is computed place by place: a Feistel network permutes the least even
/// power of two that is not less than n, and is applied again while the result is not below n (J. Black, P. Rogaway,
/// "Ciphers with arbitrary finite domains", 2002).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Permutation {
    n: u64,
    bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The permutation of 0..n of a seed.
    pub fn new(seed: u64, n: u64) -> Permutation {
        let bits = (u64::BITS - n.saturating_sub(1).leading_zeros()).div_ceil(2).max(LEAST_BITS);
        let keys = std::array::from_fn(|round| mixed(mixed(seed, 0), round as u64 + 1));
        Permutation { n, bits, keys }
    }

    /// Where `place`, which is below n, goes.
    pub fn at(&self, place: u64) -> u64 {
        let mut place = self.once(place);
        while place >= self.n {
            place = self.once(place);
        }
        place
    }

    fn once(&self, place: u64) -> u64 {
        let mask = (1 << self.bits) - 1;
        let (mut high, mut low) = (place >> self.bits, place & mask);
        for key in self.keys {
            (high, low) = (low, high ^ (mixed(key, low) >> (u64::BITS - self.bits)));
        }
        high << self.bits | low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_taken_once() {
        for n in [1, 2, 3, 7, 16, 17, 100, 255, 257, 1000] {
            let permutation = Permutation::new(n, n);
            let mut places: Vec<u64> = (0..n).map(|i| permutation.at(i)).collect();
            places.sort_unstable();
            assert_eq!(places, (0..n).collect::<Vec<_>>());
        }
        assert!(Permutation::new(1, 1 << 40).at((1 << 40) - 1) < 1 << 40);
    }

    #[test]
    fn shuffles_are_fixed() {
        // a change here changes everybody's folds
        let of = |seed| (0..8).map(|i| Permutation::new(seed, 8).at(i)).collect::<Vec<_>>();
        assert_eq!(of(42), [0, 1, 6, 7, 3, 4, 5, 2]);
        assert_ne!(of(42), of(43));
    }

    #[test]
    fn each_place_is_as_probable_as_any() {
        const N: usize = 5;
        let mut counts = [[0_u32; N]; N];
        for seed in 0..5000 {
            let permutation = Permutation::new(seed, N as u64);
            (0..N).for_each(|i| counts[i][permutation.at(i as u64) as usize] += 1);
        }
        // 1000 each, five standard deviations
        assert!(counts.iter().flatten().all(|c| c.abs_diff(1000) < 142), "{counts:?}");
    }
}
