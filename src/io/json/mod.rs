//! JSON lines: an object in each line.
//!
//! | module | what |
//! |---|---|
//! | [`options`] | [`JsonOptions`]: how files are read |
//! | `read` | files as a source |
//! | `lines` | the lines of a part of a file |
//! | [`write`](mod@write) | [`JsonWriteOptions`]: record batches as files |

mod lines;
pub mod options;
mod read;
pub mod write;

pub use options::JsonOptions;
pub use write::JsonWriteOptions;
