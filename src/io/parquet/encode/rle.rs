//! Parquet's hybrid of runs and bit-packed numbers ("RLE"), as its format page `Encodings.md` has it.

use arrow::buffer::BooleanBuffer;

/// Groups of eight that repeat one value at least so often become a run.
const RUN_GROUPS: usize = 2;

/// Appends `values`, none of which needs more than `width` bits (at most 16).
pub fn encode(values: &[u16], width: u32, out: &mut Vec<u8>) {
    let mut at = 0;
    let mut packed_from = 0;
    while at + 8 <= values.len() {
        let run = run_of(&values[at..]);
        if run < RUN_GROUPS * 8 {
            at += 8;
            continue;
        }
        pack(&values[packed_from..at], width, out);
        // a packed part holds whole groups: the run ends where it ends, the next part begins there
        varint((run as u64) << 1, out);
        out.extend_from_slice(&values[at].to_le_bytes()[..width.div_ceil(8) as usize]);
        at += run;
        packed_from = at;
    }
    pack(&values[packed_from..], width, out);
}

/// How often the first value is repeated, from its start.
fn run_of(values: &[u16]) -> usize {
    let first = values[0];
    // most groups differ somewhere: look at eight at once
    let mut run = 0;
    for group in values.chunks_exact(8) {
        if group.iter().fold(0, |differs, &v| differs | (v ^ first)) != 0 {
            break;
        }
        run += 8;
    }
    if run < RUN_GROUPS * 8 {
        return run;
    }
    run + values[run..].iter().take_while(|&&v| v == first).count()
}

/// Appends values bit by bit, the last group of eight filled with zeros.
fn pack(values: &[u16], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint(((groups as u64) << 1) | 1, out);
    out.reserve(groups * width as usize + 16);
    let mut chunks = values.chunks_exact(8);
    if width <= 8 {
        for group in &mut chunks {
            let word = group.iter().rev().fold(0u64, |word, &v| (word << width) | u64::from(v));
            out.extend_from_slice(&word.to_le_bytes()[..width as usize]);
        }
    } else {
        for group in &mut chunks {
            let word = group.iter().rev().fold(0u128, |word, &v| (word << width) | u128::from(v));
            out.extend_from_slice(&word.to_le_bytes()[..width as usize]);
        }
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let word = rest.iter().rev().fold(0u128, |word, &v| (word << width) | u128::from(v));
        out.extend_from_slice(&word.to_le_bytes()[..width as usize]);
    }
}

/// Appends which of `rows` values are there (the definition levels of a nullable column), with its length in front.
pub fn encode_levels(valid: Option<&BooleanBuffer>, rows: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    match valid {
        None => {
            varint((rows as u64) << 1, out);
            out.push(1);
        }
        Some(valid) if valid.count_set_bits() == 0 => {
            varint((rows as u64) << 1, out);
            out.push(0);
        }
        Some(valid) => {
            let groups = rows.div_ceil(8);
            varint(((groups as u64) << 1) | 1, out);
            out.extend_from_slice(&valid.sliced().as_slice()[..groups]);
        }
    }
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The slow obvious twin: reads one number after the other.
    fn decode(bytes: &[u8], width: u32, count: usize) -> Vec<u16> {
        let (mut at, mut values) = (0, Vec::new());
        while values.len() < count {
            let (mut head, mut shift) = (0u64, 0);
            loop {
                head |= u64::from(bytes[at] & 0x7f) << shift;
                (at, shift) = (at + 1, shift + 7);
                if bytes[at - 1] < 0x80 {
                    break;
                }
            }
            if head & 1 == 0 {
                let size = width.div_ceil(8) as usize;
                let value = bytes[at..at + size].iter().rev().fold(0u16, |v, &b| (v << 7 << 1) | u16::from(b));
                values.extend(std::iter::repeat_n(value, (head >> 1) as usize));
                at += size;
            } else {
                for i in 0..(head >> 1) as usize * 8 {
                    let bit = |k: usize| u16::from(bytes[at + k / 8] >> (k % 8) & 1);
                    values.push((0..width as usize).fold(0, |v, b| v | bit(i * width as usize + b) << b));
                }
                at += (head >> 1) as usize * width as usize;
            }
        }
        values.truncate(count);
        values
    }

    proptest! {
        #[test]
        fn numbers_come_back(
            width in 0u32..=16,
            runs in proptest::collection::vec((any::<u16>(), prop_oneof![1usize..4, 10usize..60]), 0..40),
        ) {
            let mask = ((1u32 << width) - 1) as u16;
            let values: Vec<u16> = runs.iter().flat_map(|&(v, n)| std::iter::repeat_n(v & mask, n)).collect();
            let mut bytes = Vec::new();
            encode(&values, width, &mut bytes);
            prop_assert_eq!(decode(&bytes, width, values.len()), values);
        }

        #[test]
        fn levels_come_back(valid in proptest::collection::vec(any::<bool>(), 1..100), from in 0usize..20) {
            let from = from.min(valid.len() - 1);
            let buffer = BooleanBuffer::from(valid.clone()).slice(from, valid.len() - from);
            let mut bytes = Vec::new();
            encode_levels(Some(&buffer), buffer.len(), &mut bytes);
            prop_assert_eq!(u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize, bytes.len() - 4);
            let levels = decode(&bytes[4..], 1, buffer.len());
            prop_assert_eq!(levels, valid[from..].iter().map(|&v| u16::from(v)).collect::<Vec<_>>());
        }
    }
}
