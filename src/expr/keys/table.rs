//! Open addressing over group numbers: linear probing by the low bits of a hash, told apart by the high ones.

/// Where a hash is, or could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// This group has a hash that agrees in all bits the table looks at.
    Taken(u32),
    /// No group has; this slot is free for one.
    Free(usize),
}

/// Slots that hold a group number and the upper half of its hash. It does not know keys: whoever asks compares them.
#[derive(Debug)]
pub struct Table {
    /// The upper half of the hash and the number of the group plus one; 0 when free.
    slots: Vec<u64>,
    taken: usize,
}

const SMALLEST: usize = 64;
const UPPER: u64 = 0xffff_ffff_0000_0000;

impl Default for Table {
    fn default() -> Self {
        Table { slots: vec![0; SMALLEST], taken: 0 }
    }
}

impl Table {
    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * 8
    }

    /// Forgets all groups and keeps the memory.
    pub fn clear(&mut self) {
        self.slots.fill(0);
        self.taken = 0;
    }

    /// Looks for a group with this hash for which `is` holds.
    #[inline]
    pub fn find(&self, hash: u64, mut is: impl FnMut(u32) -> bool) -> Place {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Place::Free(at);
            }
            if (slot ^ hash) & UPPER == 0 {
                let group = slot as u32 - 1;
                if is(group) {
                    return Place::Taken(group);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Puts a group into the slot that [`find`](Self::find) gave. `hashes` are those of all groups before it.
    #[inline]
    pub fn put(&mut self, at: usize, hash: u64, group: u32, hashes: &[u64]) {
        self.taken += 1;
        if self.taken * 2 > self.slots.len() {
            self.grow(hashes);
            let Place::Free(at) = self.find(hash, |_| false) else { return };
            self.slots[at] = hash & UPPER | u64::from(group + 1);
            return;
        }
        self.slots[at] = hash & UPPER | u64::from(group + 1);
    }

    #[cold]
    fn grow(&mut self, hashes: &[u64]) {
        let size = self.slots.len() * 4;
        self.slots.clear();
        self.slots.resize(size, 0);
        let mask = size - 1;
        for (group, hash) in hashes.iter().enumerate() {
            let mut at = *hash as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = hash & UPPER | (group as u64 + 1);
        }
    }
}
