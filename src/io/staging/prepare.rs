//! Something that is prepared beside its place, and put there in one step.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::claim::{Claim, Claimed, claim, wait_for};
use super::leftovers::{folder_of, partial_name, recover, replaced_name};
use crate::base::disk::{Disk, Rename};
use crate::base::{Error, Result};

/// How often somebody else may come first.
const TRIES: usize = 100;

/// A folder beside `target` in which something is prepared; dropped, it is gone, and so are the folders that were made
/// for it.
#[derive(Debug)]
pub struct Staging {
    target: PathBuf,
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    /// Says that we live, until it is at its place.
    claim: Mutex<Claim>,
    /// The folders above that were missing, the lowest first.
    made: Vec<PathBuf>,
    placed: AtomicBool,
}

/// What is put at the target.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// The folder itself.
    Folder,
    /// This file in it.
    File(&'a str),
}

impl Staging {
    /// A folder for what is to become `target`. What killed processes have left there is removed first.
    ///
    /// # Errors
    /// `Io` when the folder cannot be made, `Invalid` when `target` can have no name.
    pub fn begin(target: &Path, disk: Arc<dyn Disk>) -> Result<Staging> {
        let failed = |e| Error::io(target.display(), e).doing("write");
        if target.file_name().is_none() {
            return Err(Error::invalid("this is not the name of a file or a folder")
                .doing("write")
                .at_path(target.display()));
        }
        // what a link leads to is meant, not the link
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
        recover(&*disk, [&*target]);
        let above = folder_of(&target);
        let made: Vec<PathBuf> =
            above.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).map(Path::to_path_buf).collect();
        let mut staging = Staging {
            folder: partial_name(&target),
            target: target.clone(),
            disk,
            claim: Mutex::new(Claim::none()),
            made,
            placed: AtomicBool::new(false),
        };
        for _ in 0..TRIES {
            staging.disk.create_folder(&staging.folder).map_err(failed)?;
            match claim(&staging.folder) {
                // somebody who looked for leftovers may have been faster than our lock
                Ok(Claimed::Ours(claim)) if staging.folder.exists() => {
                    staging.claim = Mutex::new(claim);
                    return Ok(staging);
                }
                Ok(Claimed::Unknown) => return Ok(staging),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(failed(e)),
            }
            staging.folder = partial_name(&target);
        }
        Err(Error::system(io::ErrorKind::ResourceBusy.into()).doing("write").at_path(target.display()))
    }

    /// The folder in which it is prepared.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The disk.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Puts it at the target, in one step. When there is something already, `replacing` is asked, with the target as
    /// nobody else changes it until we are done: it fails, or adds to what is prepared what is to stay. A folder that
    /// somebody put something into meanwhile keeps it if `keeps`.
    ///
    /// # Errors
    /// Of `replacing`, and `Io`; then the target is what it was.
    pub fn place(&self, item: Item<'_>, keeps: bool, replacing: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        let failed = |e| Error::io(self.target.display(), e).doing("write");
        let from = match item {
            Item::Folder => self.folder.clone(),
            Item::File(name) => self.folder.join(name),
        };
        for _ in 0..TRIES {
            let _alone = wait_for(&self.target);
            if is_occupied(&self.target) {
                replacing()?;
                self.sync_below(&self.folder).map_err(failed)?;
                let before = self.exchange(&from).map_err(failed)?;
                if keeps {
                    // what was not there yet when `replacing` looked
                    let _ = carry(&*self.disk, &before, &self.target, &|a, b| self.disk.rename(a, b, Rename::Over));
                }
                let _ = self.disk.remove(&before);
            } else {
                self.sync_below(&self.folder).map_err(failed)?;
                match self.fill(&from) {
                    // somebody came first
                    Err(_) if from.exists() && is_occupied(&self.target) => continue,
                    filled => filled.map_err(failed)?,
                }
            }
            self.placed.store(true, Ordering::Release);
            *self.claim.lock().unwrap_or_else(PoisonError::into_inner) = Claim::none();
            let _ = self.disk.remove(&self.folder);
            return Ok(());
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    /// Puts it where there is nothing, or an empty folder.
    fn fill(&self, from: &Path) -> io::Result<()> {
        if !cfg!(unix) {
            // elsewhere an empty folder is in the way
            let _ = fs::remove_dir(&self.target);
        }
        self.disk.rename(from, &self.target, Rename::Over)?;
        self.settled().inspect_err(|_| {
            let _ = self.disk.rename(&self.target, from, Rename::Over);
        })
    }

    /// Puts it where there is something; gives the place of that.
    fn exchange(&self, from: &Path) -> io::Result<PathBuf> {
        let (disk, target) = (&*self.disk, &*self.target);
        match disk.rename(from, target, Rename::Exchange) {
            Ok(()) => self.settled().inspect_err(|_| {
                let _ = disk.rename(from, target, Rename::Exchange);
            })?,
            Err(e) if e.kind() == io::ErrorKind::Unsupported && from.is_file() => {
                disk.rename(from, target, Rename::Over)?;
                // nothing can be undone here: the content is whole, its name may not survive a power cut
                let _ = self.settled();
            }
            Err(e) if e.kind() == io::ErrorKind::Unsupported => return self.displace(from),
            Err(e) => return Err(e),
        }
        Ok(from.to_path_buf())
    }

    /// The same in two steps, for file systems that cannot exchange names.
    fn displace(&self, from: &Path) -> io::Result<PathBuf> {
        let (disk, target, replaced) = (&*self.disk, &*self.target, replaced_name(&self.folder));
        disk.rename(target, &replaced, Rename::Over)?;
        let placed = disk.rename(from, target, Rename::Over);
        let settled = placed.and_then(|()| {
            self.settled().inspect_err(|_| {
                let _ = disk.rename(target, from, Rename::Over);
            })
        });
        match settled {
            Ok(()) => Ok(replaced),
            Err(error) => {
                let _ = disk.rename(&replaced, target, Rename::Over);
                Err(error)
            }
        }
    }

    /// Makes the new names survive a power cut.
    fn settled(&self) -> io::Result<()> {
        self.disk.sync_folder(&folder_of(&self.target))
    }

    /// Makes the names in a folder and in those below it survive a power cut.
    fn sync_below(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.sync_below(&entry.path())?;
            }
        }
        self.disk.sync_folder(folder)
    }

    /// Removes what was prepared. Does nothing once it is at its place.
    pub fn discard(&self) {
        if self.placed.load(Ordering::Acquire) {
            return;
        }
        let _ = self.disk.remove(&self.folder);
        for folder in &self.made {
            // only if it is empty
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Whether there is something, an empty folder aside.
pub fn is_occupied(place: &Path) -> bool {
    match fs::read_dir(place) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => place.symlink_metadata().is_ok(),
    }
}

/// Gives each file below `from` that has no namesake below `to` to `give`, with the name that it should have there.
///
/// # Errors
/// Of the disk.
pub fn carry(disk: &dyn Disk, from: &Path, to: &Path, give: &dyn Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (was, will) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            if !will.exists() {
                disk.create_folder(&will)?;
                let _ = fs::set_permissions(&will, entry.metadata()?.permissions());
            }
            carry(disk, &was, &will, give)?;
        } else if will.symlink_metadata().is_err() {
            give(&was, &will)?;
        }
    }
    Ok(())
}
