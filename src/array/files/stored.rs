//! Elements as bytes.

use super::super::element::Element;
use crate::base::{Error, Result};

/// Elements that can lie in files, little-endian.
pub trait Stored: Element {
    /// What numpy calls the type in files: `<f8`.
    const DESCR: &'static str;

    /// Adds the bytes of elements.
    fn put(values: &[Self], out: &mut Vec<u8>);

    /// The elements of bytes, of which there are as many as it takes.
    fn get(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! stored {
    ($($element:ty, $descr:literal;)*) => {$(
        impl Stored for $element {
            const DESCR: &'static str = $descr;

            fn put(values: &[$element], out: &mut Vec<u8>) {
                out.reserve(size_of_val(values));
                values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            }

            fn get(bytes: &[u8]) -> Vec<$element> {
                let each = bytes.chunks_exact(size_of::<$element>());
                each.map(|bytes| {
                    let mut own = [0; size_of::<$element>()];
                    own.copy_from_slice(bytes);
                    <$element>::from_le_bytes(own)
                })
                .collect()
            }
        }
    )*};
}

stored! {
    f64, "<f8";
    f32, "<f4";
    i64, "<i8";
    i32, "<i4";
    u8, "|u1";
}

impl Stored for bool {
    const DESCR: &'static str = "|b1";

    fn put(values: &[bool], out: &mut Vec<u8>) {
        out.extend(values.iter().map(|&value| u8::from(value)));
    }

    fn get(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().map(|&byte| byte != 0).collect()
    }
}

/// So many elements, which must be all.
pub(super) fn elements<T: Stored>(bytes: &[u8], count: usize) -> Result<Vec<T>> {
    if count.checked_mul(size_of::<T>()) != Some(bytes.len()) {
        let what = format!("there are {} bytes where {count} elements of {} bytes belong", bytes.len(), size_of::<T>());
        return Err(Error::value(what));
    }
    Ok(T::get(bytes))
}

/// Whether the type that a file names is the one that is wanted.
pub(super) fn same_type<T: Stored>(named: &str) -> Result<()> {
    let bare = |descr: &str| descr.trim_start_matches(['<', '|', '=']).to_string();
    if bare(named) == bare(T::DESCR) && !named.starts_with('>') {
        return Ok(());
    }
    let what = format!("the elements are `{named}`, not {} (`{}`)", T::DTYPE, T::DESCR);
    Err(Error::invalid(what).help("read them as the type they have, and convert with astype()"))
}
