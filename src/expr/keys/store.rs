//! Distinct keys, kept in growing columns: one key column each.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, BooleanArray, BooleanBufferBuilder, NullArray, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, ArrowPrimitiveType, DataType, Float16Type};

use super::flat::{ByteRows, Flat, Values, with_bytes};
use super::mix::{LONG, inlined};
use crate::base::schema::logical;
use crate::base::{Error, Result};

type Half = <Float16Type as ArrowPrimitiveType>::Native;

/// One column of distinct keys, in their order of arrival.
#[derive(Debug)]
pub struct KeyColumn {
    data_type: DataType,
    kept: Kept,
    /// Absent while no key is null.
    valid: Option<BooleanBufferBuilder>,
    len: usize,
}

#[derive(Debug)]
enum Kept {
    Words(Vec<u64>),
    Bytes(Strings),
}

/// Strings, and each as a number that settles most comparisons with one look.
#[derive(Debug)]
struct Strings {
    inlined: Vec<u128>,
    /// The end of each string, after a first 0.
    ends: Vec<u64>,
    bytes: Vec<u8>,
}

impl Strings {
    #[inline]
    fn get(&self, key: usize) -> &[u8] {
        string(&self.ends, &self.bytes, key)
    }

    #[inline]
    fn is(&self, key: usize, other: &[u8]) -> bool {
        let number = inlined(other);
        self.inlined[key] == number && (number < LONG || self.get(key) == other)
    }

    fn push(&mut self, value: &[u8]) {
        self.inlined.push(inlined(value));
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u64);
    }
}

impl KeyColumn {
    /// No keys yet, of the logical type of `data_type`.
    ///
    /// # Errors
    /// `Unsupported` for nested types.
    pub fn new(data_type: &DataType) -> Result<KeyColumn> {
        let kept = match super::flat::Form::of(data_type)? {
            super::flat::Form::Words => Kept::Words(Vec::new()),
            super::flat::Form::Bytes => Kept::Bytes(Strings { inlined: Vec::new(), ends: vec![0], bytes: Vec::new() }),
        };
        Ok(KeyColumn { data_type: logical(data_type), kept, valid: None, len: 0 })
    }

