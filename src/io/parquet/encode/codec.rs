//! Compression of pages.

use std::io::Write;

use bytes::Bytes;
use parquet::basic;

use crate::base::{Error, Result};
use crate::io::sink::Compression;

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

    /// Whether pages are compressed here; else columns are left to the Parquet library.
    pub fn takes(&self) -> bool {
        !matches!(self.kind, Compression::Lz4 | Compression::Brotli)
    }

    /// How footers name it.
    ///
    /// # Errors
    /// `Invalid` for a level that there is not.
    pub fn name(&self) -> Result<basic::Compression> {
        Ok(match self.kind {
            Compression::None => basic::Compression::UNCOMPRESSED,
            Compression::Snappy => basic::Compression::SNAPPY,
            Compression::Lz4 => basic::Compression::LZ4_RAW,
            Compression::Gzip => basic::Compression::GZIP(basic::GzipLevel::default()),
            Compression::Brotli => basic::Compression::BROTLI(basic::BrotliLevel::default()),
            Compression::Zstd(level) => basic::Compression::ZSTD(basic::ZstdLevel::try_new(level).map_err(|_| {
                Error::invalid(format!("there is no level {level} of zstd")).help("take one of 1 to 22")
            })?),
        })
    }

    /// The page compressed.
    ///
    /// # Errors
    /// Of the libraries, which do not happen; `Unsupported` for what is not [taken](Self::takes).
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
            Compression::Zstd(level) => zstd::bulk::compress(page, level).map(Bytes::from).map_err(Error::system),
            Compression::Lz4 | Compression::Brotli => Err(Error::unsupported(format!("{:?} here", self.kind))),
        }
    }
}
