//! Walking over strings of any layout.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, GenericStringArray, GenericStringBuilder, Int64Array, OffsetSizeTrait,
    StringViewBuilder,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;

use crate::base::{Error, Result};

/// Whether a type is of strings (and not a dictionary of them).
pub(in crate::expr::fns) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn not_text(array: &ArrayRef) -> Error {
    Error::types(format!("{} is not text", array.data_type()))
}

/// Runs an expression for the array in its own layout.
macro_rules! in_layout {
    ($array:expr, $strings:ident => $body:expr) => {
        match $array.data_type() {
            DataType::Utf8 => {
                let $strings = $array.as_string::<i32>();
                Ok($body)
            }
            DataType::LargeUtf8 => {
                let $strings = $array.as_string::<i64>();
                Ok($body)
            }
            DataType::Utf8View => {
                let $strings = $array.as_string_view();
                Ok($body)
            }
            _ => Err(not_text($array)),
        }
    };
}

/// Whether `f` holds of each text.
pub(in crate::expr::fns) fn predicate(array: &ArrayRef, f: impl Fn(&str) -> bool) -> Result<ArrayRef> {
    in_layout!(array, strings => {
        let bits = BooleanBuffer::collect_bool(strings.len(), |i| strings.is_valid(i) && f(strings.value(i)));
        Arc::new(BooleanArray::new(bits, strings.nulls().cloned()))
    })
}

/// A number of each text.
pub(super) fn number(array: &ArrayRef, f: impl Fn(&str) -> i64) -> Result<ArrayRef> {
    in_layout!(array, strings => {
        let numbers = (0..strings.len()).map(|i| if strings.is_valid(i) { f(strings.value(i)) } else { 0 });
        Arc::new(Int64Array::new(numbers.collect(), strings.nulls().cloned()))
    })
}

/// What `f` writes of each text, in the same layout.
pub(super) fn rewritten(array: &ArrayRef, f: impl FnMut(&str, &mut String)) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Utf8 => offsets(array.as_string::<i32>(), f),
        DataType::LargeUtf8 => offsets(array.as_string::<i64>(), f),
        DataType::Utf8View => {
            let mut f = f;
            let (strings, mut text) = (array.as_string_view(), String::new());
            let mut out = StringViewBuilder::with_capacity(strings.len());
            for i in 0..strings.len() {
                if strings.is_null(i) {
                    out.append_null();
                    continue;
                }
                text.clear();
                f(strings.value(i), &mut text);
                out.try_append_value(&text)?;
            }
            Ok(Arc::new(out.finish()))
        }
        _ => Err(not_text(array)),
    }
}

fn offsets<O: OffsetSizeTrait>(
    strings: &GenericStringArray<O>,
    mut f: impl FnMut(&str, &mut String),
) -> Result<ArrayRef> {
    let (mut text, mut bytes) = (String::new(), 0);
    let mut out = GenericStringBuilder::<O>::with_capacity(strings.len(), strings.value_data().len());
    for i in 0..strings.len() {
        if strings.is_null(i) {
            out.append_null();
            continue;
        }
        text.clear();
        f(strings.value(i), &mut text);
        bytes += text.len();
        if O::from_usize(bytes).is_none() {
            return Err(
                Error::value("the text of one batch needs more than 2 GiB").help("cast the column to LargeUtf8 first")
            );
        }
        out.append_value(&text);
    }
    Ok(Arc::new(out.finish()))
}
