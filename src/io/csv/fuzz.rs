//! What must hold for any bytes at all: called by the fuzzer with bytes that it makes up, and by the tests of every build
//! with some that are made here. Each function panics where it does not hold.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a finding is a panic")]

use std::io::Read;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};

use super::column::column;
use super::infer::{Guess, Times};
use super::loose::{Found, Walk, fit};
use super::options::CsvOptions;
use super::parse;
use super::separator::Separator;
use super::split::{Fault, Splitter, unquoted};
use super::state::{Dialect, Ragged, State};
use super::time_format::{Formats, TimeFormat};
use crate::io::text::Packing;
use crate::io::text::charset::{Charset, Transcoder};
use crate::io::text::window::window;
use crate::io::text::zip::Unzip;

/// A dialect and a number of fields out of two bytes, and what is left of the bytes.
fn dialect(data: &[u8]) -> Option<(Dialect, usize, &[u8])> {
    let ([first, second], rest) = data.split_first_chunk::<2>()?;
    let separators = [",", "||", "|-|", r"\s+", ";", "§", ",", "\u{1}"];
    let dialect = Dialect {
        quote: (first & 8 == 0).then_some(b'"'),
        escape: (first & 48 == 48).then_some(b'\\'),
        comment: (first & 192 == 192).then_some(b'#'),
        skip_initial_space: second & 24 == 24,
        trim: second & 48 == 48,
        ragged: [Ragged::Error, Ragged::Fill, Ragged::Fit, Ragged::Skip][usize::from(second >> 6)],
        ..Dialect::new(Separator::from(separators[usize::from(first & 7)]))
    };
    Some((dialect, usize::from(second & 7) + 1, rest))
}

/// The splitter gives the records that a walk byte by byte gives, and the same in two parts as at once; all positions are
/// in the bytes; what surrounds a byte does not depend on where the reading was cut.
pub fn split(data: &[u8]) {
    let Some((dialect, fields, text)) = dialect(data) else { return };
    let mut splitter = Splitter::new(dialect, fields);
    assert!(splitter.split(text, true) == text.len() || splitter.fault().is_some());
    let (records, fault) = (splitter.records(text), splitter.fault());
    let (mut walk, mut spans, mut found) = (Walk::new(&dialect, text, true), Vec::new(), 0);
    loop {
        spans.clear();
        match walk.next(&mut spans) {
            Found::Record(start) => {
                let blank =
                    |&(from, to): &(u32, u32)| text[from as usize..to as usize].iter().all(|b| b" \t\r".contains(b));
                if fields > 1 && spans.len() == 1 && blank(&spans[0]) {
                    continue;
                }
                let many = spans.len();
                if !fit(dialect.ragged, fields, 0, &mut spans) {
                    if dialect.ragged == Ragged::Skip {
                        continue;
                    }
                    assert_eq!(fault, Some(Fault::Ragged { start, found: many }));
                    break;
                }
                assert_eq!(records.starts()[found] as usize, start);
                for (field, &(from, to)) in spans.iter().enumerate() {
                    assert_eq!(records.field(found, field), &text[from as usize..to as usize]);
                    unquoted(&dialect, records.field(found, field), &mut Vec::new());
                }
                found += 1;
            }
            Found::Open(start) => {
                assert_eq!(fault, Some(Fault::Unterminated { start }));
                break;
            }
            Found::Part(_) => panic!("nothing follows"),
            Found::Nothing => {
                assert_eq!(fault, None);
                break;
            }
        }
    }
    assert_eq!(found, records.len());
    let middle = data.len().wrapping_mul(31) % (text.len() + 1);
    let whole = State::Record.advance(&dialect, text);
    assert_eq!(State::Record.advance(&dialect, &text[..middle]).advance(&dialect, &text[middle..]), whole);
    if fault.is_none() {
        let mut parts = Splitter::new(dialect, fields);
        let consumed = parts.split(&text[..middle], false);
        let before = parts.records(&text[..middle]).len();
        parts.split(&text[consumed..], true);
        assert_eq!(before + parts.records(&text[consumed..]).len(), found);
    }
}

