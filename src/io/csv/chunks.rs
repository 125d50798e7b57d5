//! The bytes of a file, a chunk of whole records at a time.

use std::io::{BufReader, Read};

use super::form::Form;
use super::split::{Fault, Records, Splitter};
use super::state::{Dialect, State};
use super::zip::Unzip;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::Reservation;
use crate::io::FileInfo;
use crate::io::store::Demand;

/// A chunk that stays in the cache with the positions of its fields.
pub const CHUNK: usize = 256 * 1024;
/// A record longer than this is refused: positions inside a chunk are 32 bits wide.
const LONGEST: usize = 1 << 30;

/// What a dictionary of xz may take, in KiB: a damaged file may ask for anything.
const MOST_FOR_XZ: u32 = 1_600_000;

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
    /// bzip2, one stream or several.
    Bzip2,
    /// xz, one stream or several.
    Xz,
    /// A zip archive of one file.
    Zip,
}

/// What packed files start with, how their names end, and what the format is called.
const PACKINGS: [(Packing, &[u8], &str, &str); 5] = [
    (Packing::Gzip, &[0x1f, 0x8b], ".gz", "gzip"),
    (Packing::Zstd, &[0x28, 0xb5, 0x2f, 0xfd], ".zst", "zstd"),
    (Packing::Bzip2, b"BZh", ".bz2", "bzip2"),
    (Packing::Xz, &[0xfd, b'7', b'z', b'X', b'Z', 0], ".xz", "xz"),
    (Packing::Zip, b"PK\x03\x04", ".zip", "zip"),
];

impl Packing {
    /// The packing of a file that starts with these bytes.
    ///
    /// # Errors
    /// `Corrupt` when the name of the file says that it is packed and the bytes do not.
    pub fn of(info: &FileInfo, head: &[u8]) -> Result<Packing> {
        if let Some((packing, ..)) = PACKINGS.iter().find(|(_, magic, ..)| head.starts_with(magic)) {
            return Ok(*packing);
        }
        match PACKINGS.iter().find(|(_, _, ending, _)| info.path.ends_with(ending)) {
            Some((.., name)) => {
                let what = format!("the file is not {name}, as its name says");
                Err(Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&info.path))
            }
            None => Ok(Packing::Plain),
        }
    }

    /// The unpacked bytes of a file from position `at` on.
    pub fn open(self, info: &FileInfo, at: u64, demand: &Demand) -> Result<Box<dyn Read + Send>> {
        let refused = |e| Error::io(&info.path, e).doing("read");
        let input = info.open()?;
        let file = match self {
            Packing::Plain => return Ok(input.from(at, demand)),
            // packed bytes are fewer than those that are wanted
            _ => input.from(0, &Demand { about: demand.about.saturating_add(at) / 4, ..demand.clone() }),
        };
        let mut stream: Box<dyn Read + Send> = match self {
            Packing::Plain => file,
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(file).map_err(refused)?),
            Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(file)),
            Packing::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(BufReader::new(file), true, MOST_FOR_XZ)),
            Packing::Zip => Box::new(Unzip::new(file).map_err(|e| self.unreadable(info, e))?),
        };
        std::io::copy(&mut stream.by_ref().take(at), &mut std::io::sink()).map_err(|e| self.unreadable(info, e))?;
        Ok(stream)
    }

    /// The error for a read that failed: of a packed file that is a damaged file, most often.
    pub fn unreadable(self, info: &FileInfo, error: std::io::Error) -> Error {
        let of_store = error.get_ref().is_some_and(|inner| inner.is::<Error>());
        let error = match (self, error.kind()) {
            _ if of_store => Error::io(&info.path, error),
            (Packing::Plain, _) => Error::io(&info.path, error),
            (_, std::io::ErrorKind::Unsupported) => Error::unsupported(error.to_string()).help("unpack it first"),
            _ => {
                let what = format!("the file cannot be unpacked: {error}");
                Error::new(ErrorKind::Corrupt { what }).caused_by(error)
            }
        };
        error.doing("read").at_path(&info.path)
    }
}

/// Reads chunks of whole records.
pub struct Chunks {
    info: FileInfo,
    form: Form,
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
    /// For what the bytes go through before they are text.
    _unpacking: Reservation,
}

