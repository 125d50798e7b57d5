//! Frames of files.

use super::DataFrame;
use crate::base::Result;
use crate::io::csv::{CsvOptions, CsvSource};
use crate::io::{ParquetReadOptions, ParquetSource};
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

/// A frame of CSV files, in the current session: one file, several, a folder, or a pattern; plain, gzip or zstd. The
/// types are found from samples of every file; see [`CsvOptions`] to set them.
///
/// # Errors
/// `Io` for a missing file or a pattern that finds nothing, `Schema` for headers that do not go together.
pub fn read_csv(paths: impl IntoPaths) -> Result<DataFrame> {
    Session::current()?.read_csv(paths)
}

/// As [`read_csv`], with options.
///
/// ```no_run
/// use partita::{CsvOptions, read_csv_with};
/// let options = CsvOptions::new().assume_missing(true).parse_dates(["tpep_pickup_datetime"]);
/// let trips = read_csv_with("yellow_tripdata_2019-*.csv", options)?;
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// As [`read_csv`].
pub fn read_csv_with(paths: impl IntoPaths, options: CsvOptions) -> Result<DataFrame> {
    Session::current()?.read_csv_with(paths, options)
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
        DataFrame::from_source(ParquetSource::open_hive(&paths.into_paths(), options)?, self)
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
        DataFrame::from_source(CsvSource::open_hive(&paths.into_paths(), options)?, self)
    }
}
