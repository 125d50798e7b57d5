//! The bytes of a file, a chunk of whole records at a time.

use std::io::Read;

use super::split::{Fault, Records, Splitter};
use super::state::{Dialect, State};
use crate::base::{Error, ErrorKind, Result};
use crate::exec::Reservation;
use crate::io::FileInfo;
use crate::io::store::Demand;
use crate::io::text::{CHUNK, Form, at_line, line_of};

/// A record longer than this is refused: positions inside a chunk are 32 bits wide.
const LONGEST: usize = 1 << 30;

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
