//! Groups looked up by small codes, without a hash: dictionary codes, and whole numbers in a small window. The codes of
//! several columns make one number, and a table says which group it is.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Int32Type};

use super::flat::{Flat, Form, Values};
use crate::base::Result;
use crate::base::schema::logical;

/// The most codes a table has: 1 MB of groups.
const MOST: u64 = 1 << 18;
/// A table is made anew for a batch only if it has at most so many codes for each of its rows.
const WORTH: u64 = 8;
/// No group is known for this code.
pub const UNKNOWN: u32 = u32::MAX;

/// The group of each combination of codes.
#[derive(Debug, Default)]
pub struct Codes {
    parts: Vec<Part>,
    groups: Vec<u32>,
    /// Set for good when keys are no small codes.
    hopeless: bool,
    codes: Vec<u32>,
}

/// How the values of a column become codes; code 0 is null.
#[derive(Clone, Debug)]
enum Part {
    /// The place in this dictionary.
    Dictionary(ArrayRef),
    /// The distance from a base, in a window of so many.
    Window(i64, u64),
}

impl Part {
    fn size(&self) -> u64 {
        match self {
            Part::Dictionary(values) => values.len() as u64 + 1,
            Part::Window(_, width) => width.saturating_add(1),
        }
    }
}

impl Codes {
    /// Forgets all groups.
    pub fn clear(&mut self) {
        self.parts.clear();
        self.groups.clear();
        self.hopeless = false;
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        (self.groups.capacity() + self.codes.capacity()) * 4
    }

    /// The code of each row, and the group of each code, [`UNKNOWN`] at first. `None` when these keys are no small codes.
    ///
    /// # Errors
    /// `Unsupported` for a key of a nested type.
    pub fn of(&mut self, columns: &[ArrayRef]) -> Result<Option<(&[u32], &mut [u32])>> {
        let rows = columns.first().map_or(0, |c| c.len());
        if self.hopeless || rows == 0 {
            return Ok(None);
        }
        if !columns.iter().all(is_coded) {
            self.hopeless = true;
            return Ok(None);
        }
        let flats = columns.iter().map(numbers).collect::<Result<Vec<_>>>()?;
        if !self.fit(columns, &flats, rows) {
            return Ok(None);
        }
        self.codes.clear();
        self.codes.resize(rows, 0);
        for ((part, column), flat) in self.parts.iter().zip(columns).zip(&flats) {
            add(&mut self.codes, part, column, flat.as_ref());
        }
        Ok(Some((&self.codes, &mut self.groups)))
    }

    /// Makes the table fit the columns; a new one knows no group.
    fn fit(&mut self, columns: &[ArrayRef], flats: &[Option<Flat>], rows: usize) -> bool {
        let mut parts = Vec::with_capacity(columns.len());
        let mut known = self.parts.len() == columns.len();
        for (i, (column, flat)) in columns.iter().zip(flats).enumerate() {
            let before = self.parts.get(i);
            let part = match (flat, before) {
                (None, Some(Part::Dictionary(values))) if same_values(values, column) => {
                    Part::Dictionary(values.clone())
                }
                (None, _) => {
                    known = false;
                    Part::Dictionary(column.as_any_dictionary().values().clone())
                }
                (Some(flat), before) => {
                    let (part, kept) = window(flat, before);
                    known &= kept;
                    part
                }
            };
            parts.push(part);
        }
        if known {
            return true;
        }
        let size = parts.iter().try_fold(1u64, |all, part| all.checked_mul(part.size())).unwrap_or(u64::MAX);
        if size > MOST {
            // a dictionary may be followed by a smaller one, a window only grows
            self.hopeless = parts.iter().any(|p| matches!(p, Part::Window(_, width) if *width > MOST));
            return false;
        }
        if size > WORTH * rows as u64 {
            return false;
        }
        self.parts = parts;
        self.groups.clear();
        self.groups.resize(size as usize, UNKNOWN);
        true
    }
}

