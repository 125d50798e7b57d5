//! Ranges of bytes, asked for together. Pure.

use std::ops::Range;

/// Fewer bytes than this between two ranges are cheaper to read than to ask for separately: at 100 MB/s, a request that takes
/// 10 ms is worth a megabyte.
pub const GAP: u64 = 1 << 20;

/// A range to ask for, and which of the wanted ones lie in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// The bytes.
    pub range: Range<u64>,
    /// The places of the wanted ranges, rising.
    pub wanted: Vec<usize>,
}

/// The fewest ranges that hold all of `wanted`, which may come in any order and overlap, where at most `gap` bytes between
/// two of them are read for nothing and none becomes longer than `most` by joining. They rise.
pub fn together(wanted: &[Range<u64>], gap: u64, most: u64) -> Vec<Together> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&i| (wanted[i].start, wanted[i].end));
    let mut joined: Vec<Together> = Vec::new();
    for i in order {
        let next = &wanted[i];
        match joined.last_mut() {
            Some(last) if next.end <= last.range.end => last.wanted.push(i),
            Some(last) if next.start <= last.range.end.saturating_add(gap) && next.end - last.range.start <= most => {
                last.range.end = next.end;
                last.wanted.push(i);
            }
            _ => joined.push(Together { range: next.clone(), wanted: vec![i] }),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_are_asked_for_together() {
        let joined = together(&[0..10, 50..60, 12..20, 15..18], 5, 1000);
        let expected = [(0..20, vec![0, 2, 3]), (50..60, vec![1])];
        assert_eq!(joined, expected.map(|(range, wanted)| Together { range, wanted }));
        assert_eq!(together(&[0..10, 10..20], 5, 15).len(), 2, "not longer than that");
    }

    proptest! {
        #[test]
        fn each_range_lies_in_one(wanted in prop::collection::vec((0u64..500, 0u64..60), 0..20), gap in 0u64..50, most in 1u64..200) {
            let wanted: Vec<_> = wanted.into_iter().map(|(start, length)| start..start + length).collect();
            let joined = together(&wanted, gap, most);
            let mut seen = vec![0; wanted.len()];
            for (i, one) in joined.iter().enumerate() {
                for &w in &one.wanted {
                    seen[w] += 1;
                    prop_assert!(one.range.start <= wanted[w].start && wanted[w].end <= one.range.end);
                }
                prop_assert!(one.wanted.len() == 1 || one.range.end - one.range.start <= most.max(60));
                if let Some(before) = i.checked_sub(1).map(|b| &joined[b]) {
                    prop_assert!(before.range.start <= one.range.start);
                }
            }
            prop_assert!(seen.iter().all(|&n| n == 1));
        }
    }
}
