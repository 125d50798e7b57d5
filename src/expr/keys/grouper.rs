//! The group of each row, the keys of each group.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;

use super::codes::{Codes, UNKNOWN};
use super::flat::Flat;
use super::hash::hash_flat;
use super::order::by_hash;
use super::store::KeyColumn;
use super::table::{Place, Table};
use crate::base::{Error, Result};

/// Gives rows with the same keys the same number, counting from 0 in the order in which keys are first seen (keys that
/// share a hash with others may come a little later).
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, StringArray};
/// use arrow::datatypes::DataType;
/// use partita::expr::keys::Grouper;
///
/// let zones: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), Some("a"), None, Some("b")]));
/// let mut groups = Grouper::new(&[DataType::Utf8])?;
/// let mut ids = Vec::new();
/// groups.group(&[zones], &mut ids)?;
/// assert_eq!((ids, groups.len()), (vec![0, 1, 2, 0], 3));
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Debug)]
pub struct Grouper {
    columns: Vec<KeyColumn>,
    hashes: Vec<u64>,
    table: Table,
    codes: Codes,
    scratch: Scratch,
}

/// Memory that is used again for every batch.
#[derive(Debug, Default)]
struct Scratch {
    hashes: Vec<u64>,
    fresh: Vec<u32>,
    wrong: Vec<u32>,
    firsts: Vec<u32>,
    waiting: Vec<u32>,
    found: Vec<u32>,
}

/// [`Grouper::find`] gives it for rows whose keys no group has.
pub const NONE: u32 = u32::MAX;

impl Grouper {
    /// No groups yet; keys of these types, in any layout.
    ///
    /// # Errors
    /// `Unsupported` for nested types; `Invalid` without keys.
    pub fn new(types: &[DataType]) -> Result<Grouper> {
        if types.is_empty() {
            return Err(Error::invalid("there is no key to group by"));
        }
        Ok(Grouper {
            columns: types.iter().map(KeyColumn::new).collect::<Result<_>>()?,
            hashes: Vec::new(),
            table: Table::default(),
            codes: Codes::default(),
            scratch: Scratch::default(),
        })
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hash of each group, as [`hash_rows`](super::hash_rows) has it.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let keys: usize = self.columns.iter().map(KeyColumn::bytes).sum();
        keys + self.hashes.capacity() * 8 + self.table.bytes() + self.codes.bytes()
    }

    /// Forgets all groups and keeps the memory for new ones.
    pub fn clear(&mut self) {
        self.columns.iter_mut().for_each(KeyColumn::clear);
        self.hashes.clear();
        self.table.clear();
        self.codes.clear();
    }

    /// The group of each row, in place of what `ids` has. Rows with new keys make new groups. Hashes are only computed
    /// where keys are not small codes.
    ///
    /// # Errors
    /// `TypeMismatch` for columns of other types; `Unsupported` for more than 2³² groups.
    pub fn group(&mut self, columns: &[ArrayRef], ids: &mut Vec<u32>) -> Result<()> {
        self.check(columns)?;
        if self.group_coded(columns, ids)? {
            return Ok(());
        }
        let flats = self.flats(columns)?;
        let mut hashes = std::mem::take(&mut self.scratch.hashes);
        hash_flat(&flats, &mut hashes);
        let done = self.assign(&flats, &hashes, ids);
        self.scratch.hashes = hashes;
        done
    }

    /// As [`group`](Self::group), for rows whose hashes are known already.
    ///
    /// # Errors
    /// As [`group`](Self::group).
    pub fn ids(&mut self, columns: &[ArrayRef], hashes: &[u64], ids: &mut Vec<u32>) -> Result<()> {
        self.check(columns)?;
        let flats = self.flats(columns)?;
        if flats.iter().any(|f| f.len() != hashes.len()) {
            return Err(Error::invalid("keys and their hashes differ in length"));
        }
        self.assign(&flats, hashes, ids)
    }

    /// The group of each row, [`NONE`] where no group has its keys.
    ///
    /// # Errors
    /// `TypeMismatch` for columns of other types.
    pub fn find(&self, columns: &[ArrayRef], hashes: &[u64], ids: &mut Vec<u32>) -> Result<()> {
        self.check(columns)?;
        let flats = self.flats(columns)?;
        ids.clear();
        ids.reserve(hashes.len());
        if let ([own], [flat]) = (self.columns.as_slice(), flats.as_slice())
            && let Some((kept, words)) = own.words(flat)
        {
            ids.extend(hashes.iter().zip(words).map(|(&hash, &word)| {
                match self.table.find(hash, |group| kept[group as usize] == word) {
                    Place::Taken(group) => group,
                    Place::Free(_) => NONE,
                }
            }));
            return Ok(());
        }
        ids.extend(hashes.iter().enumerate().map(|(row, &hash)| {
            match self.table.find(hash, |group| self.is(&flats, row, group)) {
                Place::Taken(group) => group,
                Place::Free(_) => NONE,
            }
        }));
        Ok(())
    }

    /// The keys of all groups, or of those that `order` names in its order, each column in its logical type.
    ///
    /// # Errors
    /// `Unsupported` when more than 2 GB of strings are asked for at once.
    pub fn keys(&self, order: Option<&[u32]>) -> Result<Vec<ArrayRef>> {
        self.columns.iter().map(|column| column.array(order)).collect()
    }

