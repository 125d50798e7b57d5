//! Frames of files.

use super::DataFrame;
use crate::base::{Error, Result};
use crate::io::csv::{CsvOptions, CsvSource};
use crate::io::files::FileSource;
use crate::io::store::{Storage, Stores};
use crate::io::{IpcOptions, JsonOptions, ParquetReadOptions, ParquetSource, store};
use crate::session::Session;

/// Files: a path, a folder, a pattern such as `"trips/*.parquet"`, or several of these.
pub trait IntoPaths {
    /// The paths.
    fn into_paths(self) -> Vec<String>;
}

impl IntoPaths for &str {
    fn into_paths(self) -> Vec<String> {
        vec![self.to_string()]
    }
}

impl IntoPaths for &String {
    fn into_paths(self) -> Vec<String> {
        vec![self.clone()]
    }
}

impl IntoPaths for String {
    fn into_paths(self) -> Vec<String> {
        vec![self]
    }
}

impl IntoPaths for &std::path::Path {
    fn into_paths(self) -> Vec<String> {
        vec![self.to_string_lossy().into_owned()]
    }
}

impl IntoPaths for &std::path::PathBuf {
    fn into_paths(self) -> Vec<String> {
        self.as_path().into_paths()
    }
}

impl IntoPaths for std::path::PathBuf {
    fn into_paths(self) -> Vec<String> {
        self.as_path().into_paths()
    }
}

impl<P: AsRef<str>, const N: usize> IntoPaths for [P; N] {
    fn into_paths(self) -> Vec<String> {
        self.iter().map(|p| p.as_ref().to_string()).collect()
    }
}

impl<P: AsRef<str>> IntoPaths for Vec<P> {
    fn into_paths(self) -> Vec<String> {
        self.iter().map(|p| p.as_ref().to_string()).collect()
    }
}

impl<P: AsRef<str>> IntoPaths for &[P] {
    fn into_paths(self) -> Vec<String> {
        self.iter().map(|p| p.as_ref().to_string()).collect()
    }
}

impl<P: AsRef<str>> IntoPaths for &Vec<P> {
    fn into_paths(self) -> Vec<String> {
        self.as_slice().into_paths()
    }
}

/// A frame of Parquet files, in the current session: one file, several, a folder, or a pattern. Only the footers are
/// read here.
///
/// Files whose columns differ are brought together: a missing column is null, whole numbers become wider or
/// floating where another file has them so.
///
/// Folders below the one that is named, or where a pattern starts, say columns by their names: `year=2023/month=1/`. A
/// filter on them leaves out whole files; `explain` tells how many.
///
/// # Errors
/// `Io` for a missing file or a pattern that finds nothing, `Corrupt` for what is not Parquet, `Schema` for columns
/// that do not go together; each names the file.
pub fn read_parquet(paths: impl IntoPaths) -> Result<DataFrame> {
    Session::current()?.read_parquet(paths)
}

/// As [`read_parquet`], with options.
///
/// # Errors
/// As [`read_parquet`].
pub fn read_parquet_with(paths: impl IntoPaths, options: ParquetReadOptions) -> Result<DataFrame> {
    Session::current()?.read_parquet_with(paths, options)
}

/// A frame of CSV files, in the current session: one file, several, a folder, or a pattern; plain, or packed by gzip,
/// Zstandard, bzip2, xz or zip; UTF-8, or UTF-16 with a mark. The types are found from samples of every file; see
/// [`CsvOptions`] to set them, and for files that are written in other ways. What may not be expected of the types that
/// were found is told by [`DataFrame::notes`].
///
/// # Errors
/// `Io` for a missing file or a pattern that finds nothing, `Schema` for headers that do not go together, `Corrupt` for
/// what cannot be unpacked or is not the text it should be, `Unsupported` for files that are none.
pub fn read_csv(paths: impl IntoPaths) -> Result<DataFrame> {
    Session::current()?.read_csv(paths)
}

