//! How often each key occurs: a hash table made for counting.

/// Counts of `u64` keys. Open addressing with linear probing; a slot with count 0 is free, at least half of them are.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    slots: Vec<Slot>,
    distinct: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: u64,
    count: u64,
}

const SMALLEST: usize = 16;

impl Tally {
    /// The number of distinct keys.
    pub fn distinct(&self) -> usize {
        self.distinct
    }

    /// Counts `key` `times` more.
    #[inline]
    pub fn add(&mut self, key: u64, times: u64) {
        if times == 0 {
            return;
        }
        if self.slots.is_empty() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = place(key, self.slots.len());
        loop {
            let slot = &mut self.slots[at & mask];
            if slot.count == 0 {
                *slot = Slot { key, count: times };
                self.distinct += 1;
                if self.distinct * 2 > self.slots.len() {
                    self.grow();
                }
                return;
            }
            if slot.key == key {
                slot.count += times;
                return;
            }
            at += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SMALLEST);
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| slot.count > 0) {
            let mut at = place(slot.key, size);
            while self.slots[at & (size - 1)].count > 0 {
                at += 1;
            }
            self.slots[at & (size - 1)] = slot;
        }
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Tally) {
        for (key, count) in other.iter() {
            self.add(key, count);
        }
    }

    /// Keys and their counts, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.slots.iter().filter(|slot| slot.count > 0).map(|slot| (slot.key, slot.count))
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

/// Where the search for a key begins: the top bits of a product (Fibonacci hashing), with the high half of the key folded
/// in, since short fractions leave the low half empty.
#[inline]
fn place(key: u64, size: usize) -> usize {
    let mixed = (key ^ key >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - size.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_those_of_a_map(keys in prop::collection::vec((0u64..50, any::<bool>(), 0u64..4), 0..400)) {
            let (mut tally, mut map) = (Tally::default(), HashMap::new());
            for (key, high, times) in keys {
                let key = if high { key << 56 } else { key };
                tally.add(key, times);
                if times > 0 { *map.entry(key).or_insert(0) += times; }
            }
            let mut twice = tally.clone();
            twice.merge(&tally);
            prop_assert_eq!(tally.distinct(), map.len());
            prop_assert_eq!(twice.iter().collect::<HashMap<_, _>>(), map.iter().map(|(k, v)| (*k, v * 2)).collect());
            prop_assert_eq!(tally.iter().collect::<HashMap<_, _>>(), map);
        }
    }
}
