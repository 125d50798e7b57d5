//! What surrounds a byte: inside quotes or not, at the start of a field or not.
//!
//! 64 bytes at a time become bit masks (quotes, delimiters, ends of lines); a running XOR over the quotes tells which
//! bytes are inside quotes (Langdale and Lemire, *Parsing gigabytes of JSON per second*, 2019). That is right as
//! long as each quote that opens stands at the start of a field; a word where one does not, and every dialect with
//! escapes, comments or a separator of several bytes, goes through the byte by byte machine [`State::step`], which is
//! the definition.

use wide::u8x16;

use super::separator::Separator;

/// What to do with a record that has not as many fields as the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Ragged {
    /// It is an error, which names its line.
    #[default]
    Error,
    /// The fields that it lacks are null; too many are an error.
    Fill,
    /// The fields that it lacks are null, those that it has too many are dropped.
    Fit,
    /// It is left out, and counted: see the notes of the source.
    Skip,
}

/// The special bytes of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dialect {
    /// Between fields.
    pub separator: Separator,
    /// Its last byte.
    pub(super) delimiter: u8,
    /// Around fields that hold special bytes; doubled inside.
    pub quote: Option<u8>,
    /// Before a special byte that is meant literally.
    pub escape: Option<u8>,
    /// At the start of a line that is not data.
    pub comment: Option<u8>,
    /// Whether blanks at the start of a field do not belong to it.
    pub skip_initial_space: bool,
    /// Whether blanks at the end of a field do not belong to it.
    pub trim: bool,
    /// What is done with records of another number of fields.
    pub ragged: Ragged,
}

/// What surrounds the next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A record starts here.
    Record,
    /// A field starts here.
    Field,
    /// Inside a field that is not quoted, or behind the closing quote.
    Text,
    /// There too, behind so many bytes of a separator of more.
    Partial(u8),
    /// Inside quotes.
    Quoted,
    /// Behind a quote that closes, or is the first of two.
    Closed,
    /// Behind an escape outside quotes.
    EscapedText,
    /// Behind an escape inside quotes.
    EscapedQuoted,
    /// Inside a comment.
    Comment,
}

/// What a byte ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// A field.
    Field,
    /// A record.
    Record,
}

impl State {
    /// The state behind `byte`, and what the byte ends. `\n`, `\r` and `\r\n` end a record; a quote that is not at the
    /// start of its field is a letter (as pandas, Python's csv and rust-csv have it).
    #[inline]
    pub fn step(self, dialect: &Dialect, byte: u8) -> (State, Mark) {
        let quote = dialect.quote == Some(byte);
        match self {
            State::Quoted if dialect.escape == Some(byte) => return (State::EscapedQuoted, Mark::None),
            State::Quoted if quote => return (State::Closed, Mark::None),
            State::Quoted | State::EscapedQuoted => return (State::Quoted, Mark::None),
            State::EscapedText => return (State::Text, Mark::None),
            State::Comment if byte != b'\n' && byte != b'\r' => return (State::Comment, Mark::None),
            State::Record if dialect.comment == Some(byte) => return (State::Comment, Mark::None),
            State::Record | State::Field | State::Closed if quote => return (State::Quoted, Mark::None),
            State::Record | State::Field if dialect.skips(byte) => return (State::Field, Mark::None),
            _ => {}
        }
        if byte == b'\n' || byte == b'\r' {
            (State::Record, Mark::Record)
        } else if dialect.escape == Some(byte) {
            (State::EscapedText, Mark::None)
        } else if dialect.separator.is_byte() {
            if byte == dialect.delimiter { (State::Field, Mark::Field) } else { (State::Text, Mark::None) }
        } else {
            self.step_to_separator(dialect, byte)
        }
    }

    /// As [`step`](Self::step), for a byte outside quotes that can only belong to a text or a separator of another form
    /// than one byte.
    fn step_to_separator(self, dialect: &Dialect, byte: u8) -> (State, Mark) {
        let separator = &dialect.separator;
        if separator.is_blanks() {
            return if is_blank(byte) { (State::Field, Mark::Field) } else { (State::Text, Mark::None) };
        }
        let before = if let State::Partial(matched) = self { usize::from(matched) } else { 0 };
        match separator.matched(before, byte) {
            0 => (State::Text, Mark::None),
            all if all == separator.bytes().len() => (State::Field, Mark::Field),
            some => (State::Partial(some as u8), Mark::None),
        }
    }

    /// The state behind `bytes`.
    pub fn advance(mut self, dialect: &Dialect, bytes: &[u8]) -> State {
        let mut rest = bytes;
        while let Some((word, tail)) = rest.split_first_chunk::<64>() {
            if dialect.is_simple() {
                let quotes = dialect.quote.map_or(0, |q| equal(word, q));
                // without quotes only the last byte matters
                self = match (quotes, self) {
                    (0, State::Quoted) => State::Quoted,
                    (0, _) => State::Text.step(dialect, word[63]).0,
                    _ => self.word(dialect, word, 64, tail.first().copied()).0,
                };
            } else {
                self = word.iter().fold(self, |state, &byte| state.step(dialect, byte).0);
            }
            rest = tail;
        }
        rest.iter().fold(self, |state, &byte| state.step(dialect, byte).0)
    }

