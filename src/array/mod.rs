//! Chunked n-dimensional arrays: numpy's face over blocks that need not exist.
//!
//! | module | what |
//! |---|---|
//! | [`element`] | what arrays hold: [`Element`] |
//! | [`chunks`] | how a shape is cut: pure |
//! | [`region`] | which elements are meant: ranges with steps, along each axis; pure |
//! | [`lanes`] | loops for wide vectors |
//! | [`lazy`] | [`Lazy`]: an array as something that can give any region of itself |
//! | [`tile`] | regions small enough for the cache, and memory that is used again |
//! | [`block`] | blocks of elements, in memory or on disk |
//! | [`held`] | arrays whose blocks are computed and held: results of reductions, persisted arrays |
//! | `regrouped` | arrays whose chunks are computed once in the course of a computation |
//! | [`loaded`] | arrays whose chunks a function gives: from files, from delayed values |
//! | [`chunked`] | [`Array`] |
//! | [`compute`] | all elements, block by block, or held in the background |
//! | [`create`] | ones, zeros, ranges, functions of the index, what is in memory |
//! | [`random`] | random numbers that depend on seed and place alone: a distribution a file |
//! | [`elementwise`] | arithmetic, comparison, functions of each element |
//! | [`shape`] | slices, indices, masks, other axes, several arrays as one: an operation a file |
//! | [`map`] | functions of whole blocks, with their neighbours if wanted |
//! | [`linalg`] | products of matrices |
//! | [`reduce`] | many elements to few along axes: sums, extremes, quantiles, counts |
//! | [`cumulative`] | sums, products, extremes of each element and all before it |
//! | [`files`] | arrays in files: npy stacks, Zarr |
//! | [`shown`] | arrays as tables, drawings and plots |

pub mod block;
pub mod chunked;
pub mod chunks;
pub mod compute;
pub mod create;
pub mod cumulative;
pub mod element;
pub mod elementwise;
pub mod files;
pub mod held;
pub mod lanes;
pub mod lazy;
pub mod linalg;
pub mod loaded;
pub mod map;
pub mod random;
pub mod reduce;
pub mod region;
mod regrouped;
pub mod shape;
pub mod shown;
pub mod tile;

pub use chunked::Array;
pub use chunks::{AxisChunks, ChunkSpec, Chunks};
pub use create::{
    Ranged, arange, eye, from_fn, from_ndarray, full, full_like, linspace, ones, ones_of, zeros, zeros_of,
};
pub use element::{DType, Element, Float};
pub use elementwise::where_;
pub use files::{ZarrCompression, ZarrOptions, ZarrVersion, from_npy_stack, from_zarr};
pub use lazy::Lazy;
pub use loaded::from_chunks;
pub use region::{Region, Span};
