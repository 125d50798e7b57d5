//! Keys as bytes that compare like the rows.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::Schema;

use super::SortKey;
use super::lane::{Code, Lane, check};
use crate::base::Result;
use crate::expr::{Expr, Program};

/// How many bytes of a key are compared as one number.
const PREFIX: usize = 16;
/// While ties are rarer than one in so many rows, whole keys are made one by one.
const ROWS_A_TIE: usize = 64;
/// What ends a text, below every byte of one.
const END: u8 = 1;
/// What every byte of a text is raised by, so that there is room for its end and for null below. No byte of UTF-8 is
/// above 0xF4.
const RAISE: u8 = 2;

/// Makes the keys of rows, the same for every batch of a schema.
#[derive(Clone, Debug)]
pub struct Encoder {
    program: Program,
    lanes: Arc<[Lane]>,
    /// Whether the first bytes of a key are all of it.
    exact: bool,
}

/// The keys of the rows of a batch. Their first 16 bytes behind what all have in common are there as a number; the rest is
/// made when two of them are equal.
#[derive(Debug)]
pub struct Keys {
    prefixes: Vec<u128>,
    columns: Vec<ArrayRef>,
    lanes: Arc<[Lane]>,
    /// Whether no key has bytes behind its prefix.
    exact: bool,
    /// How many bytes lie before the prefixes, and the first 16 of them.
    skip: usize,
    shared: u128,
    whole: OnceLock<Whole>,
    /// How often two equal prefixes were met before there were whole keys.
    ties: AtomicUsize,
}

/// Keys with all their bytes, one after the other.
#[derive(Debug, Default)]
struct Whole {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Encoder {
    /// For rows of `schema`, ordered by the first of `keys`, and where that is equal by the next.
    ///
    /// # Errors
    /// `UnknownColumn`; `TypeMismatch`; `Unsupported` for types that have no order, such as lists.
    pub fn new(keys: &[SortKey], schema: &Schema) -> Result<Encoder> {
        let exprs: Vec<Expr> = keys.iter().map(|k| k.expr.clone()).collect();
        let program = Program::new(&exprs, schema)?;
        let mut lanes = Vec::with_capacity(keys.len());
        for (key, field) in keys.iter().zip(program.schema().fields()) {
            check(field.data_type()).map_err(|e| e.at_expr(&key.expr))?;
            lanes.push(Lane {
                data_type: field.data_type().clone(),
                descending: key.descending,
                nulls_first: key.nulls_first,
                nullable: field.is_nullable(),
            });
        }
        let width: Option<usize> = lanes.iter().map(Lane::width).sum();
        Ok(Encoder { program, lanes: lanes.into(), exact: width.is_some_and(|w| w <= PREFIX) })
    }

    /// The keys of the rows of `record`.
    ///
    /// # Errors
    /// Of the expressions.
    pub fn encode(&self, record: &RecordBatch) -> Result<Keys> {
        self.encode_behind(record, &[])
    }

    /// The keys of rows that all begin with the bytes `shared`, at most [`MOST_SHARED`](Self::MOST_SHARED): they are
    /// compared by what follows. Only keys made with the same `shared` bytes may be compared with each other.
    ///
    /// # Errors
    /// Of the expressions.
    pub fn encode_behind(&self, record: &RecordBatch, shared: &[u8]) -> Result<Keys> {
        let rows = record.num_rows();
        let shared = shared.get(..Self::MOST_SHARED).unwrap_or(shared);
        let (skip, full) = (shared.len(), shared.len() + PREFIX);
        let columns = self.program.eval(record)?.into_iter().zip(self.lanes.iter());
        let columns = columns.map(|(value, lane)| lane.plain(&value.into_array(rows)?)).collect::<Result<Vec<_>>>()?;
        // how many bytes of each key were seen, up to one more than there is room for
        let (mut prefixes, mut used) = (vec![0u128; rows], vec![0u8; rows]);
        let mut exact = true;
        for (i, (lane, column)) in self.lanes.iter().zip(&columns).enumerate() {
            lane.codes(column, |row, code| {
                if let (Some(prefix), Some(used)) = (prefixes.get_mut(row), used.get_mut(row)) {
                    let at = usize::from(*used);
                    let (word, bytes) = code.word(lane, skip.saturating_sub(at));
                    if at < full {
                        *prefix |= word >> (8 * at.saturating_sub(skip));
                    }
                    *used = (at + bytes).min(full + 1) as u8;
                }
            })?;
            if i + 1 < columns.len() && used.iter().all(|&u| usize::from(u) >= full) {
                exact = false;
                break;
            }
        }
        exact = self.exact || exact && used.iter().all(|&u| usize::from(u) <= full);
        let (lanes, shared) = (self.lanes.clone(), word_of(shared));
        Ok(Keys { prefixes, columns, lanes, exact, skip, shared, whole: OnceLock::new(), ties: AtomicUsize::new(0) })
    }

