//! What every layer stands on.
//!
//! | module | what |
//! |---|---|
//! | [`error`] | the one error type: kind, place, next step |
//! | [`token`] | content identity by a fixed hash |
//! | [`schema`] | column look-up with the nearest name, logical comparison of types |
//! | [`bytes`] | sizes as people write them |
//! | [`shown`] | numbers and durations as people read them |
//! | [`mod@config`] | settings that are not in the program: a file, the environment |
//! | [`disk`] | what files are created on |
//! | `caught` | panics in code of others, as errors |
//! | [`chart`] | pictures of numbers along axes |
//! | [`picture`] | pictures as files: SVG, PNG |
//! | [`deep`] | recursion over plans and expressions of any depth |

pub mod bytes;
mod caught;
pub mod chart;
pub mod config;
pub mod deep;
pub mod disk;
pub mod error;
pub mod picture;
pub mod schema;
pub mod shown;
pub mod token;

pub use bytes::ByteSize;
pub(crate) use caught::{caught, guarded};
pub use error::{Deferred, Error, ErrorKind, Location, Result};
pub use token::{Identity, Token, Tokenizer, mixed};