    /// The position behind the first byte that ends a record, with the record that starts there.
    pub fn first_start(mut self, dialect: &Dialect, bytes: &[u8]) -> Result<usize, State> {
        for (i, &byte) in bytes.iter().enumerate() {
            let (next, mark) = self.step(dialect, byte);
            if mark == Mark::Record {
                return Ok(i + 1);
            }
            self = next;
        }
        Err(self)
    }

    /// The state behind the first `n` bytes of a word, and a bit for each byte that ends a field or a record. Of
    /// `\r\n` only the second ends the record; `next` is the byte behind the word.
    #[inline(always)]
    pub(super) fn word(self, dialect: &Dialect, word: &[u8; 64], n: usize, next: Option<u8>) -> (State, Ends) {
        if !dialect.is_simple() {
            return self.word_by_bytes(dialect, word, n);
        }
        let valid = if n == 64 { u64::MAX } else { (1 << n) - 1 };
        let quotes = dialect.quote.map_or(0, |q| equal(word, q)) & valid;
        if quotes == 0 && self == State::Quoted {
            return (State::Quoted, Ends::default());
        }
        let (feeds, returns) = (equal(word, b'\n') & valid, equal(word, b'\r') & valid);
        let delimiters = equal(word, dialect.delimiter) & valid;
        let before_feed = feeds >> 1 | u64::from(next == Some(b'\n')) << 63;
        let mut ends = Ends { fields: delimiters, records: feeds | (returns & !before_feed) };
        let last = 1u64 << (n - 1);
        if quotes != 0 {
            let carried = if self == State::Quoted { u64::MAX } else { 0 };
            let inside = running_xor(quotes) ^ carried;
            let may_open = matches!(self, State::Record | State::Field | State::Closed);
            let allowed = (delimiters | feeds | returns | quotes) << 1 | u64::from(may_open);
            if quotes & inside & !allowed != 0 {
                return self.word_by_bytes(dialect, word, n);
            }
            ends.fields &= !inside;
            ends.records &= !inside;
            if inside & last != 0 {
                return (State::Quoted, ends);
            }
            if quotes & last != 0 {
                return (State::Closed, ends);
            }
        }
        let state = if (feeds | returns) & last != 0 {
            State::Record
        } else if delimiters & last != 0 {
            State::Field
        } else {
            State::Text
        };
        (state, ends)
    }

    #[cold]
    fn word_by_bytes(mut self, dialect: &Dialect, word: &[u8; 64], n: usize) -> (State, Ends) {
        let mut ends = Ends::default();
        for (i, &byte) in word.iter().take(n).enumerate() {
            let (next, mark) = self.step(dialect, byte);
            ends.fields |= u64::from(mark == Mark::Field) << i;
            ends.records |= u64::from(mark == Mark::Record) << i;
            self = next;
        }
        (self, ends)
    }
}

impl Dialect {
    /// Fields between separators, in double quotes where they hold special bytes.
    pub fn new(separator: Separator) -> Dialect {
        Dialect {
            separator,
            delimiter: separator.last(),
            quote: Some(b'"'),
            escape: None,
            comment: None,
            skip_initial_space: false,
            trim: false,
            ragged: Ragged::Error,
        }
    }

    /// The same with another separator.
    pub fn separated_by(self, separator: Separator) -> Dialect {
        Dialect { separator, delimiter: separator.last(), ..self }
    }

    /// Whether quotes are all there is to it.
    #[inline]
    pub(super) fn is_simple(&self) -> bool {
        self.escape.is_none()
            && self.comment.is_none()
            && self.separator.is_byte()
            && !self.skip_initial_space
            && !self.trim
    }

    /// The last byte of the separator, which is where a field is marked to end.
    #[inline]
    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Whether this byte at the start of a field is no part of it.
    #[inline]
    fn skips(&self, byte: u8) -> bool {
        is_blank(byte) && (self.separator.is_blanks() || (self.skip_initial_space && self.separator.bytes() != [byte]))
    }
}

/// A blank or a tab.
#[inline]
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A bit for each byte of a word that ends something.
#[derive(Clone, Copy, Default)]
pub(super) struct Ends {
    /// Delimiters: a field ends, but not the record.
    pub fields: u64,
    /// The record ends, and its last field.
    pub records: u64,
}

/// A bit for each byte of the word that is `needle`.
#[inline]
fn equal(word: &[u8; 64], needle: u8) -> u64 {
    let needle = u8x16::splat(needle);
    let mut mask = 0;
    for (i, part) in word.as_chunks::<16>().0.iter().enumerate() {
        mask |= u64::from(u8x16::new(*part).cmp_eq(needle).move_mask() as u16) << (16 * i);
    }
    mask
}

/// Bit i is the XOR of bits 0 to i.
#[inline]
fn running_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
