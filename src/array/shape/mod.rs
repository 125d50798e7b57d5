//! The same elements in another shape and order; nothing here moves before somebody asks for elements.
//!
//! | file | what |
//! |---|---|
//! | `axis` | axes and elements by number, negative ones from the end: pure |
//! | `index` | what a slice means, by Python's rule: pure |
//! | `view` | the machine of slices, transposes and broadcasting: a step along each axis |
//! | `pieces` | the machine of concatenation, rolling, padding and integer indices: runs one after another along an axis |
//! | `rechunk` | [`rechunk`](super::Array::rechunk), and the way from some chunks to others: pure |
//! | `slice` | [`slice`](super::Array::slice) |
//! | `transpose` | `t`, `transpose`, `swapaxes`, `moveaxis` |
//! | `broadcast` | `broadcast_to`, and the shape that two arrays have together |
//! | `flip` | `flip`, `fliplr`, `flipud` |
//! | `squeeze` | `squeeze`, `squeeze_axis`, `expand_dims` |
//! | `concatenate` | `concatenate`, `stack`, `hstack`, `vstack`, `block` |
//! | `roll` | `roll` |
//! | `take` | integer indices along an axis |
//! | `vindex` | elements by their places |
//! | `repeat` | `repeat`, `tile` |
//! | `pad` | `pad`: constant, edge, reflect, symmetric, wrap |
//! | `reshape` | `reshape`, `ravel` |
//! | `compress` | boolean masks, along an axis or of every element |
//! | `diag` | `diag`, `tril`, `triu` |

mod axis;
mod broadcast;
mod compress;
mod concatenate;
mod diag;
mod flip;
mod index;
mod pad;
mod pieces;
mod rechunk;
mod repeat;
mod reshape;
mod roll;
mod slice;
mod squeeze;
mod take;
mod transpose;
mod view;
mod vindex;

pub use axis::{axis_of, element_of};
pub use broadcast::broadcast_shape;
pub use concatenate::{block, concatenate, hstack, stack, vstack};
pub use index::{Index, IntoIndices, slice_span, step};
pub use pad::Pad;
pub(super) use pieces::like;