/// As [`read_csv`], with options.
///
/// ```no_run
/// use partita::{CsvOptions, read_csv_with};
/// let options = CsvOptions::new().assume_missing(true).parse_dates(["tpep_pickup_datetime"]);
/// let trips = read_csv_with("yellow_tripdata_2019-*.csv", options)?;
/// let german = CsvOptions::new().delimiter(b';').decimal(',').encoding("windows-1252").date_format("%d.%m.%Y");
/// let orders = read_csv_with("bestellungen.csv", german.parse_dates(["datum"]))?;
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// As [`read_csv`].
pub fn read_csv_with(paths: impl IntoPaths, options: CsvOptions) -> Result<DataFrame> {
    Session::current()?.read_csv_with(paths, options)
}

/// A frame of files of JSON lines (NDJSON: an object in each line), in the current session: one file, several, a folder, or a
/// pattern; plain or packed as CSV files may be. Types are found in the first lines of each file; objects become structs and
/// arrays lists. The same as pandas' and Dask's `read_json(lines=True)`.
///
/// ```
/// use partita::{col, read_json};
/// let file = tempfile::NamedTempFile::with_suffix(".jsonl").unwrap();
/// std::fs::write(&file, "{\"city\": \"Ulm\", \"km\": 3}\n{\"city\": \"Bonn\", \"km\": 4.5}\n").unwrap();
/// let trips = read_json(file.path())?;
/// assert_eq!(trips.filter(col("km").gt(4))?.len()?, 1);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Io` for a missing file or a pattern that finds nothing; `Corrupt` for a line that is no object, with its number; `Schema`
/// for columns that do not go together.
pub fn read_json(paths: impl IntoPaths) -> Result<DataFrame> {
    Session::current()?.read_json(paths)
}

/// As [`read_json`], with options.
///
/// # Errors
/// As [`read_json`].
pub fn read_json_with(paths: impl IntoPaths, options: JsonOptions) -> Result<DataFrame> {
    Session::current()?.read_json_with(paths, options)
}

/// A frame of Arrow IPC files (Feather version 2) or streams, in the current session: one file, several, a folder, or a
/// pattern.
///
/// # Errors
/// `Io` for a missing file or a pattern that finds nothing; `Corrupt` for what is not (a whole) Arrow file; `Unsupported` for
/// Feather version 1; `Schema` for columns that do not go together.
pub fn read_ipc(paths: impl IntoPaths) -> Result<DataFrame> {
    Session::current()?.read_ipc(paths)
}

/// As [`read_ipc`], with options.
///
/// # Errors
/// As [`read_ipc`].
pub fn read_ipc_with(paths: impl IntoPaths, options: IpcOptions) -> Result<DataFrame> {
    Session::current()?.read_ipc_with(paths, options)
}

/// A frame of files of the format that their names end in, in the current session: Parquet (`.parquet`, `.parq`, `.pq`), CSV
/// (`.csv`, and `.tsv` with tabs), JSON lines (`.jsonl`, `.ndjson`, `.json`), Arrow IPC (`.arrow`, `.feather`, `.ipc`, `.arrows`);
/// text may be compressed (`.csv.gz`).
///
/// ```
/// let trips = partita::read_table("data/*.parquet")?;
/// assert!(trips.len()? > 0);
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for names that tell no format or several; else as [`read_parquet`], [`read_csv`], [`read_json`] and [`read_ipc`].
pub fn read_table(paths: impl IntoPaths) -> Result<DataFrame> {
    Session::current()?.read_table(paths)
}

impl Session {
    /// As [`read_parquet`], in this session.
    ///
    /// # Errors
    /// As [`read_parquet`].
    pub fn read_parquet(&self, paths: impl IntoPaths) -> Result<DataFrame> {
        self.read_parquet_with(paths, ParquetReadOptions::new())
    }

    /// As [`read_parquet_with`], in this session.
    ///
    /// # Errors
    /// As [`read_parquet`].
    pub fn read_parquet_with(&self, paths: impl IntoPaths, options: ParquetReadOptions) -> Result<DataFrame> {
        DataFrame::from_source(ParquetSource::open_hive(&paths.into_paths(), options.within(self.stores()))?, self)
    }

    /// As [`read_csv`], in this session.
    ///
    /// # Errors
    /// As [`read_csv`].
    pub fn read_csv(&self, paths: impl IntoPaths) -> Result<DataFrame> {
        self.read_csv_with(paths, CsvOptions::new())
    }

