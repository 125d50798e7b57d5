//! Texts that are not UTF-8: which letters their bytes are, and a stream of them as UTF-8.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, mem};

/// How many bytes are turned into letters at a time.
const STEP: usize = 64 * 1024;
/// How many bytes are held for that.
pub const TRANSCODING: u64 = 4 * STEP as u64;

/// How letters are written as bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// ISO 8859-1: a byte is the letter of its number.
    Latin1,
    /// An encoding that browsers know.
    Web(&'static Encoding),
}

impl Charset {
    /// The encoding of this name: a label of the WHATWG standard, or what Python calls it. `latin1` is ISO 8859-1, as in
    /// Python; browsers take it for `windows-1252`.
    pub fn named(name: &str) -> Option<Charset> {
        let lower = name.trim().to_ascii_lowercase();
        let plain: String = lower.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
        if ["latin1", "l1", "iso88591", "8859", "cp819"].contains(&&*plain) {
            return Some(Charset::Latin1);
        }
        let of_python = match &*plain {
            "utf8sig" | "u8" => "utf-8".to_string(),
            "utf16" | "u16" | "utf16le" => "utf-16le".to_string(),
            "utf16be" => "utf-16be".to_string(),
            "cp932" | "ms932" | "mskanji" | "shiftjis" | "sjis" => "shift_jis".to_string(),
            "macroman" => "macintosh".to_string(),
            "cp949" | "uhc" => "euc-kr".to_string(),
            "cp936" | "ms936" => "gbk".to_string(),
            "cp950" => "big5".to_string(),
            "latin2" | "latin3" | "latin4" | "latin5" | "latin6" => plain.clone(),
            text if text.starts_with("iso8859") => format!("iso-8859-{}", &text[7..]),
            text if text.starts_with("cp125") => format!("windows-{}", &text[2..]),
            _ => lower.replace('_', "-"),
        };
        Encoding::for_label(lower.as_bytes()).or_else(|| Encoding::for_label(of_python.as_bytes())).map(Charset::Web)
    }

    /// The encoding that the mark at the start of a text names, if there is one.
    pub fn of_mark(text: &[u8]) -> Option<Charset> {
        Encoding::for_bom(text).map(|(encoding, _)| Charset::Web(encoding))
    }

    /// The encoding of two bytes a letter that a text without a mark seems to have: every other byte is zero.
    pub fn of_zeros(text: &[u8]) -> Option<Charset> {
        let zero = |at: usize| text.iter().skip(at).step_by(2).take(8).all(|&b| b == 0);
        match text.len() {
            0..4 => None,
            _ if zero(1) && !zero(0) => Some(Charset::Web(UTF_16LE)),
            _ if zero(0) && !zero(1) => Some(Charset::Web(UTF_16BE)),
            _ => None,
        }
    }

    /// Whether texts are UTF-8 already.
    pub fn is_utf8(self) -> bool {
        self == Charset::Web(UTF_8)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Charset::Latin1 => "ISO-8859-1",
            Charset::Web(encoding) => encoding.name(),
        }
    }
}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is read when bytes are no letters: the position in UTF-8 that is good, and the encoding.
#[derive(Clone, Copy, Debug)]
pub struct Undecodable {
    /// So many bytes of UTF-8 come before them.
    pub at: u64,
    /// The encoding that they are not of.
    pub charset: Charset,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text is not valid {}", self.charset.name())
    }
}

impl std::error::Error for Undecodable {}

/// Reads a text as UTF-8, without its mark.
pub struct Transcoder<R> {
    input: R,
    charset: Charset,
    /// None for ISO 8859-1, whose bytes are all letters.
    decoder: Option<Decoder>,
    lossy: bool,
    raw: Vec<u8>,
    /// What of `raw` is not decoded yet.
    undone: (usize, usize),
    ended: bool,
    /// Whether the decoder has been told the end.
    finished: bool,
    letters: Vec<u8>,
    /// What of `letters` is not given out yet.
    ready: (usize, usize),
    /// How many bytes have been given out, those that are ready included.
    made: u64,
    failed: bool,
}

impl<R: Read> Transcoder<R> {
    /// The text that `input` is in `charset`, or as its mark says; with `lossy`, � for bytes that are no letters.
    pub fn new(input: R, charset: Charset, lossy: bool) -> Self {
        let decoder = match charset {
            Charset::Latin1 => None,
            Charset::Web(encoding) => Some(encoding.new_decoder()),
        };
        let (raw, letters) = (vec![0; STEP], vec![0; 3 * STEP]);
        Transcoder {
            input,
            charset,
            decoder,
            lossy,
            raw,
            undone: (0, 0),
            ended: false,
            finished: false,
            letters,
            ready: (0, 0),
            made: 0,
            failed: false,
        }
    }

