//! Distinct words and the numbers they got, in the order in which they were met.

/// A dictionary of words: open addressing over a table that is at most half full.
#[derive(Debug)]
pub struct Dictionary {
    words: Vec<u64>,
    /// For each place, the number of a word plus one, or 0.
    table: Vec<u32>,
    /// How far a hash is shifted to become a place.
    shift: u32,
}

impl Dictionary {
    /// The most words it takes, so that their numbers fit into 16 bits.
    pub const MOST: usize = 1 << 16;

    /// An empty dictionary.
    pub fn new() -> Self {
        Dictionary { words: Vec::new(), table: vec![0; 1 << 10], shift: 64 - 10 }
    }

    /// The words, by their numbers.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Bytes that it holds.
    pub fn held(&self) -> usize {
        self.words.capacity() * 8 + self.table.capacity() * 4
    }

    /// Appends the number of each word to `numbers`; false as soon as there are too many words.
    pub fn number(&mut self, words: impl Iterator<Item = u64>, numbers: &mut Vec<u16>) -> bool {
        for word in words {
            let Some(number) = self.find_or_add(word) else { return false };
            numbers.push(number);
        }
        true
    }

    #[inline(always)]
    fn find_or_add(&mut self, word: u64) -> Option<u16> {
        let mask = self.table.len() - 1;
        let mut place = (hash(word) >> self.shift) as usize & mask;
        loop {
            match self.table[place] {
                0 => return self.add(word, place),
                number if self.words[number as usize - 1] == word => return Some((number - 1) as u16),
                _ => place = (place + 1) & mask,
            }
        }
    }

    #[cold]
    fn add(&mut self, word: u64, place: usize) -> Option<u16> {
        let number = self.words.len();
        if number == Self::MOST {
            return None;
        }
        self.words.push(word);
        self.table[place] = number as u32 + 1;
        if self.words.len() * 2 > self.table.len() {
            self.grow();
        }
        Some(number as u16)
    }

    fn grow(&mut self) {
        self.shift -= 2;
        self.table = vec![0; self.table.len() * 4];
        let mask = self.table.len() - 1;
        for (number, &word) in self.words.iter().enumerate() {
            let mut place = (hash(word) >> self.shift) as usize & mask;
            while self.table[place] != 0 {
                place = (place + 1) & mask;
            }
            self.table[place] = number as u32 + 1;
        }
    }
}

impl Default for Dictionary {
    fn default() -> Self {
        Dictionary::new()
    }
}

/// Fibonacci hashing; the upper half is mixed in first, because floats of few digits differ only there.
#[inline(always)]
fn hash(word: u64) -> u64 {
    (word ^ (word >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_keeps_its_number(words in proptest::collection::vec(prop_oneof![0u64..50, any::<u64>()], 0..2000)) {
            let (mut dictionary, mut numbers) = (Dictionary::new(), Vec::new());
            prop_assert!(dictionary.number(words.iter().copied(), &mut numbers));
            let back: Vec<u64> = numbers.iter().map(|&n| dictionary.words()[n as usize]).collect();
            prop_assert_eq!(back, words.clone());
            let distinct: std::collections::BTreeSet<u64> = words.into_iter().collect();
            prop_assert_eq!(dictionary.words().len(), distinct.len());
        }
    }

    #[test]
    fn it_says_when_it_is_full() {
        let (mut dictionary, mut numbers) = (Dictionary::new(), Vec::new());
        assert!(dictionary.number((0..65_536u64).map(|i| i << 40), &mut numbers));
        assert!(dictionary.number([5 << 40].into_iter(), &mut numbers) && numbers[65_536] == 5);
        assert!(!dictionary.number([1].into_iter(), &mut numbers));
    }
}
