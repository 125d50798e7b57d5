//! The bytes of a file, a chunk of whole records at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::split::{Fault, Records, Splitter};
use super::state::{Dialect, State};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::{Budget, Reservation};
use crate::io::FileInfo;

/// A chunk that stays in the cache with the positions of its fields.
pub const CHUNK: usize = 256 * 1024;
/// A record longer than this is refused: positions inside a chunk are 32 bits wide.
const LONGEST: usize = 1 << 30;

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Packing {
    /// The packing of a file, by its first bytes.
    ///
    /// # Errors
    /// `Corrupt` when the name ends in `.gz` or `.zst` and the bytes are nothing of the kind.
    pub fn of(info: &FileInfo) -> Result<Packing> {
        let mut magic = Vec::new();
        info.open()?.take(4).read_to_end(&mut magic).map_err(|e| Error::io(&info.path, e).doing("read"))?;
        if magic.starts_with(&[0x1f, 0x8b]) {
            return Ok(Packing::Gzip);
        }
        if magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            return Ok(Packing::Zstd);
        }
        for (ending, name) in [(".gz", "gzip"), (".zst", "zstd")] {
            if info.path.ends_with(ending) {
                let what = format!("the file is not {name}, as its name says");
                return Err(Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&info.path));
            }
        }
        Ok(Packing::Plain)
    }

    /// The unpacked bytes of a file from position `at` on.
    pub fn open(self, info: &FileInfo, at: u64) -> Result<Box<dyn Read + Send>> {
        let refused = |e| Error::io(&info.path, e).doing("read");
        let mut file: File = info.open()?;
        let mut stream: Box<dyn Read + Send> = match self {
            Packing::Plain => {
                file.seek(SeekFrom::Start(at)).map_err(refused)?;
                return Ok(Box::new(file));
            }
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(file).map_err(refused)?),
        };
        std::io::copy(&mut stream.by_ref().take(at), &mut std::io::sink()).map_err(|e| unreadable(info, self, e))?;
        Ok(stream)
    }
}

/// A failed read: of a packed file that is a damaged file, most often.
fn unreadable(info: &FileInfo, packing: Packing, error: std::io::Error) -> Error {
    if packing == Packing::Plain {
        return Error::io(&info.path, error).doing("read");
    }
    let what = format!("the file cannot be unpacked: {error}");
    Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&info.path).caused_by(error)
}

/// Reads chunks of whole records.
pub struct Chunks {
    info: FileInfo,
    packing: Packing,
    input: Box<dyn Read + Send>,
    dialect: Dialect,
    splitter: Splitter,
    bytes: Vec<u8>,
    filled: usize,
    consumed: usize,
    /// How many bytes to read at a time.
    step: usize,
    /// Where the first byte of the chunk is in the file.
    at: u64,
    ended: bool,
    reservation: Reservation,
}

impl Chunks {
    /// The records of a file that start at `at` or behind, where `state` holds; `about` bytes are wanted.
    pub fn open(
        (info, packing): (&FileInfo, Packing),
        (dialect, fields): (Dialect, usize),
        (at, state): (u64, State),
        about: u64,
        budget: &Budget,
    ) -> Result<Chunks> {
        let step = about.saturating_add(256).clamp(512, CHUNK as u64) as usize;
        let mut chunks = Chunks {
            info: info.clone(),
            packing,
            input: packing.open(info, at)?,
            dialect,
            splitter: Splitter::new(dialect, fields),
            bytes: Vec::new(),
            filled: 0,
            consumed: 0,
            step,
            at,
            ended: false,
            reservation: budget.reserve("a chunk of a CSV file", 0)?,
        };
        if state != State::Record {
            chunks.skip_to_record(state)?;
        }
        Ok(chunks)
    }

    /// Skips the rest of the record that is under way.
    fn skip_to_record(&mut self, mut state: State) -> Result<()> {
        while !self.ended {
            self.consumed = self.filled;
            self.fill()?;
            match state.first_start(&self.dialect, &self.bytes[..self.filled]) {
                Ok(start) => {
                    self.consumed = start;
                    return Ok(());
                }
                Err(next) => state = next,
            }
        }
        self.consumed = self.filled;
        Ok(())
    }

