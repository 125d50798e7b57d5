//! Looking into many files at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::file::FileInfo;
use crate::base::{Error, Result};

/// How many files of stores are looked into at once: most of the time is spent waiting.
const AT_ONCE: usize = 16;

/// What `look` finds in each file, in the order of the files: in parallel, files of stores more of them than there are
/// threads to compute on.
///
/// # Errors
/// The first in the order of the files. Files behind one that fails may not be looked into.
pub fn each<T: Send>(files: &[FileInfo], look: impl Fn(&FileInfo) -> Result<T> + Send + Sync) -> Result<Vec<T>> {
    if files.iter().all(|f| !f.is_elsewhere()) {
        let found: Vec<Result<T>> = files.par_iter().map(look).collect();
        return found.into_iter().collect();
    }
    let found: Vec<Mutex<Option<Result<T>>>> = files.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let (Some(file), Some(place)) = (files.get(i), found.get(i)) else { return };
            let one = look(file);
            if one.is_err() {
                next.store(files.len(), Ordering::Relaxed);
            }
            *place.lock().unwrap_or_else(|e| e.into_inner()) = Some(one);
        }
    };
    std::thread::scope(|threads| {
        for _ in 1..files.len().min(AT_ONCE) {
            // fewer threads do the same
            let _ = std::thread::Builder::new().spawn_scoped(threads, work);
        }
        work();
    });
    let mut all = Vec::with_capacity(files.len());
    for place in found {
        match place.into_inner().unwrap_or_else(|e| e.into_inner()) {
            Some(one) => all.push(one?),
            // files are taken in their order: somebody before this one has failed
            None => return Err(Error::invalid("a file was not looked into")),
        }
    }
    Ok(all)
}
