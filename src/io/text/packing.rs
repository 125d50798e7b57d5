//! How the bytes of a text file are packed.

use std::io::{BufReader, Read};

use super::zip::Unzip;
use crate::base::{Error, ErrorKind, Result};
use crate::io::FileInfo;
use crate::io::store::Demand;

/// What a dictionary of xz may take, in KiB: a damaged file may ask for anything.
const MOST_FOR_XZ: u32 = 1_600_000;

/// How the bytes of a file are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, one member or several.
    Gzip,
    /// Zstandard, one frame or several.
    Zstd,
    /// bzip2, one stream or several.
    Bzip2,
    /// xz, one stream or several.
    Xz,
    /// A zip archive of one file.
    Zip,
}

/// What packed files start with, how their names end, and what the format is called.
const PACKINGS: [(Packing, &[u8], &str, &str); 5] = [
    (Packing::Gzip, &[0x1f, 0x8b], ".gz", "gzip"),
    (Packing::Zstd, &[0x28, 0xb5, 0x2f, 0xfd], ".zst", "zstd"),
    (Packing::Bzip2, b"BZh", ".bz2", "bzip2"),
    (Packing::Xz, &[0xfd, b'7', b'z', b'X', b'Z', 0], ".xz", "xz"),
    (Packing::Zip, b"PK\x03\x04", ".zip", "zip"),
];

impl Packing {
    /// The packing of a file that starts with these bytes.
    ///
    /// # Errors
    /// `Corrupt` when the name of the file says that it is packed and the bytes do not.
    pub fn of(info: &FileInfo, head: &[u8]) -> Result<Packing> {
        if let Some((packing, ..)) = PACKINGS.iter().find(|(_, magic, ..)| head.starts_with(magic)) {
            return Ok(*packing);
        }
        match PACKINGS.iter().find(|(_, _, ending, _)| info.path.ends_with(ending)) {
            Some((.., name)) => {
                let what = format!("the file is not {name}, as its name says");
                Err(Error::new(ErrorKind::Corrupt { what }).doing("read").at_path(&info.path))
            }
            None => Ok(Packing::Plain),
        }
    }

    /// The unpacked bytes of a file from position `at` on.
    pub fn open(self, info: &FileInfo, at: u64, demand: &Demand) -> Result<Box<dyn Read + Send>> {
        let refused = |e| Error::io(&info.path, e).doing("read");
        let input = info.open()?;
        let file = match self {
            Packing::Plain => return Ok(input.from(at, demand)),
            // packed bytes are fewer than those that are wanted
            _ => input.from(0, &Demand { about: demand.about.saturating_add(at) / 4, ..demand.clone() }),
        };
        let mut stream: Box<dyn Read + Send> = match self {
            Packing::Plain => file,
            Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(file).map_err(refused)?),
            Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(file)),
            Packing::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(BufReader::new(file), true, MOST_FOR_XZ)),
            Packing::Zip => Box::new(Unzip::new(file).map_err(|e| self.unreadable(info, e))?),
        };
        std::io::copy(&mut stream.by_ref().take(at), &mut std::io::sink()).map_err(|e| self.unreadable(info, e))?;
        Ok(stream)
    }

    /// The error for a read that failed: of a packed file that is a damaged file, most often.
    pub fn unreadable(self, info: &FileInfo, error: std::io::Error) -> Error {
        let of_store = error.get_ref().is_some_and(|inner| inner.is::<Error>());
        let error = match (self, error.kind()) {
            _ if of_store => Error::io(&info.path, error),
            (Packing::Plain, _) => Error::io(&info.path, error),
            (_, std::io::ErrorKind::Unsupported) => Error::unsupported(error.to_string()).help("unpack it first"),
            _ => {
                let what = format!("the file cannot be unpacked: {error}");
                Error::new(ErrorKind::Corrupt { what }).caused_by(error)
            }
        };
        error.doing("read").at_path(&info.path)
    }
}
