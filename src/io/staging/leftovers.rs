//! What killed processes have left beside the places that they were writing to.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use super::claim::{Claim, Claimed, claim};
use crate::base::Token;
use crate::base::disk::{Disk, Rename};

/// What is being prepared ends in this,
const PARTIAL: &str = ".partial";
/// and this is what was at its place, where two names cannot be exchanged.
const REPLACED: &str = ".replaced";

/// A name beside `target` for what is being prepared, that nothing else has.
pub(super) fn partial_name(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{:016x}{PARTIAL}", Token::fresh().0 as u64));
    target.with_file_name(name)
}

/// The name for what `partial` is about to replace.
pub(super) fn replaced_name(partial: &Path) -> PathBuf {
    partial.with_extension(&REPLACED[1..])
}

/// Whether this is the name of something that is being prepared, or replaced, and of what.
fn prepared(name: &str) -> Option<&str> {
    let bare = name.strip_suffix(PARTIAL).or_else(|| name.strip_suffix(REPLACED))?;
    let (of, number) = bare.strip_prefix('.')?.rsplit_once('.')?;
    let is_number = number.len() == 16 && number.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_number.then_some(of)
}

/// Removes what killed processes have left at these places, and finishes what they had decided. What is still being
/// written by somebody stays.
///
/// What cannot be removed stays without a word: a folder that is read may well be one that must not be written.
pub fn recover<'a>(disk: &dyn Disk, places: impl IntoIterator<Item = &'a Path>) {
    let mut wanted: BTreeMap<PathBuf, BTreeSet<&OsStr>> = BTreeMap::new();
    for place in places {
        if let Some(name) = place.file_name() {
            wanted.entry(folder_of(place)).or_default().insert(name);
        }
    }
    for (folder, names) in wanted {
        recover_in(disk, &folder, &|of| names.contains(OsStr::new(of)));
    }
}

/// The same for all places in a folder.
pub fn recover_all_in(disk: &dyn Disk, folder: &Path) {
    recover_in(disk, folder, &|_| true);
}

/// The folder that a place is in.
pub(super) fn folder_of(place: &Path) -> PathBuf {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn recover_in(disk: &dyn Disk, folder: &Path, wanted: &dyn Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut found: BTreeMap<PathBuf, String> = BTreeMap::new();
    for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        if let Some(of) = prepared(&name).filter(|of| wanted(of)) {
            found.insert(folder.join(&name).with_extension(&PARTIAL[1..]), of.to_string());
        }
    }
    for (partial, of) in found {
        settle(disk, &partial, &folder.join(of));
    }
}

/// Brings one place to its old or its new state, if whoever was changing it is gone.
fn settle(disk: &dyn Disk, partial: &Path, target: &Path) {
    let replaced = replaced_name(partial);
    let (Some(_partial), Some(_replaced)) = (left(partial), left(&replaced)) else { return };
    if replaced.symlink_metadata().is_ok() && target.symlink_metadata().is_err() {
        // what is prepared was whole before what was there got out of its way
        let whole = if partial.symlink_metadata().is_ok() { partial } else { &replaced };
        if disk.rename(whole, target, Rename::Over).is_err() {
            return;
        }
    }
    for path in [partial, &replaced] {
        let _ = disk.remove(path);
    }
}

/// A lock on what a process has left, if it is there; `None` if the process is still at work.
fn left(path: &Path) -> Option<Claim> {
    match claim(path) {
        Ok(Claimed::Ours(claim)) => Some(claim),
        Ok(Claimed::Taken | Claimed::Unknown) => None,
        Err(_) => path.symlink_metadata().is_err().then(Claim::none),
    }
}