    /// How many bytes that keys have in common can be left out.
    pub const MOST_SHARED: usize = 64;
}

/// The bytes of a prefix from the first on, as many as given.
fn first(bytes: usize) -> u128 {
    if bytes == 0 { 0 } else { u128::MAX << (8 * (PREFIX - bytes.min(PREFIX))) }
}

/// What follows `bytes` bytes of a word.
fn ahead(word: u128, bytes: usize) -> u128 {
    if bytes < PREFIX { word << (8 * bytes) } else { 0 }
}

impl Code<'_> {
    /// Its first bytes behind the first `skip`, the first one highest, and how many bytes it has in all: those that count.
    #[inline]
    fn word(&self, lane: &Lane, skip: usize) -> (u128, usize) {
        let (word, bytes) = match *self {
            Code::Fixed(code, bytes) => return (ahead(code << (128 - 8 * bytes), skip), bytes as usize),
            Code::Wide(rank, code) => {
                let word = match skip {
                    0 => u128::from(rank) << 120 | code >> 8,
                    skip => ahead(code, skip - 1),
                };
                return (word, PREFIX + 1);
            }
            Code::NoText => return (ahead(if lane.nulls_first { 0 } else { 0xFF << 120 }, skip), 1),
            Code::Text(from, len) => {
                let bytes = len + 1;
                if skip > len {
                    return (0, bytes);
                }
                let (from, len) = (from.get(skip..).unwrap_or_default(), len - skip);
                let word = match from.first_chunk::<PREFIX>() {
                    Some(chunk) => u128::from_be_bytes(*chunk),
                    None => word_of(from),
                };
                let own = first(len);
                let raise = u128::from_be_bytes([RAISE; PREFIX]) & own;
                let end = if len < PREFIX { u128::from(END) << (120 - 8 * len) } else { 0 };
                (((word & own) + raise) | end, bytes)
            }
            Code::Bytes(bytes) => {
                let enough = skip + PREFIX + 1;
                let mut word = Vec::with_capacity(enough + 1);
                escape(bytes, &mut word, enough);
                (word_of(word.get(skip..).unwrap_or_default()), word.len().min(enough))
            }
        };
        if lane.descending { (!word & first(bytes.saturating_sub(skip)), bytes) } else { (word, bytes) }
    }

    /// How many bytes it has.
    fn len(&self) -> usize {
        match *self {
            Code::Fixed(_, bytes) => bytes as usize,
            Code::Wide(..) => PREFIX + 1,
            Code::NoText => 1,
            Code::Text(_, len) => len + 1,
            Code::Bytes(bytes) => bytes.len() + bytes.iter().filter(|&&b| is_escaped(b)).count() + 1,
        }
    }

    /// Writes all its bytes to the beginning of `out`.
    fn write(&self, lane: &Lane, out: &mut [u8]) {
        let turn = if lane.descending { 0xFF } else { 0 };
        match *self {
            Code::Text(from, len) => {
                for (to, byte) in out.iter_mut().zip(from.iter().take(len)) {
                    *to = (byte + RAISE) ^ turn;
                }
                if let Some(end) = out.get_mut(len) {
                    *end = END ^ turn;
                }
            }
            Code::Bytes(bytes) => {
                let mut escaped = Vec::with_capacity(out.len());
                escape(bytes, &mut escaped, usize::MAX);
                out.iter_mut().zip(escaped).for_each(|(to, byte)| *to = byte ^ turn);
            }
            Code::Wide(rank, code) => {
                let all = std::iter::once(rank).chain(code.to_be_bytes());
                out.iter_mut().zip(all).for_each(|(to, byte)| *to = byte);
            }
            Code::Fixed(..) | Code::NoText => {
                let (word, _) = self.word(lane, 0);
                out.iter_mut().zip(word.to_be_bytes()).for_each(|(to, byte)| *to = byte);
            }
        }
    }
}

fn word_of(bytes: &[u8]) -> u128 {
    let mut chunk = [0; PREFIX];
    chunk.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    u128::from_be_bytes(chunk)
}

/// Whether a byte needs a second one: it would be taken for null or for the end.
fn is_escaped(byte: u8) -> bool {
    byte <= RAISE || byte >= u8::MAX - RAISE
}

