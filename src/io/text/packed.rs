//! Text on its way into a file.

use std::io::{self, Write};

use crate::base::{Error, Result};
use crate::io::sink::{Compression, Output};

/// A compressor, or none.
pub enum Packed {
    /// As it is.
    Plain(Output),
    /// gzip.
    Gzip(flate2::write::GzEncoder<Output>),
    /// Zstandard.
    Zstd(zstd::stream::write::Encoder<'static, Output>),
}

impl Packed {
    /// The compressor and about how many bytes it holds.
    pub fn new(compression: Compression, out: Output) -> Result<(Packed, u64)> {
        match compression {
            Compression::None => Ok((Packed::Plain(out), 0)),
            Compression::Gzip => {
                let level = flate2::Compression::new(6);
                Ok((Packed::Gzip(flate2::write::GzEncoder::new(out, level)), 300 << 10))
            }
            Compression::Zstd(level) if (1..=22).contains(&level) => {
                let encoder = zstd::stream::write::Encoder::new(out, level).map_err(Error::system)?;
                Ok((Packed::Zstd(encoder), (1 << 20) << (level / 3)))
            }
            Compression::Zstd(level) => {
                Err(Error::invalid(format!("there is no level {level} of zstd")).help("take one of 1 to 22"))
            }
            other => {
                let error = Error::unsupported(format!("text compressed with {other:?}"));
                Err(error.help("take Gzip or Zstd"))
            }
        }
    }

    /// Writes what is left.
    pub fn finish(self) -> io::Result<Output> {
        match self {
            Packed::Plain(out) => Ok(out),
            Packed::Gzip(out) => out.finish(),
            Packed::Zstd(out) => out.finish(),
        }
    }
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packed::Plain(out) => out.write(bytes),
            Packed::Gzip(out) => out.write(bytes),
            Packed::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Packed::Plain(out) => out.flush(),
            // a compressor that is flushed compresses worse; what is left is written when it is finished
            Packed::Gzip(_) | Packed::Zstd(_) => Ok(()),
        }
    }
}