impl Chunks {
    /// The records of a file that start at `at` or behind, where `state` holds; `about` bytes are wanted.
    pub fn open(
        (info, form): (&FileInfo, Form),
        (dialect, fields): (Dialect, usize),
        (at, state): (u64, State),
        demand: &Demand,
    ) -> Result<Chunks> {
        let Demand { about, budget, .. } = demand;
        let step = about.saturating_add(256).clamp(512, CHUNK as u64) as usize;
        let unpacking = budget.reserve("unpacking a CSV file", form.held());
        let mut chunks = Chunks {
            _unpacking: unpacking.map_err(|e| e.doing("read").at_path(&info.path))?,
            info: info.clone(),
            form,
            input: form.open(info, at, demand)?,
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

    /// Reads on until there are whole records, be they left out, or an unsplittable one, or nothing is left (then `false`).
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
            self.reserve_positions()?;
            let found = !self.records().is_empty() || !self.splitter.skipped().is_empty();
            if found || self.splitter.fault().is_some() {
                return Ok(true);
            }
            if self.ended {
                self.consumed = self.filled;
                return Ok(false);
            }
        }
    }

    /// Reserves what the positions of fields take beyond what was thought.
    fn reserve_positions(&mut self) -> Result<()> {
        let held = (self.bytes.len() + self.splitter.held()) as u64;
        if held <= self.reservation.bytes() {
            return Ok(());
        }
        let reserved = self.reservation.resize("the positions of the fields of a chunk of a CSV file", held);
        reserved.map_err(|e| e.doing("read").at_path(&self.info.path))
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
            let what = if self.filled == 0 {
                "a chunk of a CSV file".to_string()
            } else {
                format!(
                    "the record at byte {}, of more than {} bytes (is a quote left open in it?),",
                    self.at, self.filled
                )
            };
            let named = |e: Error| {
                let line = line_of(&self.info, self.form, self.at).filter(|_| self.filled > 0);
                at_line(e.doing("read").at_path(&self.info.path), line)
            };
            // the bytes, and 4 for the position of a field at each; in a long record they are counted when they are found
            let positions = (4 * room.min(CHUNK)).max(self.splitter.held());
            self.reservation.resize(&what, (room + positions) as u64).map_err(named)?;
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
                Err(e) => return Err(self.form.unreadable(&self.info, e)),
            }
        }
        Ok(())
    }

    /// The records of the chunk.
    pub fn records(&self) -> Records<'_> {
        self.splitter.records(&self.bytes[..self.filled])
    }

    /// Where records of the chunk start that are left out for their number of fields, in the file.
    pub fn skipped(&self) -> impl Iterator<Item = u64> {
        self.splitter.skipped().iter().map(|&start| self.at + u64::from(start))
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
pub fn line_of(info: &FileInfo, form: Form, at: u64) -> Option<u64> {
    lines_of(info, form, &[at])[0]
}

/// The lines of these positions of a file, which rise, as far as they can be told. Reads all that is before them.
pub fn lines_of(info: &FileInfo, form: Form, places: &[u64]) -> Vec<Option<u64>> {
    let mut found = vec![None; places.len()];
    let Some(last) = places.last() else { return found };
    let Ok(input) = form.open(info, 0, &Demand::look(*last)) else { return found };
    let mut input = input.take(*last);
    let (mut buffer, mut lines, mut returned) = (vec![0; CHUNK], 1, false);
    let (mut at, mut next) = (0, 0);
    loop {
        let n = match input.read(&mut buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return found,
        };
        for &byte in &buffer[..n] {
            while places.get(next) == Some(&at) {
                found[next] = Some(lines);
                next += 1;
            }
            lines += u64::from(byte == b'\r' || (byte == b'\n' && !returned));
            returned = byte == b'\r';
            at += 1;
        }
        if n == 0 {
            found[next..].fill(Some(lines));
            return found;
        }
    }
}

/// The error for a record that cannot be taken apart.
pub fn broken(info: &FileInfo, form: Form, fields: usize, at: u64, fault: Fault) -> Error {
    let error = match fault {
        Fault::Ragged { found, .. } => {
            let becomes =
                if found < fields { "Fill) for null in place of what it lacks," } else { "Fit) to drop the surplus," };
            Error::new(ErrorKind::Ragged { found, expected: fields }).help(format!(
                "name what stands between fields with .delimiter(), or say .ragged(Ragged::{becomes} or Ragged::Skip to \
                 leave such records out"
            ))
        }
        Fault::Unterminated { .. } => {
            let what = "a quote is opened in this record and not closed before the end of the file".to_string();
            Error::new(ErrorKind::Corrupt { what }).help("if quotes are plain letters here, say .quote(None)")
        }
    };
    at_line(error.doing("read").at_path(&info.path), line_of(info, form, at))
}

/// Names the line if it is known.
pub fn at_line(error: Error, line: Option<u64>) -> Error {
    match line {
        Some(line) => error.at_line(line),
        None => error,
    }
}
