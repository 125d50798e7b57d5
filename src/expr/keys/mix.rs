//! The mixers that hashes are made of. They are fixed for ever: the order of unsorted results hangs on them.

/// Where every hash begins.
pub const SEED: u64 = 0x2545_f491_4f6c_dd1d;
/// The word of a null.
pub const NULL: u64 = 0x9e6c_63d0_876a_3f6b;

/// A bijection whose every output bit hangs on every input bit: hashes of different words are different.
///
/// Multiplications and shifts after Pelle Evensen's "moremur".
#[inline]
pub fn mix(word: u64) -> u64 {
    let mut x = word;
    x = (x ^ x >> 27).wrapping_mul(0x3c79_ac49_2ba7_b653);
    x = (x ^ x >> 33).wrapping_mul(0x1c69_b3f7_4ac4_ae35);
    x ^ x >> 27
}

/// The hash of the keys so far and one more word.
#[inline]
pub fn combine(hash: u64, word: u64) -> u64 {
    mix(hash ^ word)
}

/// Both halves of a product in one word.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn load8(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

#[inline]
fn load4(bytes: &[u8], at: usize) -> u64 {
    u64::from(bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes))
}

/// The word of a string: what stands for it in a hash. Strings of up to 16 bytes are read as two overlapping numbers
/// (as wyhash does), longer ones hashed by XXH3.
#[inline]
pub fn word_of(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    let (a, b) = match len {
        17.. => return xxhash_rust::xxh3::xxh3_64(bytes),
        8.. => (load8(bytes, 0), load8(bytes, len - 8)),
        4.. => (load4(bytes, 0), load4(bytes, len - 4)),
        1.. => (u64::from(bytes[0]) << 16 | u64::from(bytes[len / 2]) << 8 | u64::from(bytes[len - 1]), 0),
        0 => (0, 0),
    };
    let len = len as u64;
    fold(fold(a ^ 0xa076_1d64_78bd_642f, b ^ 0xe703_7ed1_a0b4_28db ^ len), len ^ 0x8ebc_6af0_9c88_c6e3)
}

/// A string of up to 15 bytes as one number, its length in the last byte; of a longer one the first 15 bytes and
/// [`LONG`]. Short strings are the same when their numbers are.
#[inline]
pub fn inlined(bytes: &[u8]) -> u128 {
    let len = bytes.len();
    let (low, high) = match len {
        16.. => (load8(bytes, 0), load8(bytes, 8) & (u64::MAX >> 8)),
        // the loads overlap: what both have is shifted out
        8.. => (load8(bytes, 0), (load8(bytes, len - 8) >> 8) >> (8 * (15 - len))),
        4.. => (load4(bytes, 0) | load4(bytes, len - 4) << (8 * (len - 4)), 0),
        _ => (bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0),
    };
    u128::from(low) | u128::from(high) << 64 | if len > 15 { LONG } else { (len as u128) << 120 }
}

/// What the number of a long string has in its last byte.
pub const LONG: u128 = 0xff << 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_fixed() {
        assert_eq!(combine(SEED, 0), 0x2d830f070ac6e2bd);
        assert_eq!(combine(SEED, NULL), 0x69c18e16ba7a6e04);
        let words = ["", "a", "abc", "abcd", "0123456789", "0123456789abcdef"].map(|text| word_of(text.as_bytes()));
        let known = [
            0xa5506ff52926ac13,
            0x2a97c4e9b1d8b18b,
            0xb066e2d2302b80a3,
            0xb7ca6693b8f697e8,
            0x7c0cbed84cc31670,
            0x5cdadea1e4c1203f,
        ];
        assert_eq!(words, known);
        assert_eq!(word_of(b"0123456789abcdefg"), xxhash_rust::xxh3::xxh3_64(b"0123456789abcdefg"));
    }

    #[test]
    fn high_and_low_bits_of_small_numbers_are_spread() {
        for shift in [56, 0] {
            let mut counts = [0u32; 256];
            (0..65_536).for_each(|i| counts[(combine(SEED, i) >> shift) as usize & 255] += 1);
            assert!(counts.iter().all(|&n| (170..350).contains(&n)), "{counts:?}");
            let mut counts = [0u32; 256];
            (0..65_536).for_each(|i| counts[(word_of(format!("id{i:010}").as_bytes()) >> shift) as usize & 255] += 1);
            assert!(counts.iter().all(|&n| (170..350).contains(&n)), "{counts:?}");
        }
    }

    #[test]
    fn short_strings_are_numbers() {
        let text = "0123456789abcdefghij";
        for len in 0..20 {
            let a = &text.as_bytes()[..len];
            assert!(inlined(a) != inlined(&text.as_bytes()[1..]));
            assert_eq!(inlined(a) >= LONG, len > 15);
            let ends = text.as_bytes().iter().take(len.min(15)).enumerate();
            assert_eq!(inlined(a) << 8 >> 8, ends.fold(0, |n, (i, &b)| n | u128::from(b) << (8 * i)));
            for change in 0..len {
                let mut b = a.to_vec();
                b[change] ^= 1;
                assert!(change > 14 || inlined(a) != inlined(&b), "{len} {change}");
                assert_ne!(word_of(a), word_of(&b), "{len} {change}");
            }
        }
    }
}
