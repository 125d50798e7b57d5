//! A record batch and the origin of its rows.

use arrow::array::ArrayData;
use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::compute::filter_record_batch;
use rustc_hash::FxHashSet;

use crate::base::{Result, Token, mixed};

/// Batches one after the other, as a task pulls them.
pub type Batches = Box<dyn Iterator<Item = Result<Batch>> + Send>;

/// Rows that are worked on together, about as many as keep a column in the cache, and where they came from.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The columns.
    pub record: RecordBatch,
    /// Where the rows came from.
    pub origin: Origin,
}

/// Where the rows of a batch came from: the file and the place in it, kept through filters. A sample draws on it, so
/// that the same rows are drawn for any partitioning, and sampling and filtering may change places.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The ordinal of the file (or of whatever the source counts).
    pub file: u64,
    /// The place of each row in it.
    pub rows: Rows,
}

/// The places of the rows of a batch: row numbers, or byte offsets of records.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Row `i` is at `start + i`.
    Range {
        /// The place of the first row.
        start: u64,
    },
    /// The rows of a range that filters kept: those whose bit is set.
    Masked {
        /// The place of the first bit.
        start: u64,
        /// A bit for each place.
        mask: BooleanBuffer,
    },
    /// Row `i` is at `base + offsets[i]`.
    Offsets {
        /// What is added to each offset.
        base: u64,
        /// The offsets.
        offsets: ScalarBuffer<u32>,
    },
    /// Each place by itself.
    List(ScalarBuffer<u64>),
}

impl Batch {
    /// A batch whose rows are at `start`, `start + 1`, … of file `file`.
    pub fn new(record: RecordBatch, file: u64, start: u64) -> Self {
        Batch { record, origin: Origin { file, rows: Rows::Range { start } } }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.record.num_rows()
    }

    /// Bytes held by the columns: a slice holds the whole of what it was cut from, a shared buffer counts once.
    pub fn bytes(&self) -> usize {
        self.bytes_beside(&mut FxHashSet::default())
    }

    /// Bytes held beside the buffers in `known`, to which its own are added: batches that share buffers are held
    /// together for less.
    pub fn bytes_beside(&self, known: &mut FxHashSet<usize>) -> usize {
        self.record.columns().iter().map(|c| buffers(&c.to_data(), known)).sum()
    }

    /// The same rows with other columns.
    pub fn with_record(&self, record: RecordBatch) -> Batch {
        Batch { record, origin: self.origin.clone() }
    }

    /// The columns at these positions; all if none are named.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn projected(self, keep: Option<&[usize]>) -> Result<Batch> {
        match keep {
            None => Ok(self),
            Some(keep) => {
                let record = self.record.project(keep)?;
                Ok(self.with_record(record))
            }
        }
    }

    /// The rows where `mask` is true (null is not).
    ///
    /// # Errors
    /// When the mask has another length.
    pub fn filter(&self, mask: &BooleanArray) -> Result<Batch> {
        let bits = match mask.nulls() {
            None => mask.values().clone(),
            Some(valid) => mask.values() & valid.inner(),
        };
        let kept = bits.count_set_bits();
        if kept == self.rows() {
            return Ok(self.clone());
        }
        let record = filter_record_batch(&self.record, &BooleanArray::new(bits.clone(), None))?;
        Ok(Batch { record, origin: self.origin.filter(&bits) })
    }

    /// `rows` rows from `offset` on, without copying.
    pub fn slice(&self, offset: usize, rows: usize) -> Batch {
        Batch {
            record: self.record.slice(offset, rows),
            origin: Origin { file: self.origin.file, rows: self.origin.rows.slice(offset, rows) },
        }
    }
}

fn buffers(data: &ArrayData, known: &mut FxHashSet<usize>) -> usize {
    let validity = data.nulls().map(|n| n.buffer());
    let own: usize = data
        .buffers()
        .iter()
        .chain(validity)
        .filter(|b| known.insert(b.data_ptr().as_ptr() as usize))
        .map(|b| b.capacity())
        .sum();
    own + data.child_data().iter().map(|child| buffers(child, known)).sum::<usize>()
}

impl Rows {
    /// The place of each row, for a batch of `rows` rows.
    pub fn places(&self, rows: usize) -> Vec<u64> {
        match self {
            Rows::Range { start } => (*start..*start + rows as u64).collect(),
            Rows::Masked { start, mask } => mask.set_indices().map(|i| start + i as u64).collect(),
            Rows::Offsets { base, offsets } => offsets.iter().map(|&o| base + u64::from(o)).collect(),
            Rows::List(places) => places.to_vec(),
        }
    }

