//! The order of the rows of some batches.

use super::Keys;

/// A row of one of several batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which batch.
    pub batch: u32,
    /// Which of its rows.
    pub row: u32,
}

/// Bits of a packed key that say where its row is.
const PLACE_BITS: u32 = 32;

/// The rows of all batches in their order; equal ones stay as they are, batch after batch.
///
/// What the first 16 bytes of the keys have in common is left out, and what follows is packed into one number with the
/// place of the row, so that most of the sorting compares plain numbers.
pub fn sorted(keys: &[Keys]) -> Vec<Place> {
    let rows: usize = keys.iter().map(Keys::len).sum();
    let row_bits = keys.iter().map(|k| usize::BITS - k.len().leading_zeros()).max().unwrap_or(0);
    let batch_bits = usize::BITS - keys.len().leading_zeros();
    if row_bits + batch_bits > PLACE_BITS {
        return by_comparison(keys, rows);
    }
    let differ = differing_bits(keys);
    let skip = differ.leading_zeros().min(u128::BITS - 1);
    let place_of = |packed: u128| {
        let place = packed as u32;
        Place { batch: place >> row_bits, row: place & ((1 << row_bits) - 1) }
    };
    let mut packed: Vec<u128> = Vec::with_capacity(rows);
    for (batch, keys) in keys.iter().enumerate() {
        let batch = (batch as u128) << row_bits;
        let pack = |(row, prefix): (usize, &u128)| (prefix << skip) >> PLACE_BITS << PLACE_BITS | batch | row as u128;
        packed.extend(keys.prefixes().iter().enumerate().map(pack));
    }
    packed.sort_unstable();
    let decided = (differ << skip) as u32 == 0 && keys.iter().all(Keys::is_exact);
    if !decided {
        for equal in packed.chunk_by_mut(|a, b| a >> PLACE_BITS == b >> PLACE_BITS).filter(|g| g.len() > 1) {
            equal.sort_by(|&a, &b| compare(keys, place_of(a), place_of(b)));
        }
    }
    packed.into_iter().map(place_of).collect()
}

/// The same without packing, for batches that are too many or too long for it.
fn by_comparison(keys: &[Keys], rows: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(rows);
    for (batch, keys) in keys.iter().enumerate() {
        places.extend((0..keys.len()).map(|row| Place { batch: batch as u32, row: row as u32 }));
    }
    places.sort_by(|&a, &b| compare(keys, a, b));
    places
}

fn compare(keys: &[Keys], a: Place, b: Place) -> std::cmp::Ordering {
    match (keys.get(a.batch as usize), keys.get(b.batch as usize)) {
        (Some(x), Some(y)) => x.compare(a.row as usize, y, b.row as usize),
        _ => std::cmp::Ordering::Equal,
    }
}

/// The bytes that all keys begin with, as far as their prefixes show.
pub fn shared_bytes(keys: &[Keys]) -> Vec<u8> {
    let shared = differing_bits(keys).leading_zeros() as usize / 8;
    let first = keys.iter().find_map(|k| k.prefixes().first()).copied().unwrap_or(0);
    first.to_be_bytes().into_iter().take(shared).collect()
}

/// The bits in which some prefixes differ.
fn differing_bits(keys: &[Keys]) -> u128 {
    let first = keys.iter().find_map(|k| k.prefixes().first()).copied().unwrap_or(0);
    keys.iter().flat_map(Keys::prefixes).fold(0, |differ, prefix| differ | (prefix ^ first))
}
