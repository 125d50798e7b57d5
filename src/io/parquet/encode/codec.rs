//! Compression of pages.

use std::io::Write;

use parquet::basic;

use crate::base::{Error, Result};
use crate::io::parquet::write::Compression;

/// Compresses pages one after the other.
#[derive(Debug)]
pub struct Codec {
    kind: Compression,
    snappy: snap::raw::Encoder,
}

impl Codec {
    /// A codec of this kind.
    pub fn new(kind: Compression) -> Self {
        Codec { kind, snappy: snap::raw::Encoder::new() }
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
    pub fn compress(&mut self, page: &[u8]) -> Result<Vec<u8>> {
        match self.kind {
            Compression::None => Ok(page.to_vec()),
            Compression::Snappy => self.snappy.compress_vec(page).map_err(|e| Error::value(e.to_string())),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
                encoder.write_all(page).and_then(|()| encoder.finish()).map_err(Error::system)
            }
            Compression::Zstd => zstd::bulk::compress(page, 1).map_err(Error::system),
        }
    }
}
