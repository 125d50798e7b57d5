//! What a result is, whoever computes it.

use std::fmt;

use crate::base::Token;

/// The identity of a result: the content that it comes from, and which part of it (a partition).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The content.
    pub token: Token,
    /// The part.
    pub index: u32,
}

impl Key {
    /// The key of part `index` of `token`.
    pub fn new(token: Token, index: usize) -> Key {
        Key { token, index: index as u32 }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.token, self.index)
    }
}
