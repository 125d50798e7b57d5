//! Files of a format as one source: one schema for all of them, columns of their folders, partitions.
//!
//! | module | what |
//! |---|---|
//! | [`format`](mod@format) | [`FileFormat`]: what a format says of a file, and how it reads a part of it |
//! | [`columns`] | [`Columns`]: from the columns of a file to those that are wanted |
//! | [`source`] | [`FileSource`]: the files of a format |

pub mod columns;
pub mod format;
pub mod source;

pub use columns::Columns;
pub use format::{FileFormat, Looked, Piece};
pub use source::FileSource;
