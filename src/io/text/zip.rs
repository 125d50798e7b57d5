//! The one file of a zip archive, as a stream (PKWARE, *.ZIP File Format Specification*).

use std::io::{self, BufRead, BufReader, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

const ENTRY: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Reads the file of an archive that holds one. That there is no other shows at its end only.
pub struct Unzip<R> {
    input: Content<BufReader<R>>,
    sum: Crc,
    /// The checksum of the whole, if it does not follow it.
    expected: Option<u32>,
    ended: bool,
}

enum Content<R> {
    Stored(io::Take<R>),
    Deflated(DeflateDecoder<R>),
}

impl<R: Read> Unzip<R> {
    /// The file that starts here, behind entries of folders.
    ///
    /// # Errors
    /// `Unsupported` for what is encrypted or packed otherwise than by deflate; `InvalidData` for what is no archive.
    pub fn new(input: R) -> io::Result<Self> {
        let mut input = BufReader::new(input);
        loop {
            let head: [u8; 30] = take(&mut input)?;
            if head[..4] != ENTRY {
                return Err(damaged("the archive holds no file"));
            }
            let short = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
            let long = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
            let (flags, method, packed) = (short(6), short(8), long(18));
            let mut name = vec![0; usize::from(short(26))];
            input.read_exact(&mut name)?;
            io::copy(&mut input.by_ref().take(short(28).into()), &mut io::sink())?;
            if name.ends_with(b"/") && packed == 0 {
                continue;
            }
            let follows = flags & 8 != 0;
            let input = match method {
                _ if flags & 1 != 0 => return Err(unsupported("an encrypted zip archive")),
                0 if follows || packed == u32::MAX => return Err(unsupported("a zip archive of a stored stream")),
                0 => Content::Stored(input.take(packed.into())),
                8 => Content::Deflated(DeflateDecoder::new(input)),
                other => return Err(unsupported(&format!("a zip archive packed by method {other}"))),
            };
            return Ok(Unzip { input, sum: Crc::new(), expected: (!follows).then(|| long(14)), ended: false });
        }
    }

    /// Looks at what follows the file: its checksum, and no other file.
    fn end(&mut self) -> io::Result<()> {
        let rest = match &mut self.input {
            Content::Stored(input) if input.limit() > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Content::Stored(input) => input.get_mut(),
            Content::Deflated(input) => input.get_mut(),
        };
        let expected = match self.expected {
            Some(sum) => sum,
            None => {
                let mut sum: [u8; 4] = take(rest)?;
                if sum == DESCRIPTOR {
                    sum = take(rest)?;
                }
                // two sizes of 32 bits, or of 64: the next thing starts with PK
                let _: [u8; 8] = take(rest)?;
                if !rest.fill_buf()?.starts_with(b"PK") {
                    let _: [u8; 8] = take(rest)?;
                }
                u32::from_le_bytes(sum)
            }
        };
        if expected != self.sum.sum() {
            return Err(damaged("the checksum is wrong"));
        }
        let next: [u8; 4] = take(rest)?;
        if next == ENTRY { Err(unsupported("a zip archive of several files")) } else { Ok(()) }
    }
}

impl<R: Read> Read for Unzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        let n = match &mut self.input {
            Content::Stored(input) => input.read(out)?,
            Content::Deflated(input) => input.read(out)?,
        };
        self.sum.update(&out[..n]);
        if n == 0 {
            self.end()?;
            self.ended = true;
        }
        Ok(n)
    }
}

fn take<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// An archive of these files; with their checksums behind them if `follows`.
    fn archive(files: &[(&str, &[u8])], method: u16, follows: bool) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, text) in files {
            let mut sum = Crc::new();
            sum.update(text);
            let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            deflated.write_all(text).unwrap();
            let packed = if method == 8 { deflated.finish().unwrap() } else { text.to_vec() };
            let sizes = [sum.sum(), packed.len() as u32, text.len() as u32].map(u32::to_le_bytes).concat();
            out.extend(ENTRY);
            out.extend([20, 0, if follows { 8 } else { 0 }, 0]);
            out.extend(method.to_le_bytes());
            out.extend([0; 4]);
            out.extend(if follows { vec![0; 12] } else { sizes.clone() });
            out.extend((name.len() as u16).to_le_bytes());
            out.extend([0; 2]);
            out.extend(name.as_bytes());
            out.extend(&packed);
            if follows {
                out.extend(DESCRIPTOR);
                out.extend(sizes);
            }
        }
        out.extend(b"PK\x01\x02 and so on");
        out
    }

    fn read(archive: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        Unzip::new(archive).and_then(|mut z| z.read_to_string(&mut text)).map(|_| text).map_err(|e| e.to_string())
    }

    #[test]
    fn the_one_file_of_an_archive_is_read() {
        let text = "a,b\n1,2\n".repeat(1000);
        for (method, follows) in [(0, false), (8, false), (8, true)] {
            let archive = archive(&[("folder/", b""), ("a.csv", text.as_bytes())], method, follows);
            // an entry of a folder is always stored
            if method == 0 {
                assert_eq!(read(&archive).as_deref(), Ok(&*text));
            }
            let archive = self::archive(&[("a.csv", text.as_bytes())], method, follows);
            assert_eq!(read(&archive).as_deref(), Ok(&*text), "{method} {follows}");
        }
    }

    #[test]
    fn other_archives_are_refused_by_name() {
        let two: [(&str, &[u8]); 2] = [("a", b"x"), ("b", b"y")];
        assert_eq!(read(&archive(&two, 8, true)).unwrap_err(), "a zip archive of several files");
        assert_eq!(read(&archive(&two, 12, false)).unwrap_err(), "a zip archive packed by method 12");
        let mut wrong = archive(&two[..1], 0, false);
        wrong[14] ^= 1;
        assert_eq!(read(&wrong).unwrap_err(), "the checksum is wrong");
        let whole = archive(&two[..1], 8, false);
        for end in 4..whole.len() - 14 {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
    }
}
