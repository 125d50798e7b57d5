//! The files that paths, folders, patterns and addresses mean.

use std::path::Path;
use std::sync::Arc;

use super::address::{Meant, meant};
use super::file::{FileInfo, Listed};
use super::local::{fixed_part, folder, matching};
use super::stores::Storage;
use crate::base::disk::LocalDisk;
use crate::base::{Error, Result};
use crate::io::staging::leftovers::recover;

/// The files that `paths` mean, in the order of `paths`; each is
/// - a file: taken whatever its name;
/// - a folder: all files in it and in the folders below whose name ends in one of `extensions` (such as `".csv"`; any
///   if there are none), but for hidden ones and ones that start with `_`, sorted by path;
/// - a pattern with `*`, `?`, `[…]` or `**`: the files that match it, sorted by path. A file that really has this name wins.
///
/// Addresses of stores mean the same, with the same rules. A web server lists nothing: there, each file is named.
///
/// What killed processes have left of writing these places is removed first (see [`staging`](crate::io::staging)).
///
/// # Errors
/// `Io` for a file that does not exist, and for a pattern or a folder that yields nothing (saying where it looked);
/// `Invalid` for a malformed pattern or no path at all; `Store` when a store refuses; `Unsupported` for an address without
/// the feature `cloud`, and for a pattern of web addresses.
pub fn list(paths: &[String], extensions: &[&str], storage: &Storage) -> Result<Vec<Listed>> {
    if paths.is_empty() {
        return Err(Error::invalid("no file is named").doing("open").help("give a path, a folder or a pattern"));
    }
    let mounted = storage.stores.mounted();
    let all = paths.iter().map(|text| meant(text, &mounted)).collect::<Result<Vec<_>>>()?;
    let local = all.iter().filter_map(|one| match one {
        Meant::Path(path) => Some(Path::new(path)),
        Meant::Address(_) => None,
    });
    recover(&LocalDisk, local);
    let mut files = Vec::new();
    for one in &all {
        match one {
            Meant::Path(path) => files.extend(here(path, extensions)?),
            Meant::Address(address) => files.extend(storage.list(address, extensions)?),
        }
    }
    Ok(files)
}

/// The files of this machine that a path means.
fn here(text: &str, extensions: &[&str]) -> Result<Vec<Listed>> {
    let path = Path::new(text);
    let below = |root: &Path, found: Vec<FileInfo>| {
        let root: Arc<Path> = Arc::from(root);
        found.into_iter().map(move |info| Listed { info, root: Some(root.clone()) }).collect()
    };
    if path.is_dir() {
        return Ok(below(path, folder(path, extensions)?));
    }
    if !path.exists() && text.contains(['*', '?', '[']) {
        return Ok(below(Path::new(fixed_part(text)), matching(text)?));
    }
    let looked = |e: Error| match std::env::current_dir() {
        Ok(folder) if path.is_relative() => e.help(format!("looked from {}", folder.display())),
        _ => e,
    };
    Ok(vec![Listed { info: FileInfo::of(path).map_err(looked)?, root: None }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    fn names(files: &[Listed]) -> Vec<String> {
        files.iter().map(|f| f.info.path.rsplit('/').next().unwrap().to_string()).collect()
    }

    #[test]
    fn files_folders_and_patterns_are_listed_in_order() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("below")).unwrap();
        for name in ["b.csv", "a.csv", "a10.csv", "c.txt", "_x.csv", ".h.csv", "below/z.csv"] {
            std::fs::write(root.path().join(name), name).unwrap();
        }
        let storage = Storage::default();
        let at = |name: &str| format!("{}/{name}", root.path().display());
        let listed = |paths: &[&str]| list(&paths.iter().map(|p| at(p)).collect::<Vec<_>>(), &[".csv"], &storage);
        assert_eq!(names(&listed(&["*.csv"]).unwrap()), ["_x.csv", "a.csv", "a10.csv", "b.csv"]);
        assert_eq!(names(&listed(&[""]).unwrap()), ["a.csv", "a10.csv", "b.csv", "z.csv"]);
        assert_eq!(names(&listed(&["c.txt", "a.csv"]).unwrap()), ["c.txt", "a.csv"]);
        let as_address = list(&[format!("file://{}", at("*0.csv"))], &[".csv"], &storage).unwrap();
        assert_eq!(names(&as_address), ["a10.csv"]);
        let missing = listed(&["d.csv"]).unwrap_err();
        assert!(missing.to_string().contains("no such file"), "{missing}");
        let empty = listed(&["nowhere/*.csv"]).unwrap_err().to_string();
        assert!(empty.contains("no file matches") && empty.contains("nowhere/, which does not exist"), "{empty}");
        assert!(listed(&["[.csv"]).unwrap_err().to_string().contains("not a pattern"));
        assert!(list(&[at("below")], &[".parquet"], &storage).unwrap_err().to_string().contains("ends in .parquet"));
        let web = list(&["https://example.org/*.csv".into()], &[], &storage).unwrap_err();
        assert!(matches!(web.kind(), ErrorKind::Unsupported { .. }), "{web}");
    }
}
