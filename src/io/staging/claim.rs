//! Locks on folders, which end with their owner, however it ends.

use std::fs::File;
use std::io;
use std::path::Path;

/// A lock on a folder (`flock`): one owner at a time, among all processes of the machine and within each of them.
#[derive(Debug)]
pub struct Claim {
    /// Unlocked when it is closed.
    _folder: Option<File>,
}

/// What came of asking for a lock.
#[derive(Debug)]
pub enum Claimed {
    /// It is ours.
    Ours(Claim),
    /// Somebody else has it.
    Taken,
    /// Folders cannot be locked here.
    Unknown,
}

impl Claim {
    /// No lock, where there can be none.
    pub fn none() -> Claim {
        Claim { _folder: None }
    }
}

/// Asks for the lock on a folder without waiting.
///
/// # Errors
/// When there is no such folder, or it cannot be opened.
pub fn claim(folder: &Path) -> io::Result<Claimed> {
    locked(folder, false)
}

/// Waits for the lock on the folder that `place` leads to. `None` if there is none, or it cannot be locked.
///
/// It is the lock of whoever changes the folder as a whole; these moments are short.
pub fn wait_for(place: &Path) -> Option<Claim> {
    loop {
        let before = std::fs::metadata(place).ok().filter(std::fs::Metadata::is_dir)?;
        match locked(place, true) {
            // somebody may have put another folder there while we waited
            Ok(Claimed::Ours(claim)) if std::fs::metadata(place).is_ok_and(|now| same(&before, &now)) => {
                return Some(claim);
            }
            Ok(Claimed::Ours(_)) => {}
            _ => return None,
        }
    }
}

#[cfg(unix)]
fn locked(folder: &Path, wait: bool) -> io::Result<Claimed> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;
    let folder = File::open(folder)?;
    let operation = if wait { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    loop {
        return match flock(&folder, operation) {
            Ok(()) => Ok(Claimed::Ours(Claim { _folder: Some(folder) })),
            Err(Errno::WOULDBLOCK) => Ok(Claimed::Taken),
            Err(Errno::INTR) => continue,
            Err(_) => Ok(Claimed::Unknown),
        };
    }
}

#[cfg(not(unix))]
fn locked(folder: &Path, _wait: bool) -> io::Result<Claimed> {
    std::fs::metadata(folder).map(|_| Claimed::Unknown)
}

#[cfg(unix)]
fn same(a: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same(_a: &std::fs::Metadata, _b: &std::fs::Metadata) -> bool {
    true
}
