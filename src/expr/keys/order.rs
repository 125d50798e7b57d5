//! Groups in the order of their hashes.

use std::cmp::Ordering;

/// The numbers of all groups, by hash and, among equal hashes, by `compare`. Hashes are evenly spread below the bits
/// that all of them share, so that one distribution over their next bits all but sorts them.
pub fn by_hash(hashes: &[u64], compare: impl Fn(u32, u32) -> Ordering) -> Vec<u32> {
    let (Some(low), Some(high)) = (hashes.iter().min(), hashes.iter().max()) else { return Vec::new() };
    let bits = hashes.len().ilog2().clamp(1, 20);
    let shared = (low ^ high).leading_zeros().min(64 - bits);
    let digit = |hash: u64| (hash << shared >> (64 - bits)) as usize;
    let mut starts = vec![0u32; (1 << bits) + 1];
    hashes.iter().for_each(|&hash| starts[digit(hash) + 1] += 1);
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut sorted = vec![(0u64, 0u32); hashes.len()];
    let mut next = starts.clone();
    for (group, &hash) in hashes.iter().enumerate() {
        let at = &mut next[digit(hash)];
        sorted[*at as usize] = (hash, group as u32);
        *at += 1;
    }
    for bounds in starts.windows(2) {
        let part = &mut sorted[bounds[0] as usize..bounds[1] as usize];
        if part.len() > 1 {
            part.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(a.1, b.1)));
        }
    }
    sorted.into_iter().map(|(_, group)| group).collect()
}
