//! For tests that write many files.

use std::path::Path;

/// A folder for a test, in memory where there is such a place: syncing hundreds of files takes its time on a disk.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.unwrap()
}