    /// Reads on until there are whole records, or an unsplittable one, or nothing is left (then `false`).
    pub fn advance(&mut self) -> Result<bool> {
        if self.splitter.fault().is_some() {
            return Ok(false);
        }
        loop {
            let had = self.filled - self.consumed;
            if self.ended && had == 0 {
                return Ok(false);
            }
            if !self.ended {
                self.fill()?;
            } else {
                self.shift();
            }
            self.consumed = self.splitter.split(&self.bytes[..self.filled], self.ended);
            if !self.records().is_empty() || self.splitter.fault().is_some() {
                return Ok(true);
            }
            if self.ended {
                self.consumed = self.filled;
                return Ok(false);
            }
        }
    }

    /// Moves what is not consumed to the front.
    fn shift(&mut self) {
        self.bytes.copy_within(self.consumed..self.filled, 0);
        self.at += self.consumed as u64;
        self.filled -= self.consumed;
        self.consumed = 0;
    }

    /// Reads a step more behind what is not consumed; the buffer doubles when a record is longer than it.
    fn fill(&mut self) -> Result<()> {
        self.shift();
        let room = (self.filled + self.step).max(if self.filled >= self.step { 2 * self.filled } else { 0 });
        if room > LONGEST {
            let what = format!("a CSV record of more than {LONGEST} bytes at byte {}", self.at);
            return Err(Error::unsupported(what).doing("read").at_path(&self.info.path));
        }
        if self.bytes.len() < room {
            // the bytes, and 4 for the position of a field at each
            let what = if self.filled == 0 {
                "a chunk of a CSV file".to_string()
            } else {
                format!(
                    "the record at byte {}, of more than {} bytes (is a quote left open in it?),",
                    self.at, self.filled
                )
            };
            let named = |e: Error| {
                let line = line_of(&self.info, self.packing, self.at).filter(|_| self.filled > 0);
                at_line(e.doing("read").at_path(&self.info.path), line)
            };
            self.reservation.resize(&what, 5 * room as u64).map_err(named)?;
            self.bytes.resize(room, 0);
        }
        while self.filled < room {
            match self.input.read(&mut self.bytes[self.filled..room]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(unreadable(&self.info, self.packing, e)),
            }
        }
        Ok(())
    }

    /// The records of the chunk.
    pub fn records(&self) -> Records<'_> {
        self.splitter.records(&self.bytes[..self.filled])
    }

    /// The record behind them that cannot be taken apart.
    pub fn fault(&self) -> Option<Fault> {
        self.splitter.fault()
    }

    /// Where the first byte of the chunk is in the file.
    pub fn at(&self) -> u64 {
        self.at
    }
}

/// The line of position `at` of a file, from 1. Reads all that is before it: for errors only.
pub fn line_of(info: &FileInfo, packing: Packing, at: u64) -> Option<u64> {
    let mut input = packing.open(info, 0).ok()?.take(at);
    let (mut buffer, mut lines, mut returned) = (vec![0; CHUNK], 1, false);
    loop {
        let n = input.read(&mut buffer).ok()?;
        if n == 0 {
            return Some(lines);
        }
        for &byte in &buffer[..n] {
            lines += u64::from(byte == b'\r' || (byte == b'\n' && !returned));
            returned = byte == b'\r';
        }
    }
}

/// The error for a record that cannot be taken apart.
pub fn broken(info: &FileInfo, packing: Packing, fields: usize, at: u64, fault: Fault) -> Error {
    let error = match fault {
        Fault::Ragged { found, .. } => Error::new(ErrorKind::Ragged { found, expected: fields })
            .help("repair that line, or name what stands between fields with .delimiter()"),
        Fault::Unterminated { .. } => {
            let what = "a quote is opened in this record and not closed before the end of the file".to_string();
            Error::new(ErrorKind::Corrupt { what }).help("if quotes are plain letters here, say .quote(None)")
        }
    };
    at_line(error.doing("read").at_path(&info.path), line_of(info, packing, at))
}

/// Names the line if it is known.
pub fn at_line(error: Error, line: Option<u64>) -> Error {
    match line {
        Some(line) => error.at_line(line),
        None => error,
    }
}
