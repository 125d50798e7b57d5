//! Rows in files that an engine elsewhere has written for this process.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::{Batches, PartitionInfo, PortableSource, Scan, Source};
use crate::base::{Identity, Result, Tokenizer};
use crate::exec::TaskContext;

/// A source of files that go with the last frame that reads them.
#[derive(Debug)]
pub struct Shared {
    files: Arc<dyn Source>,
    folder: PathBuf,
}

impl Shared {
    /// The rows of `files`, all of which are below `folder`.
    pub fn new(files: Arc<dyn Source>, folder: PathBuf) -> Shared {
        Shared { files, folder }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // whoever shares the folder may have removed it with all that is in it
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Identity for Shared {
    fn token(&self, t: &mut Tokenizer) {
        t.identity(self.files.as_ref());
    }
}

impl Source for Shared {
    fn describe(&self) -> String {
        format!("persisted as {}", self.files.describe())
    }

    fn schema(&self) -> SchemaRef {
        self.files.schema()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        self.files.partitions()
    }

    fn read(&self, i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        self.files.read(i, scan, ctx)
    }

    fn skips(&self, i: usize, scan: &Scan) -> bool {
        self.files.skips(i, scan)
    }

    fn file_of(&self, i: usize) -> Option<usize> {
        self.files.file_of(i)
    }

    fn portable(&self) -> Option<PortableSource> {
        self.files.portable()
    }
}