    /// As [`read_csv_with`], in this session.
    ///
    /// # Errors
    /// As [`read_csv`].
    pub fn read_csv_with(&self, paths: impl IntoPaths, options: CsvOptions) -> Result<DataFrame> {
        DataFrame::from_source(CsvSource::open_hive(&paths.into_paths(), options.within(self.stores()))?, self)
    }

    /// As [`read_json`], in this session.
    ///
    /// # Errors
    /// As [`read_json`].
    pub fn read_json(&self, paths: impl IntoPaths) -> Result<DataFrame> {
        self.read_json_with(paths, JsonOptions::new())
    }

    /// As [`read_json_with`], in this session.
    ///
    /// # Errors
    /// As [`read_json`].
    pub fn read_json_with(&self, paths: impl IntoPaths, options: JsonOptions) -> Result<DataFrame> {
        DataFrame::from_source(FileSource::open(&paths.into_paths(), options.within(self.stores()))?, self)
    }

    /// As [`read_ipc`], in this session.
    ///
    /// # Errors
    /// As [`read_ipc`].
    pub fn read_ipc(&self, paths: impl IntoPaths) -> Result<DataFrame> {
        self.read_ipc_with(paths, IpcOptions::new())
    }

    /// As [`read_ipc_with`], in this session.
    ///
    /// # Errors
    /// As [`read_ipc`].
    pub fn read_ipc_with(&self, paths: impl IntoPaths, options: IpcOptions) -> Result<DataFrame> {
        DataFrame::from_source(FileSource::open(&paths.into_paths(), options.within(self.stores()))?, self)
    }

    /// As [`read_table`], in this session.
    ///
    /// # Errors
    /// As [`read_table`].
    pub fn read_table(&self, paths: impl IntoPaths) -> Result<DataFrame> {
        let paths = paths.into_paths();
        match format_of(&paths, self.stores())? {
            FileKind::Parquet => self.read_parquet(paths),
            FileKind::Csv(delimiter) => self.read_csv_with(paths, CsvOptions::new().delimiter(delimiter)),
            FileKind::Json => self.read_json(paths),
            FileKind::Ipc => self.read_ipc(paths),
        }
    }
}

/// The format that a name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Parquet,
    /// With what stands between fields.
    Csv(u8),
    Json,
    Ipc,
}

impl FileKind {
    /// The format of a file of this name.
    pub(super) fn of(name: &str) -> Option<FileKind> {
        let name = name.to_ascii_lowercase();
        let plain = [".gz", ".zst", ".bz2", ".xz"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        match plain.rsplit_once('.')?.1 {
            "parquet" | "parq" | "pq" => Some(FileKind::Parquet),
            "csv" => Some(FileKind::Csv(b',')),
            "tsv" => Some(FileKind::Csv(b'\t')),
            "jsonl" | "ndjson" | "json" => Some(FileKind::Json),
            "arrow" | "feather" | "ipc" | "arrows" => Some(FileKind::Ipc),
            _ => None,
        }
    }

    /// The error for names that tell no format.
    pub(super) fn unknown(path: &str) -> Error {
        Error::invalid("the name does not tell a format").doing("open").at_path(path).help(
            "names end in .parquet, .csv, .tsv, .jsonl or .arrow; or say the format: read_csv(..), write_file(.., &format)",
        )
    }
}

/// The format of all files that are meant.
fn format_of(paths: &[String], stores: &Stores) -> Result<FileKind> {
    let mut found: Option<(FileKind, String)> = None;
    let storage = Storage { stores: stores.clone(), ..Storage::default() };
    for listed in store::list(paths, &[], &storage)? {
        let path = listed.info.path.to_string();
        let kind = FileKind::of(&path).ok_or_else(|| FileKind::unknown(&path))?;
        match &found {
            Some((known, first)) if *known != kind => {
                let what = format!("the files are of several formats, as {first} shows");
                return Err(Error::invalid(what).doing("open").at_path(path).help("name a pattern, as *.parquet"));
            }
            Some(_) => {}
            None => found = Some((kind, path)),
        }
    }
    found.map(|(kind, _)| kind).ok_or_else(|| Error::invalid("no file is named").doing("open"))
}
