//! **partita**: a lazy, partitioned, out-of-core dataframe engine, with machine learning on the same scheduler.

pub mod base;
pub mod expr;

pub use base::{ByteSize, Error, ErrorKind, Identity, Location, Result, Token};