fn is_coded(column: &ArrayRef) -> bool {
    let own = logical(column.data_type());
    matches!(column.data_type(), DataType::Dictionary(..))
        || !own.is_floating() && !own.is_null() && matches!(Form::of(&own), Ok(Form::Words))
}

/// The numbers of a column that is not a dictionary.
fn numbers(column: &ArrayRef) -> Result<Option<Flat>> {
    match column.data_type() {
        DataType::Dictionary(..) => Ok(None),
        _ => Flat::of(column).map(Some),
    }
}

fn same_values(values: &ArrayRef, column: &ArrayRef) -> bool {
    let now = column.as_any_dictionary().values();
    std::sync::Arc::ptr_eq(values, now) || values.len() == now.len() && values.to_data().ptr_eq(&now.to_data())
}

/// The window that holds the numbers, and whether it is the one from before.
fn window(flat: &Flat, before: Option<&Part>) -> (Part, bool) {
    let Values::Words(words) = &flat.values else { return (Part::Window(0, u64::MAX), false) };
    let (low, high) = bounds(words, flat);
    let (mut base, mut last) = (low, high);
    if let Some(Part::Window(known, width)) = before {
        let top = known.saturating_add_unsigned(width.saturating_sub(1));
        if low > high || (*known <= low && high <= top) {
            return (Part::Window(*known, *width), true);
        }
        // a window that grows gets room, so that it does not grow often
        base = low.min(*known);
        last = high.max(top);
        let room = (last.abs_diff(base) / 2).min(1 << 16);
        base = if low < *known { base.saturating_sub_unsigned(room) } else { base };
        last = if high > top { last.saturating_add_unsigned(room) } else { last };
    }
    if base > last {
        return (Part::Window(0, 1), false);
    }
    (Part::Window(base, last.abs_diff(base).saturating_add(1)), false)
}

fn bounds(words: &ScalarBuffer<u64>, flat: &Flat) -> (i64, i64) {
    let (mut low, mut high) = (i64::MAX, i64::MIN);
    match &flat.nulls {
        None => words.iter().for_each(|&w| (low, high) = (low.min(w as i64), high.max(w as i64))),
        Some(nulls) => nulls.valid_indices().for_each(|row| {
            let w = words[row] as i64;
            (low, high) = (low.min(w), high.max(w));
        }),
    }
    (low, high)
}

/// Adds a column to the codes of the columns before it.
fn add(codes: &mut [u32], part: &Part, column: &ArrayRef, flat: Option<&Flat>) {
    let size = part.size() as u32;
    match (part, flat) {
        (Part::Window(base, _), Some(Flat { values: Values::Words(words), nulls })) => {
            let code = |row: usize| words[row].wrapping_sub(*base as u64) as u32 + 1;
            match nulls {
                None => step(codes, size, code),
                Some(nulls) => step(codes, size, |row| if nulls.is_valid(row) { code(row) } else { 0 }),
            }
        }
        (Part::Dictionary(values), _) => {
            let dictionary = column.as_any_dictionary();
            let nulls = dictionary.keys().nulls();
            match (dictionary.keys().data_type(), nulls) {
                _ if values.is_empty() => step(codes, size, |_| 0),
                (DataType::Int32, None) => {
                    let keys = dictionary.keys().as_primitive::<Int32Type>().values();
                    step(codes, size, |row| keys[row] as u32 + 1);
                }
                (_, nulls) => {
                    let keys = dictionary.normalized_keys();
                    let valid = |row| nulls.is_none_or(|n| n.is_valid(row));
                    step(codes, size, |row| if valid(row) { keys[row] as u32 + 1 } else { 0 });
                }
            }
        }
        _ => {}
    }
}

#[inline]
fn step(codes: &mut [u32], size: u32, code: impl Fn(usize) -> u32) {
    codes.iter_mut().enumerate().for_each(|(row, all)| *all = all.wrapping_mul(size) + code(row));
}
