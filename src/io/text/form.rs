//! How the bytes of a file become the text that records are cut from.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::charset::{Charset, TRANSCODING, Transcoder, Undecodable};
use super::lines::{CHUNK, at_line, line_of};
use super::packing::Packing;
use super::window::window;
use crate::base::{Error, ErrorKind, Result};
use crate::io::FileInfo;
use crate::io::store::Demand;

/// What else than text a file may be, by its first bytes.
const OTHERS: [(&[u8], &str, &str); 10] = [
    (b"PAR1", "a Parquet file", "read it with read_parquet"),
    (b"ARROW1", "an Arrow file", "read it with read_ipc"),
    (b"Obj\x01", "an Avro file", "write it as Parquet or CSV"),
    (b"SQLite format 3\0", "an SQLite database", "export the table"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel file", "save it as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!\x1a\x07", "a rar archive", "unpack it first"),
    (b"\x04\x22\x4d\x18", "an lz4 file", "unpack it first"),
    (b"\x1f\x9d", "a file of compress (.Z)", "unpack it first"),
    (b"\x1f\xa0", "a file of pack (.z)", "unpack it first"),
];

/// What is said of how a text is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Letters {
    /// The name of the encoding; UTF-8 if none.
    pub encoding: Option<String>,
    /// Whether bytes that are no letters become �; else they are an error.
    pub lossy: bool,
    /// So many lines at the end are no part of it.
    pub skip_footer: usize,
}

/// How a file is packed, and how its letters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// How it is packed.
    pub packing: Packing,
    /// How its letters are written, if that is not UTF-8 without a fault.
    charset: Option<Charset>,
    lossy: bool,
    /// About how many bytes are held while it becomes text.
    held: u64,
    /// Where the text ends; what follows is no part of it.
    end: u64,
}

impl Form {
    /// The form of a file, and its first bytes as text: `size` of them, or all there are.
    ///
    /// # Errors
    /// `Corrupt` when the file is not packed as its name says, or is UTF-32; `Unsupported` when it is no text.
    pub fn of(info: &FileInfo, letters: &Letters, size: u64) -> Result<(Form, Vec<u8>)> {
        let (mut form, mut head) = Form::of_bytes(info, letters, size)?;
        if letters.skip_footer > 0 {
            form.end = form.last_lines(info, letters.skip_footer)?;
            head.truncate(usize::try_from(form.end).unwrap_or(usize::MAX));
        }
        Ok((form, head))
    }

