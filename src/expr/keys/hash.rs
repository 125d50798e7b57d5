//! The fixed hash of the keys of each row.

use arrow::array::ArrayRef;

use super::flat::{ByteRows, Flat, Values, with_bytes};
use super::mix::{NULL, SEED, combine, word_of};
use crate::base::{Error, Result};

/// The hash of the keys of each row: the same for the same keys in every layout, process and build. The bits are good at
/// both ends: the highest choose buckets, the lowest the place in a table.
///
/// A single key of up to 64 bits has a hash of its own: only a null shares one, with one other value.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Float64Array};
/// use partita::expr::keys::hash_rows;
///
/// let keys: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, 1.0]));
/// let hashes = hash_rows(&[keys])?;
/// assert!(hashes[0] == hashes[1] && hashes[1] != hashes[2]);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Unsupported` for a key of a nested type; `Invalid` without columns, or when they differ in length.
pub fn hash_rows(columns: &[ArrayRef]) -> Result<Vec<u64>> {
    let flats = columns.iter().map(Flat::of).collect::<Result<Vec<_>>>()?;
    let Some(rows) = flats.first().map(Flat::len) else { return Err(Error::invalid("there is no key to hash")) };
    if flats.iter().any(|f| f.len() != rows) {
        return Err(Error::invalid("keys of different length"));
    }
    let mut hashes = Vec::new();
    hash_flat(&flats, &mut hashes);
    Ok(hashes)
}

/// The hashes of the rows of `flats`, in place of what `hashes` has.
pub(super) fn hash_flat(flats: &[Flat], hashes: &mut Vec<u64>) {
    hashes.clear();
    hashes.resize(flats.first().map_or(0, Flat::len), SEED);
    for flat in flats {
        match &flat.values {
            Values::Words(words) => add(hashes, flat, |row| words[row]),
            Values::Bytes(bytes) => with_bytes!(bytes, array => add(hashes, flat, |row| word_of(array.bytes_at(row)))),
            Values::Coded(codes, bytes) => with_bytes!(bytes, array => {
                let distinct = arrow::array::Array::len(array);
                if distinct <= codes.len() {
                    let words: Vec<u64> = (0..distinct).map(|i| word_of(array.bytes_at(i))).collect();
                    add(hashes, flat, |row| words[codes[row] as usize]);
                } else {
                    add(hashes, flat, |row| word_of(array.bytes_at(codes[row] as usize)));
                }
            }),
        }
    }
}

#[inline]
fn add(hashes: &mut [u64], flat: &Flat, word: impl Fn(usize) -> u64) {
    match &flat.nulls {
        None => hashes.iter_mut().enumerate().for_each(|(row, hash)| *hash = combine(*hash, word(row))),
        Some(nulls) => hashes.iter_mut().enumerate().for_each(|(row, hash)| {
            *hash = combine(*hash, if nulls.is_valid(row) { word(row) } else { NULL });
        }),
    }
}