    /// All groups in the order of their hashes; those of equal hash in a fixed order of their keys.
    pub fn in_hash_order(&self) -> Vec<u32> {
        by_hash(&self.hashes, |a, b| {
            let orders = self.columns.iter().map(|column| column.compare(a as usize, b as usize));
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        })
    }

    fn check(&self, columns: &[ArrayRef]) -> Result<()> {
        let rows = columns.first().map_or(0, |c| c.len());
        if columns.len() != self.columns.len() || columns.iter().any(|c| c.len() != rows) {
            return Err(Error::invalid("key columns of other number or length"));
        }
        if self.hashes.len() + rows >= NONE as usize {
            return Err(Error::unsupported("more than 4 294 967 294 groups in one place"));
        }
        Ok(())
    }

    fn flats(&self, columns: &[ArrayRef]) -> Result<Vec<Flat>> {
        columns.iter().zip(&self.columns).map(|(array, own)| Flat::of_type(array, own.data_type())).collect()
    }

    fn is(&self, flats: &[Flat], row: usize, group: u32) -> bool {
        self.columns.iter().zip(flats).all(|(own, flat)| own.is(flat, row, group as usize))
    }

    /// Groups by hash first, then looks at all keys, a column at a time.
    fn assign(&mut self, flats: &[Flat], hashes: &[u64], ids: &mut Vec<u32>) -> Result<()> {
        ids.clear();
        ids.reserve(hashes.len());
        let Scratch { fresh, wrong, .. } = &mut self.scratch;
        fresh.clear();
        wrong.clear();
        for (row, &hash) in hashes.iter().enumerate() {
            let id = match self.table.find(hash, |_| true) {
                Place::Taken(id) => id,
                Place::Free(at) => {
                    let id = self.hashes.len() as u32;
                    self.table.put(at, hash, id, &self.hashes);
                    self.hashes.push(hash);
                    fresh.push(row as u32);
                    id
                }
            };
            ids.push(id);
        }
        for (own, flat) in self.columns.iter_mut().zip(flats) {
            own.push(flat, fresh);
            if fresh.len() < hashes.len() {
                own.verify(flat, ids, wrong);
            }
        }
        if !self.scratch.wrong.is_empty() {
            self.mend(flats, hashes, ids);
        }
        Ok(())
    }

    /// Rows that share a hash with other keys: each is compared with every group of that hash.
    #[cold]
    fn mend(&mut self, flats: &[Flat], hashes: &[u64], ids: &mut [u32]) {
        let mut wrong = std::mem::take(&mut self.scratch.wrong);
        wrong.sort_unstable();
        wrong.dedup();
        for &row in &wrong {
            let hash = hashes[row as usize];
            let id = match self.table.find(hash, |group| self.is(flats, row as usize, group)) {
                Place::Taken(id) => id,
                Place::Free(at) => {
                    let id = self.hashes.len() as u32;
                    self.table.put(at, hash, id, &self.hashes);
                    self.hashes.push(hash);
                    self.columns.iter_mut().zip(flats).for_each(|(own, flat)| own.push(flat, &[row]));
                    id
                }
            };
            ids[row as usize] = id;
        }
        self.scratch.wrong = wrong;
    }

    /// Groups by codes; only the first row of each code that is not known yet is looked at. False when keys are no codes.
    fn group_coded(&mut self, columns: &[ArrayRef], ids: &mut Vec<u32>) -> Result<bool> {
        let mut codes = std::mem::take(&mut self.codes);
        let coded = match codes.of(columns)? {
            Some((rows, groups)) => self.by_code(columns, rows, groups, ids).map(|()| true),
            None => Ok(false),
        };
        if coded.is_ok() {
            self.codes = codes;
        }
        coded
    }

    fn by_code(&mut self, columns: &[ArrayRef], codes: &[u32], groups: &mut [u32], ids: &mut Vec<u32>) -> Result<()> {
        /// Marks the place among `firsts` that a code waits for.
        const WAITS: u32 = 1 << 31;
        let mut scratch = std::mem::take(&mut self.scratch);
        let (firsts, waiting) = (&mut scratch.firsts, &mut scratch.waiting);
        firsts.clear();
        waiting.clear();
        ids.clear();
        // groups beyond 2³¹ have no code
        let few = self.hashes.len() + codes.len() < WAITS as usize;
        ids.extend(codes.iter().enumerate().map(|(row, &code)| {
            let group = &mut groups[code as usize];
            if *group & WAITS != 0 {
                if *group == UNKNOWN {
                    *group = WAITS | firsts.len() as u32;
                    firsts.push(row as u32);
                }
                waiting.push(row as u32);
            }
            *group
        }));
        if !firsts.is_empty() {
            let rows = UInt32Array::from(std::mem::take(firsts));
            let some = columns.iter().map(|c| Ok(take(c, &rows, None)?)).collect::<Result<Vec<_>>>()?;
            let flats = self.flats(&some)?;
            let (hashes, found) = (&mut scratch.hashes, &mut scratch.found);
            hash_flat(&flats, hashes);
            self.assign(&flats, hashes, found)?;
            for &row in waiting.iter() {
                let id = &mut ids[row as usize];
                *id = found[(*id & !WAITS) as usize];
            }
            for (&row, &id) in rows.values().iter().zip(found.iter()) {
                groups[codes[row as usize] as usize] = if few { id } else { UNKNOWN };
            }
        }
        scratch.fresh = std::mem::take(&mut self.scratch.fresh);
        scratch.wrong = std::mem::take(&mut self.scratch.wrong);
        self.scratch = scratch;
        Ok(())
    }
}