/// Bytes of any value and their end, in at least `enough` bytes if there are so many.
fn escape(bytes: &[u8], out: &mut Vec<u8>, enough: usize) {
    for &byte in bytes {
        if out.len() >= enough {
            return;
        }
        if is_escaped(byte) {
            out.push(if byte <= RAISE { RAISE } else { u8::MAX - RAISE });
        }
        out.push(byte);
    }
    out.push(END);
}

impl Whole {
    fn of(lanes: &[Lane], columns: &[ArrayRef], rows: usize) -> Result<Whole> {
        let mut ends = vec![0; rows];
        for (lane, column) in lanes.iter().zip(columns) {
            lane.codes(column, |row, code| {
                if let Some(end) = ends.get_mut(row) {
                    *end += code.len();
                }
            })?;
        }
        let mut all = 0;
        let mut next = Vec::with_capacity(rows);
        for end in &mut ends {
            next.push(all);
            all += *end;
            *end = all;
        }
        let mut bytes = vec![0; all];
        for (lane, column) in lanes.iter().zip(columns) {
            lane.codes(column, |row, code| {
                if let Some(at) = next.get_mut(row) {
                    let to = *at + code.len();
                    if let Some(out) = bytes.get_mut(*at..to) {
                        code.write(lane, out);
                    }
                    *at = to;
                }
            })?;
        }
        Ok(Whole { bytes, ends })
    }
}

impl Keys {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// The first 16 bytes of each key behind those that all share, as numbers: where two differ, they compare like the rows.
    pub fn prefixes(&self) -> &[u128] {
        &self.prefixes
    }

    /// The first 16 bytes of each key, those that all share among them.
    pub fn starts(&self) -> impl Iterator<Item = u128> {
        let behind = |word: u128| if self.skip < PREFIX { word >> (8 * self.skip) } else { 0 };
        self.prefixes.iter().map(move |&prefix| self.shared | behind(prefix))
    }

    /// The first 16 bytes of the key of row `row` behind those that all share, as a number.
    #[inline]
    pub fn prefix(&self, row: usize) -> u128 {
        self.prefixes.get(row).copied().unwrap_or(u128::MAX)
    }

    /// Whether rows whose prefixes are equal are equal.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// All bytes of the key of row `row`.
    pub fn whole(&self, row: usize) -> &[u8] {
        // codes cannot fail here: the prefixes are made of the same ones
        let whole = self.whole.get_or_init(|| Whole::of(&self.lanes, &self.columns, self.len()).unwrap_or_default());
        let start = row.checked_sub(1).and_then(|before| whole.ends.get(before)).copied().unwrap_or(0);
        let end = whole.ends.get(row).copied().unwrap_or(start);
        whole.bytes.get(start..end).unwrap_or_default()
    }

    /// All bytes of the keys of some rows, without making those of all.
    ///
    /// # Errors
    /// Never in practice.
    pub fn pick(&self, rows: &[u32]) -> Result<Vec<Vec<u8>>> {
        let rows = UInt32Array::from_iter_values(rows.iter().copied());
        let columns = self.columns.iter().map(|c| Ok(take(c, &rows, None)?)).collect::<Result<Vec<_>>>()?;
        let whole = Whole::of(&self.lanes, &columns, rows.len())?;
        let starts = std::iter::once(&0).chain(&whole.ends);
        Ok(starts.zip(&whole.ends).map(|(&start, &end)| whole.bytes[start..end].to_vec()).collect())
    }

    /// How row `row` compares to row `to` of `other`, made by the same encoder. (No key is the beginning of another: where
    /// prefixes are equal and one is a whole key, both are.)
    #[inline]
    pub fn compare(&self, row: usize, other: &Keys, to: usize) -> Ordering {
        let by_prefix = self.prefix(row).cmp(&other.prefix(to));
        if by_prefix.is_ne() || self.exact || other.exact { by_prefix } else { self.compare_whole(row, other, to) }
    }

    /// The same where the prefixes are known to be equal and are not all. A few keys are made one by one; where ties are
    /// many, those of all rows are made once.
    #[cold]
    fn compare_whole(&self, row: usize, other: &Keys, to: usize) -> Ordering {
        match (self.has_few_ties(), other.has_few_ties()) {
            (false, false) => self.whole(row).cmp(other.whole(to)),
            _ => self.single(row).cmp(&other.single(to)),
        }
    }

    fn has_few_ties(&self) -> bool {
        self.whole.get().is_none() && self.ties.fetch_add(1, Relaxed) <= self.len() / ROWS_A_TIE
    }

    /// All bytes of the key of one row.
    fn single(&self, row: usize) -> Vec<u8> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|c| c.slice(row, 1)).collect();
        Whole::of(&self.lanes, &columns, 1).unwrap_or_default().bytes
    }
}
