//! `contains`, `starts_with`, `ends_with` and `matches`

use std::fmt;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use memchr::memmem::Finder;

use super::pattern::Pattern;
use super::text::{is_text, predicate};
use crate::base::Result;
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// Whether something is found in a text.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum Find {
    /// This anywhere.
    Contains(String),
    /// This at the start.
    StartsWith(String),
    /// This at the end.
    EndsWith(String),
    /// A regular expression anywhere.
    Matches(Pattern),
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Find::Contains(text) => write!(f, "str.contains({text:?})"),
            Find::StartsWith(text) => write!(f, "str.starts_with({text:?})"),
            Find::EndsWith(text) => write!(f, "str.ends_with({text:?})"),
            Find::Matches(pattern) => write!(f, "str.matches({pattern:?})"),
        }
    }
}

impl OneColumn for Find {
    fn domain(&self) -> Domain {
        Domain::Text
    }

    fn check(&self) -> Result<()> {
        match self {
            Find::Matches(pattern) => pattern.regex().map(|_| ()),
            _ => Ok(()),
        }
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        is_text(of).then_some(DataType::Boolean)
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Find::Contains(part) => {
                let finder = Finder::new(part);
                predicate(array, |text| finder.find(text.as_bytes()).is_some())
            }
            Find::StartsWith(part) => predicate(array, |text| text.starts_with(part.as_str())),
            Find::EndsWith(part) => predicate(array, |text| text.ends_with(part.as_str())),
            Find::Matches(pattern) => {
                let regex = pattern.regex()?;
                predicate(array, |text| regex.is_match(text))
            }
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("str.find", self)
    }
}
