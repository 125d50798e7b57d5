//! The files of this machine that folders and patterns mean.

use std::path::{Path, PathBuf};

use super::file::FileInfo;
use crate::base::disk::LocalDisk;
use crate::base::{Error, ErrorKind, Result};
use crate::io::staging::leftovers::recover_all_in;

/// The files in a folder and below it, sorted by path.
pub(super) fn folder(root: &Path, extensions: &[&str]) -> Result<Vec<FileInfo>> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(folder) = todo.pop() {
        let refused = |e| Error::io(folder.display(), e).doing("list");
        recover_all_in(&LocalDisk, &folder);
        for entry in std::fs::read_dir(&folder).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(['.', '_']) {
                continue;
            }
            if path.is_dir() {
                todo.push(path);
            } else if extensions.is_empty() || extensions.iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        return Err(empty(extensions).at_path(root.display()));
    }
    infos(found)
}

/// The error for a folder without files that end so.
pub(super) fn empty(extensions: &[&str]) -> Error {
    let what = match extensions {
        [] => "the folder holds no files".to_string(),
        some => format!("the folder holds no file that ends in {}", some.join(" or ")),
    };
    Error::new(ErrorKind::Io { what }).doing("open")
}

/// The files that match a pattern, sorted by path.
pub(super) fn matching(pattern: &str) -> Result<Vec<FileInfo>> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let paths = glob::glob_with(pattern, options).map_err(|e| malformed(pattern, &e))?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|e| {
            let place = e.path().display().to_string();
            Error::io(place, e.into()).doing("list")
        })?;
        if path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        let error = Error::new(ErrorKind::Io { what: "no file matches the pattern".into() });
        return Err(error.doing("open").at_path(pattern).help(format!("looked in {}", searched(pattern))));
    }
    infos(found)
}

/// The error for what is no pattern.
pub(super) fn malformed(pattern: &str, error: &glob::PatternError) -> Error {
    Error::invalid(format!("not a pattern of paths: {error}")).doing("open").at_path(pattern)
}

/// The folder where the search for a pattern starts, as it is written.
pub(super) fn fixed_part(pattern: &str) -> &str {
    let fixed = pattern.split(['*', '?', '[']).next().unwrap_or_default();
    fixed.rfind(['/', std::path::MAIN_SEPARATOR]).map_or("", |end| &fixed[..=end])
}

/// The folder where the search for a pattern starts, and whether it is there.
fn searched(pattern: &str) -> String {
    let folder = fixed_part(pattern);
    let start = if Path::new(folder).is_absolute() {
        PathBuf::from(folder)
    } else {
        std::env::current_dir().unwrap_or_default().join(folder)
    };
    if start.is_dir() { start.display().to_string() } else { format!("{}, which does not exist", start.display()) }
}

fn infos(mut paths: Vec<PathBuf>) -> Result<Vec<FileInfo>> {
    paths.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    paths.iter().map(|path| FileInfo::of(path)).collect()
}
