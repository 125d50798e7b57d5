//! Where records and fields end. A function of bytes alone: no file, no thread.
//!
//! 64 bytes at a time become bit masks (quotes, delimiters, ends of lines); a running XOR over the quotes tells which
//! of them are inside quotes (Langdale and Lemire, *Parsing gigabytes of JSON per second*, 2019). That is right as
//! long as each quote that opens stands at the start of a field; a word where one does not, and every dialect with
//! escapes or comments, goes through the byte by byte machine [`State::step`], which is the definition.

use wide::u8x16;

/// The special bytes of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Between fields.
    pub delimiter: u8,
    /// Around fields that hold special bytes; doubled inside.
    pub quote: Option<u8>,
    /// Before a special byte that is meant literally.
    pub escape: Option<u8>,
    /// At the start of a line that is not data.
    pub comment: Option<u8>,
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
            _ => {}
        }
        if byte == b'\n' || byte == b'\r' {
            (State::Record, Mark::Record)
        } else if byte == dialect.delimiter {
            (State::Field, Mark::Field)
        } else if dialect.escape == Some(byte) {
            (State::EscapedText, Mark::None)
        } else {
            (State::Text, Mark::None)
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
    #[inline]
    fn word(self, dialect: &Dialect, word: &[u8; 64], n: usize, next: Option<u8>) -> (State, Ends) {
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
    /// Whether quotes are all there is to it.
    fn is_simple(&self) -> bool {
        self.escape.is_none() && self.comment.is_none()
    }
}

/// A bit for each byte of a word that ends something.
#[derive(Clone, Copy, Default)]
struct Ends {
    /// Delimiters: a field ends, but not the record.
    fields: u64,
    /// The record ends, and its last field.
    records: u64,
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

/// A record that cannot be taken apart. Positions are in the bytes that were split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has another number of fields.
    Ragged {
        /// Where the record starts.
        start: usize,
        /// How many fields it has.
        found: usize,
    },
    /// The bytes end inside its quotes.
    Unterminated {
        /// Where the record starts.
        start: usize,
    },
}

impl Fault {
    /// Where the record starts.
    pub fn start(&self) -> usize {
        match *self {
            Fault::Ragged { start, .. } | Fault::Unterminated { start } => start,
        }
    }
}

/// Takes bytes apart into records of `fields` fields. Its buffers are used again for the next bytes.
#[derive(Debug)]
pub struct Splitter {
    dialect: Dialect,
    fields: usize,
    /// Where each field of each record ends, record by record; the first `marked` count.
    marks: Vec<u32>,
    marked: usize,
    /// How many of them end a record.
    lines: usize,
    starts: Vec<u32>,
    fault: Option<Fault>,
}

impl Splitter {
    /// A splitter for records of `fields` fields (at least one).
    pub fn new(dialect: Dialect, fields: usize) -> Self {
        Splitter {
            dialect,
            fields: fields.max(1),
            marks: Vec::new(),
            marked: 0,
            lines: 0,
            starts: Vec::new(),
            fault: None,
        }
    }

    /// Splits `bytes`, which start with a record; `last` says that nothing follows. Gives the number of bytes that are
    /// done with: what is left is the start of a record. Lines that are empty or comments are no records. At the first
    /// record that cannot be taken apart it stops, and [`fault`](Self::fault) tells of it.
    pub fn split(&mut self, bytes: &[u8], last: bool) -> usize {
        self.fault = None;
        self.starts.clear();
        let state = self.mark(bytes);
        let mut end = self.marks[..self.marked].iter().rposition(|&m| self.ends_record(bytes, m)).map_or(0, |i| i + 1);
        let mut consumed = if end == 0 { 0 } else { self.marks[end - 1] as usize + 1 };
        if last && consumed < bytes.len() {
            if matches!(state, State::Quoted | State::EscapedQuoted) {
                self.fault = Some(Fault::Unterminated { start: consumed });
            } else {
                self.marks[self.marked] = bytes.len() as u32;
                self.marked += 1;
                self.lines += 1;
                end = self.marked;
            }
            consumed = bytes.len();
        }
        self.marked = end;
        if !self.is_regular(bytes) {
            self.compact(bytes);
        }
        consumed
    }

    /// The record that could not be taken apart, if there is one; the records are those before it.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The records found.
    pub fn records<'a>(&'a self, bytes: &'a [u8]) -> Records<'a> {
        let marks = &self.marks[..self.marked];
        Records { bytes, starts: &self.starts, marks, fields: self.fields, dialect: self.dialect }
    }

    fn mark(&mut self, bytes: &[u8]) -> State {
        // room for every byte of a word more than there can be, so that marks are written without a look at the end
        if self.marks.len() < bytes.len() + 65 {
            self.marks.resize(bytes.len() + 65, 0);
        }
        let (mut state, mut rest, mut at, mut marked, mut lines) = (State::Record, bytes, 0, 0, 0);
        while let Some((word, tail)) = rest.split_first_chunk::<64>() {
            let ends;
            (state, ends) = state.word(&self.dialect, word, 64, tail.first().copied());
            marked += positions(ends.fields | ends.records, at, &mut self.marks[marked..]);
            lines += ends.records.count_ones() as usize;
            (rest, at) = (tail, at + 64);
        }
        if !rest.is_empty() {
            let mut word = [0; 64];
            word[..rest.len()].copy_from_slice(rest);
            let ends;
            (state, ends) = state.word(&self.dialect, &word, rest.len(), None);
            marked += positions(ends.fields | ends.records, at, &mut self.marks[marked..]);
            lines += ends.records.count_ones() as usize;
        }
        (self.marked, self.lines) = (marked, lines);
        state
    }

    #[inline]
    fn ends_record(&self, bytes: &[u8], mark: u32) -> bool {
        bytes.get(mark as usize) != Some(&self.dialect.delimiter)
    }

    /// Whether the marks are whole records with nothing between them; then their starts are noted.
    fn is_regular(&mut self, bytes: &[u8]) -> bool {
        // a line of a single field may be empty, and then it is no record
        if self.fields == 1 || self.dialect.comment.is_some() || self.marked != self.lines * self.fields {
            return false;
        }
        let mut start = 0;
        for record in self.marks[..self.marked].chunks_exact(self.fields) {
            // with as many ends of records as records, one at the end of each leaves none for the inside
            let end = record[self.fields - 1];
            if !self.ends_record(bytes, end) {
                self.starts.clear();
                return false;
            }
            self.starts.push(start);
            start = end + 1;
        }
        true
    }

    /// Leaves empty lines and comments out, and stops at the first record with another number of fields.
    fn compact(&mut self, bytes: &[u8]) {
        let (mut kept, mut first, mut start) = (0, 0, 0);
        for i in 0..self.marked {
            let mark = self.marks[i];
            if !self.ends_record(bytes, mark) {
                continue;
            }
            let (record, found) = (&bytes[start as usize..mark as usize], i + 1 - first);
            let comment = self.dialect.comment.is_some() && record.first() == self.dialect.comment.as_ref();
            if !comment && !(found == 1 && matches!(record, b"" | b"\r")) {
                if found != self.fields {
                    self.fault = Some(Fault::Ragged { start: start as usize, found });
                    break;
                }
                self.marks.copy_within(first..=i, kept);
                self.starts.push(start);
                kept += found;
            }
            (first, start) = (i + 1, mark + 1);
        }
        self.marked = kept;
    }
}

/// Writes the positions of the set bits, counted from `at`, and gives their number. More may be written than count.
#[inline]
fn positions(mut bits: u64, at: u32, out: &mut [u32]) -> usize {
    let count = bits.count_ones() as usize;
    let mut written = 0;
    // eight at a time without asking whether there are as many: a branch for each bit costs more
    for eight in out.as_chunks_mut::<8>().0 {
        if written >= count {
            break;
        }
        for place in eight {
            *place = at + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
        written += 8;
    }
    count
}

/// Records that were taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    starts: &'a [u32],
    marks: &'a [u32],
    fields: usize,
    dialect: Dialect,
}

impl<'a> Records<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Where each starts in the bytes.
    pub fn starts(&self) -> &'a [u32] {
        self.starts
    }

    /// The dialect they are written in.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Where a field is, quotes included.
    #[inline]
    pub fn place(&self, record: usize, field: usize) -> (usize, usize) {
        let at = record * self.fields + field;
        let start = if field == 0 { self.starts[record] } else { self.marks[at - 1] + 1 };
        (start as usize, self.marks[at] as usize)
    }

    /// A field as it is written, quotes included.
    #[inline]
    pub fn field(&self, record: usize, field: usize) -> &'a [u8] {
        let (start, end) = self.place(record, field);
        let text = &self.bytes[start..end];
        // an escaped `\r` belongs to the field; then `\r\n` has ended the record at the `\r`
        match text {
            [text @ .., b'\r'] if field + 1 == self.fields && self.dialect.is_simple() => text,
            text => text,
        }
    }
}

