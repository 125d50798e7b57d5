//! Compression of pages.

use std::io::Write;

use bytes::Bytes;
use parquet::basic;

use crate::base::{Error, Result};
use crate::io::parquet::write::Compression;

/// Compresses pages one after the other.
#[derive(Debug)]
pub struct Codec {
    kind: Compression,
    snappy: snap::raw::Encoder,
    /// Where Snappy writes before it is known how long the result is.
    room: Vec<u8>,
}

impl Codec {
    /// A codec of this kind.
    pub fn new(kind: Compression) -> Self {
        Codec { kind, snappy: snap::raw::Encoder::new(), room: Vec::new() }
    }

    /// How footers name it.
    pub fn name(&self) -> basic::Compression {
        match self.kind {
            Compression::None => basic::Compression::UNCOMPRESSED,
            Compression::Snappy => basic::Compression::SNAPPY,
            Compression::Gzip => basic::Compression::GZIP(basic::GzipLevel::default()),
            Compression::Zstd => basic::Compression::ZSTD(basic::ZstdLevel::default()),
        }
    }

    /// The page compressed.
    ///
    /// # Errors
    /// Of the libraries, which do not happen.
    pub fn compress(&mut self, page: &[u8]) -> Result<Bytes> {
        match self.kind {
            Compression::None => Ok(Bytes::copy_from_slice(page)),
            Compression::Snappy => {
                let most = snap::raw::max_compress_len(page.len());
                if self.room.len() < most {
                    self.room.resize(most, 0);
                }
                let size = self.snappy.compress(page, &mut self.room).map_err(|e| Error::value(e.to_string()))?;
                Ok(Bytes::copy_from_slice(&self.room[..size]))
            }
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(page).and_then(|()| encoder.finish()).map(Bytes::from).map_err(Error::system)
            }
            Compression::Zstd => zstd::bulk::compress(page, 1).map(Bytes::from).map_err(Error::system),
        }
    }
}
