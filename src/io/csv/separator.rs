//! What stands between two fields.

use std::fmt;

/// The longest separator, in bytes.
const LONGEST: usize = 15;

/// What stands between two fields: a byte, a letter, several letters, or runs of blanks.
///
/// ```
/// use partita::CsvOptions;
/// let semicolons = CsvOptions::new().delimiter(b';');
/// let doubled = CsvOptions::new().delimiter("||");
/// let blanks = CsvOptions::new().delimiter(r"\s+"); // as pandas writes it
/// ```
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
pub struct Separator {
    bytes: [u8; LONGEST],
    /// None of them for runs of blanks; more than there are for one that is too long.
    length: u8,
}

impl Separator {
    /// Runs of blanks and tabs; those at the ends of a line separate nothing. The text `\s+` means it too.
    pub const BLANKS: Separator = Separator { bytes: [0; LONGEST], length: 0 };

    fn of(bytes: &[u8]) -> Separator {
        let mut own = Separator { bytes: [0; LONGEST], length: bytes.len().min(LONGEST + 1) as u8 };
        own.bytes.iter_mut().zip(bytes).for_each(|(own, byte)| *own = *byte);
        own
    }

    /// Its bytes; none for runs of blanks.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length).min(LONGEST)]
    }

    /// Its last byte; a blank for runs of them.
    pub(super) fn last(&self) -> u8 {
        self.bytes().last().copied().unwrap_or(b' ')
    }

    /// Whether it is runs of blanks.
    pub(super) fn is_blanks(&self) -> bool {
        self.length == 0
    }

    /// Whether it is a single byte.
    pub(super) fn is_byte(&self) -> bool {
        self.length == 1
    }

    /// Whether it was given longer than separators can be.
    pub(super) fn is_too_long(&self) -> bool {
        usize::from(self.length) > LONGEST
    }

    /// How many of its bytes stand at the end of a text that ends in `matched` of them and then `byte`: Knuth, Morris
    /// and Pratt's automaton, without its table, for separators are short.
    pub(super) fn matched(&self, matched: usize, byte: u8) -> usize {
        let own = self.bytes();
        if own.get(matched) == Some(&byte) {
            return matched + 1;
        }
        let ends_with = |k: usize| own[k - 1] == byte && own[..k - 1] == own[matched + 1 - k..matched];
        (1..=matched).rev().find(|&k| ends_with(k)).unwrap_or(0)
    }
}

impl From<Vec<u8>> for Separator {
    fn from(bytes: Vec<u8>) -> Self {
        Separator::of(&bytes)
    }
}

impl From<Separator> for Vec<u8> {
    fn from(separator: Separator) -> Self {
        separator.bytes().to_vec()
    }
}

impl From<u8> for Separator {
    fn from(byte: u8) -> Self {
        Separator::of(&[byte])
    }
}

impl From<char> for Separator {
    fn from(letter: char) -> Self {
        Separator::of(letter.encode_utf8(&mut [0; 4]).as_bytes())
    }
}

impl From<&str> for Separator {
    /// The letters, or runs of blanks for `\s+`. An empty text, which separates nothing, is refused when a file is read.
    fn from(text: &str) -> Self {
        match text {
            r"\s+" => Separator::BLANKS,
            // a line end is refused too, and it says the same: this is no separator
            "" => Separator::of(b"\n"),
            text => Separator::of(text.as_bytes()),
        }
    }
}

impl fmt::Debug for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_blanks() { f.write_str("blanks") } else { write!(f, "`{}`", self.bytes().escape_ascii()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn as_many_bytes_match_as_the_text_ends_in(own in "[ab|]{1,6}", text in "[ab|]{0,20}") {
            let separator = Separator::from(&*own);
            let mut matched = 0;
            for end in 1..=text.len() {
                // a whole match starts anew, as reading does
                matched = if matched == own.len() { 0 } else { matched };
                let since = matched;
                matched = separator.matched(matched, text.as_bytes()[end - 1]);
                let tail = format!("{}{}", &own[..since], &text[end - 1..end]);
                let slow = (0..=own.len()).rev().find(|&k| tail.ends_with(&own[..k])).unwrap();
                prop_assert_eq!(matched, slow);
            }
        }
    }

    #[test]
    fn separators_are_made_of_bytes_letters_and_texts() {
        assert_eq!(Separator::from('§').bytes(), "§".as_bytes());
        assert_eq!(Separator::from("||").last(), b'|');
        assert!(Separator::from(r"\s+").is_blanks() && Separator::from(b',').is_byte());
        assert!(Separator::from("0123456789abcdef").is_too_long() && !Separator::from("0123456789abcde").is_too_long());
        assert_eq!(format!("{:?} {:?}", Separator::from("\u{1}"), Separator::BLANKS), "`\\x01` blanks");
    }
}