/// The fields of the first record of `bytes` (empty lines and comments left out), where it starts and where the next
/// one starts; `None` if there is none or it does not end here, unless nothing follows (`last`).
pub fn first_record(
    dialect: &Dialect,
    bytes: &[u8],
    last: bool,
) -> Option<(Vec<std::ops::Range<usize>>, usize, usize)> {
    let (mut state, mut start, mut field, mut fields) = (State::Record, 0, 0, Vec::new());
    for i in 0..=bytes.len() {
        let (next, mark) = match bytes.get(i) {
            Some(&byte) => state.step(dialect, byte),
            None if last && i > start => (State::Record, Mark::Record),
            None => return None,
        };
        let comment = state == State::Comment;
        state = next;
        if mark != Mark::None {
            fields.push(field..i);
            field = i + 1;
        }
        if mark == Mark::Record {
            if comment || (fields.len() == 1 && fields[0].is_empty()) {
                fields.clear();
                start = i + 1;
                continue;
            }
            return Some((fields, start, (i + 1).min(bytes.len())));
        }
    }
    None
}

/// The text of a field as it is written: quotes taken off, doubled quotes and escapes resolved. `scratch` is used only
/// where the text has to be put together.
pub fn unquoted<'a>(dialect: &Dialect, field: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let quote = dialect.quote.filter(|q| field.first() == Some(q));
    if quote.is_none() && dialect.escape.is_none() {
        return field;
    }
    if let (Some(quote), None, [_, inner @ .., end]) = (quote, dialect.escape, field)
        && *end == quote
        && memchr::memchr(quote, inner).is_none()
    {
        return inner;
    }
    scratch.clear();
    let mut state = State::Field;
    for &byte in field {
        let (next, _) = state.step(dialect, byte);
        let dropped = match (state, next) {
            (State::Field, State::Quoted) | (State::Quoted, State::Closed) => true,
            (_, State::EscapedText | State::EscapedQuoted) => true,
            _ => false,
        };
        if !dropped {
            scratch.push(byte);
        }
        state = next;
    }
    scratch
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
