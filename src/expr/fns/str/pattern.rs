//! Regular expressions, read once.

use std::fmt;
use std::sync::OnceLock;

use regex::Regex;

use crate::base::{Deferred, Error, Result};

/// A regular expression in the syntax of [`regex`], which is read when it is first needed.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern {
    text: String,
    read: OnceLock<Deferred<Regex>>,
}

impl Pattern {
    /// The pattern that this text stands for.
    pub fn new(text: impl Into<String>) -> Pattern {
        Pattern { text: text.into(), read: OnceLock::new() }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pattern, ready to search.
    ///
    /// # Errors
    /// When it cannot be read: where and why.
    pub fn regex(&self) -> Result<&Regex> {
        let read = self.read.get_or_init(|| {
            Regex::new(&self.text).map_err(|error| {
                // the first line of the message is the cause; the others draw the place
                let cause = error.to_string().lines().last().unwrap_or_default().trim().to_string();
                Error::invalid(format!("`{}` is not a regular expression: {cause}", self.text))
                    .help("escape special characters with a backslash, or use the method for plain text")
                    .into()
            })
        });
        read.as_ref().map_err(|error| error.again())
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Pattern {
        Pattern::new(text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}
