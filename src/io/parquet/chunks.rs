//! Bytes of a file by position: one open file for all columns, each reading its own pages, none of it mapped or held
//! longer than a page.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::base::Error;
use crate::exec::TaskContext;
use crate::io::store::planned::Planned;
use crate::io::store::{Demand, Input};

/// A file that is read at positions. Clones share the file and its page buffers.
#[derive(Clone, Debug)]
pub struct Chunks {
    file: Input,
    size: u64,
    spare: Arc<Spare>,
    /// Of a file in a store: what is asked for before it is read.
    planned: Option<Arc<Planned>>,
    /// Of a file in a store: its end, from where on.
    end: Option<(u64, Bytes)>,
    /// What the store said last when it failed: on the way through the Parquet library an error becomes a text.
    failure: Arc<Mutex<Option<Error>>>,
    /// For whom it is read.
    demand: Demand,
}

/// So much of the end of a file in a store is asked for at once: nearly all footers are shorter.
const END: u64 = 64 << 10;

impl Chunks {
    /// The bytes of `file`, which has `size` of them.
    pub fn new(file: Input, size: u64) -> Self {
        Chunks {
            file,
            size,
            spare: Arc::default(),
            planned: None,
            end: None,
            failure: Arc::default(),
            demand: Demand::look(size),
        }
    }

    /// The same, read for a task.
    #[must_use]
    pub fn within(self, ctx: &TaskContext) -> Self {
        Chunks { demand: Demand::of(self.size, ctx), ..self }
    }

    /// Whether the file is in a store, so that every question takes long.
    pub fn is_elsewhere(&self) -> bool {
        self.file.elsewhere().is_some()
    }

    /// With the end of a file in a store, for reading its footer.
    ///
    /// # Errors
    /// Of the store.
    pub fn with_end(mut self) -> io::Result<Self> {
        if self.is_elsewhere() {
            let start = self.size.saturating_sub(END);
            self.end = Some((start, self.file.read_range(start..self.size)?));
        }
        Ok(self)
    }

    /// The same file, of which `streams` will be read: column chunks, rising. A store is asked for them ahead.
    #[must_use]
    pub fn planned(&self, streams: Vec<Range<u64>>) -> Self {
        let inside = streams.iter().all(|s| s.start <= s.end && s.end <= self.size);
        let planned = self.file.elsewhere().filter(|_| inside);
        let planned = planned.map(|file| Arc::new(Planned::new(file.clone(), streams, &self.demand)));
        Chunks { planned, ..self.clone() }
    }

    /// The bytes from `start` on, `length` of them.
    ///
    /// # Errors
    /// When the file ends before, or the system refuses.
    pub fn read(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        if self.is_elsewhere() {
            return Ok(self.asked(start, length, false)?.to_vec());
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes)
    }

    /// What the store said, if it has failed.
    pub fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Bytes of a file in a store, which lie inside it.
    fn asked(&self, start: u64, length: usize, peek: bool) -> io::Result<Bytes> {
        self.answered(start, length, peek).map_err(|e| {
            let error = Error::system(e);
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.again());
            error.into()
        })
    }

    fn answered(&self, start: u64, length: usize, peek: bool) -> io::Result<Bytes> {
        if let Some((from, bytes)) = &self.end
            && start >= *from
        {
            let at = (start - from) as usize;
            let inside = at.checked_add(length).filter(|end| *end <= bytes.len());
            return inside.map(|end| bytes.slice(at..end)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(planned) = &self.planned {
            return planned.read(start, length, peek);
        }
        self.file.read_range(start..start + length as u64)
    }

    /// Some bytes from `at` on, for looking at a header.
    fn peek(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        if !self.is_elsewhere() {
            return self.file.read_at(out, at);
        }
        let length = self.size.saturating_sub(at).min(out.len() as u64) as usize;
        let bytes = if length == 0 { Bytes::new() } else { self.asked(at, length, true)? };
        out[..length].copy_from_slice(&bytes);
        Ok(length)
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Chunks {
    type T = HeadReader;

    fn get_read(&self, start: u64) -> Result<HeadReader, ParquetError> {
        Ok(HeadReader { chunks: self.clone(), at: start, buffer: [0; HEAD], filled: 0, used: 0 })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // checked first: a damaged length must not make us allocate it
        if start.checked_add(length as u64).is_none_or(|end| end > self.size) {
            let what = format!("{length} bytes from {start} on are beyond the end of the file at {}", self.size);
            return Err(ParquetError::EOF(what));
        }
        if self.is_elsewhere() {
            return Ok(self.asked(start, length, false)?);
        }
        let mut buffer = self.spare.take(length);
        self.file.read_exact_at(&mut buffer[..length], start)?;
        let page = PageBuffer { buffer, spare: self.spare.clone() };
        Ok(Bytes::from_owner(page).slice(..length))
    }
}

/// Page headers are about this long.
const HEAD: usize = 256;

/// Reads on from a position, in small steps: what a page header needs.
#[derive(Debug)]
pub struct HeadReader {
    chunks: Chunks,
    at: u64,
    buffer: [u8; HEAD],
    filled: usize,
    used: usize,
}

impl HeadReader {
    fn fill(&mut self) -> io::Result<()> {
        self.filled = self.chunks.peek(&mut self.buffer, self.at)?;
        self.used = 0;
        self.at += self.filled as u64;
        Ok(())
    }
}

impl Read for HeadReader {
    /// No header ends where the file does: an error there ends what a damaged length would go on with for ever.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.used == self.filled {
            if self.at >= self.chunks.size && !out.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if out.len() >= HEAD {
                let read = self.chunks.peek(out, self.at)?;
                self.at += read as u64;
                return Ok(read);
            }
            self.fill()?;
        }
        let ready = self.buffer.get(self.used..self.filled).unwrap_or_default();
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.used += count;
        Ok(count)
    }
}

/// Buffers of pages that were decoded, kept for the next ones: fresh memory costs more than reading into it.
#[derive(Debug, Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    const KEPT: usize = 4;
    const LARGEST: usize = 4 << 20;

    /// A buffer of at least `length` bytes of any content.
    fn take(&self, length: usize) -> Vec<u8> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = kept.iter().position(|b| b.len() >= length && b.len() / 4 <= length);
        match fitting {
            Some(i) => kept.swap_remove(i),
            None => vec![0; length],
        }
    }

    fn give(&self, buffer: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.len() <= Self::LARGEST {
            if kept.len() == Self::KEPT {
                kept.remove(0);
            }
            kept.push(buffer);
        }
    }
}

struct PageBuffer {
    buffer: Vec<u8>,
    spare: Arc<Spare>,
}

impl AsRef<[u8]> for PageBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for PageBuffer {
    fn drop(&mut self) {
        self.spare.give(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn bytes_come_from_where_they_are() {
        let content: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let chunks = Chunks::new(Input::local(file), 10_000);
        for (start, length) in [(0, 10), (9_990, 10), (300, 5_000), (301, 4_000), (7, 0)] {
            assert_eq!(chunks.get_bytes(start as u64, length).unwrap(), content[start..start + length]);
        }
        assert!(chunks.get_bytes(9_991, 10).is_err() && chunks.get_bytes(u64::MAX, 2).is_err());
        let mut rest = [0; 1_000];
        let mut reader = chunks.get_read(9_000).unwrap();
        reader.read_exact(&mut rest).unwrap();
        assert_eq!(rest, content[9_000..]);
        assert_eq!(reader.read(&mut rest).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut small = [0; 3];
        chunks.get_read(500).unwrap().read_exact(&mut small).unwrap();
        assert_eq!(small, content[500..503]);
    }
}
