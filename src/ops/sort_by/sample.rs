//! Where one output partition ends and the next begins.

use std::cmp::Ordering;

use crate::base::{Error, Result};
use crate::expr::order::Keys;

/// How many keys are sampled from a partition at least, if it has so many rows.
const KEYS: usize = 256;
/// How many bytes of a key are looked at to tell ranges apart.
pub(super) const SHOWN: usize = 64;

/// Evenly spaced keys of the rows of a partition. Which they are depends on the rows and their order alone, not on how
/// they are cut into batches and runs.
#[derive(Debug, Default)]
pub(super) struct Sample {
    keys: Vec<Vec<u8>>,
    /// Each key stands for so many rows, as a power of two.
    spacing: u32,
    rows: u64,
}

/// The end of a range: rows with a smaller key lie before it, and of those with an equal one the ones that came from
/// earlier partitions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Border {
    /// The first bytes of a key.
    key: Vec<u8>,
    /// The partition it came from; rows of it lie behind the border.
    partition: usize,
}

impl Sample {
    /// Looks at the rows that follow.
    pub(super) fn push(&mut self, keys: &Keys) -> Result<()> {
        let mut from = self.rows;
        let end = self.rows + keys.len() as u64;
        while from < end {
            let spacing = 1u64 << self.spacing;
            let missing = (2 * KEYS - self.keys.len()) as u64;
            // up to where the sample is full with this spacing
            let first = from.next_multiple_of(spacing);
            let to = (first + missing * spacing).min(end);
            let rows = (first..to).step_by(spacing as usize).map(|row| (row - self.rows) as u32);
            let mut picked = keys.pick(&rows.collect::<Vec<u32>>())?;
            picked.iter_mut().for_each(|key| {
                key.truncate(SHOWN);
                key.shrink_to_fit();
            });
            self.keys.extend(picked);
            if self.keys.len() == 2 * KEYS {
                let mut even = false;
                self.keys.retain(|_| {
                    even = !even;
                    even
                });
                self.spacing += 1;
            }
            from = to.max(from + 1);
        }
        self.rows = end;
        Ok(())
    }
}

/// The borders between `partitions` ranges of about as many rows each, from the samples of the input partitions.
pub(super) fn borders(samples: Vec<Sample>, partitions: usize) -> Vec<Border> {
    let mut keys: Vec<(Border, u64)> = Vec::new();
    for (partition, sample) in samples.into_iter().enumerate() {
        let weight = 1 << sample.spacing;
        keys.extend(sample.keys.into_iter().map(|key| (Border { key, partition }, weight)));
    }
    keys.sort_unstable();
    let all: u64 = keys.iter().map(|(_, weight)| weight).sum();
    let (mut borders, mut seen) = (Vec::with_capacity(partitions.saturating_sub(1)), 0);
    for (border, weight) in keys {
        while borders.len() + 1 < partitions && seen >= share(all, borders.len() + 1, partitions) {
            borders.push(border.clone());
        }
        seen += weight;
    }
    borders
}

/// `part` of `parts` of `all`.
fn share(all: u64, part: usize, parts: usize) -> u64 {
    (u128::from(all) * part as u128 / parts as u128) as u64
}

impl Border {
    /// The first bytes of its key.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The border before all rows with this key.
    pub(super) fn before(key: &[u8]) -> Result<Border> {
        if key.len() >= SHOWN {
            let what = format!("a border between partitions of more than {} bytes", SHOWN - 1);
            return Err(Error::unsupported(what).help("use shorter texts that tell the rows apart"));
        }
        Ok(Border { key: key.to_vec(), partition: 0 })
    }

    /// Whether a row of `partition` whose key begins with the bytes `key` lies before it.
    ///
    /// Of a border's key that is cut short it is not known whether another is equal: all that begin with it lie behind.
    pub(super) fn is_after(&self, key: &[u8], partition: usize) -> bool {
        let start = key.get(..self.key.len()).unwrap_or(key);
        let equal_before = self.key.len() < SHOWN && partition < self.partition;
        match start.cmp(&self.key) {
            Ordering::Less => true,
            Ordering::Equal => equal_before,
            Ordering::Greater => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch};

    use super::*;
    use crate::expr::order::Encoder;

    fn keys(values: std::ops::Range<i64>) -> Keys {
        let record = RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from_iter_values(values)) as _)]).unwrap();
        Encoder::new(&["x".into()], &record.schema()).unwrap().encode(&record).unwrap()
    }

    #[test]
    fn a_sample_does_not_depend_on_batches() {
        let mut whole = Sample::default();
        whole.push(&keys(0..100_000)).unwrap();
        assert!((KEYS..2 * KEYS).contains(&whole.keys.len()), "{}", whole.keys.len());
        for step in [1usize, 7, 255, 4096] {
            let mut parts = Sample::default();
            let end = if step == 1 { 2000 } else { 100_000 };
            for start in (0..end).step_by(step) {
                parts.push(&keys(start..(start + step as i64).min(end))).unwrap();
            }
            if step == 1 {
                whole = Sample::default();
                whole.push(&keys(0..2000)).unwrap();
            }
            assert_eq!((parts.spacing, &parts.keys), (whole.spacing, &whole.keys));
            whole = Sample::default();
            whole.push(&keys(0..100_000)).unwrap();
        }
    }

    #[test]
    fn ranges_are_even() {
        let sample = |values: std::ops::Range<i64>| {
            let mut sample = Sample::default();
            sample.push(&keys(values)).unwrap();
            sample
        };
        let borders = borders(vec![sample(0..60_000), sample(60_000..70_000), sample(0..0)], 7);
        let all = keys(0..70_000);
        let before = |b: &Border| (0..all.len()).filter(|&row| b.is_after(all.whole(row), 0)).count();
        let cuts: Vec<usize> = borders.iter().map(before).collect();
        assert_eq!(cuts.len(), 6);
        for (i, cut) in cuts.iter().enumerate() {
            assert!(cut.abs_diff((i + 1) * 10_000) < 1000, "{cuts:?}");
        }
    }

    #[test]
    fn equal_keys_are_told_apart_by_partition() {
        let same = || {
            let mut sample = Sample::default();
            sample.push(&keys(5..6)).unwrap();
            sample
        };
        let borders = borders((0..4).map(|_| same()).collect(), 2);
        let one = keys(5..6);
        let before: Vec<bool> = (0..4).map(|q| borders[0].is_after(one.whole(0), q)).collect();
        assert_eq!(before, [true, true, false, false]);
    }
}
