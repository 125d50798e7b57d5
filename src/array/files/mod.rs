//! Arrays in files: each chunk is a file, which a task reads or writes.
//!
//! Zarr is read and written here, not by a crate: what is needed of it (regular chunks, little-endian elements, no compression,
//! zstd or gzip) is a page of JSON and a file a chunk, and the crate for all of it would bring more dependencies than
//! the rest of the arrays.
//!
//! | file | what |
//! |---|---|
//! | `typed` | elements as bytes, and what files call their types |
//! | `chunk_files` | tasks that write chunks |
//! | `npy` | numpy's `.npy` format: pure |
//! | `npy_stack` | [`to_npy_stack`](super::Array::to_npy_stack), [`from_npy_stack`] |
//! | `zarr_meta` | what Zarr says of an array, versions 2 and 3: pure |
//! | `zarr` | [`to_zarr`](super::Array::to_zarr), [`from_zarr`] |

mod chunk_files;
mod npy;
mod npy_stack;
mod typed;
mod zarr;
mod zarr_meta;

pub use npy_stack::from_npy_stack;
pub use zarr::from_zarr;
pub use zarr_meta::{ZarrCompression, ZarrOptions, ZarrVersion};
