//! Values as names of folders, and back. Pure.

use arrow::array::Array;
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::base::{Error, Result};

/// How null is called.
pub const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// `name=value`, both with everything but letters, digits, `-`, `_`, `.` and `~` as `%20` (RFC 3986), as pyarrow writes it.
pub fn folder(name: &str, value: Option<&str>) -> String {
    let value = value.map_or_else(|| NULL.to_string(), quoted);
    format!("{}={value}", quoted(name))
}

/// The name and the value of a folder; `None` if it is no such folder.
pub fn parsed(folder: &str) -> Option<(String, Option<String>)> {
    let (name, value) = folder.split_once('=').filter(|(name, _)| !name.is_empty())?;
    let value = (value != NULL).then(|| unquoted(value));
    Some((unquoted(name), value))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What is no escape, or would be no text, stays as it is.
fn unquoted(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_string())
}

/// A value as text, from which a cast gives it back. Null has none.
///
/// # Errors
/// `Value` for a text that means null to whoever reads it.
pub fn text_of(array: &dyn Array, row: usize) -> Result<Option<String>> {
    if array.is_null(row) {
        return Ok(None);
    }
    let shown = ArrayFormatter::try_new(array, &FormatOptions::new())?.value(row).try_to_string()?;
    if shown == NULL {
        return Err(Error::value(format!("the text {NULL} is the name that null has")).help("write it as another text"));
    }
    Ok(Some(shown))
}

/// Whether values of this type can be names.
pub fn takes(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Dictionary(_, value) => takes(value),
        Utf8 | LargeUtf8 | Utf8View | Boolean | Date32 | Timestamp(..) => true,
        other => other.is_integer() || matches!(other, Float32 | Float64),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_as_pyarrow_writes_them() {
        assert_eq!(folder("zone", Some("Old Town/ä=%")), "zone=Old%20Town%2F%C3%A4%3D%25");
        assert_eq!(folder("a b", None), "a%20b=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(parsed("y=2023"), Some(("y".into(), Some("2023".into()))));
        assert_eq!(parsed("y="), Some(("y".into(), Some(String::new()))));
        assert_eq!((parsed("plain"), parsed("=x")), (None, None));
        assert_eq!(parsed("a=b=c%zz%"), Some(("a".into(), Some("b=c%zz%".into()))));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(name in ".{1,20}", value in ".{0,20}") {
            prop_assert_eq!(parsed(&folder(&name, Some(&value))), Some((name, Some(value))));
        }
    }
}
