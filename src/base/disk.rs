//! What files are created on, so that tests can have a disk that is full, that fails at any step, or that dies.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What changes files and folders. There are others than [`LocalDisk`] for tests; they need only say what differs.
pub trait Disk: Debug + Send + Sync {
    /// A new file.
    ///
    /// # Errors
    /// What the system says; also when there is such a file.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// A new folder, and those above it that are missing.
    ///
    /// # Errors
    /// What the system says.
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    /// A second name for a file; where the system has no such thing, a copy.
    ///
    /// # Errors
    /// What the system says.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to).or_else(|_| {
            fs::copy(from, to)?;
            File::open(to)?.sync_all()
        })
    }

    /// Gives a file or a folder another name, in one step.
    ///
    /// # Errors
    /// What the system says; `Unsupported` for [`Rename::Exchange`] where it cannot.
    fn rename(&self, from: &Path, to: &Path, how: Rename) -> io::Result<()> {
        match how {
            Rename::Over => fs::rename(from, to),
            Rename::Exchange => exchange(from, to),
        }
    }

    /// Removes a file, or a folder with all that is in it; fine if there is none.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = match fs::symlink_metadata(path) {
            Ok(what) if what.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(error) => Err(error),
        };
        removed.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
    }

    /// Returns when the names in a folder would survive a power cut, as far as the file system can promise that.
    ///
    /// # Errors
    /// When the system failed, not when it has no such thing.
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let Ok(folder) = File::open(path) else { return Ok(()) };
        let synced = folder.sync_all();
        synced.or_else(|e| if is_of_the_medium(&e) { Err(e) } else { Ok(()) })
    }
}

/// What becomes of the name that a rename leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rename {
    /// A file of this name, or an empty folder, is replaced.
    Over,
    /// What has this name gets the other one.
    Exchange,
}

/// A file of a [`Disk`].
pub trait DiskFile: Write + Send {
    /// Returns when the content would survive a power cut.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> io::Result<()>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(File::create_new(path)?))
    }
}

impl DiskFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Writes a file so that the old content or the new is there at any instant: it is prepared beside it, under a name that
/// begins with a dot, and takes its place when it is on the medium.
///
/// # Errors
/// What the system says; what was there before is there still.
pub fn replace(disk: &dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.partial", std::process::id()));
    let beside = path.with_file_name(beside);
    let write = || {
        disk.remove(&beside)?;
        let mut file = disk.create(&beside)?;
        file.write_all(content)?;
        file.sync()?;
        drop(file);
        disk.rename(&beside, path, Rename::Over)
    };
    write().inspect_err(|_| drop(disk.remove(&beside)))?;
    disk.sync_folder(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Whether the medium failed, or has no room: other errors of syncing a folder say that this file system does not do it.
fn is_of_the_medium(error: &io::Error) -> bool {
    // EIO has no kind of its own
    const EIO: i32 = 5;
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        || (cfg!(unix) && error.raw_os_error() == Some(EIO))
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::EXCHANGE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(io::ErrorKind::Unsupported.into()),
        other => Ok(other?),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_or_not_at_all() {
        /// Gives nothing another name.
        #[derive(Debug)]
        struct Stubborn;
        impl Disk for Stubborn {
            fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
                LocalDisk.create(path)
            }
            fn rename(&self, _: &Path, _: &Path, _: Rename) -> io::Result<()> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.txt");
        for text in ["one", "two"] {
            replace(&LocalDisk, &path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(replace(&Stubborn, &path, b"three").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn folders_change_places_in_one_step() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        for folder in [&a, &b] {
            LocalDisk.create_folder(folder).unwrap();
        }
        LocalDisk.create(&a.join("of a")).unwrap();
        match LocalDisk.rename(&a, &b, Rename::Exchange) {
            Ok(()) => assert!(b.join("of a").exists() && a.exists()),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported),
        }
        LocalDisk.sync_folder(root.path()).unwrap();
        for gone in [&a, &b, &a] {
            LocalDisk.remove(gone).unwrap();
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
