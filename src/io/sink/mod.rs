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
//! | `ground` | where the files of a folder are until they appear |
//! | [`mod@portable`] | folders that are filled by several processes |
//! | [`mod@file`] | [`write_file`]: all rows in one file |
//! | `stored` | folders and files in a store (feature `cloud`) |
//! | [`mod@target`] | whether a place is on this machine or in a store |
//!
//! How they appear is told in [`staging`](super::staging).

pub(crate) mod append;
pub mod compression;
pub mod file;
pub mod folder;
pub mod format;
pub(crate) mod ground;
pub mod part;
pub mod placement;
pub mod portable;
#[cfg(feature = "cloud")]
pub mod stored;
pub mod target;

#[cfg(test)]
mod tests;

pub use compression::Compression;
pub use file::{write_file, write_file_on};
pub use folder::{FolderSink, Sink};
pub use format::{Encoder, Format, Output};
pub(crate) use part::conserved;
pub use part::{Part, Receipt};
pub(crate) use placement::placed;
pub use placement::{Placement, WriteMode};
pub use portable::PortableSink;
pub use target::{open, write};
