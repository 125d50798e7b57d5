//! Where batches go: files and folders that appear whole or not at all.
//!
//! | module | what |
//! |---|---|
//! | [`mod@format`] | [`Format`]: a file format, for writing; [`Output`]: the bytes of a file |
//! | [`compression`] | [`Compression`] |
//! | [`placement`] | [`WriteMode`]: what becomes of what is there; [`Placement`] |
//! | `append` | whether files may be added to those that are there |
//! | [`part`] | [`Part`]: a partition that is being written; [`Receipt`] |
//! | [`folder`] | [`Sink`], and [`FolderSink`]: a folder of files |
//! | [`mod@file`] | [`write_file`]: all rows in one file |
//!
//! How they appear is told in [`staging`](super::staging).

pub(crate) mod append;
pub mod compression;
pub mod file;
pub mod folder;
pub mod format;
pub mod part;
pub mod placement;

#[cfg(test)]
mod tests;

pub use compression::Compression;
pub use file::{write_file, write_file_on};
pub use folder::{FolderSink, Sink};
pub use format::{Encoder, Format, Output};
pub(crate) use part::conserved;
pub use part::{Part, Receipt};
pub use placement::{Placement, WriteMode};
