//! The Mersenne Twister as numpy's `RandomState` uses it, for samples that have to be equal to Dask's.
//!
//! M. Matsumoto, T. Nishimura: "Mersenne Twister", ACM Transactions on Modeling and Computer Simulation 8 (1998), with the
//! seeding of 2002; shuffles and bounded numbers as numpy's `RandomState` has frozen them.

/// Words of the state.
const WORDS: usize = 624;
/// Distance of the words that are brought together.
const SHIFT: usize = 397;

/// A stream of 32-bit words.
#[derive(Clone)]
pub struct Mt19937 {
    key: [u32; WORDS],
    /// The next word; all are used up at `WORDS`.
    at: usize,
}

impl Mt19937 {
    /// `RandomState(seed)`.
    pub fn from_seed(seed: u32) -> Mt19937 {
        let mut key = [seed; WORDS];
        for i in 1..WORDS {
            let last = key[i - 1];
            key[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Mt19937 { key, at: WORDS }
    }

    /// `RandomState(words)`; without words, as one zero.
    pub fn from_words(words: &[u32]) -> Mt19937 {
        let words = if words.is_empty() { &[0] } else { words };
        let mut key = Mt19937::from_seed(19_650_218).key;
        let mut i = 1;
        let mut step = |key: &mut [u32; WORDS], factor: u32, add: &dyn Fn(usize) -> u32| {
            let last = key[i - 1];
            key[i] = (key[i] ^ (last ^ (last >> 30)).wrapping_mul(factor)).wrapping_add(add(i));
            i += 1;
            if i == WORDS {
                key[0] = key[WORDS - 1];
                i = 1;
            }
        };
        for j in (0..words.len()).cycle().take(WORDS.max(words.len())) {
            step(&mut key, 1_664_525, &|_| words[j].wrapping_add(j as u32));
        }
        for _ in 1..WORDS {
            step(&mut key, 1_566_083_941, &|i| (i as u32).wrapping_neg());
        }
        key[0] = 0x8000_0000;
        Mt19937 { key, at: WORDS }
    }

    /// The stream that Dask's `sample` with this seed uses for a partition: seeded by its 624 words of
    /// `RandomState(seed).bytes(…)`, which are the words of the stream itself.
    pub fn for_partition(seed: u32, partition: usize) -> Mt19937 {
        let mut stream = Mt19937::from_seed(seed);
        (0..=partition).for_each(|_| stream.twist());
        let words: Vec<u32> = (0..WORDS).map(|_| stream.word()).collect();
        Mt19937::from_words(&words)
    }

    /// The next 624 words.
    fn twist(&mut self) {
        let mix = |high: u32, low: u32| {
            let both = (high & 0x8000_0000) | (low & 0x7fff_ffff);
            (both >> 1) ^ (if low & 1 == 1 { 0x9908_b0df } else { 0 })
        };
        let key = &mut self.key;
        for i in 0..WORDS - SHIFT {
            key[i] = key[i + SHIFT] ^ mix(key[i], key[i + 1]);
        }
        for i in WORDS - SHIFT..WORDS - 1 {
            key[i] = key[i + SHIFT - WORDS] ^ mix(key[i], key[i + 1]);
        }
        key[WORDS - 1] = key[SHIFT - 1] ^ mix(key[WORDS - 1], key[0]);
        self.at = 0;
    }

    /// The next word.
    pub fn word(&mut self) -> u32 {
        if self.at == WORDS {
            self.twist();
        }
        let mut y = self.key[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// A number in `0..=max`: words are masked to as many bits as `max` has, and those above it are drawn again.
    pub fn up_to(&mut self, max: u32) -> u32 {
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let drawn = self.word() & mask;
            if drawn <= max {
                return drawn;
            }
        }
    }

    /// `permutation(n)`: the numbers below `n`, shuffled from the end.
    pub fn permutation(&mut self, n: u32) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..n).collect();
        for i in (1..n).rev() {
            numbers.swap(i as usize, self.up_to(i) as usize);
        }
        numbers
    }

    /// `choice(n, count)`, with replacement; none where there is nothing to choose from.
    pub fn choice(&mut self, n: u32, count: usize) -> Vec<u32> {
        match n.checked_sub(1) {
            None => Vec::new(),
            Some(max) => (0..count).map(|_| self.up_to(max)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `np.random.RandomState(seed)`: three words, `bytes(5)`, `permutation(10)`, `choice(7, 6)`, `choice(1, 2)`,
    /// `permutation(3)`, one after the other.
    #[test]
    fn as_numpy() {
        let check = |seed, words: [u32; 3], bytes: [u8; 5], ten: [u32; 10], seven: [u32; 6], three: [u32; 3]| {
            let mut stream = Mt19937::from_seed(seed);
            assert_eq!(words, [stream.word(), stream.word(), stream.word()]);
            let two = [stream.word().to_le_bytes(), stream.word().to_le_bytes()].concat();
            assert_eq!(bytes, two[..5]);
            assert_eq!(ten[..], stream.permutation(10));
            assert_eq!(seven[..], stream.choice(7, 6));
            assert_eq!([0, 0][..], stream.choice(1, 2));
            assert_eq!(three[..], stream.permutation(3));
        };
        check(
            0,
            [2_357_136_044, 2_546_248_239, 3_071_714_933],
            [0xc0, 0xcc, 0x21, 0xd8, 0x43],
            [8, 6, 4, 0, 2, 5, 9, 1, 7, 3],
            [0, 4, 2, 1, 6, 6],
            [2, 1, 0],
        );
        check(
            42,
            [1_608_637_542, 3_421_126_067, 4_083_286_876],
            [0x0e, 0x95, 0xf5, 0x2e, 0x6a],
            [3, 9, 0, 8, 5, 2, 1, 6, 4, 7],
            [2, 5, 4, 1, 3, 5],
            [0, 2, 1],
        );
        check(
            u32::MAX,
            [419_326_371, 479_346_978, 3_918_654_476],
            [0x47, 0xac, 0x0c, 0x90, 0xb4],
            [5, 8, 4, 7, 3, 9, 1, 2, 6, 0],
            [5, 6, 6, 6, 5, 1],
            [0, 2, 1],
        );
    }

    #[test]
    fn as_numpy_from_words() {
        let words: Vec<u32> = (0..WORDS as u32).map(|i| i * 7 + 3).collect();
        let mut stream = Mt19937::from_words(&words);
        assert_eq!([3_841_094_610, 2_894_197_184, 743_857_781], [stream.word(), stream.word(), stream.word()]);
        assert_eq!([6, 7, 1, 0, 3, 4, 2, 5][..], stream.permutation(8));
        let mut short = Mt19937::from_words(&[1, 2, 3]);
        assert_eq!([2_619_334_238, 1_552_691_353, 3_808_334_787], [short.word(), short.word(), short.word()]);
        let long = Mt19937::from_seed(7).permutation(100_000);
        assert_eq!([33_909, 92_307, 89_107, 9_538, 31_008], long[..5]);
        assert_eq!([53_459, 10_742, 49_689, 58_564, 61_615], long[99_995..]);
    }
}
