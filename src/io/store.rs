//! Which files are meant, and opening them. Local files for now; other stores come in here.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::staging::leftovers::{recover, recover_all_in};
use crate::base::disk::LocalDisk;
use crate::base::{Error, ErrorKind, Identity, Result, Tokenizer};

/// A file as it was when it was listed. Its identity is its path, size and modification time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Where it is.
    pub path: Arc<str>,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed, in nanoseconds since 1970 (0 where the system does not tell).
    pub modified: u128,
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
        Ok(FileInfo { path: Arc::from(text), size: metadata.len(), modified: modified(&metadata) })
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// `Io` when the system refuses, or when the file is no longer the one that was listed: a plan made for other
    /// content would give wrong rows without a word.
    pub fn open(&self) -> Result<File> {
        let refused = |e| Error::io(&self.path, e).doing("open");
        let file = File::open(&*self.path).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if metadata.len() != self.size || modified(&metadata) != self.modified {
            let what = "the file has changed since it was listed".to_string();
            return Err(Error::new(ErrorKind::Io { what }).doing("open").at_path(&self.path).help("read it again"));
        }
        Ok(file)
    }
}

impl Identity for FileInfo {
    fn token(&self, t: &mut Tokenizer) {
        t.str("file");
        t.str(&self.path);
        t.u64(self.size);
        t.bytes(&self.modified.to_le_bytes());
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

/// The files that `paths` mean, in the order of `paths`; each is
/// - a file: taken whatever its name;
/// - a folder: all files in it and in the folders below whose name ends in one of `extensions` (such as `".csv"`; any
///   if there are none), but for hidden ones and ones that start with `_`, sorted by path;
/// - a pattern with `*`, `?`, `[…]` or `**`: the files that match it, sorted by path. A file that really has this name wins.
///
/// What killed processes have left of writing these places is removed first (see [`staging`](super::staging)).
///
/// # Errors
/// `Io` for a file that does not exist, and for a pattern or a folder that yields nothing (saying where it looked);
/// `Invalid` for a malformed pattern or no path at all; `Unsupported` for an address (`s3://…`).
pub fn list(paths: &[String], extensions: &[&str]) -> Result<Vec<Listed>> {
    if paths.is_empty() {
        return Err(Error::invalid("no file is named").doing("open").help("give a path, a folder or a pattern"));
    }
    recover(&LocalDisk, paths.iter().map(Path::new));
    let mut files = Vec::new();
    for text in paths {
        let path = Path::new(text);
        if text.contains("://") {
            return Err(Error::unsupported("reading from an address").doing("open").at_path(text));
        }
        let below = |root: &Path, found: Vec<FileInfo>| {
            let root: Arc<Path> = Arc::from(root);
            found.into_iter().map(move |info| Listed { info, root: Some(root.clone()) })
        };
        if path.is_dir() {
            files.extend(below(path, folder(path, extensions)?));
        } else if !path.exists() && text.contains(['*', '?', '[']) {
            files.extend(below(Path::new(fixed_part(text)), matching(text)?));
        } else {
            let here = std::env::current_dir().unwrap_or_default();
            let info = FileInfo::of(path)
                .map_err(|e| if path.is_relative() { e.help(format!("looked from {}", here.display())) } else { e })?;
            files.push(Listed { info, root: None });
        }
    }
    Ok(files)
}

/// The files in a folder and below it, sorted by path.
fn folder(root: &Path, extensions: &[&str]) -> Result<Vec<FileInfo>> {
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
        let what = match extensions {
            [] => "the folder holds no files".to_string(),
            some => format!("the folder holds no file that ends in {}", some.join(" or ")),
        };
        return Err(Error::new(ErrorKind::Io { what }).doing("open").at_path(root.display()));
    }
    infos(found)
}

/// The files that match a pattern, sorted by path.
fn matching(pattern: &str) -> Result<Vec<FileInfo>> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let malformed = |e: glob::PatternError| Error::invalid(format!("not a pattern of paths: {e}"));
    let paths = glob::glob_with(pattern, options).map_err(|e| malformed(e).doing("open").at_path(pattern))?;
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

/// The folder where the search for a pattern starts, as it is written.
fn fixed_part(pattern: &str) -> &str {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;

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
        let at = |name: &str| format!("{}/{name}", root.path().display());
        let listed = |paths: &[&str]| list(&paths.iter().map(|p| at(p)).collect::<Vec<_>>(), &[".csv"]);
        assert_eq!(names(&listed(&["*.csv"]).unwrap()), ["_x.csv", "a.csv", "a10.csv", "b.csv"]);
        assert_eq!(names(&listed(&[""]).unwrap()), ["a.csv", "a10.csv", "b.csv", "z.csv"]);
        assert_eq!(names(&listed(&["c.txt", "a.csv"]).unwrap()), ["c.txt", "a.csv"]);
        let missing = listed(&["d.csv"]).unwrap_err();
        assert!(missing.to_string().contains("no such file"), "{missing}");
        let empty = listed(&["nowhere/*.csv"]).unwrap_err().to_string();
        assert!(empty.contains("no file matches") && empty.contains("nowhere/, which does not exist"), "{empty}");
        assert!(listed(&["[.csv"]).unwrap_err().to_string().contains("not a pattern"));
        assert!(list(&[at("below")], &[".parquet"]).unwrap_err().to_string().contains("ends in .parquet"));
        assert!(matches!(list(&["s3://x/y".into()], &[]).unwrap_err().kind(), ErrorKind::Unsupported { .. }));
    }

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
