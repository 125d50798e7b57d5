//! Room on disk for what does not fit into memory.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Tally;
use crate::base::{ByteSize, Error, Result};

/// Where the runs of a session put what does not fit into memory. Clones are handles to the same place.
///
/// The files have no name: the system frees them when they are dropped and when the process ends, however it ends, so
/// that nothing is ever left behind.
#[derive(Clone, Debug)]
pub struct Spill(Arc<Area>, Option<Arc<Tally>>);

#[derive(Debug)]
struct Area {
    scratch: Box<dyn Scratch>,
    written: AtomicU64,
    read: AtomicU64,
}

/// What scratch files are made on. There is one that fails, for tests.
pub trait Scratch: Debug + Send + Sync {
    /// A new, empty file that is gone when it is dropped.
    ///
    /// # Errors
    /// What the system says.
    fn file(&self) -> io::Result<Box<dyn ScratchFile>>;

    /// Where they are, for people.
    fn describe(&self) -> String;
}

/// A file of a [`Scratch`].
pub trait ScratchFile: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Fills all of `bytes` from `offset` on.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

/// Scratch files in a folder of this machine.
#[derive(Clone, Debug)]
pub struct LocalScratch {
    folder: PathBuf,
}

impl LocalScratch {
    /// Scratch files in `folder`, which must exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        LocalScratch { folder: folder.into() }
    }
}

impl LocalScratch {
    /// Scratch files in `folder`, if it is one.
    ///
    /// # Errors
    /// `Io` when it is not.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        match std::fs::metadata(&folder) {
            Ok(found) if found.is_dir() => Ok(LocalScratch { folder }),
            Ok(_) => Err((io::ErrorKind::NotADirectory.into(), folder)),
            Err(error) => Err((error, folder)),
        }
        .map_err(|(e, folder)| {
            Error::io(folder.display(), e).doing("use the temporary directory").help("make it, or set another one")
        })
    }
}

impl Default for LocalScratch {
    /// In the system's folder for temporary files.
    fn default() -> Self {
        LocalScratch::new(std::env::temp_dir())
    }
}

impl Scratch for LocalScratch {
    fn file(&self) -> io::Result<Box<dyn ScratchFile>> {
        Ok(Box::new(tempfile::tempfile_in(&self.folder)?))
    }

    fn describe(&self) -> String {
        self.folder.display().to_string()
    }
}

#[cfg(unix)]
impl ScratchFile for std::fs::File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, bytes, offset)
    }
}

#[cfg(windows)]
impl ScratchFile for std::fs::File {
    fn write_at(&self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let done = std::os::windows::fs::FileExt::seek_write(self, bytes, offset)?;
            (bytes, offset) = (&bytes[done..], offset + done as u64);
        }
        Ok(())
    }

    fn read_at(&self, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let done = std::os::windows::fs::FileExt::seek_read(self, bytes, offset)?;
            if done == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (bytes, offset) = (&mut bytes[done..], offset + done as u64);
        }
        Ok(())
    }
}

impl Spill {
    /// Spills to files made by `scratch`.
    pub fn new(scratch: impl Scratch + 'static) -> Spill {
        let area = Area { scratch: Box::new(scratch), written: AtomicU64::new(0), read: AtomicU64::new(0) };
        Spill(Arc::new(area), None)
    }

    /// A handle to the same place; what is written through it is counted by `tally` too.
    pub(super) fn counted(&self, tally: &Arc<Tally>) -> Spill {
        Spill(self.0.clone(), Some(tally.clone()))
    }

    /// A new file. It is made when something is written to it.
    pub fn file(&self) -> SpillFile {
        SpillFile { area: self.0.clone(), tally: self.1.clone(), file: Mutex::new((None, 0)) }
    }

    /// Bytes written so far.
    pub fn written(&self) -> ByteSize {
        ByteSize(self.0.written.load(Ordering::Relaxed))
    }

    /// Bytes read back so far.
    pub fn read(&self) -> ByteSize {
        ByteSize(self.0.read.load(Ordering::Relaxed))
    }

    /// Where the files are.
    pub fn place(&self) -> String {
        self.0.scratch.describe()
    }
}

impl Default for Spill {
    /// In the system's folder for temporary files.
    fn default() -> Self {
        Spill::new(LocalScratch::default())
    }
}

/// A file that several threads append to and read from; gone when it is dropped.
#[derive(Debug)]
pub struct SpillFile {
    area: Arc<Area>,
    tally: Option<Arc<Tally>>,
    /// The file and its length.
    file: Mutex<(Option<Open>, u64)>,
}

#[derive(Clone)]
struct Open(Arc<dyn ScratchFile>);

impl Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open")
    }
}

/// A piece of a [`SpillFile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where it begins.
    pub offset: u64,
    /// Its bytes.
    pub len: u64,
}

impl SpillFile {
    fn failed(&self, error: io::Error, doing: &str) -> Error {
        let full = error.kind() == io::ErrorKind::StorageFull;
        let error = Error::io(self.area.scratch.describe(), error).doing(doing);
        let step = "set temporary_directory to a disk with more room, or raise the memory limit";
        if full { error.help(step) } else { error }
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// `Io`, naming the folder, for example when the disk is full.
    pub fn append(&self, bytes: &[u8]) -> Result<Extent> {
        let failed = |e| self.failed(e, "spill to");
        let (file, offset) = {
            // only the place is taken under the lock: several threads write at once
            let mut open = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            if open.0.is_none() {
                open.0 = Some(Open(Arc::from(self.area.scratch.file().map_err(failed)?)));
            }
            let offset = open.1;
            open.1 += bytes.len() as u64;
            (open.0.clone(), offset)
        };
        if let Some(Open(file)) = file {
            file.write_at(bytes, offset).map_err(failed)?;
        }
        self.area.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if let Some(tally) = &self.tally {
            tally.spill(bytes.len() as u64);
        }
        Ok(Extent { offset, len: bytes.len() as u64 })
    }

    /// Reads back what was appended.
    ///
    /// # Errors
    /// `Io`, naming the folder.
    pub fn read(&self, extent: Extent) -> Result<Vec<u8>> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
        let mut bytes = vec![0; extent.len as usize];
        if let Some(Open(file)) = file {
            file.read_at(&mut bytes, extent.offset).map_err(|e| self.failed(e, "read back from"))?;
        }
        self.area.read.fetch_add(extent.len, Ordering::Relaxed);
        Ok(bytes)
    }

    /// Bytes appended so far.
    pub fn len(&self) -> u64 {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Whether nothing was appended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_comes_back_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let spill = Spill::new(LocalScratch::new(folder.path()));
        let file = spill.file();
        assert!(file.is_empty());
        let (a, b) = (file.append(b"abc").unwrap(), file.append(b"defg").unwrap());
        assert_eq!((file.read(b).unwrap(), file.read(a).unwrap()), (b"defg".to_vec(), b"abc".to_vec()));
        assert_eq!((spill.written().0, spill.read().0, file.len()), (7, 7, 7));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_typed_error() {
        let spill = Spill::new(LocalScratch::new("/nowhere/at/all"));
        let error = spill.file().append(b"x").unwrap_err();
        assert!(matches!(error.kind(), crate::base::ErrorKind::Io { .. }));
        assert!(error.to_string().contains("failed to spill to /nowhere/at/all"), "{error}");
    }
}
