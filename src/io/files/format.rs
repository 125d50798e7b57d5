//! What a format says of a file, and how it reads a part of it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use arrow::datatypes::{DataType, SchemaRef};

use super::Columns;
use crate::base::{Identity, Result};
use crate::exec::TaskContext;
use crate::io::store::Storage;
use crate::io::{Batches, FileInfo, PortableSource};

/// A file format, for reading.
pub trait FileFormat: Identity + Debug + Send + Sync + 'static {
    /// What is known of a file once somebody has looked into it.
    type File: Debug + Send + Sync;

    /// What the format is called.
    const NAME: &'static str;

    /// The endings of its files in a folder.
    const EXTENSIONS: &'static [&'static str];

    /// The stores that files may be in.
    fn storage(&self) -> &Storage;

    /// Types that columns are given whatever the files say.
    fn dtypes(&self) -> &BTreeMap<String, DataType>;

    /// The description of files with these columns, by which another process opens them.
    fn portable(&self, files: Vec<&FileInfo>, schema: &SchemaRef, partitions: usize) -> Option<PortableSource>;

    /// Looks into a file.
    ///
    /// # Errors
    /// `Io`; `Corrupt` for a file that is not of this format.
    fn look(&self, info: &FileInfo) -> Result<Looked<Self::File>>;

    /// The batches of a piece of a file.
    ///
    /// # Errors
    /// At the call or from the iterator, with the place in the file.
    fn read(&self, piece: Piece<'_, Self::File>, columns: Columns, ctx: &TaskContext) -> Result<Batches>;
}

/// A file that somebody has looked into.
#[derive(Debug)]
pub struct Looked<F> {
    /// What the format wants to know when it reads.
    pub file: F,
    /// Its columns.
    pub schema: SchemaRef,
    /// The parts that can be read one by one: how many rows each has, if that is known, and about how many bytes.
    pub parts: Vec<(Option<u64>, u64)>,
}

/// A part of a file that is to be read.
#[derive(Debug)]
pub struct Piece<'a, F> {
    /// The file.
    pub info: &'a FileInfo,
    /// What is known of it.
    pub file: &'a std::sync::Arc<F>,
    /// Its ordinal among the files.
    pub ordinal: u64,
    /// Which of its parts.
    pub part: usize,
    /// At most so many rows are wanted.
    pub limit: usize,
}
