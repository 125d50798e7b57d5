//! For tests that write many files, and for those on disks that fail.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::disk::{Disk, DiskFile, LocalDisk, Rename};

/// A folder for a test, in memory where there is such a place: syncing hundreds of files takes its time on a disk.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.unwrap()
}

/// A disk that fails at step `at`, and, if it dies, at every step from there on.
#[derive(Clone, Debug)]
pub struct Faulty {
    pub at: u64,
    pub dies: bool,
    pub exchanges: bool,
    pub steps: Arc<AtomicU64>,
}

struct FaultyFile(Box<dyn DiskFile>, Faulty);

impl Faulty {
    fn step(&self) -> io::Result<()> {
        let now = self.steps.fetch_add(1, Ordering::Relaxed);
        if now == self.at || (self.dies && now > self.at) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.step()?;
        Ok(Box::new(FaultyFile(LocalDisk.create(path)?, self.clone())))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        LocalDisk.create_folder(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        LocalDisk.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path, how: Rename) -> io::Result<()> {
        if how == Rename::Exchange && !self.exchanges {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.step()?;
        LocalDisk.rename(from, to, how)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        // a full disk can remove, a dead one cannot
        if self.dies {
            self.step()?;
        }
        LocalDisk.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // a real power cut is not what is tested: synced is what was asked to be
        let _ = path;
        self.step()
    }
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.step()?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DiskFile for FaultyFile {
    fn sync(&mut self) -> io::Result<()> {
        self.1.step()
    }
}

/// One that does not fail, and does not wait for the medium.
pub fn sound() -> Arc<dyn Disk> {
    Arc::new(Faulty { at: u64::MAX, dies: false, exchanges: true, steps: Arc::default() })
}
