//! Elements as bytes, and what files call their types.

use super::super::element::{DType, Element};
use crate::base::{Error, Result};

/// The types as numpy and Zarr call them in files.
pub(super) const TYPES: [(DType, &str, &str); 6] = [
    (DType::Float64, "<f8", "float64"),
    (DType::Float32, "<f4", "float32"),
    (DType::Int64, "<i8", "int64"),
    (DType::Int32, "<i4", "int32"),
    (DType::UInt8, "|u1", "uint8"),
    (DType::Bool, "|b1", "bool"),
];

/// What numpy calls the type in files: `<f8`.
pub(super) fn descr(dtype: DType) -> &'static str {
    TYPES.iter().find(|(known, ..)| *known == dtype).map_or("|V1", |(_, descr, _)| descr)
}

/// So many elements, which must be all.
pub(super) fn elements<T: Element>(bytes: &[u8], count: usize) -> Result<Vec<T>> {
    if count.checked_mul(size_of::<T>()) != Some(bytes.len()) {
        let what = format!("there are {} bytes where {count} elements of {} bytes belong", bytes.len(), size_of::<T>());
        return Err(Error::value(what));
    }
    let mut values = vec![T::default(); count];
    T::load(bytes, &mut values);
    Ok(values)
}

/// Whether the type that a file names is the one that is wanted.
pub(super) fn same_type<T: Element>(named: &str) -> Result<()> {
    let bare = |descr: &str| descr.trim_start_matches(['<', '|', '=']).to_string();
    if bare(named) == bare(descr(T::DTYPE)) {
        return Ok(());
    }
    let what = format!("the elements are `{named}`, not {} (`{}`)", T::DTYPE, descr(T::DTYPE));
    let known = TYPES.iter().find(|(_, descr, _)| bare(descr) == bare(named));
    let help = match known.map(|(dtype, ..)| of(*dtype)) {
        Some(of) => format!("read them as Array<{of}>, and convert with astype::<{}>()", self::of(T::DTYPE)),
        None => format!("write them anew as one of the types that are read: x.astype('{}') in numpy", descr(T::DTYPE)),
    };
    Err(Error::invalid(what).help(help))
}

/// What Rust calls the type.
fn of(dtype: DType) -> &'static str {
    match dtype {
        DType::Float64 => "f64",
        DType::Float32 => "f32",
        DType::Int64 => "i64",
        DType::Int32 => "i32",
        DType::UInt8 => "u8",
        DType::Bool => "bool",
    }
}
