//! The bytes of a file by position.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::ahead::Ahead;
use super::file::Distant;
use super::ranges::{GAP, together};
use super::recent::Recent;
use crate::exec::{Budget, Cancel, TaskContext};

/// A file that is open for reading at any position. Clones read the same file.
///
/// Errors of a store come as [`io::Error`], out of which [`Error::system`](crate::Error::system) takes them as they were.
#[derive(Clone, Debug)]
pub struct Input(Place);

#[derive(Clone, Debug)]
enum Place {
    Here(Arc<File>),
    Elsewhere(Arc<dyn Distant>, u64),
}

impl Input {
    /// A file of this machine.
    pub fn local(file: File) -> Input {
        Input(Place::Here(Arc::new(file)))
    }

    /// One that is elsewhere and has so many bytes.
    pub fn distant(file: Arc<dyn Distant>, size: u64) -> Input {
        Input(Place::Elsewhere(file, size))
    }

    /// The file, if it is elsewhere.
    pub fn elsewhere(&self) -> Option<&Arc<dyn Distant>> {
        match &self.0 {
            Place::Here(_) => None,
            Place::Elsewhere(file, _) => Some(file),
        }
    }

    /// Bytes from position `at` on, as many as come at once; 0 at the end.
    ///
    /// # Errors
    /// What the system or the store says.
    pub fn read_at(&self, out: &mut [u8], at: u64) -> io::Result<usize> {
        match &self.0 {
            Place::Here(file) => read_at(file, out, at),
            Place::Elsewhere(file, size) => {
                let end = at.saturating_add(out.len() as u64).min(*size);
                if at >= end {
                    return Ok(0);
                }
                let bytes = file.fetch(at..end).wait(&Cancel::new())?;
                out[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
        }
    }

    /// All of `out`, from position `at` on.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at), and when the file ends before.
    pub fn read_exact_at(&self, mut out: &mut [u8], mut at: u64) -> io::Result<()> {
        while !out.is_empty() {
            match self.read_at(out, at) {
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

    /// One range, which lies inside the file.
    ///
    /// # Errors
    /// As [`read_exact_at`](Self::read_exact_at).
    pub fn read_range(&self, range: Range<u64>) -> io::Result<Bytes> {
        Ok(self.read_ranges(std::slice::from_ref(&range))?.pop().unwrap_or_default())
    }

    /// Several ranges, which lie inside the file; those of a store are asked for at the same time, neighbours together.
    ///
    /// # Errors
    /// As [`read_exact_at`](Self::read_exact_at).
    pub fn read_ranges(&self, wanted: &[Range<u64>]) -> io::Result<Vec<Bytes>> {
        let Place::Elsewhere(file, _) = &self.0 else {
            let read = |range: &Range<u64>| {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                self.read_exact_at(&mut bytes, range.start)?;
                Ok(Bytes::from(bytes))
            };
            return wanted.iter().map(read).collect();
        };
        let asked: Vec<_> = together(wanted, GAP / 4, 8 << 20);
        let coming: Vec<_> = asked.iter().map(|one| file.fetch(one.range.clone())).collect();
        let mut found = vec![Bytes::new(); wanted.len()];
        for (one, coming) in asked.into_iter().zip(coming) {
            let bytes = coming.wait(&Cancel::new())?;
            for i in one.wanted {
                let (start, end) = (wanted[i].start - one.range.start, wanted[i].end - one.range.start);
                found[i] = bytes.slice(start as usize..end as usize);
            }
        }
        Ok(found)
    }

    /// The bytes from position `at` on, one after the other. A store is asked ahead for as many as are wanted.
    pub fn from(&self, at: u64, demand: &Demand) -> Box<dyn Read + Send> {
        match &self.0 {
            Place::Here(file) => Box::new(Onward { file: file.clone(), at }),
            Place::Elsewhere(file, size) => Box::new(Ahead::new(file.clone(), at..*size, demand)),
        }
    }
}

/// What somebody who reads on from a place wants.
#[derive(Clone, Debug)]
pub struct Demand {
    /// About how many bytes: so many are asked for ahead.
    pub about: u64,
    /// As far as this has room.
    pub budget: Budget,
    /// Ends the waiting.
    pub cancel: Cancel,
    /// What others who read the same file have asked for.
    pub recent: Option<Arc<Recent>>,
}

impl Demand {
    /// About so many bytes, for a task.
    pub fn of(about: u64, ctx: &TaskContext) -> Demand {
        Demand { about, budget: ctx.budget.clone(), cancel: ctx.cancel.clone(), recent: None }
    }

    /// Together with others who read the same file.
    #[must_use]
    pub fn beside(self, recent: &Arc<Recent>) -> Demand {
        Demand { recent: Some(recent.clone()), ..self }
    }

    /// About so many bytes, before there is a task: for looking into a file.
    pub fn look(about: u64) -> Demand {
        Demand { about, budget: Budget::unlimited(), cancel: Cancel::new(), recent: None }
    }
}

/// A file read on from a position.
struct Onward {
    file: Arc<File>,
    at: u64,
}

impl Read for Onward {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, out, self.at)?;
        self.at += read as u64;
        Ok(read)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::store::ahead::tests::Slow;
    use std::io::Write;

    #[test]
    fn bytes_come_from_where_they_are() {
        let content: Vec<u8> = (0..10_000u32).map(|i| (i % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let slow = Slow::new(content.clone());
        for input in [Input::local(file), Input::distant(slow.clone(), 10_000)] {
            let mut some = [0; 300];
            input.read_exact_at(&mut some, 9_700).unwrap();
            assert_eq!(some, content[9_700..]);
            assert!(input.read_exact_at(&mut some, 9_701).is_err());
            let ranges = [500..510, 9_000..9_100, 0..3];
            let found = input.read_ranges(&ranges).unwrap();
            assert!(found.iter().zip(&ranges).all(|(f, r)| *f == content[r.start as usize..r.end as usize]));
            let mut rest = Vec::new();
            let mut onward = input.from(1_000, &Demand::look(9_000));
            onward.read_to_end(&mut rest).unwrap();
            assert_eq!(rest, content[1_000..]);
        }
    }
}
