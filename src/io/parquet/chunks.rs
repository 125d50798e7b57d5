//! Bytes of a file by position: one open file for all columns, each reading its own pages, none of it mapped or held
//! longer than a page.

use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// A file that is read at positions. Clones share the file and its page buffers.
#[derive(Clone, Debug)]
pub struct Chunks {
    file: Arc<File>,
    size: u64,
    spare: Arc<Spare>,
}

impl Chunks {
    /// The bytes of `file`, which has `size` of them.
    pub fn new(file: File, size: u64) -> Self {
        Chunks { file: Arc::new(file), size, spare: Arc::default() }
    }

    /// The bytes from `start` on, `length` of them.
    ///
    /// # Errors
    /// When the file ends before, or the system refuses.
    pub fn read(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        read_exact_at(&self.file, &mut bytes, start)?;
        Ok(bytes)
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
        Ok(HeadReader { file: self.file.clone(), at: start, buffer: [0; HEAD], filled: 0, used: 0 })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // checked first: a damaged length must not make us allocate it
        if start.checked_add(length as u64).is_none_or(|end| end > self.size) {
            let what = format!("{length} bytes from {start} on are beyond the end of the file at {}", self.size);
            return Err(ParquetError::EOF(what));
        }
        let mut buffer = self.spare.take(length);
        read_exact_at(&self.file, &mut buffer[..length], start)?;
        let page = PageBuffer { buffer, spare: self.spare.clone() };
        Ok(Bytes::from_owner(page).slice(..length))
    }
}

/// Page headers are about this long.
const HEAD: usize = 256;

/// Reads on from a position, in small steps: what a page header needs.
#[derive(Debug)]
pub struct HeadReader {
    file: Arc<File>,
    at: u64,
    buffer: [u8; HEAD],
    filled: usize,
    used: usize,
}

impl Read for HeadReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.used == self.filled {
            if out.len() >= HEAD {
                let read = read_at(&self.file, out, self.at)?;
                self.at += read as u64;
                return Ok(read);
            }
            self.filled = read_at(&self.file, &mut self.buffer, self.at)?;
            self.used = 0;
            self.at += self.filled as u64;
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

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, at)
}

#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, at)
}

fn read_exact_at(file: &File, mut out: &mut [u8], mut at: u64) -> io::Result<()> {
    while !out.is_empty() {
        match read_at(file, out, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                out = &mut out[read..];
                at += read as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
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
        let chunks = Chunks::new(file, 10_000);
        for (start, length) in [(0, 10), (9_990, 10), (300, 5_000), (301, 4_000), (7, 0)] {
            assert_eq!(chunks.get_bytes(start as u64, length).unwrap(), content[start..start + length]);
        }
        assert!(chunks.get_bytes(9_991, 10).is_err() && chunks.get_bytes(u64::MAX, 2).is_err());
        let mut rest = Vec::new();
        chunks.get_read(9_000).unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, content[9_000..]);
        let mut small = [0; 3];
        chunks.get_read(500).unwrap().read_exact(&mut small).unwrap();
        assert_eq!(small, content[500..503]);
    }
}
