//! Draws that depend on nothing but the seed and where a row came from.

use arrow::buffer::BooleanBuffer;

use crate::base::mixed;
use crate::io::Rows;

/// 2⁶⁴ divided by the golden ratio: multiples of it are spread evenly.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// 2⁶⁴: draws are parts of it.
const ONE: f64 = 18_446_744_073_709_551_616.0;

/// The draws of one file: a number of 64 bits for each place in it.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    key: u64,
}

impl Draws {
    /// The draws of a seed for a file.
    pub fn new(seed: u64, file: u64) -> Draws {
        Draws { key: mixed(mixed(seed, 1) ^ file.wrapping_mul(STEP), 0) }
    }

    /// The draw for a place.
    #[inline]
    pub fn at(self, place: u64) -> u64 {
        mixed(self.key, place)
    }

    /// What the file is called for the operations above, whose draws are then independent of these.
    pub fn next_file(self) -> u64 {
        mixed(self.key ^ 0x5851_f42d_4c95_7f2d, 0)
    }

    /// A place for copy `copy` of the row at `place`: the first copy keeps it, the others have places of their own, so
    /// that operations above draw for each by itself.
    pub fn place_of_copy(self, place: u64, copy: usize) -> u64 {
        if copy == 0 { place } else { mixed(mixed(self.at(place), 0).wrapping_add(copy as u64), 0) }
    }

    /// Which of the `rows` rows have a draw below `fraction` (of 2⁶⁴).
    pub fn below(self, fraction: f64, places: &Rows, rows: usize) -> BooleanBuffer {
        if fraction >= 1.0 {
            return BooleanBuffer::new_set(rows);
        }
        let limit = (fraction * ONE) as u64;
        let keep = |place| self.at(place) < limit;
        match places {
            Rows::Range { start } => BooleanBuffer::collect_bool(rows, |i| keep(start + i as u64)),
            Rows::Masked { start, mask } => {
                let mut set = mask.set_indices();
                BooleanBuffer::collect_bool(rows, |_| set.next().is_some_and(|i| keep(start + i as u64)))
            }
            Rows::Offsets { base, offsets } => {
                BooleanBuffer::collect_bool(rows, |i| keep(base + u64::from(offsets[i])))
            }
            Rows::List(places) => BooleanBuffer::collect_bool(rows, |i| keep(places[i])),
        }
    }
}

/// How often something happens that happens `mean` times on average, from a draw.
#[derive(Clone, Debug)]
pub struct Poisson {
    /// Sums of independent pieces of at most [`Poisson::PIECE`] each are Poisson too.
    pieces: u64,
    /// Draws below `limits[k]` give at most `k`, for one piece.
    limits: Vec<u64>,
}

impl Poisson {
    /// The largest mean that is drawn at once.
    const PIECE: f64 = 16.0;

    /// Counts with this mean.
    pub fn new(mean: f64) -> Poisson {
        let pieces = (mean / Self::PIECE).ceil().max(1.0);
        let mean = mean / pieces;
        let mut probability = (-mean).exp();
        let (mut below, mut limits) = (probability, Vec::new());
        // what is left out in the end is rarer than one draw in 2⁶⁴
        while below < 1.0 && (probability * ONE >= 0.5 || (limits.len() as f64) < mean) {
            limits.push((below * ONE) as u64);
            probability *= mean / limits.len() as f64;
            below += probability;
        }
        Poisson { pieces: pieces as u64, limits }
    }

    /// The count for a draw.
    pub fn count(&self, draw: u64) -> usize {
        let one = |draw: u64| self.limits.iter().take_while(|&&limit| draw >= limit).count();
        one(draw) + (1..self.pieces).map(|piece| one(mixed(draw, piece))).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_fixed() {
        // a change here changes everybody's samples
        let draws = Draws::new(42, 0);
        let drawn = [draws.at(0), draws.at(1), Draws::new(42, 1).at(0), Draws::new(43, 0).at(0)];
        assert_eq!(drawn, [0x6b9a_f544_17d0_bf75, 0xc5a5_7e81_72f0_a9d2, 0xcef3_4101_c7b3_d61a, 0xf71b_254b_ea6a_3e08]);
    }

    #[test]
    fn every_bit_is_even_and_neighbours_are_independent() {
        let n = 1 << 13;
        // five standard deviations of n fair coins
        let bound = 5.0 * (n as f64).sqrt() / 2.0;
        let drawn = |seed: u64, file: u64| (0..=n).map(|p| Draws::new(seed, file).at(p)).collect::<Vec<u64>>();
        for (seed, file) in [(0, 0), (1, 0), (42, 7)] {
            let draws = drawn(seed, file);
            let others = [vec![0; n as usize], draws[1..].to_vec(), drawn(seed + 1, file), drawn(seed, file + 1)];
            for (what, other) in others.iter().enumerate() {
                for bit in 0..64 {
                    let heads: u64 = draws.iter().zip(other).take(n as usize).map(|(a, b)| ((a ^ b) >> bit) & 1).sum();
                    assert!((heads as f64 - n as f64 / 2.0).abs() < bound, "bit {bit}, {what}: {heads}");
                }
            }
        }
    }

    #[test]
    fn all_kinds_of_places_have_the_same_draws() {
        let draws = Draws::new(3, 4);
        let places: Vec<u64> = (0..300u64).map(|i| 1000 + 3 * i).collect();
        let expected: BooleanBuffer = places.iter().map(|&p| draws.at(p) < 1 << 62).collect();
        let mask: Vec<bool> = (0..900).map(|i| i % 3 == 0).collect();
        let offsets: Vec<u32> = (0..300).map(|i| 3 * i).collect();
        for rows in [
            Rows::Masked { start: 1000, mask: mask.into() },
            Rows::Offsets { base: 1000, offsets: offsets.into() },
            Rows::List(places.into()),
        ] {
            assert_eq!(draws.below(0.25, &rows, 300), expected);
        }
        let range = Rows::Range { start: 1000 };
        let direct: BooleanBuffer = (1000..1300).map(|p| draws.at(p) < 1 << 62).collect();
        assert_eq!(draws.below(0.25, &range, 300), direct);
        assert_eq!(draws.below(1.0, &range, 300).count_set_bits(), 300);
        assert_eq!(draws.below(0.0, &range, 300).count_set_bits(), 0);
    }

    #[test]
    fn counts_have_the_mean_and_variance_of_poisson() {
        let (n, draws) = (10_000u64, Draws::new(5, 0));
        for mean in [0.0, 0.02, 0.5, 1.0, 3.7, 16.0, 40.0] {
            let poisson = Poisson::new(mean);
            let counts: Vec<f64> = (0..n).map(|p| poisson.count(draws.at(p)) as f64).collect();
            let average = counts.iter().sum::<f64>() / n as f64;
            let variance = counts.iter().map(|c| (c - average).powi(2)).sum::<f64>() / n as f64;
            let bound = 5.0 * (mean / n as f64).sqrt();
            assert!((average - mean).abs() <= bound, "{mean}: {average}");
            // the variance of a sample's variance is (mean + 2 mean²) / n
            let bound = 5.0 * ((mean + 2.0 * mean * mean) / n as f64).sqrt();
            assert!((variance - mean).abs() <= bound, "{mean}: variance {variance}");
        }
    }
}
