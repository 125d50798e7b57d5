//! Where the files of a folder are until they appear.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use crate::base::disk::DiskFile;
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::io::staging::Staging;

/// Where files are written, by their paths below a folder that does not show them yet.
pub(crate) trait Ground: Debug + Send + Sync {
    /// Begins a file.
    ///
    /// # Errors
    /// `Io`, `Store`, `Memory`.
    fn create(self: Arc<Self>, below: &Path, ctx: &TaskContext) -> Result<Box<dyn DiskFile>>;

    /// Makes a folder.
    ///
    /// # Errors
    /// `Io`.
    fn create_folder(&self, below: &Path) -> Result<()>;
}

impl Ground for Staging {
    fn create(self: Arc<Self>, below: &Path, _ctx: &TaskContext) -> Result<Box<dyn DiskFile>> {
        let created = self.disk().create(&self.folder().join(below));
        created.map_err(|e| Error::io(self.target().join(below).display(), e).doing("write"))
    }

    fn create_folder(&self, below: &Path) -> Result<()> {
        let made = self.disk().create_folder(&self.folder().join(below));
        made.map_err(|e| Error::io(self.target().join(below).display(), e).doing("write"))
    }
}
