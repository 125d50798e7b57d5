//! The compact form in which Thrift writes structs: just enough of it to leave fields out. Pure.
//!
//! Readers that are generated from the format skip fields whose type is not the one they expect; so does this.

/// Types on the wire.
mod wire {
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const I8: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const MAP: u8 = 11;
    pub const STRUCT: u8 = 12;
}

/// The fields of a struct: number, type, and what is known of the struct in it, or of those in its list.
type Shape = &'static [(i16, u8, Option<Fields>)];

#[derive(Clone, Copy)]
struct Fields(Shape);

const FILE: Shape =
    &[(1, wire::I32, None), (2, wire::LIST, None), (3, wire::I64, None), (4, wire::LIST, Some(Fields(ROW_GROUP)))];
const ROW_GROUP: Shape = &[
    (1, wire::LIST, Some(Fields(COLUMN))),
    (2, wire::I64, None),
    (3, wire::I64, None),
    (4, wire::LIST, None),
    (5, wire::I64, None),
    (6, wire::I64, None),
    (7, wire::I16, None),
];
const COLUMN: Shape = &[
    (1, wire::BINARY, None),
    (2, wire::I64, None),
    (3, wire::STRUCT, Some(Fields(COLUMN_METADATA))),
    (4, wire::I64, None),
    (5, wire::I32, None),
    (6, wire::I64, None),
    (7, wire::I32, None),
];
const COLUMN_METADATA: Shape = &[
    (1, wire::I32, None),
    (2, wire::LIST, None),
    (3, wire::LIST, None),
    (4, wire::I32, None),
    (5, wire::I64, None),
    (6, wire::I64, None),
    (7, wire::I64, None),
    (8, wire::LIST, None),
    (9, wire::I64, None),
    (10, wire::I64, None),
    (11, wire::I64, None),
    (12, wire::STRUCT, None),
    (13, wire::LIST, None),
    (14, wire::I64, None),
    (15, wire::I32, None),
    (16, wire::STRUCT, None),
    (17, wire::STRUCT, None),
];

/// Structs in structs that no footer has so many of.
const DEPTH: usize = 32;

/// The metadata of a file without the fields that have a wrong type; `None` if it is no Thrift at all.
pub fn well_typed(footer: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(footer.len());
    let mut input = Input { bytes: footer, at: 0 };
    input.copy_struct(Fields(FILE), &mut out, DEPTH)?;
    Some(out)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn advance(&mut self, bytes: u64) -> Option<()> {
        self.at = self.at.checked_add(usize::try_from(bytes).ok()?)?;
        (self.at <= self.bytes.len()).then_some(())
    }

    /// Number and type of the next field, after field `last`; `None` inside at the end of the struct.
    fn field(&mut self, last: i16) -> Option<Option<(i16, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        let id = match head >> 4 {
            0 => {
                let coded = self.varint()?;
                i16::try_from((coded >> 1) as i64 ^ -((coded & 1) as i64)).ok()?
            }
            delta => last.checked_add(i16::from(delta))?,
        };
        Some(Some((id, head & 0xf)))
    }

    /// How many items a list has, and their type.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        Some((count, head & 0xf))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            wire::TRUE | wire::FALSE => Some(()),
            wire::I8 => self.advance(1),
            wire::I16 | wire::I32 | wire::I64 => self.varint().map(drop),
            wire::DOUBLE => self.advance(8),
            wire::BINARY => {
                let length = self.varint()?;
                self.advance(length)
            }
            wire::LIST | wire::SET => {
                let (count, item) = self.list()?;
                (0..count).try_for_each(|_| self.skip_item(item, depth))
            }
            wire::MAP => {
                let count = self.varint()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_item(kinds >> 4, depth)?;
                    self.skip_item(kinds & 0xf, depth)
                })
            }
            wire::STRUCT => {
                let mut last = 0;
                while let Some((id, kind)) = self.field(last)? {
                    self.skip(kind, depth)?;
                    last = id;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Inside lists and maps a bool is a byte.
    fn skip_item(&mut self, kind: u8, depth: usize) -> Option<()> {
        if matches!(kind, wire::TRUE | wire::FALSE) { self.advance(1) } else { self.skip(kind, depth) }
    }

    fn copy_struct(&mut self, fields: Fields, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        let (mut last, mut written) = (0, 0);
        while let Some((id, kind)) = self.field(last)? {
            last = id;
            let known = fields.0.iter().find(|(known, ..)| *known == id);
            let from = self.at;
            if known.is_some_and(|(_, wanted, _)| *wanted != kind) {
                self.skip(kind, depth)?;
                continue;
            }
            write_field(id, kind, &mut written, out);
            match known.and_then(|(.., inner)| *inner) {
                Some(inner) if kind == wire::STRUCT => self.copy_struct(inner, out, depth.checked_sub(1)?)?,
                Some(inner) => self.copy_list(inner, out, depth.checked_sub(1)?)?,
                None => {
                    self.skip(kind, depth)?;
                    out.extend_from_slice(self.bytes.get(from..self.at)?);
                }
            }
        }
        out.push(0);
        Some(())
    }

    fn copy_list(&mut self, inner: Fields, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        let from = self.at;
        let (count, item) = self.list()?;
        if item != wire::STRUCT {
            return None;
        }
        out.extend_from_slice(self.bytes.get(from..self.at)?);
        (0..count).try_for_each(|_| self.copy_struct(inner, out, depth))
    }
}

fn write_field(id: i16, kind: u8, last: &mut i16, out: &mut Vec<u8>) {
    match id.checked_sub(*last) {
        Some(delta @ 1..=15) => out.push((delta as u8) << 4 | kind),
        _ => {
            out.push(kind);
            let mut coded = ((id << 1) ^ (id >> 15)) as u16;
            while coded >= 0x80 {
                out.push(coded as u8 | 0x80);
                coded >>= 7;
            }
            out.push(coded as u8);
        }
    }
    *last = id;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_field_of_a_wrong_type_is_left_out() {
        // version 1, rows 3 as a list of one byte, row groups: none, field 9: true
        let footer = [0x15, 0x02, 0x29, 0x13, 0x07, 0x19, 0x0c, 0x51, 0x00];
        assert_eq!(well_typed(&footer).unwrap(), [0x15, 0x02, 0x39, 0x0c, 0x51, 0x00]);
        let right = [0x15, 0x02, 0x26, 0x06, 0x19, 0x0c, 0x51, 0x00];
        assert_eq!(well_typed(&right).unwrap(), right);
        assert_eq!(well_typed(&right[..6]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(once) = well_typed(&bytes) {
                prop_assert_eq!(well_typed(&once), Some(once.clone()));
            }
        }
    }
}