    /// The logical type.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let own = match &self.kept {
            Kept::Words(words) => words.capacity() * 8,
            Kept::Bytes(s) => s.inlined.capacity() * 16 + s.ends.capacity() * 8 + s.bytes.capacity(),
        };
        own + self.valid.as_ref().map_or(0, |v| v.capacity() / 8)
    }

    /// Forgets all keys and keeps the memory.
    pub fn clear(&mut self) {
        match &mut self.kept {
            Kept::Words(words) => words.clear(),
            Kept::Bytes(strings) => {
                strings.inlined.clear();
                strings.ends.truncate(1);
                strings.bytes.clear();
            }
        }
        (self.valid, self.len) = (None, 0);
    }

    fn is_valid(&self, key: usize) -> bool {
        self.valid.as_ref().is_none_or(|v| v.get_bit(key))
    }

    /// Takes in the keys of some rows.
    pub fn push(&mut self, flat: &Flat, rows: &[u32]) {
        if flat.nulls.is_some() && self.valid.is_none() {
            let mut valid = BooleanBufferBuilder::new(self.len + rows.len());
            valid.append_n(self.len, true);
            self.valid = Some(valid);
        }
        if let Some(valid) = &mut self.valid {
            rows.iter().for_each(|&row| valid.append(flat.is_valid(row as usize)));
        }
        self.len += rows.len();
        match (&mut self.kept, &flat.values) {
            (Kept::Words(kept), Values::Words(words)) => match &flat.nulls {
                None => kept.extend(rows.iter().map(|&row| words[row as usize])),
                Some(n) => {
                    kept.extend(rows.iter().map(|&r| if n.is_valid(r as usize) { words[r as usize] } else { 0 }))
                }
            },
            (Kept::Bytes(kept), Values::Bytes(bytes)) => with_bytes!(bytes, array => {
                extend(kept, flat, rows, |row| array.bytes_at(row));
            }),
            (Kept::Bytes(kept), Values::Coded(codes, bytes)) => with_bytes!(bytes, array => {
                extend(kept, flat, rows, |row| array.bytes_at(codes[row] as usize));
            }),
            // forms follow from the type, which was checked when the column was flattened
            _ => {}
        }
    }

    /// Adds the rows whose key is not the key `ids` says to `wrong`.
    pub fn verify(&self, flat: &Flat, ids: &[u32], wrong: &mut Vec<u32>) {
        match (&self.kept, &flat.values) {
            (Kept::Words(kept), Values::Words(words)) => {
                self.each_wrong(flat, ids, wrong, |row, id| kept[id] == words[row]);
            }
            (Kept::Bytes(kept), Values::Bytes(bytes)) => with_bytes!(bytes, array => {
                self.each_wrong(flat, ids, wrong, |row, id| kept.is(id, array.bytes_at(row)));
            }),
            (Kept::Bytes(kept), Values::Coded(codes, bytes)) => with_bytes!(bytes, array => {
                self.each_wrong(flat, ids, wrong, |row, id| kept.is(id, array.bytes_at(codes[row] as usize)));
            }),
            _ => {}
        }
    }

    #[inline]
    fn each_wrong(&self, flat: &Flat, ids: &[u32], wrong: &mut Vec<u32>, same: impl Fn(usize, usize) -> bool) {
        if flat.nulls.is_none() && self.valid.is_none() {
            for (row, &id) in ids.iter().enumerate() {
                if !same(row, id as usize) {
                    wrong.push(row as u32);
                }
            }
            return;
        }
        for (row, &id) in ids.iter().enumerate() {
            let id = id as usize;
            let fits = match (flat.is_valid(row), self.is_valid(id)) {
                (true, true) => same(row, id),
                (row, key) => row == key,
            };
            if !fits {
                wrong.push(row as u32);
            }
        }
    }

    /// Whether the key of a row is the key `id`.
    pub fn is(&self, flat: &Flat, row: usize, id: usize) -> bool {
        match (flat.is_valid(row), self.is_valid(id)) {
            (true, true) => {}
            (row, key) => return row == key,
        }
        match (&self.kept, &flat.values) {
            (Kept::Words(kept), Values::Words(words)) => kept[id] == words[row],
            (Kept::Bytes(kept), Values::Bytes(bytes)) => with_bytes!(bytes, array => kept.is(id, array.bytes_at(row))),
            (Kept::Bytes(kept), Values::Coded(codes, bytes)) => {
                with_bytes!(bytes, array => kept.is(id, array.bytes_at(codes[row] as usize)))
            }
            _ => false,
        }
    }

    /// The words of the keys and those of the rows, where both are words and none is null.
    pub fn words<'a>(&'a self, flat: &'a Flat) -> Option<(&'a [u64], &'a [u64])> {
        match (&self.kept, &flat.values) {
            (Kept::Words(kept), Values::Words(words)) if self.valid.is_none() && flat.nulls.is_none() => {
                Some((kept, words))
            }
            _ => None,
        }
    }

    /// A fixed order of keys, nulls last. It is that of the stored bits, not that of the values.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        match (self.is_valid(a), self.is_valid(b)) {
            (true, true) => match &self.kept {
                Kept::Words(words) => words[a].cmp(&words[b]),
                Kept::Bytes(strings) => strings.get(a).cmp(strings.get(b)),
            },
            (a, b) => b.cmp(&a),
        }
    }

    /// The keys, or those that `order` names in its order, as an array of the logical type.
    ///
    /// # Errors
    /// `Unsupported` when strings of more than 2 GB are asked for at once.
    pub fn array(&self, order: Option<&[u32]>) -> Result<ArrayRef> {
        let nulls = self.nulls(order);
        match (&self.kept, order) {
            (Kept::Words(words), None) => self.of_words(words, nulls),
            (Kept::Words(words), Some(order)) => {
                self.of_words(&order.iter().map(|&id| words[id as usize]).collect::<Vec<_>>(), nulls)
            }
            (Kept::Bytes(strings), None) => self.of_bytes(&strings.ends, strings.bytes.clone(), nulls),
            (Kept::Bytes(strings), Some(order)) => {
                let all: usize = order.iter().map(|&id| strings.get(id as usize).len()).sum();
                let (mut to, mut found) = (Vec::with_capacity(order.len() + 1), Vec::with_capacity(all));
                to.push(0);
                for &id in order {
                    found.extend_from_slice(strings.get(id as usize));
                    to.push(found.len() as u64);
                }
                self.of_bytes(&to, found, nulls)
            }
        }
    }

    fn nulls(&self, order: Option<&[u32]>) -> Option<NullBuffer> {
        let valid = self.valid.as_ref()?;
        let bits = match order {
            None => BooleanBuffer::collect_bool(self.len, |key| valid.get_bit(key)),
            Some(order) => BooleanBuffer::collect_bool(order.len(), |i| valid.get_bit(order[i] as usize)),
        };
        Some(NullBuffer::new(bits))
    }

    fn of_words(&self, words: &[u64], nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        use DataType as D;
        let values = match &self.data_type {
            D::Null => return Ok(Arc::new(NullArray::new(words.len()))),
            D::Boolean => {
                let bits = BooleanBuffer::collect_bool(words.len(), |i| words[i] != 0);
                return Ok(Arc::new(BooleanArray::new(bits, nulls)));
            }
            D::Float16 => narrow(words, |w| Half::from_f64(f64::from_bits(w))),
            D::Float32 => narrow(words, |w| f64::from_bits(w) as f32),
            other => match other.primitive_width() {
                Some(1) => narrow(words, |w| w as u8),
                Some(2) => narrow(words, |w| w as u16),
                Some(4) => narrow(words, |w| w as u32),
                _ => Buffer::from_slice_ref(words),
            },
        };
        self.build(words.len(), vec![values], nulls)
    }

    fn of_bytes(&self, ends: &[u64], bytes: Vec<u8>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let len = ends.len() - 1;
        match &self.data_type {
            DataType::Utf8 | DataType::Binary => {
                if i32::try_from(bytes.len()).is_err() {
                    return Err(Error::unsupported(format!("{} bytes of keys in one column", bytes.len()))
                        .help("use more partitions"));
                }
                let ends: Vec<i32> = ends.iter().map(|&end| end as i32).collect();
                self.build(len, vec![Buffer::from_vec(ends), Buffer::from_vec(bytes)], nulls)
            }
            other => {
                // nulls have no bytes here, but take their room in an array
                let width = match other {
                    DataType::FixedSizeBinary(width) => *width as usize,
                    other => other.primitive_width().unwrap_or(16),
                };
                let mut values = vec![0u8; len * width];
                for (i, to) in values.chunks_exact_mut(width.max(1)).enumerate().take(len) {
                    let value = string(ends, &bytes, i);
                    if value.len() == width {
                        to.copy_from_slice(value);
                    }
                }
                // aligned as wide numbers must be
                self.build(len, vec![Buffer::from_slice_ref(&values)], nulls)
            }
        }
    }

    fn build(&self, len: usize, buffers: Vec<Buffer>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let data = ArrayData::builder(self.data_type.clone()).len(len).buffers(buffers).nulls(nulls);
        Ok(make_array(data.align_buffers(true).build()?))
    }
}

/// The numbers of another width that words stand for.
fn narrow<T: ArrowNativeType>(words: &[u64], of: impl Fn(u64) -> T) -> Buffer {
    words.iter().map(|w| of(*w)).collect::<Vec<T>>().into()
}

#[inline]
fn string<'a>(ends: &[u64], bytes: &'a [u8], key: usize) -> &'a [u8] {
    &bytes[ends[key] as usize..ends[key + 1] as usize]
}

fn extend<'a>(kept: &mut Strings, flat: &Flat, rows: &[u32], value: impl Fn(usize) -> &'a [u8]) {
    for &row in rows {
        kept.push(if flat.is_valid(row as usize) { value(row as usize) } else { &[] });
    }
}
