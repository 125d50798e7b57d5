//! **partita**: a lazy, partitioned, out-of-core dataframe engine, with machine learning on the same scheduler.

pub mod base;
pub mod exec;
pub mod expr;
pub mod io;

pub use base::{ByteSize, Error, ErrorKind, Identity, Location, Result, Token};
pub use expr::{Expr, col, lit, max_of, min_of, when};
