//! Where records and fields end. A function of bytes alone: no file, no thread.

use std::ops::Range;

use super::loose::{Found, Span, Walk, fit};
use super::state::{Dialect, Ragged, State, is_blank};

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

/// More marks than a word of 64 bytes has, with what is written behind the last of them.
const WORD: usize = 72;
/// Room for so many marks is made at once: in a longer text they may be few.
const LIKELY: usize = 1 << 18;

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
    /// Where each field is, if that was found byte by byte and `marks` say nothing.
    spans: Option<Vec<Span>>,
    /// Where the records start that are left out.
    skipped: Vec<u32>,
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
            spans: None,
            skipped: Vec::new(),
            fault: None,
        }
    }

    /// Splits `bytes`, which start with a record; `last` says that nothing follows. Gives the number of bytes that are
    /// done with: what is left is the start of a record. Lines that are empty or comments are no records, nor are blank
    /// ones where there is more than one field. At the first
    /// record that cannot be taken apart it stops, and [`fault`](Self::fault) tells of it.
    pub fn split(&mut self, bytes: &[u8], last: bool) -> usize {
        self.fault = None;
        self.starts.clear();
        self.skipped.clear();
        if !self.dialect.is_simple() {
            return self.split_by_bytes(bytes, last);
        }
        self.spans = None;
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
            if self.dialect.ragged != Ragged::Error {
                return self.split_by_bytes(bytes, last);
            }
            self.compact(bytes);
        }
        consumed
    }

    /// As [`split`](Self::split), for any dialect.
    fn split_by_bytes(&mut self, bytes: &[u8], last: bool) -> usize {
        self.marked = 0;
        self.fault = None;
        let mut spans = self.spans.take().unwrap_or_default();
        spans.clear();
        let mut walk = Walk::new(&self.dialect, bytes, last);
        loop {
            let first = spans.len();
            match walk.next(&mut spans) {
                Found::Record(start) => {
                    let found = spans.len() - first;
                    let (from, to) = spans[first];
                    if found == 1 && self.fields > 1 && all_blank(&bytes[from as usize..to as usize]) {
                        spans.truncate(first);
                    } else if fit(self.dialect.ragged, self.fields, first, &mut spans) {
                        self.starts.push(start as u32);
                    } else if self.dialect.ragged == Ragged::Skip {
                        self.skipped.push(start as u32);
                    } else {
                        self.fault = Some(Fault::Ragged { start, found });
                        break;
                    }
                }
                Found::Open(start) => {
                    self.fault = Some(Fault::Unterminated { start });
                    break;
                }
                Found::Part(_) | Found::Nothing => break,
            }
        }
        // as where masks split: at a fault the rest is done with too
        let consumed = if last && self.fault.is_some() { bytes.len() } else { walk.at() };
        self.spans = Some(spans);
        consumed
    }

    /// Where the records of the bytes start that were left out for their number of fields, rising.
    pub fn skipped(&self) -> &[u32] {
        &self.skipped
    }

    /// The record that could not be taken apart, if there is one; the records are those before it.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The records found.
    pub fn records<'a>(&'a self, bytes: &'a [u8]) -> Records<'a> {
        let marks = &self.marks[..self.marked];
        let spans = self.spans.as_deref();
        Records { bytes, starts: &self.starts, marks, spans, fields: self.fields, dialect: self.dialect }
    }

    fn mark(&mut self, bytes: &[u8]) -> State {
        let (mut state, mut rest, mut at, mut marked, mut lines) = (State::Record, bytes, 0, 0, 0);
        // room for more marks than a word can have, so that they are written without a look at the end
        self.make_room(bytes.len().min(LIKELY));
        while let Some((word, tail)) = rest.split_first_chunk::<64>() {
            if self.marks.len() < marked + WORD {
                self.make_room(2 * marked);
            }
            let ends;
            (state, ends) = state.word(&self.dialect, word, 64, tail.first().copied());
            marked += positions(ends.fields | ends.records, at, &mut self.marks[marked..]);
            lines += ends.records.count_ones() as usize;
            (rest, at) = (tail, at + 64);
        }
        self.make_room(marked);
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

    /// Room for so many marks, and those of one word more.
    fn make_room(&mut self, marks: usize) {
        if self.marks.len() < marks + WORD {
            self.marks.resize(marks + WORD, 0);
        }
    }

    /// The bytes of its buffers.
    pub fn held(&self) -> usize {
        let spans = self.spans.as_ref().map_or(0, Vec::capacity);
        4 * (self.marks.capacity() + self.starts.capacity() + self.skipped.capacity()) + 8 * spans
    }

    #[inline]
    fn ends_record(&self, bytes: &[u8], mark: u32) -> bool {
        bytes.get(mark as usize) != Some(&self.dialect.delimiter())
    }

    /// Whether the marks are whole records with nothing between them; then their starts are noted.
    fn is_regular(&mut self, bytes: &[u8]) -> bool {
        // a line of a single field may be empty, and then it is no record
        if self.fields == 1 || self.marked != self.lines * self.fields {
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

    /// Leaves empty lines out, and stops at the first record with another number of fields.
    fn compact(&mut self, bytes: &[u8]) {
        let (mut kept, mut first, mut start) = (0, 0, 0);
        for i in 0..self.marked {
            let mark = self.marks[i];
            if !self.ends_record(bytes, mark) {
                continue;
            }
            let (record, found) = (&bytes[start as usize..mark as usize], i + 1 - first);
            let empty = found == 1 && (matches!(record, b"" | b"\r") || (self.fields > 1 && all_blank(record)));
            if !empty {
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

/// Whether there is nothing to see in a line.
fn all_blank(line: &[u8]) -> bool {
    line.iter().all(|&byte| is_blank(byte) || byte == b'\r')
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
    spans: Option<&'a [Span]>,
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
        let (start, end) = match self.spans {
            Some(spans) => spans[at],
            None if field == 0 => (self.starts[record], self.marks[at]),
            None => (self.marks[at - 1] + 1, self.marks[at]),
        };
        (start as usize, end as usize)
    }

    /// A field as it is written, quotes included.
    pub fn field(&self, record: usize, field: usize) -> &'a [u8] {
        let (start, end) = self.place(record, field);
        self.trimmed(&self.bytes[start..end], field)
    }

    /// Gives `each` the number of each of these records, its field `field` as it is written, and the word that starts
    /// there (0 at the very end), as long as it is content.
    #[inline]
    pub fn each<E>(
        &self,
        field: usize,
        rows: Range<usize>,
        mut each: impl FnMut(usize, &'a [u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = self.bytes;
        let word = |start: usize| bytes[start..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        if let Some(spans) = self.spans {
            for record in rows {
                let (start, end) = spans[record * self.fields + field];
                each(record, &bytes[start as usize..end as usize], word(start as usize))?;
            }
            return Ok(());
        }
        let marks = self.marks[rows.start * self.fields..rows.end * self.fields].chunks_exact(self.fields);
        for (record, (&start, ends)) in rows.clone().zip(self.starts[rows].iter().zip(marks)) {
            let start = if field == 0 { start } else { ends[field - 1] + 1 } as usize;
            each(record, self.trimmed(&bytes[start..ends[field] as usize], field), word(start))?;
        }
        Ok(())
    }

    /// The last field without the `\r` of a `\r\n`. (Found byte by byte, the record ends at the `\r` already.)
    #[inline(always)]
    fn trimmed(&self, text: &'a [u8], field: usize) -> &'a [u8] {
        match text {
            [text @ .., b'\r'] if field + 1 == self.fields && self.spans.is_none() => text,
            text => text,
        }
    }
}

/// The fields of the first record of `bytes` (empty lines and comments left out), where it starts and where the next
/// one starts; `None` if there is none or it does not end here, unless nothing follows (`last`).
pub fn first_record(dialect: &Dialect, bytes: &[u8], last: bool) -> Option<(Vec<Range<usize>>, usize, usize)> {
    let (mut walk, mut fields) = (Walk::new(dialect, bytes, last), Vec::new());
    while let Found::Record(start) = walk.next(&mut fields) {
        let fields: Vec<_> = fields.drain(..).map(|(from, to)| from as usize..to as usize).collect();
        if fields.len() > 1 || !fields.iter().all(|f| all_blank(&bytes[f.clone()])) {
            return Some((fields, start, walk.at()));
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
        let dropped = matches!(
            (state, next),
            (State::Field, State::Quoted)
                | (State::Quoted, State::Closed)
                | (_, State::EscapedText | State::EscapedQuoted)
        );
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
