//! Products of matrices.
//!
//! | file | what |
//! |---|---|
//! | `multiply` | [`Multiply`]: the product of two panels in memory |
//! | `product` | the machine: blocks of the result, each made panel by panel |
//! | `matmul` | [`matmul`](super::Array::matmul) |
//! | `dot` | [`dot`](super::Array::dot) |
//! | `tensordot` | [`tensordot`](super::Array::tensordot) |
//! | `outer` | [`outer`](super::Array::outer) |

mod dot;
mod matmul;
mod multiply;
mod outer;
mod product;
mod tensordot;

pub use multiply::Multiply;
pub use tensordot::Contraction;
