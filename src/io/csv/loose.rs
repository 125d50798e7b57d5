//! Records one byte after the other, for whatever the masks of [`split`](super::split) cannot do: separators of several
//! bytes, escapes, comments, records of too few or too many fields. A function of bytes alone.

use super::state::{Dialect, Mark, Ragged, State, is_blank};

/// Where a field is, quotes included: from, to.
pub type Span = (u32, u32);

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A record that starts here.
    Record(usize),
    /// The start of a record whose end is not in these bytes.
    Part(usize),
    /// The start of a record inside whose quotes the last of all bytes is.
    Open(usize),
    /// Nothing more.
    Nothing,
}

/// Goes from record to record; lines that are empty or comments are none.
#[derive(Debug)]
pub struct Walk<'a> {
    dialect: &'a Dialect,
    bytes: &'a [u8],
    /// Whether nothing follows the bytes.
    last: bool,
    at: usize,
}

impl<'a> Walk<'a> {
    /// From the start of a record on.
    pub fn new(dialect: &'a Dialect, bytes: &'a [u8], last: bool) -> Self {
        Walk { dialect, bytes, last, at: 0 }
    }

    /// Where the next record may start.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Appends the fields of the next record to `fields`.
    pub fn next(&mut self, fields: &mut Vec<Span>) -> Found {
        let first = fields.len();
        let (mut state, mut start, mut field) = (State::Record, self.at, self.at);
        let separator = self.dialect.separator.bytes().len().max(1);
        for (i, &byte) in self.bytes.iter().enumerate().skip(self.at) {
            let (next, mark) = state.step(self.dialect, byte);
            match mark {
                Mark::None if next == State::Field => field = i + 1,
                Mark::None => {}
                Mark::Field => {
                    fields.push(self.span(field, i + 1 - separator));
                    field = i + 1;
                }
                Mark::Record => {
                    let record = self.close(state, (start, field, i), first, fields);
                    self.at = i + 1;
                    if record {
                        return Found::Record(start);
                    }
                    (start, field) = (i + 1, i + 1);
                }
            }
            state = next;
        }
        let end = self.bytes.len();
        if start == end || (self.last && state == State::Comment) {
            self.at = end;
            return Found::Nothing;
        }
        if !self.last {
            fields.truncate(first);
            return Found::Part(start);
        }
        self.at = end;
        if matches!(state, State::Quoted | State::EscapedQuoted) {
            fields.truncate(first);
            return Found::Open(start);
        }
        if self.close(state, (start, field, end), first, fields) { Found::Record(start) } else { Found::Nothing }
    }

    fn span(&self, from: usize, to: usize) -> Span {
        let blanks = || self.bytes[from..to].iter().rev().take_while(|&&byte| is_blank(byte)).count();
        (from as u32, (to - if self.dialect.trim { blanks() } else { 0 }) as u32)
    }

    /// Ends the last field of a record; whether it is one.
    fn close(
        &self,
        state: State,
        (start, field, end): (usize, usize, usize),
        first: usize,
        fields: &mut Vec<Span>,
    ) -> bool {
        // blanks at the end of a line separate nothing
        if !(self.dialect.separator.is_blanks() && state == State::Field) {
            fields.push(self.span(field, end));
        }
        let nothing = match &fields[first..] {
            [] => true,
            [only] => only.0 == only.1 || start == end,
            _ => false,
        };
        if state == State::Comment || nothing {
            fields.truncate(first);
            return false;
        }
        true
    }
}

/// Makes the fields of one record, those of `fields` from `first` on, `wanted` many as `ragged` has it. If that may not be,
/// they are taken away, and `false` comes back.
pub fn fit(ragged: Ragged, wanted: usize, first: usize, fields: &mut Vec<Span>) -> bool {
    let found = fields.len() - first;
    let fits = match ragged {
        _ if found == wanted => true,
        Ragged::Error | Ragged::Skip => false,
        Ragged::Fill => found < wanted,
        Ragged::Fit => true,
    };
    if fits {
        let end = fields.last().map_or(0, |last| last.1);
        fields.resize(first + wanted, (end, end));
    } else {
        fields.truncate(first);
    }
    fits
}
