//! How much memory unpacking a file takes, by its first bytes. A function of bytes alone.

use super::packing::Packing;

/// What an unpacker needs beside what it looks back to.
const BESIDE: u64 = 256 * 1024;
/// No text is packed tighter by xz than this.
const TIGHTEST: u64 = 8192;

/// About how many bytes are held while a file of `size` bytes that starts with `head` is unpacked. Further streams of a
/// file are taken to be as its first.
pub fn window(packing: Packing, head: &[u8], size: u64) -> u64 {
    let back = match packing {
        Packing::Plain => return 0,
        Packing::Gzip | Packing::Zip => 32 * 1024,
        // a block, and four bytes for each of its bytes
        Packing::Bzip2 => 500_000 * u64::from(head.get(3).copied().unwrap_or(b'9').saturating_sub(b'0')),
        Packing::Zstd => zstd(head).unwrap_or(8 << 20),
        // memory that nothing was unpacked to is not touched
        Packing::Xz => xz(head).unwrap_or(64 << 20).min(size.saturating_mul(TIGHTEST)),
    };
    back + BESIDE
}

/// The window of a Zstandard frame (RFC 8878, 3.1.1.1).
fn zstd(head: &[u8]) -> Option<u64> {
    let (flags, rest) = head.get(4..)?.split_first()?;
    if flags & 0x20 == 0 {
        let base = 1u64 << (10 + (rest.first()? >> 3));
        return Some(base + base / 8 * u64::from(rest.first()? & 7));
    }
    let dictionary = [0, 1, 2, 4][usize::from(flags & 3)];
    let width = [1, 2, 4, 8][usize::from(flags >> 6)];
    let bytes = rest.get(dictionary..dictionary + width)?;
    let size = bytes.iter().rev().fold(0, |size: u64, &byte| size << 8 | u64::from(byte));
    Some(if width == 2 { size + 256 } else { size })
}

/// The dictionary of the first block of an xz file (*The .xz File Format*, 3.1).
fn xz(head: &[u8]) -> Option<u64> {
    let mut rest = head.get(14..)?;
    let flags = *head.get(13)?;
    for present in [flags & 0x40 != 0, flags & 0x80 != 0] {
        if present {
            number(&mut rest)?;
        }
    }
    for _ in 0..=flags & 3 {
        let (id, length) = (number(&mut rest)?, number(&mut rest)? as usize);
        let properties = rest.get(..length)?;
        rest = &rest[length..];
        if id == 0x21 {
            let bits = u64::from(*properties.first()?);
            return Some((2 | (bits & 1)) << (bits / 2 + 11).min(40));
        }
    }
    None
}

/// A number of seven bits a byte.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let end = rest.iter().take(9).position(|byte| byte & 0x80 == 0)?;
    let (own, after) = rest.split_at(end + 1);
    *rest = after;
    Some(own.iter().rev().fold(0, |n, &byte| n << 7 | u64::from(byte & 0x7f)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn windows_are_those_that_the_files_name() {
        let small = b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\x02\0!\x01\x16\0\0\0";
        assert_eq!(xz(small), Some(8 << 20));
        assert_eq!(window(Packing::Xz, small, 100), 100 * TIGHTEST + BESIDE);
        let whole = zstd::bulk::compress(&[b'a'; 3000], 3).unwrap();
        assert_eq!(zstd(&whole), Some(3000));
        let mut stream = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        stream.write_all(&[b'a'; 3000]).unwrap();
        assert_eq!(zstd(&stream.finish().unwrap()), Some(2 << 20));
        for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd, Packing::Bzip2, Packing::Xz, Packing::Zip] {
            for end in 0..small.len() {
                assert!(window(packing, &small[..end], 100) < 100 << 20);
            }
        }
    }
}
