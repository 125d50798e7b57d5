//! Whether files may be added to those that are in a folder: they have to have the same columns.

use std::fs;
use std::path::Path;

use arrow::datatypes::{DataType, Schema};

use crate::base::schema::same_type;
use crate::base::{Error, ErrorKind, Result};
use crate::io::FileInfo;
use crate::io::hive::names::parsed;

/// The files in a folder and those below it, as reading the folder would find them.
///
/// # Errors
/// `Io`.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<FileInfo>> {
    let (mut found, mut todo) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = todo.pop() {
        let refused = |e| Error::io(folder.display(), e).doing("append to");
        for entry in fs::read_dir(&folder).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match name.starts_with(['.', '_']) {
                true => {}
                false if path.is_dir() => todo.push(path),
                false => found.push(FileInfo::of(&path)?),
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Those of the files whose names end so.
pub(crate) fn ending<'a>(files: &'a [FileInfo], endings: &'a [&str]) -> impl Iterator<Item = &'a FileInfo> {
    files.iter().filter(|file| endings.iter().any(|end| file.path.ends_with(end)))
}

fn refused(what: String, path: &str, column: &str, help: impl Into<String>) -> Error {
    let error = Error::new(ErrorKind::Schema { what }).doing("append to").at_path(path).at_column(column);
    error.help(help)
}

/// A column of files that are there: its name, its type if the format tells it, and the first file that has it.
pub(crate) type There<'a> = (&'a str, Option<&'a DataType>, &'a str);

/// Whether `ours` are the columns that are there, in any order.
///
/// # Errors
/// `Schema` at the first column that only one of them has, or that has another type there.
pub(crate) fn same_columns(ours: &Schema, there: &[There<'_>]) -> Result<()> {
    for field in ours.fields() {
        let Some((name, data_type, path)) = there.iter().find(|(name, ..)| name == field.name()) else {
            let path = there.first().map_or("", |(.., path)| path);
            let what = "the files that are there have no such column".to_string();
            return Err(refused(what, path, field.name(), "select() the columns that they have, or write elsewhere"));
        };
        let (a, b) = (field.data_type(), data_type.unwrap_or(field.data_type()));
        // what is null in all rows goes with everything
        if !(same_type(a, b) || a.is_null() || b.is_null()) {
            let what = format!("the column is {b} there, and {a} here");
            return Err(refused(what, path, name, format!("bring it to {b} with astype() first")));
        }
    }
    match there.iter().find(|(name, ..)| ours.fields().iter().all(|field| field.name() != name)) {
        None => Ok(()),
        Some((name, _, path)) => {
            let what = "the files that are there have this column, the frame does not".to_string();
            Err(refused(what, path, name, "add it with with_column(), or write elsewhere"))
        }
    }
}

/// Whether the files in a folder lie in folders named by the values of the columns `names`, outermost first.
///
/// # Errors
/// `Schema` at the first of these columns that is another one there.
pub(crate) fn same_folders(target: &Path, names: &[&str], files: &[&FileInfo]) -> Result<()> {
    for file in files {
        let below = Path::new(&*file.path).strip_prefix(target).unwrap_or(Path::new(""));
        let folders = below.parent().into_iter().flat_map(Path::components);
        let there: Vec<String> =
            folders.filter_map(|f| parsed(&f.as_os_str().to_string_lossy())).map(|(name, _)| name).collect();
        let differs = |i: &usize| there.get(*i).map(String::as_str) != names.get(*i).copied();
        if let Some(at) = (0..there.len().max(names.len())).find(differs) {
            let shown = |name: Option<&str>| name.map_or("not named by it".to_string(), |n| format!("named by `{n}`"));
            let (theirs, own) = (there.get(at).map(String::as_str), names.get(at).copied());
            let what = format!("the folders there are {}, and here {}", shown(theirs), shown(own));
            return Err(refused(what, &file.path, theirs.or(own).unwrap_or_default(), "give the same partition_by"));
        }
    }
    Ok(())
}
