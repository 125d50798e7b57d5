//! A file as it was when it was listed.

use std::fmt::Debug;
use std::fs::{File, Metadata};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use super::coming::Coming;
use super::input::Input;
use crate::base::{Error, ErrorKind, Identity, Result, Tokenizer};

/// A file as it was when it was listed. Its identity is its path, size and modification time; of one that is elsewhere, its
/// address and what the store tells versions apart by.
#[derive(Clone, Debug)]
pub struct FileInfo {
    /// Where it is: a path or an address.
    pub path: Arc<str>,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970 (0 where nobody tells).
    pub modified: u128,
    distant: Option<Arc<dyn Distant>>,
}

/// A file that is not on this machine, in the version that was listed.
pub trait Distant: Debug + Send + Sync {
    /// What tells this content from any other at the same address: an ETag, or size and time; and the store, where that is
    /// not the one that everybody means by the address.
    fn version(&self) -> &str;

    /// Asks for these bytes, which lie inside the file. An answer has all of them, of the version that was listed.
    fn fetch(&self, range: Range<u64>) -> Coming<Bytes>;
}

impl FileInfo {
    /// The file at `path`.
    ///
    /// # Errors
    /// `Io` when there is no such file or it cannot be read; `Unsupported` when its path is not Unicode.
    pub fn of(path: &Path) -> Result<FileInfo> {
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path.display(), e).doing("open"))?;
        let text = path.to_str().ok_or_else(|| {
            Error::unsupported("a path that is not Unicode")
                .doing("open")
                .at_path(path.display())
                .help("rename the file")
        })?;
        Ok(FileInfo { path: Arc::from(text), size: metadata.len(), modified: modified(&metadata), distant: None })
    }

    /// A file that is elsewhere.
    pub fn elsewhere(address: Arc<str>, size: u64, modified: u128, distant: Arc<dyn Distant>) -> FileInfo {
        FileInfo { path: address, size, modified, distant: Some(distant) }
    }

    /// What a store tells its versions apart by; absent: it is on this machine.
    pub fn version(&self) -> Option<&str> {
        self.distant.as_ref().map(|file| file.version())
    }

    /// Whether it is not on this machine: then asking for bytes takes long, and more so the more often one asks.
    pub fn is_elsewhere(&self) -> bool {
        self.distant.is_some()
    }

    /// Opens it for reading. Nothing is asked of a store yet.
    ///
    /// # Errors
    /// `Io` when the system refuses, or when the file is no longer the one that was listed: a plan made for other
    /// content would give wrong rows without a word. A file in a store gives this error where it is read.
    pub fn open(&self) -> Result<Input> {
        if let Some(distant) = &self.distant {
            return Ok(Input::distant(distant.clone(), self.size));
        }
        let refused = |e| Error::io(&self.path, e).doing("open");
        let file = File::open(&*self.path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.len() != self.size || modified(&metadata) != self.modified {
            return Err(changed().doing("open").at_path(&self.path));
        }
        Ok(Input::local(file))
    }
}

/// The error for a file that is no longer the one that was listed.
pub fn changed() -> Error {
    let what = "the file has changed since it was listed".to_string();
    Error::new(ErrorKind::Io { what }).help("read it again")
}

impl PartialEq for FileInfo {
    fn eq(&self, other: &FileInfo) -> bool {
        let version = |info: &FileInfo| info.distant.as_ref().map(|d| d.version().to_string());
        self.path == other.path
            && self.size == other.size
            && self.modified == other.modified
            && version(self) == version(other)
    }
}

impl Eq for FileInfo {}

impl Identity for FileInfo {
    fn token(&self, t: &mut Tokenizer) {
        t.str("file");
        t.str(&self.path);
        t.u64(self.size);
        match &self.distant {
            Some(distant) => t.str(distant.version()),
            None => t.bytes(&self.modified.to_le_bytes()),
        }
    }
}

fn modified(metadata: &Metadata) -> u128 {
    metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos())
}

/// A file, and the folder below which it was found.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The file.
    pub info: FileInfo,
    /// The folder that was named, or that a pattern starts from; none if the file itself was named.
    pub root: Option<Arc<Path>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;

    #[test]
    fn a_changed_file_is_not_the_one_that_was_listed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.csv");
        std::fs::write(&path, "one").unwrap();
        let info = FileInfo::of(&path).unwrap();
        assert!(info.open().is_ok());
        std::fs::write(&path, "three").unwrap();
        assert!(info.open().unwrap_err().to_string().contains("has changed"));
        let again = FileInfo::of(&path).unwrap();
        assert_ne!(Token::of(|t| t.identity(&info)), Token::of(|t| t.identity(&again)));
    }
}
