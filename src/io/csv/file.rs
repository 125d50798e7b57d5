//! One CSV file: its header, where its data starts, and where its partitions start.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::options::CsvOptions;
use super::split::{first_record, unquoted};
use super::state::{Dialect, State};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::TaskContext;
use crate::io::FileInfo;
use crate::io::store::recent::PIECE;
use crate::io::store::{Demand, Recent};
use crate::io::text::{Form, NOT_UTF8};

/// How much of a file is read to find its header and types.
const HEAD: u64 = 256 * 1024;
/// More partitions than this are not made of one file, however small the blocks.
const MOST_BLOCKS: u64 = 100_000;

/// A file that was looked into.
#[derive(Debug)]
pub struct CsvFile {
    /// The file.
    pub info: FileInfo,
    /// How its bytes are text.
    pub form: Form,
    /// The names of its columns.
    pub names: Vec<String>,
    /// Where the first record of data may start.
    pub data: u64,
    /// The unpacked bytes from there to the end, if that is known.
    pub length: Option<u64>,
    block: u64,
    cuts: Mutex<Vec<Cut>>,
    /// Of a file in a store: what looking for cuts and reading have both to ask for.
    pub recent: Arc<Recent>,
    /// The records that are left out of each block that has been read: how many, and where the first of them starts.
    skipped: Mutex<BTreeMap<usize, (u64, u64)>>,
}

/// A place in a file, before or at the start of a block, and what surrounds it.
pub type Cut = (u64, State);

impl CsvFile {
    /// Looks into a file: its header, and the bytes of its head from the data on (all of them if `true`).
    ///
    /// # Errors
    /// `Io`; `Corrupt` when there is no header, or it is not in the encoding it should be in; `Unsupported` for what is no
    /// text.
    pub fn open(info: &FileInfo, options: &CsvOptions) -> Result<(CsvFile, Vec<u8>, bool)> {
        let mut size = HEAD;
        let (form, mut head) = Form::of(info, &options.letters, size)?;
        loop {
            let whole = (head.len() as u64) < size;
            if let Some(mut file) = Self::parse(info, form, options, &head, whole)? {
                let rest = head.split_off((file.data as usize).min(head.len()));
                file.length = if form.is_plain() {
                    Some(form.end(info.size).saturating_sub(file.data))
                } else {
                    whole.then_some(rest.len() as u64)
                };
                file.block = block(file.length.unwrap_or_default(), options.block_of(info));
                if info.is_elsewhere() && file.block > PIECE {
                    // what neighbours have to ask for both is little
                    file.block = file.block.next_multiple_of(PIECE);
                }
                return Ok((file, rest, whole));
            }
            size *= 4;
            head = form.head(info, size)?;
        }
    }

