//! Whole numbers of any width in a fixed unit, made for adding: what holds the sum of a group whose values are too far apart for a window.

use num_bigint::BigInt;

/// A signed whole number: limbs in two's complement, of which the first has the weight 2^(64·`lowest`). Limbs below are zero, and the
/// last one is all sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Long {
    lowest: u32,
    limbs: Vec<u64>,
}

impl Long {
    /// Adds ±`magnitude`·2^`at`.
    pub fn add(&mut self, magnitude: u128, negative: bool, at: u32) {
        if magnitude == 0 {
            return;
        }
        let bit = at % 64;
        let (low, high) = (magnitude as u64, (magnitude >> 64) as u64);
        let above = |word: u64| if bit == 0 { 0 } else { word >> (64 - bit) };
        self.add_limbs(at / 64, &[low << bit, high << bit | above(low), above(high)], negative);
    }

    /// Adds ±`magnitude`, a number of limbs, ·2^(64·`from`).
    pub fn add_limbs(&mut self, from: u32, magnitude: &[u64], negative: bool) {
        self.cover(from, from + magnitude.len() as u32);
        let start = (from - self.lowest) as usize;
        let mut carry = false;
        for (i, limb) in self.limbs[start..].iter_mut().enumerate() {
            let term = magnitude.get(i).copied().unwrap_or(0);
            if i >= magnitude.len() && !carry {
                break;
            }
            let ((part, first), second);
            if negative {
                (part, first) = limb.overflowing_sub(term);
                (*limb, second) = part.overflowing_sub(u64::from(carry));
            } else {
                (part, first) = limb.overflowing_add(term);
                (*limb, second) = part.overflowing_add(u64::from(carry));
            }
            carry = first | second;
        }
        self.keep_sign();
    }

    /// Adds another number.
    pub fn add_long(&mut self, other: &Long) {
        if other.limbs.is_empty() {
            return;
        }
        if other.is_negative() {
            let mut magnitude: Vec<u64> = other.limbs.iter().map(|limb| !limb).collect();
            // −x = !x + 1
            for limb in &mut magnitude {
                let carry;
                (*limb, carry) = limb.overflowing_add(1);
                if !carry {
                    break;
                }
            }
            self.add_limbs(other.lowest, &magnitude, true);
        } else {
            self.add_limbs(other.lowest, &other.limbs, false);
        }
    }

    fn is_negative(&self) -> bool {
        self.limbs.last().is_some_and(|limb| limb >> 63 == 1)
    }

    /// Makes room for the limbs `from..to`, and a sign above.
    fn cover(&mut self, from: u32, to: u32) {
        if self.limbs.is_empty() {
            self.lowest = from;
        }
        if from < self.lowest {
            self.limbs.splice(0..0, std::iter::repeat_n(0, (self.lowest - from) as usize));
            self.lowest = from;
        }
        let wanted = (to - self.lowest) as usize + 1;
        if self.limbs.len() < wanted {
            let sign = if self.is_negative() { u64::MAX } else { 0 };
            self.limbs.resize(wanted, sign);
        }
    }

    /// A limb more, if the last one is no longer all sign.
    fn keep_sign(&mut self) {
        if let Some(last) = self.limbs.last()
            && *last != 0
            && *last != u64::MAX
        {
            let sign = if self.is_negative() { u64::MAX } else { 0 };
            self.limbs.push(sign);
        }
    }

    /// The number.
    pub fn big(&self) -> BigInt {
        let bytes: Vec<u8> = self.limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        BigInt::from_signed_bytes_le(&bytes) << (64 * self.lowest)
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.limbs.capacity() * size_of::<u64>()
    }

    /// Writes the number: its lowest limb and their count, then the limbs.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.lowest.to_le_bytes());
        out.extend((self.limbs.len() as u32).to_le_bytes());
        out.extend(self.limbs.iter().flat_map(|limb| limb.to_le_bytes()));
    }

    /// Reads a written number, and says what follows it; `None` for damaged bytes.
    pub fn read(bytes: &[u8]) -> Option<(Long, &[u8])> {
        let (lowest, bytes) = bytes.split_first_chunk::<4>()?;
        let (count, bytes) = bytes.split_first_chunk::<4>()?;
        let (limbs, rest) = bytes.split_at_checked(8 * u32::from_le_bytes(*count) as usize)?;
        let (limbs, _) = limbs.as_chunks::<8>();
        let limbs = limbs.iter().map(|limb| u64::from_le_bytes(*limb)).collect();
        Some((Long { lowest: u32::from_le_bytes(*lowest), limbs }, rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_those_of_big_integers(
            terms in prop::collection::vec((any::<u128>(), 0u32..128, any::<bool>(), 0u32..4200), 0..40), split in 0usize..40
        ) {
            let (mut wanted, mut parts) = (BigInt::default(), [Long::default(), Long::default()]);
            for (i, (magnitude, narrow, negative, at)) in terms.into_iter().enumerate() {
                let magnitude = magnitude >> narrow;
                let term = BigInt::from(magnitude) << at;
                if negative { wanted -= term } else { wanted += term }
                parts[usize::from(i < split)].add(magnitude, negative, at);
            }
            let [mut sum, other] = parts;
            sum.add_long(&other);
            prop_assert_eq!(sum.big(), wanted.clone());
            let mut bytes = Vec::new();
            sum.write(&mut bytes);
            bytes.push(7);
            let (read, rest) = Long::read(&bytes).unwrap();
            prop_assert_eq!((read.big(), rest), (wanted, &[7u8][..]));
            prop_assert!(Long::read(&bytes[..bytes.len() - 2]).is_none());
        }
    }

    #[test]
    fn a_sum_may_cross_zero_many_times() {
        let mut sum = Long::default();
        for i in 0..1000u32 {
            sum.add(1 << 100, i % 2 == 0, 64);
        }
        assert_eq!(sum.big(), BigInt::default());
        assert!(sum.bytes() <= 64, "{}", sum.bytes());
    }
}
