//! `+` of strings.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericStringBuilder, OffsetSizeTrait, StringViewBuilder};
use arrow::datatypes::DataType;

use crate::base::{Error, Result};
use crate::expr::Value;
use crate::expr::fns::pairs::{nulls_of_pairs, paired, rows_of};

/// Whether `+` of operands that meet in this type joins strings.
pub(super) fn joins(met: &DataType) -> bool {
    matches!(met, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Each string followed by the other; null where either is null. Both are of type `layout`.
pub(super) fn concat(a: &Value, b: &Value, layout: &DataType) -> Result<Value> {
    let result: ArrayRef = match layout {
        DataType::Utf8 => offsets::<i32>(a, b)?,
        DataType::LargeUtf8 => offsets::<i64>(a, b)?,
        _ => views(a, b),
    };
    Ok(paired(a, b, result))
}

fn offsets<O: OffsetSizeTrait>(a: &Value, b: &Value) -> Result<ArrayRef> {
    let (x, y) = (a.rows().as_string::<O>(), b.rows().as_string::<O>());
    let (rows, nulls) = (rows_of(a, b), nulls_of_pairs(a, b));
    let bytes = |v: &arrow::array::GenericStringArray<O>| {
        let offsets = v.value_offsets();
        let all = offsets.last().map_or(0, |o| o.as_usize()) - offsets.first().map_or(0, |o| o.as_usize());
        if v.len() == 1 { all * rows } else { all }
    };
    let bytes = bytes(x) + bytes(y);
    if O::from_usize(bytes).is_none() {
        return Err(Error::value("the joined strings of one batch need more than 2 GiB")
            .help("cast one of them to LargeUtf8 first"));
    }
    let mut out = GenericStringBuilder::<O>::with_capacity(rows, bytes);
    let at = |v: &arrow::array::GenericStringArray<O>, i: usize| if v.len() == 1 { 0 } else { i };
    for i in 0..rows {
        if nulls.as_ref().is_some_and(|n| n.is_null(i)) {
            out.append_null();
        } else {
            // the first part is held open until the second is written
            use std::fmt::Write;
            let written = out.write_str(x.value(at(x, i))).and_then(|()| out.write_str(y.value(at(y, i))));
            if written.is_err() {
                return Err(Error::value("the joined strings do not fit into memory"));
            }
            out.append_value("");
        }
    }
    Ok(Arc::new(out.finish()))
}

fn views(a: &Value, b: &Value) -> ArrayRef {
    let (x, y) = (a.rows().as_string_view(), b.rows().as_string_view());
    let (rows, nulls) = (rows_of(a, b), nulls_of_pairs(a, b));
    let mut out = StringViewBuilder::with_capacity(rows);
    let mut text = String::new();
    for i in 0..rows {
        if nulls.as_ref().is_some_and(|n| n.is_null(i)) {
            out.append_null();
        } else {
            text.clear();
            text.push_str(x.value(if x.len() == 1 { 0 } else { i }));
            text.push_str(y.value(if y.len() == 1 { 0 } else { i }));
            out.append_value(&text);
        }
    }
    Arc::new(out.finish())
}