    /// The file with this head; `None` if its header does not end in it.
    fn parse(info: &FileInfo, form: Form, options: &CsvOptions, head: &[u8], whole: bool) -> Result<Option<CsvFile>> {
        let corrupt = |what: String| Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&info.path);
        let mark = if head.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
        let Some(skipped) = lines_end(&head[mark..], options.skip_rows, whole) else { return Ok(None) };
        let start = mark + skipped;
        let Some((fields, first, end)) = first_record(&options.dialect, &head[start..], whole) else {
            let nothing = if options.has_header { "no header" } else { "no record" };
            return if whole { Err(corrupt(format!("the file is empty: it has {nothing}"))) } else { Ok(None) };
        };
        let data = if options.has_header { start + end } else { start + first };
        let names = match &options.column_names {
            Some(names) if names.len() != fields.len() => {
                let what = format!("{} names are given for {} columns", names.len(), fields.len());
                return Err(Error::invalid(what).doing("read").at_path(&info.path));
            }
            Some(names) => names.clone(),
            None if options.has_header => {
                let mut scratch = Vec::new();
                let mut text = |field: &Range<usize>| {
                    let text = unquoted(&options.dialect, &head[start..][field.clone()], &mut scratch);
                    String::from_utf8(text.to_vec()).ok()
                };
                let texts: Option<Vec<String>> = fields.iter().map(&mut text).collect();
                let not_utf8 = || corrupt("the header is not valid UTF-8".into()).help(NOT_UTF8);
                distinct(texts.ok_or_else(not_utf8)?)
            }
            None => (0..fields.len()).map(|i| format!("column_{i}")).collect(),
        };
        let data = data as u64;
        let cuts = Mutex::new(vec![(data, State::Record)]);
        Ok(Some(CsvFile {
            info: info.clone(),
            form,
            names,
            data,
            length: None,
            block: 1,
            cuts,
            recent: Arc::default(),
            skipped: Mutex::default(),
        }))
    }

    /// How many partitions it makes.
    pub fn blocks(&self) -> usize {
        match self.length {
            Some(length) if self.form.is_plain() => length.div_ceil(self.block).max(1) as usize,
            _ => 1,
        }
    }

    /// Where records of block `i` may start: from, and up to.
    pub fn range(&self, i: usize) -> (u64, u64) {
        let start = |i: u64| self.data.saturating_add(self.block.saturating_mul(i));
        let end = if i + 1 == self.blocks() { u64::MAX } else { start(i as u64 + 1) };
        (start(i as u64), end)
    }

    /// A place at or before the last byte before block `i` and what surrounds it. Only a reading from the start of the
    /// file on tells whether a place is inside quotes; how far that reading has come is kept, so that all partitions
    /// together read each byte for it once at most, and not at all when they are read one after the other.
    pub fn cut(&self, i: usize, dialect: &Dialect, ctx: &TaskContext) -> Result<Cut> {
        let mut cuts = self.cuts.lock().unwrap_or_else(|e| e.into_inner());
        if cuts.len() <= i {
            let (mut at, mut state) = cuts.last().copied().unwrap_or((self.data, State::Record));
            let about = self.range(i).0.saturating_sub(at);
            let mut input = self.form.open(&self.info, at, &Demand::of(about, ctx).beside(&self.recent))?;
            let mut buffer = vec![0; (2 * self.block).clamp(512, 1 << 18) as usize];
            while cuts.len() <= i {
                let target = self.range(cuts.len()).0 - 1;
                while at < target {
                    ctx.cancel.check()?;
                    let want = (target - at).min(buffer.len() as u64) as usize;
                    let n = input.read(&mut buffer[..want]).map_err(|e| Error::io(&self.info.path, e).doing("read"))?;
                    if n == 0 {
                        break;
                    }
                    state = state.advance(dialect, &buffer[..n]);
                    at += n as u64;
                }
                cuts.push((at, state));
            }
        }
        Ok(cuts.get(i).copied().unwrap_or((self.data, State::Record)))
    }

    /// Notes that block `i` has been read, and that so many records of it are left out, the first of which starts at `at`.
    pub fn skip(&self, i: usize, count: u64, at: u64) {
        let mut skipped = self.skipped.lock().unwrap_or_else(|e| e.into_inner());
        if skipped.insert(i, (count, at)).is_none() {
            let (path, fields) = (&self.info.path, self.names.len());
            tracing::warn!(
                "{count} records of {path}, the first at byte {at}, have not {fields} fields and are left out"
            );
        }
    }

    /// How many records of the blocks that have been read so far are left out, and where the first of them starts.
    pub fn skipped(&self) -> Option<(u64, u64)> {
        let skipped = self.skipped.lock().unwrap_or_else(|e| e.into_inner());
        let (_, (_, first)) = skipped.first_key_value()?;
        Some((skipped.values().map(|(count, _)| count).sum(), *first))
    }

    /// Notes that a record starts at `at`, and none between it and block `i`.
    pub fn learn(&self, i: usize, at: u64) {
        let mut cuts = self.cuts.lock().unwrap_or_else(|e| e.into_inner());
        if cuts.len() == i && at < self.range(i).0 {
            cuts.push((at, State::Record));
        }
    }
}

/// The size of equal blocks of at most `wanted` bytes (but not too many of them).
fn block(length: u64, wanted: u64) -> u64 {
    let count = length.div_ceil(wanted).clamp(1, MOST_BLOCKS);
    length.div_ceil(count).max(1)
}

/// Where the first `count` lines end.
fn lines_end(bytes: &[u8], count: usize, whole: bool) -> Option<usize> {
    let mut at = 0;
    for _ in 0..count {
        match memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
            Some(i) => {
                at += i + 1;
                at += usize::from(bytes[at - 1] == b'\r' && bytes.get(at) == Some(&b'\n'));
            }
            None => return whole.then_some(bytes.len()),
        }
    }
    Some(at)
}

/// Names that all differ, as pandas makes them: a second `a` is `a.1`; a column without a name is named by its place.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut done: Vec<String> = Vec::with_capacity(names.len());
    let mut taken: std::collections::HashSet<String> = names.iter().cloned().collect();
    let mut seen: std::collections::HashSet<String> = std::collections::HashSet::new();
    for (i, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() { format!("column_{i}") } else { name };
        let mut unique = name.clone();
        let mut count = 0;
        while seen.contains(&unique) || (count > 0 && taken.contains(&unique)) {
            count += 1;
            unique = format!("{name}.{count}");
        }
        taken.insert(unique.clone());
        seen.insert(unique.clone());
        done.push(unique);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_distinct_as_pandas_does() {
        let names = |names: &[&str]| distinct(names.iter().map(|n| n.to_string()).collect());
        assert_eq!(names(&["a", "b", "a", "a"]), ["a", "b", "a.1", "a.2"]);
        assert_eq!(names(&["a", "a", "a.1"]), ["a", "a.2", "a.1"]);
        assert_eq!(names(&["", "x", ""]), ["column_0", "x", "column_2"]);
    }

    #[test]
    fn blocks_are_equal_and_not_too_many() {
        assert_eq!(block(93, 64), 47);
        assert_eq!(block(10, 1), 1);
        assert_eq!(block(0, 64), 1);
        assert_eq!(block(1 << 30, 1), (1u64 << 30).div_ceil(MOST_BLOCKS));
    }

    #[test]
    fn skipped_lines_end_with_any_line_end() {
        assert_eq!(lines_end(b"a\r\nb\rc\nd", 2, false), Some(5));
        assert_eq!(lines_end(b"a\r\nb\rc\nd", 4, true), Some(8));
        assert_eq!(lines_end(b"a\nb", 2, false), None);
    }
}