    fn filter(&self, bits: &BooleanBuffer) -> Rows {
        match self {
            Rows::Range { start } => Rows::Masked { start: *start, mask: bits.clone() },
            Rows::Masked { start, mask } => {
                let mut places = mask.set_indices();
                let mut kept = vec![false; mask.len()];
                for keep in bits.iter() {
                    if let (Some(place), true) = (places.next(), keep) {
                        kept[place] = true;
                    }
                }
                Rows::Masked { start: *start, mask: BooleanBuffer::from(kept) }
            }
            Rows::Offsets { base, offsets } => {
                let offsets: Vec<u32> = bits.set_indices().map(|i| offsets[i]).collect();
                Rows::Offsets { base: *base, offsets: offsets.into() }
            }
            Rows::List(places) => Rows::List(bits.set_indices().map(|i| places[i]).collect::<Vec<u64>>().into()),
        }
    }

    fn slice(&self, offset: usize, rows: usize) -> Rows {
        match self {
            Rows::Range { start } => Rows::Range { start: start + offset as u64 },
            Rows::Masked { start, mask } => {
                let mut set = mask.set_indices();
                let first = set.by_ref().nth(offset).unwrap_or(mask.len());
                let end = if rows == 0 { first } else { set.nth(rows - 1).unwrap_or(mask.len()) };
                Rows::Masked { start: start + first as u64, mask: mask.slice(first, end - first) }
            }
            Rows::Offsets { base, offsets } => Rows::Offsets { base: *base, offsets: offsets.slice(offset, rows) },
            Rows::List(places) => Rows::List(places.slice(offset, rows)),
        }
    }
}

impl Origin {
    /// What stands for the file of rows that are known by one number.
    const KNOWN: u64 = 0x6b6e_6f77_6e20_6279;

    /// The origin of rows that are known by one number each.
    pub fn known_by(numbers: Vec<u64>) -> Origin {
        Origin { file: Origin::KNOWN, rows: Rows::List(numbers.into()) }
    }

    /// The origin of the rows that are kept.
    pub fn filter(&self, kept: &BooleanBuffer) -> Origin {
        Origin { file: self.file, rows: self.rows.filter(kept) }
    }

    /// File and place of each of `rows` rows as one number.
    pub fn numbers(&self, rows: usize) -> Vec<u64> {
        let file = mixed(self.file, 0);
        self.rows.places(rows).into_iter().map(|place| mixed(file, place)).collect()
    }

    /// The origin of rows that come from several batches, one batch after the other. File and place of each row become
    /// one number, whether the batches come from one file or from several: that depends on the partitioning.
    pub fn join(parts: impl IntoIterator<Item = (Origin, usize)>) -> Origin {
        Origin::known_by(parts.into_iter().flat_map(|(origin, rows)| origin.numbers(rows)).collect())
    }

    /// The origin of rows that something made anew: their place in its `part`-th output.
    pub fn made(by: Token, part: u64) -> Origin {
        Origin { file: mixed(by.0 as u64, part), rows: Rows::Range { start: 0 } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all_kinds(n: usize) -> Vec<Rows> {
        let mask: Vec<bool> = (0..3 * n).map(|i| i % 3 == 1).collect();
        vec![
            Rows::Range { start: 7 },
            Rows::Masked { start: 5, mask: mask.into() },
            Rows::Offsets { base: 100, offsets: (0..n as u32).map(|i| i * 11).collect::<Vec<_>>().into() },
            Rows::List((0..n as u64).map(|i| i * i).collect::<Vec<_>>().into()),
        ]
    }

    proptest! {
        #[test]
        fn places_follow_the_rows(bits in proptest::collection::vec(any::<bool>(), 1..200), cut in 0.0..1.0f64, len in 0.0..1.0f64) {
            let n = bits.len();
            for rows in all_kinds(n) {
                let all = rows.places(n);
                let kept: Vec<u64> = all.iter().zip(&bits).filter(|(_, b)| **b).map(|(p, _)| *p).collect();
                let filtered = rows.filter(&bits.clone().into());
                prop_assert_eq!(&filtered.places(kept.len()), &kept);
                let offset = (cut * kept.len() as f64) as usize;
                let count = (len * (kept.len() - offset) as f64) as usize;
                prop_assert_eq!(filtered.slice(offset, count).places(count), &kept[offset..offset + count]);
                let again: Vec<bool> = (0..kept.len()).map(|i| i % 2 == 0).collect();
                let twice: Vec<u64> = kept.iter().step_by(2).copied().collect();
                prop_assert_eq!(filtered.filter(&again.into()).places(twice.len()), twice);
            }
        }
    }
}
