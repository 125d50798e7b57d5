//! How the row groups of a file become partitions: neighbours joined, big ones split. Pure.

use std::ops::Range;

/// What is known of a row group for cutting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The number of rows.
    pub rows: u64,
    /// The decoded size in bytes, about.
    pub bytes: u64,
    /// Into how many parts its pages can be divided without decoding them several times.
    pub parts: u64,
}

/// The size that a partition should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Rows.
    pub rows: u64,
    /// Decoded bytes.
    pub bytes: u64,
}

/// A part of a file: some rows of neighbouring row groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The row groups. One alone, if it is split.
    pub groups: Range<usize>,
    /// The rows that are skipped at the start of the first group.
    pub skip: u64,
    /// The number of rows.
    pub rows: u64,
    /// The decoded size in bytes, about.
    pub bytes: u64,
}

/// A joined partition may be this much larger than aimed at; a group is split only if it is larger than that.
const SLACK: f64 = 1.25;

impl Target {
    /// The size to aim at when there are `total` rows in so many row groups: small frames are cut finer, so that there is
    /// work for all threads, but not so fine that a partition is not worth its task, and not through row groups where
    /// they are nearly as fine: each part of one decodes its dictionaries again. It does not depend on the number of
    /// threads.
    pub fn of(total: u64, groups: u64, rows: u64, bytes: u64) -> Target {
        const PIECES: u64 = 32;
        const SMALLEST: u64 = 128 << 10;
        let fine = total / PIECES;
        let usual = total.div_ceil(groups.max(1));
        let aim = if usual <= 2 * fine { fine.max(usual) } else { fine };
        Target { rows: aim.clamp(SMALLEST.min(rows), rows), bytes }
    }

    /// How many times the group fills a partition.
    pub fn share(&self, group: &Group) -> f64 {
        (group.rows as f64 / self.rows as f64).max(group.bytes as f64 / self.bytes as f64)
    }

    /// Whether the group is so large that it should be split.
    pub fn splits(&self, group: &Group) -> bool {
        self.share(group) > SLACK
    }
}

/// Cuts a file into partitions of about the target's size.
pub fn cut(groups: &[Group], target: Target) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = Vec::new();
    let mut filled = 0.0;
    for (i, group) in groups.iter().enumerate() {
        let share = target.share(group);
        if target.splits(group) {
            split(i, group, share.ceil() as u64, &mut cuts);
            filled = f64::INFINITY;
        } else if let (Some(last), true) = (cuts.last_mut(), filled + share <= SLACK) {
            last.groups.end = i + 1;
            last.rows += group.rows;
            last.bytes += group.bytes;
            filled += share;
        } else {
            cuts.push(Cut { groups: i..i + 1, skip: 0, rows: group.rows, bytes: group.bytes });
            filled = share;
        }
    }
    cuts
}

fn split(i: usize, group: &Group, wanted: u64, cuts: &mut Vec<Cut>) {
    let parts = wanted.min(group.parts).clamp(1, group.rows.max(1));
    for part in 0..parts {
        let at = |k: u64| (u128::from(group.rows) * u128::from(k) / u128::from(parts)) as u64;
        let (skip, end) = (at(part), at(part + 1));
        cuts.push(Cut { groups: i..i + 1, skip, rows: end - skip, bytes: group.bytes / parts });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TARGET: Target = Target { rows: 1000, bytes: 10_000 };

    fn group(rows: u64, parts: u64) -> Group {
        Group { rows, bytes: rows * 8, parts }
    }

    #[test]
    fn small_groups_are_joined_and_big_ones_split() {
        let cuts = cut(&[group(300, 1), group(300, 1), group(300, 1), group(300, 1), group(300, 1)], TARGET);
        let rows: Vec<_> = cuts.iter().map(|c| (c.groups.clone(), c.rows)).collect();
        assert_eq!(rows, [(0..4, 1200), (4..5, 300)]);
        let cuts = cut(&[group(2500, 9), group(10, 1)], TARGET);
        let rows: Vec<_> = cuts.iter().map(|c| (c.groups.clone(), c.skip, c.rows)).collect();
        assert_eq!(rows, [(0..1, 0, 833), (0..1, 833, 833), (0..1, 1666, 834), (1..2, 0, 10)]);
        assert_eq!(cut(&[group(2500, 1)], TARGET).len(), 1, "one page a column: not split");
    }

    #[test]
    fn small_frames_are_cut_finer() {
        assert_eq!(Target::of(20_000_000, 80, 1 << 20, 9).rows, 625_000);
        assert_eq!(Target::of(5_000_000, 20, 1 << 20, 9).rows, 250_000, "whole row groups");
        assert_eq!(Target::of(5_000_000, 5, 1 << 20, 9).rows, 156_250, "not for too few of them");
        assert_eq!(Target::of(1_000, 1, 1 << 20, 9).rows, 128 << 10);
        assert_eq!(Target::of(1 << 40, 1 << 20, 1 << 20, 9).rows, 1 << 20);
        assert_eq!(Target::of(1 << 40, 1 << 20, 10, 9).rows, 10);
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_partition(sizes in proptest::collection::vec((0u64..5000, 0u64..8), 0..20)) {
            let groups: Vec<Group> = sizes.iter().map(|&(rows, parts)| group(rows, parts)).collect();
            let starts: Vec<u64> =
                groups.iter().scan(0, |sum, g| { let at = *sum; *sum += g.rows; Some(at) }).collect();
            let mut at = 0;
            for c in cut(&groups, TARGET) {
                prop_assert_eq!(starts[c.groups.start] + c.skip, at);
                at += c.rows;
                prop_assert!(c.groups.len() == 1 || c.skip == 0);
            }
            prop_assert_eq!(at, groups.iter().map(|g| g.rows).sum::<u64>());
        }
    }
}
