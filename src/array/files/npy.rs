//! numpy's `.npy` format, version 1.0 and 2.0: functions of bytes.

use crate::base::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";

/// What the header of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) descr: String,
    pub(super) fortran: bool,
    pub(super) shape: Vec<usize>,
    /// Where the elements begin.
    pub(super) begin: usize,
}

/// The header of a file of elements in C order.
pub(super) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let tuple = match shape {
        [one] => format!("({one},)"),
        many => format!("({})", many.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple}, }}");
    // elements begin at a multiple of 64 bytes, after the end of a line
    let all = (MAGIC.len() + 4 + text.len() + 1).next_multiple_of(64);
    text.extend(std::iter::repeat_n(' ', all - MAGIC.len() - 4 - text.len() - 1));
    text.push('\n');
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
    out
}

/// What the header of these bytes says.
///
/// # Errors
/// `Value` when they are no `.npy` file.
pub(super) fn parse(bytes: &[u8]) -> Result<Header> {
    let fail = || Error::value("it is no .npy file of simple elements");
    let version = bytes.strip_prefix(MAGIC).and_then(|rest| rest.first()).ok_or_else(fail)?;
    let wide = if *version == 1 { 2 } else { 4 };
    let length = bytes.get(8..8 + wide).ok_or_else(fail)?.iter().rev().fold(0usize, |n, &b| n << 8 | usize::from(b));
    let begin = 8 + wide + length;
    let text = bytes.get(8 + wide..begin).and_then(|text| std::str::from_utf8(text).ok()).ok_or_else(fail)?;
    let after = |key: &str| text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
    let descr = after("descr").and_then(|rest| rest.strip_prefix('\'')).and_then(|rest| rest.split_once('\''));
    let shape = after("shape").and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.split_once(')'));
    let (Some((descr, _)), Some((shape, _)), Some(order)) = (descr, shape, after("fortran_order")) else {
        return Err(fail());
    };
    let lengths = shape.split(',').map(str::trim).filter(|len| !len.is_empty());
    let shape = lengths.map(|len| len.parse().map_err(|_| fail())).collect::<Result<Vec<usize>>>()?;
    Ok(Header { descr: descr.to_string(), fortran: order.starts_with("True"), shape, begin })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_written() {
        for shape in [vec![], vec![3], vec![0, 4], vec![123_456_789, 1, 2]] {
            let bytes = header("<f8", &shape);
            assert_eq!(bytes.len() % 64, 0);
            let read = parse(&bytes).unwrap();
            assert_eq!(read, Header { descr: "<f8".into(), fortran: false, shape, begin: bytes.len() });
        }
        // as numpy.save writes it
        let numpy = b"\x93NUMPY\x01\x00v\x00{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }                                                           \n";
        let read = parse(numpy).unwrap();
        assert_eq!((read.descr.as_str(), read.fortran, read.shape, read.begin), ("<i4", true, vec![2, 3], 128));
        assert!(parse(b"PK").is_err() && parse(b"\x93NUMPY\x01\x00\xff\xff{").is_err());
    }
}