/// A column is read as the type that its values are guessed to have.
pub fn infer(data: &[u8]) {
    let Some((&first, text)) = data.split_first() else { return };
    let mut options = CsvOptions::new();
    if first & 1 == 1 {
        options = options.decimal(',').thousands(if first & 2 == 2 { Some('.') } else { None });
    }
    if first & 4 == 4 {
        options = options.null_values(["-", "0", "x"]);
    }
    if first & 8 == 8 {
        options = options.true_values(["1", "yes"]).false_values(["0", "no"]);
    }
    let times = [Times::Never, Times::Tried, Times::Wanted][usize::from(first >> 4) % 3].clone();
    let dialect = Dialect { quote: None, ragged: Ragged::Skip, ..Dialect::new(Separator::from(b';')) };
    let mut splitter = Splitter::new(dialect, 1);
    splitter.split(text, true);
    let records = splitter.records(text);
    let mut guess = Guess::Nothing;
    for record in 0..records.len() {
        let known = if let Guess::Dated(known) = guess { known } else { Formats::ALL };
        guess = guess.join(Guess::of(records.field(record, 0), &times, known, &options));
    }
    if let Guess::Dated(formats) = guess {
        let format = formats.chosen(first & 128 == 128).expect("no empty set");
        options.found_formats.insert("c".into(), format.clone());
    }
    let field = Field::new("c", guess.data_type(), true);
    let mut column = column(&field, &Arc::new(options), 8).expect("a type that is read");
    let read = column.read(&records, 0, 0..records.len());
    assert!(read.is_ok(), "{guess:?}: {read:?}");
    match column.finish() {
        Ok(array) => assert_eq!(array.len(), records.len()),
        Err(_) => assert_eq!(field.data_type(), &DataType::Utf8),
    }
}

/// Formats of times and texts in them, numbers and instants: whatever is read, it is read without a panic.
pub fn values(data: &[u8]) {
    let (format, text) = data.split_at(data.iter().position(|&b| b == b'\n').unwrap_or(data.len()));
    if let Ok(format) = std::str::from_utf8(format)
        && let Ok(format) = TimeFormat::new(format)
    {
        format.parse(text);
    }
    parse::instant(text);
    parse::whole(text);
    if let (Some(short), Some(long)) = (parse::short_real(text), parse::real(text)) {
        assert_eq!(short.to_bits(), long.to_bits());
    }
    if let (Some(short), Some(long)) = (parse::short_whole(text), parse::whole(text)) {
        assert_eq!(i128::from(short), long);
    }
}

/// Packed and encoded files that are damaged end in an error or in text, and text is UTF-8.
pub fn unpack(data: &[u8]) {
    for packing in [Packing::Gzip, Packing::Zstd, Packing::Bzip2, Packing::Xz, Packing::Zip] {
        window(packing, data, data.len() as u64);
    }
    let mut out = Vec::new();
    if let Ok(archive) = Unzip::new(data) {
        let _ = archive.take(1 << 20).read_to_end(&mut out);
    }
    for label in ["latin1", "utf-16", "shift_jis", "utf-8", "gb18030"] {
        for lossy in [false, true] {
            out.clear();
            let charset = Charset::named(label).expect("a known label");
            let read = Transcoder::new(data, charset, lossy).read_to_end(&mut out);
            assert!(std::str::from_utf8(&out).is_ok());
            assert!(read.is_ok() || !lossy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes made of pieces that mean something, the same in every run.
    fn soup(seed: u64, pieces: &[&str]) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize
        };
        let mut out = vec![next() as u8, next() as u8];
        for _ in 0..next() % 60 {
            match next() % 12 {
                0 => out.push(next() as u8),
                1 => out.extend([b'x'; 64]),
                _ => out.extend(pieces[next() % pieces.len()].as_bytes()),
            }
        }
        out
    }

    #[test]
    fn splitting_holds_for_any_bytes() {
        let pieces =
            [",", "\"", "\n", "\r\n", "\r", "\\", "#", " ", "\t", "|", "||", "-", "§", "ab", "1", ";", "\"a,b\n\""];
        (0..4000).for_each(|seed| split(&soup(seed, &pieces)));
    }

    #[test]
    fn what_is_guessed_is_read() {
        let pieces = [
            "1",
            "-",
            "+",
            ".",
            ",",
            "\n",
            "\n",
            "\n",
            "e5",
            "12",
            "2023",
            "-01-02",
            " 10:00:00",
            "Z",
            "+02:00",
            "nan",
            "NA",
            "true",
            "no",
            "inf",
            "01/02/2023",
            "13/02/23",
            "20230102",
            " ",
            "May",
            "9999999999999999999",
            " 1:02 pm",
        ];
        (0..6000).for_each(|seed| infer(&soup(seed, &pieces)));
    }

    #[test]
    fn values_and_unpacking_hold_for_any_bytes() {
        let pieces =
            ["%", "Y", "m", "d", "H", ".f", "\n", "12", "2023", "-", ":", "b", "May", "p", "I", "z", "+02:00", "\0"];
        let packed = ["PK\x03\x04", "\0\0", "\u{8}", "a.csv", "ab", "\x01\0\0\0", "PK\x01\x02", "7zXZ\0", "!\x01\x16"];
        for seed in 0..2000 {
            values(&soup(seed, &pieces));
            unpack(&soup(seed, &packed));
            unpack(&[b"PK\x03\x04", &soup(seed, &packed)[..]].concat());
        }
    }
}