    /// Makes letters of what is there, as many as there is room for.
    fn decode(&mut self) {
        let source = &self.raw[self.undone.0..self.undone.1];
        let (read, written) = match &mut self.decoder {
            None => {
                let (read, written) = mem::convert_latin1_to_utf8_partial(source, &mut self.letters);
                self.finished = self.ended && read == source.len();
                (read, written)
            }
            Some(decoder) => {
                // room for a mark in place of bytes that are no letters
                let room = self.letters.len() - 3;
                let (result, read, mut written) =
                    decoder.decode_to_utf8_without_replacement(source, &mut self.letters[..room], self.ended);
                match result {
                    DecoderResult::InputEmpty => self.finished = self.ended,
                    DecoderResult::OutputFull => {}
                    DecoderResult::Malformed(..) if self.lossy => {
                        written += char::REPLACEMENT_CHARACTER.encode_utf8(&mut self.letters[written..]).len();
                    }
                    DecoderResult::Malformed(..) => self.failed = true,
                }
                (read, written)
            }
        };
        self.undone.0 += read;
        self.ready = (0, written);
        self.made += written as u64;
    }

    fn fill(&mut self) -> io::Result<()> {
        self.undone = (0, self.input.read(&mut self.raw)?);
        self.ended = self.undone.1 == 0;
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.ready.0 == self.ready.1 && !out.is_empty() {
            if self.failed {
                let what = Undecodable { at: self.made, charset: self.charset };
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            if self.finished {
                return Ok(0);
            }
            if self.undone.0 == self.undone.1 && !self.ended {
                self.fill()?;
            }
            self.decode();
        }
        let n = out.len().min(self.ready.1 - self.ready.0);
        out[..n].copy_from_slice(&self.letters[self.ready.0..self.ready.0 + n]);
        self.ready.0 += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], charset: Charset, lossy: bool) -> io::Result<String> {
        let mut text = Vec::new();
        // a source that gives little at a time, and a reader that wants little
        let mut input = Transcoder::new(bytes.chain(&b""[..]), charset, lossy);
        let mut few = [0; 3];
        loop {
            match input.read(&mut few)? {
                0 => return String::from_utf8(text).map_err(io::Error::other),
                n => text.extend_from_slice(&few[..n]),
            }
        }
    }

    #[test]
    fn encodings_have_many_names() {
        let name = |label: &str| Charset::named(label).map(Charset::name);
        for (label, expected) in [
            ("latin1", "ISO-8859-1"),
            ("ISO-8859-1", "ISO-8859-1"),
            ("cp1252", "windows-1252"),
            ("Windows-1252", "windows-1252"),
            ("iso8859_15", "ISO-8859-15"),
            ("utf_8_sig", "UTF-8"),
            ("UTF-16", "UTF-16LE"),
            ("utf-16-be", "UTF-16BE"),
            ("utf_16_le", "UTF-16LE"),
            ("shift_jis", "Shift_JIS"),
            ("cp932", "Shift_JIS"),
            ("euc_jp", "EUC-JP"),
            ("gb18030", "gb18030"),
            ("koi8-r", "KOI8-R"),
            ("mac_roman", "macintosh"),
        ] {
            assert_eq!(name(label), Some(expected), "{label}");
        }
        assert_eq!(name("ebcdic"), None);
    }

    #[test]
    fn letters_are_those_of_the_encoding() {
        let web = |label: &str| Charset::named(label).unwrap();
        assert_eq!(read(b"\xe9\x80", web("latin1"), false).unwrap(), "é\u{80}");
        assert_eq!(read(b"\xe9\x80", web("cp1252"), false).unwrap(), "é€");
        assert_eq!(read(b"\x83\x54", web("cp932"), false).unwrap(), "サ");
        assert_eq!(read(b"\xff\xfea\0\xe9\0", web("utf-16"), false).unwrap(), "aé");
        assert_eq!(read(b"\xfe\xff\0a\0\xe9", web("utf-16"), false).unwrap(), "aé");
        assert_eq!(read(b"a\xffb", web("utf-8"), true).unwrap(), "a\u{fffd}b");
        assert_eq!(read(b"a\0b", web("utf-16le"), true).unwrap(), "a\u{fffd}");
        let error = read(b"ab\xff", web("utf-8"), false).unwrap_err();
        let what = error.get_ref().unwrap().downcast_ref::<Undecodable>().unwrap();
        assert_eq!((what.at, what.to_string().as_str()), (2, "the text is not valid UTF-8"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_was_encoded_is_decoded(text in "[a-zé€あ\n,\"]{0,40}", many in 0usize..2000) {
            let text = text.repeat(1 + many);
            for bytes in [
                text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
                text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
                encoding_rs::SHIFT_JIS.encode(&text.replace(['é', '€'], "e")).0.into_owned(),
            ].iter().zip(["utf-16le", "utf-16be", "shift_jis"]).map(|(b, label)| (b.clone(), label)) {
                let (bytes, label) = bytes;
                let mut all = String::new();
                Transcoder::new(&bytes[..], Charset::named(label).unwrap(), false).read_to_string(&mut all).unwrap();
                let expected = if label == "shift_jis" { text.replace(['é', '€'], "e") } else { text.clone() };
                prop_assert_eq!(all, expected);
            }
        }
    }
}
