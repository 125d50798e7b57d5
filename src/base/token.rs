//! Content identity: equal content has an equal [`Token`], in this process and after a rebuild.

use std::any::Any;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use xxhash_rust::xxh3::Xxh3;

/// The identity of a piece of content: a fixed 128-bit hash (XXH3), the same in every process and build.
///
/// Two plans with equal tokens compute the same thing, so the work is shared. Its first bit says whether anything in it
/// is new in each run of a program, as closures are: see [`is_stable`](Token::is_stable).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u128);

impl Token {
    /// The token of whatever `write` feeds into the tokenizer.
    pub fn of(write: impl FnOnce(&mut Tokenizer)) -> Token {
        let mut tokenizer = Tokenizer::new();
        write(&mut tokenizer);
        tokenizer.finish()
    }

    /// A token that nothing else has: for closures, whose content cannot be seen.
    pub fn fresh() -> Token {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        static PROCESS: OnceLock<u128> = OnceLock::new();
        let process = PROCESS.get_or_init(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
            let token = Token::of(|t| {
                t.str("fresh");
                t.u64(now);
                t.u64(u64::from(std::process::id()));
            });
            token.0
        });
        // an odd factor loses nothing: each count gives another token, and they lie far apart
        let count =
            u128::from(COUNT.fetch_add(1, Ordering::Relaxed)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        Token((process ^ (count & !UNSTABLE)) | UNSTABLE)
    }

    /// Whether the next run of the same program finds this token again. Not if any part of the content is fresh.
    pub fn is_stable(&self) -> bool {
        self.0 & UNSTABLE == 0
    }
}

/// The bit of tokens with fresh parts.
const UNSTABLE: u128 = 1 << 127;

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

/// Feeds content into a [`Token`]. Every item is written with its kind and length, so that `"ab", "c"` and
/// `"a", "bc"` differ.
pub struct Tokenizer {
    hash: Xxh3,
    stable: bool,
}

impl Tokenizer {
    /// An empty tokenizer.
    pub fn new() -> Self {
        Tokenizer { hash: Xxh3::new(), stable: true }
    }

    fn item(&mut self, kind: u8, bytes: &[u8]) {
        let mut head = [kind; 9];
        head[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.hash.update(&head);
        self.hash.update(bytes);
    }

    /// A text.
    pub fn str(&mut self, text: &str) {
        self.item(1, text.as_bytes());
    }

    /// A whole number (also used for lengths and flags).
    pub fn u64(&mut self, value: u64) {
        self.item(2, &value.to_le_bytes());
    }

    /// A floating number, by its bits.
    pub fn f64(&mut self, value: f64) {
        self.item(3, &value.to_bits().to_le_bytes());
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.item(4, bytes);
    }

    /// Another token.
    pub fn token(&mut self, token: Token) {
        self.stable &= token.is_stable();
        self.item(5, &token.0.to_le_bytes());
    }

    /// Anything that prints all of its content with `Debug` (data types, plain options).
    pub fn debug(&mut self, value: &dyn fmt::Debug) {
        self.item(6, format!("{value:?}").as_bytes());
    }

    /// Anything with an identity.
    pub fn identity(&mut self, value: &dyn Identity) {
        value.token(self);
    }

    /// A list: its length, then each item.
    pub fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.u64(items.len() as u64);
        for item in items {
            each(self, item);
        }
    }

    /// Says that the content is another one in the next run of the program.
    pub fn unstable(&mut self) {
        self.stable = false;
    }

    /// The token of all that was fed.
    pub fn finish(&self) -> Token {
        let hash = self.hash.digest128();
        Token(if self.stable { hash & !UNSTABLE } else { hash | UNSTABLE })
    }
}

impl Default for Tokenizer {
    fn default() -> Self {
        Tokenizer::new()
    }
}

/// One number for two, of which each bit depends on every bit of both; for one `a` no two `b` give the same (the finaliser
/// of SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#[inline]
pub fn mixed(a: u64, b: u64) -> u64 {
    // 2⁶⁴ divided by the golden ratio: multiples of it are spread evenly
    let z = a.wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Something whose content can be told apart: operations, functions, sources.
pub trait Identity: Any {
    /// Feeds the kind (a fixed name) and all content that decides the result into the tokenizer.
    fn token(&self, t: &mut Tokenizer);
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn tokens_are_fixed_and_unambiguous() {
        let token = Token::of(|t| t.str("partita"));
        assert_eq!(token, Token::of(|t| t.str("partita")));
        assert_eq!(token.to_string(), Token::of(|t| t.str("partita")).to_string());
        let split = |a: &str, b: &str| {
            Token::of(|t| {
                t.str(a);
                t.str(b);
            })
        };
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(Token::of(|t| t.f64(0.0)), Token::of(|t| t.f64(-0.0)));
        assert_ne!(Token::fresh(), Token::fresh());
        let around = |token| Token::of(|t| t.token(token));
        assert!(!around(around(Token::fresh())).is_stable());
        assert!(around(around(split("a", "b"))).is_stable());
    }
}
