//! The lines of a part of a file.

use std::io::Read;
use std::ops::Range;

use crate::base::{Error, Result};
use crate::exec::{Budget, Reservation};

/// Bytes that are read at a time.
const STEP: usize = 256 << 10;

/// Reads on from the start of a line, many lines at a time.
pub(super) struct Lines {
    input: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    filled: usize,
    /// Up to where lines were handed out.
    done: usize,
    /// Where the first byte is in the file.
    at: u64,
    ended: bool,
    /// What unpacking holds.
    held: u64,
    room: Reservation,
}

impl Lines {
    /// The lines of `input`, whose first byte is at `at` in the text; unpacking it holds so many bytes.
    pub fn new(input: Box<dyn Read + Send>, at: u64, held: u64, budget: &Budget) -> Lines {
        Lines { input, bytes: Vec::new(), filled: 0, done: 0, at, ended: false, held, room: budget.nothing() }
    }

    /// Skips to the first line that starts behind the next line feed.
    ///
    /// # Errors
    /// `Io`, `Memory`.
    pub fn skip_line(&mut self) -> Result<()> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.bytes[self.done..self.filled]) {
                self.done += end + 1;
                return Ok(());
            }
            self.done = self.filled;
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// The next lines that hold more than blanks, as places in [`bytes`](Self::bytes); none at the end. `Lines::place` says
    /// where they are in the file.
    ///
    /// # Errors
    /// `Io`; `Memory` for a line that does not fit.
    pub fn next(&mut self) -> Result<Vec<Range<usize>>> {
        loop {
            let mut found = Vec::new();
            let mut start = self.done;
            for end in memchr::memchr_iter(b'\n', &self.bytes[self.done..self.filled]) {
                let end = self.done + end;
                found.push(start..end);
                start = end + 1;
            }
            if self.ended && start < self.filled {
                found.push(start..self.filled);
                start = self.filled;
            }
            self.done = start;
            found.retain(|line| !self.bytes[line.clone()].trim_ascii().is_empty());
            if !found.is_empty() || self.ended {
                return Ok(found);
            }
            self.fill()?;
        }
    }

    /// What places are in.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a place is in the file.
    pub fn place(&self, place: usize) -> u64 {
        self.at + place as u64
    }

    /// Reads a step more behind what is not handed out yet.
    fn fill(&mut self) -> Result<()> {
        self.bytes.copy_within(self.done..self.filled, 0);
        self.at += self.done as u64;
        self.filled -= self.done;
        self.done = 0;
        let wanted = self.filled + STEP.max(self.filled);
        if self.bytes.len() < wanted {
            // the bytes, and the values that are made of them
            let what = format!("the line at byte {} of a JSON file", self.at);
            self.room.resize(&what, self.held + 4 * wanted as u64)?;
            self.bytes.resize(wanted, 0);
        }
        while self.filled < wanted {
            match self.input.read(&mut self.bytes[self.filled..wanted]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.filled += read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::system(e)),
            }
        }
        Ok(())
    }
}
