//! `lower`, `upper`, `trim`, `slice` and `replace`

use std::fmt;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

use super::pattern::Pattern;
use super::text::{is_text, rewritten};
use crate::base::Result;
use crate::expr::Portable;
use crate::expr::fns::one_column::{Domain, OneColumn};

/// A text made of a text, in the same layout.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub enum Rewrite {
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// Without white space at both ends.
    Trim,
    /// Without white space at the start.
    TrimStart,
    /// Without white space at the end.
    TrimEnd,
    /// The characters from `start` to before `stop`, counted from the end if negative, as Python does.
    Slice {
        /// The first character.
        start: Option<i64>,
        /// The first character that is left out.
        stop: Option<i64>,
    },
    /// Each `from` replaced.
    Replace {
        /// What is looked for.
        from: String,
        /// What takes its place.
        to: String,
    },
    /// Each match replaced.
    ReplaceRegex {
        /// What is looked for.
        pattern: Pattern,
        /// What takes its place; `$1` or `${name}` is what a group has matched.
        to: String,
    },
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |bound: &Option<i64>| bound.map(|b| b.to_string()).unwrap_or_default();
        match self {
            Rewrite::Lower => f.write_str("str.lower"),
            Rewrite::Upper => f.write_str("str.upper"),
            Rewrite::Trim => f.write_str("str.trim"),
            Rewrite::TrimStart => f.write_str("str.trim_start"),
            Rewrite::TrimEnd => f.write_str("str.trim_end"),
            Rewrite::Slice { start, stop } => write!(f, "str.slice({}..{})", end(start), end(stop)),
            Rewrite::Replace { from, to } => write!(f, "str.replace({from:?}, {to:?})"),
            Rewrite::ReplaceRegex { pattern, to } => write!(f, "str.replace_regex({pattern:?}, {to:?})"),
        }
    }
}

impl OneColumn for Rewrite {
    fn domain(&self) -> Domain {
        Domain::Text
    }

    fn check(&self) -> Result<()> {
        match self {
            Rewrite::ReplaceRegex { pattern, .. } => pattern.regex().map(|_| ()),
            _ => Ok(()),
        }
    }

    fn result(&self, of: &DataType) -> Option<DataType> {
        is_text(of).then(|| of.clone())
    }

    fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Rewrite::Lower => {
                rewritten(array, |text, out| recase(text, out, str::to_lowercase, str::make_ascii_lowercase))
            }
            Rewrite::Upper => {
                rewritten(array, |text, out| recase(text, out, str::to_uppercase, str::make_ascii_uppercase))
            }
            Rewrite::Trim => rewritten(array, |text, out| out.push_str(text.trim())),
            Rewrite::TrimStart => rewritten(array, |text, out| out.push_str(text.trim_start())),
            Rewrite::TrimEnd => rewritten(array, |text, out| out.push_str(text.trim_end())),
            Rewrite::Slice { start, stop } => rewritten(array, |text, out| out.push_str(slice(text, *start, *stop))),
            Rewrite::Replace { from, to } => rewritten(array, |text, out| replace(text, from, to, out)),
            Rewrite::ReplaceRegex { pattern, to } => {
                let regex = pattern.regex()?;
                rewritten(array, |text, out| out.push_str(&regex.replace_all(text, to.as_str())))
            }
        }
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("str.rewrite", self)
    }
}

/// Most text is ASCII, which needs no tables and no memory of its own.
fn recase(text: &str, out: &mut String, any: fn(&str) -> String, ascii: fn(&mut str)) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        ascii(&mut out[start..]);
    } else {
        out.push_str(&any(text));
    }
}

fn replace(text: &str, from: &str, to: &str, out: &mut String) {
    let mut end = 0;
    for (start, found) in text.match_indices(from) {
        out.push_str(&text[end..start]);
        out.push_str(to);
        end = start + found.len();
    }
    out.push_str(&text[end..]);
}

fn slice(text: &str, start: Option<i64>, stop: Option<i64>) -> &str {
    let chars = if text.is_ascii() { text.len() } else { text.chars().count() };
    let place = |bound: i64| match usize::try_from(bound) {
        Ok(from_start) => from_start.min(chars),
        Err(_) => chars.saturating_sub(usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let (start, stop) = (start.map_or(0, place), stop.map_or(chars, place));
    let byte = |place: usize| match chars == text.len() {
        true => place,
        false => text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte),
    };
    if start < stop { text.get(byte(start)..byte(stop)).unwrap_or_default() } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slices_are_those_of_a_list_of_characters(text in "[a-cä€𝄞]{0,6}", start in prop::option::of(-8i64..8), stop in prop::option::of(-8i64..8)) {
            let chars: Vec<char> = text.chars().collect();
            let n = chars.len() as i64;
            let place = |b: i64| (if b < 0 { (b + n).max(0) } else { b.min(n) }) as usize;
            let (from, to) = (place(start.unwrap_or(0)), place(stop.unwrap_or(n)));
            let twin: String = if from < to { chars[from..to].iter().collect() } else { String::new() };
            prop_assert_eq!(slice(&text, start, stop), twin);
        }

        #[test]
        fn replacing_is_that_of_the_library(text in "[ab]{0,12}", from in "[ab]{0,2}", to in "[xy]{0,2}") {
            let mut out = String::new();
            replace(&text, &from, &to, &mut out);
            prop_assert_eq!(out, text.replace(&from, &to));
        }
    }
}