    fn of_bytes(info: &FileInfo, letters: &Letters, size: u64) -> Result<(Form, Vec<u8>)> {
        let plain = Form { packing: Packing::Plain, charset: None, lossy: false, held: 0, end: u64::MAX };
        let head = plain.head(info, size)?;
        let refused = |e: Error| e.doing("read").at_path(&info.path);
        refuse_others(&head).map_err(refused)?;
        let packing = Packing::of(info, &head)?;
        let packed = Form { packing, held: window(packing, &head, info.size), ..plain };
        let head = if packing == Packing::Plain { head } else { packed.head(info, size)? };
        refuse_others(&head).map_err(refused)?;
        let named = letters.encoding.as_deref().and_then(Charset::named);
        let charset = Charset::of_mark(&head).or(named);
        if charset.is_none_or(Charset::is_utf8) && !letters.lossy {
            if let Some(likely) = Charset::of_zeros(&head).filter(|_| named.is_none()) {
                let what = format!("the file seems to be {}, but has no mark that says so", likely.name());
                let error = Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&info.path);
                return Err(error.help(format!("say .encoding(\"{}\")", likely.name().to_lowercase())));
            }
            return Ok((packed, head));
        }
        let charset = charset.or(Charset::named("utf-8"));
        let form = Form { charset, lossy: letters.lossy, held: packed.held + TRANSCODING, ..packed };
        let head = form.head(info, size)?;
        Ok((form, head))
    }

    /// About how many bytes are held while it becomes text, beside the text itself.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Whether a place in the text is the same place in the file.
    pub fn is_plain(&self) -> bool {
        self.packing == Packing::Plain && self.charset.is_none()
    }

    /// Where the text of a file of `size` bytes ends, if that can be told.
    pub fn end(&self, size: u64) -> u64 {
        size.min(self.end)
    }

    /// Where the last `count` lines start.
    fn last_lines(&self, info: &FileInfo, count: usize) -> Result<u64> {
        // a file whose bytes are its text is read from behind
        let mut back = if self.is_plain() { 1 << 16 } else { u64::MAX };
        loop {
            let from = info.size.saturating_sub(back);
            let from = if self.is_plain() { from } else { 0 };
            let starts = line_starts(self.open(info, from, &Demand::look(back))?, from, count)
                .map_err(|e| self.unreadable(info, e))?;
            if starts.len() == count || from == 0 {
                return Ok(starts.front().copied().unwrap_or(0));
            }
            back *= 16;
        }
    }

    /// The text from position `at` of it on.
    pub fn open(&self, info: &FileInfo, at: u64, demand: &Demand) -> Result<Box<dyn Read + Send>> {
        let text = self.open_all(info, at, demand)?;
        if self.end == u64::MAX { Ok(text) } else { Ok(Box::new(text.take(self.end.saturating_sub(at)))) }
    }

    fn open_all(&self, info: &FileInfo, at: u64, demand: &Demand) -> Result<Box<dyn Read + Send>> {
        let Some(charset) = self.charset else { return self.packing.open(info, at, demand) };
        let demand = Demand { about: demand.about.saturating_add(at), ..demand.clone() };
        let mut text = Transcoder::new(self.packing.open(info, 0, &demand)?, charset, self.lossy);
        io::copy(&mut text.by_ref().take(at), &mut io::sink()).map_err(|e| self.unreadable(info, e))?;
        Ok(Box::new(text))
    }

    /// The first `size` bytes of the text.
    pub fn head(&self, info: &FileInfo, size: u64) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        let mut input = self.open(info, 0, &Demand::look(size))?.take(size);
        match input.read_to_end(&mut head) {
            Ok(_) => Ok(head),
            // what is not text further on is told of where it is read
            Err(e) if undecodable(&e).is_some() && !head.is_empty() => Ok(head),
            Err(e) => Err(self.unreadable(info, e)),
        }
    }

    /// The error for a read that failed: of a packed file that is a damaged file, most often.
    pub fn unreadable(&self, info: &FileInfo, error: io::Error) -> Error {
        if let Some(Undecodable { at, .. }) = undecodable(&error) {
            let what = Error::new(ErrorKind::Corrupt { what: error.to_string() }).doing("read").at_path(&info.path);
            let what = what.help("name another encoding, or say .lossy(true) for � in place of what is none");
            return at_line(what, line_of(info, *self, at));
        }
        self.packing.unreadable(info, error)
    }
}

/// The positions of the last `count` lines that start in a text whose first byte is at `from`, where a line may be under
/// way.
fn line_starts(mut text: impl Read, from: u64, count: usize) -> io::Result<VecDeque<u64>> {
    let mut starts = VecDeque::with_capacity(count + 1);
    let (mut buffer, mut at, mut starting, mut returned) = (vec![0; CHUNK], from, from == 0, false);
    loop {
        let n = match text.read(&mut buffer) {
            Ok(0) => return Ok(starts),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        for &byte in &buffer[..n] {
            let rest_of_end = byte == b'\n' && returned;
            if starting && !rest_of_end {
                starts.push_back(at);
                if starts.len() > count {
                    starts.pop_front();
                }
            }
            starting = matches!(byte, b'\n' | b'\r');
            returned = byte == b'\r';
            at += 1;
        }
    }
}

fn undecodable(error: &io::Error) -> Option<Undecodable> {
    error.get_ref()?.downcast_ref::<Undecodable>().copied()
}

/// The next step for a text that is not UTF-8.
pub const NOT_UTF8: &str = "say how its letters are written, such as .encoding(\"windows-1252\") or \
                            .encoding(\"shift_jis\"), or .lossy(true) for � in place of what is none";

fn refuse_others(head: &[u8]) -> Result<()> {
    let other = OTHERS.iter().find(|(magic, ..)| head.starts_with(magic));
    if let Some((_, name, help)) = other {
        return Err(Error::unsupported(format!("{name} as text")).help(*help));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(Error::unsupported("a tar archive as text").help("unpack it first"));
    }
    if head.starts_with(b"\xff\xfe\0\0") || head.starts_with(b"\0\0\xfe\xff") {
        return Err(Error::unsupported("UTF-32").help("convert the file to UTF-8"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
