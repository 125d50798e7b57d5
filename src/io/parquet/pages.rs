//! Pages of some columns of a file, looked at before they are decompressed: a page that is no part of its column, or that
//! does not fit into memory, is refused by its header.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use super::chunks::Chunks;
use super::counts::Counts;
use super::footer::guarded;
use super::read::Run;
use super::select::Kept;
use super::streams::streams;
use crate::base::{Error, ErrorKind};
use crate::exec::Reservation;

/// The bytes of a file, read by a decoder of pages.
#[derive(Clone, Debug)]
pub struct Pages {
    chunks: Chunks,
    watch: Arc<Watch>,
    counts: Arc<Counts>,
}

/// What is known of the pages that may come.
#[derive(Debug)]
pub struct Watch {
    /// No page has more bytes than the largest of the columns, as far as the footer is right.
    largest: u64,
    /// The offsets at which pages begin, rising, where the header of a page is read together with it.
    starts: Vec<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    room: Reservation,
    refused: Option<Error>,
}

/// Memory for pages up to this size is spoken for elsewhere.
const SMALL: u64 = 8 << 20;

/// However small a footer says that columns are, pages may have this many bytes: some writers count wrong.
const HARMLESS: u64 = 64 << 20;

impl Watch {
    /// Pages of columns of which the largest has `largest` bytes, uncompressed. Large ones are reserved in `room`.
    pub fn new(largest: u64, mut starts: Vec<u64>, room: Reservation) -> Arc<Watch> {
        starts.sort_unstable();
        let state = Mutex::new(State { room, refused: None });
        Arc::new(Watch { largest: largest.max(HARMLESS), starts, state })
    }

    /// Why a page was refused, once: it does not get through the decoder as it is.
    pub fn refused(&self) -> Option<Error> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).refused.take()
    }

    fn admit(&self, page: u64) -> io::Result<()> {
        if page <= SMALL {
            return Ok(());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = if page > self.largest {
            let what = format!("a page claims {page} bytes, but no column that is read has more than {}", self.largest);
            Err(Error::new(ErrorKind::Corrupt { what: format!("the Parquet file is damaged: {what}") }))
        } else {
            // decompressed, and its values once more
            let (needed, has) = (page.saturating_mul(2), state.room.bytes());
            if needed > has { state.room.grow("a page of a Parquet file", needed - has) } else { Ok(()) }
        };
        result.map_err(|error| {
            state.refused.get_or_insert(error);
            io::Error::other("the page is refused")
        })
    }
}

impl Pages {
    /// The pages of a file.
    pub fn new(chunks: Chunks, watch: Arc<Watch>, counts: Arc<Counts>) -> Pages {
        Pages { chunks, watch, counts }
    }

    /// The same pages, which a store is asked ahead for: those of the columns of `mask`, for some rows of a run.
    #[must_use]
    pub fn planned(&self, metadata: &ParquetMetaData, run: &Run, mask: &ProjectionMask, kept: Option<&Kept>) -> Pages {
        if !self.chunks.is_elsewhere() {
            return self.clone();
        }
        let is_kept = |rows: Range<u64>| kept.is_none_or(|kept| kept.any(rows));
        // a damaged footer is told of when its pages are read
        let found = guarded(|| Ok(streams(metadata, run.groups.clone(), (run.skip, run.rows), mask, &is_kept)));
        Pages { chunks: self.chunks.planned(found.unwrap_or_default()), ..self.clone() }
    }

    /// What a store said, if it has failed.
    pub fn failure(&self) -> Option<Error> {
        self.chunks.failure()
    }

    /// What is known of them.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.chunks.len()
    }
}

impl ChunkReader for Pages {
    type T = HeaderReader;

    fn get_read(&self, start: u64) -> Result<HeaderReader, ParquetError> {
        Ok(HeaderReader { bytes: self.chunks.get_read(start)?, seen: Vec::new(), watch: Some(self.watch.clone()) })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.chunks.get_bytes(start, length)?;
        self.counts.read(length as u64);
        if self.watch.starts.binary_search(&start).is_ok()
            && let Some(page) = claimed(&bytes)
        {
            self.watch.admit(page)?;
        }
        Ok(bytes)
    }
}

/// Reads a header, and looks at the size that it claims.
#[derive(Debug)]
pub struct HeaderReader {
    bytes: <Chunks as ChunkReader>::T,
    seen: Vec<u8>,
    /// Nobody after the header was seen.
    watch: Option<Arc<Watch>>,
}

impl Read for HeaderReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(out)?;
        if let Some(watch) = &self.watch {
            self.seen.extend_from_slice(out.get(..count.min(SIZES)).unwrap_or_default());
            match claimed(&self.seen) {
                Some(page) => {
                    watch.admit(page)?;
                    self.watch = None;
                }
                None if self.seen.len() >= SIZES => self.watch = None,
                None => {}
            }
        }
        Ok(count)
    }
}

/// Kind and uncompressed size stand in the first bytes of a header.
const SIZES: usize = 12;

/// The uncompressed size in the header of a page: the second field, both of them numbers in Thrift's compact form.
fn claimed(header: &[u8]) -> Option<u64> {
    const I32_AFTER: u8 = 0x15;
    let mut at = 0;
    let mut field = || {
        if *header.get(at)? != I32_AFTER {
            return None;
        }
        at += 1;
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = *header.get(at)?;
            at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value >> 1);
            }
        }
        None
    };
    field()?;
    field()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Budget;

    #[test]
    fn sizes_are_read_from_headers() {
        assert_eq!(claimed(&[0x15, 0x00, 0x15, 0xc4, 0x02, 0x15]), Some(162));
        assert_eq!(claimed(&[0x15, 0x00, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f]), Some(i32::MAX as u64));
        assert_eq!(claimed(&[0x15, 0x00, 0x15, 0xc4]), None);
        assert_eq!(claimed(&[0x16, 0x00, 0x15, 0xc4, 0x02]), None);
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let budget = Budget::new(100 << 20);
        let watch = Watch::new(80 << 20, Vec::new(), budget.nothing());
        assert!(watch.admit(40 << 20).is_ok());
        assert_eq!(budget.held(), 80 << 20);
        assert!(watch.admit(70 << 20).is_err());
        assert!(matches!(watch.refused().unwrap().kind(), ErrorKind::Memory { .. }));
        assert!(watch.admit(1 << 30).is_err());
        assert!(matches!(watch.refused().unwrap().kind(), ErrorKind::Corrupt { .. }));
        assert!(watch.refused().is_none());
    }
}
