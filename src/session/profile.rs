//! Pieces of a program that are watched.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Session;
use super::pictures::pictures;
use crate::base::{Error, Result, shown};
use crate::watch::{About, Profile, Recorder, Sampler};

/// How often memory and processor time are looked at.
const EVERY: Duration = Duration::from_millis(20);

impl Session {
    /// Calls `work` and says what its tasks in this session took: time by operation, how busy the threads were, memory,
    /// spill, processor time. Frames run in the session they were made in; give work that has frames of this one.
    ///
    /// ```
    /// use partita::{Session, col};
    /// let session = Session::current()?;
    /// let trips = session.read_parquet("data/*.parquet")?;
    /// let (count, profile) = session.profile(|| trips.filter(col("fare_amount").gt(0))?.len());
    /// assert!(count? > 0 && profile.ended() > 0);
    /// println!("{profile}"); // a table of the operations
    /// let trace: serde_json::Value = serde_json::from_str(&profile.chrome_trace()).unwrap();
    /// assert!(trace["traceEvents"].is_array());
    /// # Ok::<(), partita::Error>(())
    /// ```
    pub fn profile<R>(&self, work: impl FnOnce() -> R) -> (R, Profile) {
        let recorder = Arc::new(Recorder::new());
        let sampler = Sampler::new(recorder.clone(), self.gauge(), EVERY);
        let watching = self.watch(recorder.clone());
        let result = work();
        drop(watching);
        // the last sample is taken here
        drop(sampler);
        (result, Profile::of(&recorder, self.threads()))
    }

    /// Calls `work` and writes what its tasks in this session took to `path` as one page for a browser, which needs
    /// nothing but itself: task stream, operations, memory and processors over time, settings. As `performance_report`
    /// of Dask. The page is written when `work` is done, also when it gives an error.
    ///
    /// ```
    /// use partita::{Session, col};
    /// let page = tempfile::tempdir().unwrap().path().with_extension("html");
    /// let session = Session::current()?;
    /// let trips = session.read_parquet("data/*.parquet")?;
    /// let table = session.performance_report(&page, || trips.describe()?.compute())??;
    /// assert!(std::fs::read_to_string(&page).unwrap().contains("<canvas"));
    /// # std::fs::remove_file(&page).unwrap();
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Io` when the page cannot be written. Those of `work` are in its result.
    pub fn performance_report<R>(&self, path: impl AsRef<Path>, work: impl FnOnce() -> R) -> Result<R> {
        let path = path.as_ref();
        let (result, profile) = self.profile(work);
        let program = std::env::current_exe().ok();
        let program = program.as_deref().and_then(Path::file_stem).map(|name| name.to_string_lossy().into_owned());
        let about = About {
            title: "Performance report".to_string(),
            program: program.unwrap_or_default(),
            settings: self.settings(),
            pictures: pictures(&profile),
        };
        let page = profile.to_html(&about);
        std::fs::write(path, page).map_err(|e| Error::io(path.display(), e).doing("write a report to"))?;
        Ok(result)
    }

    /// Versions and settings, for people.
    fn settings(&self) -> Vec<(String, String)> {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let settings = [
            ("partita", env!("CARGO_PKG_VERSION").to_string()),
            ("machine", format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH)),
            ("scheduler", format!("{:?}", self.scheduler())),
            ("memory limit", self.memory_limit().to_string()),
            ("temporary directory", self.task_context().spill.place()),
            ("rows in a batch", shown::count(self.task_context().batch_rows as u64)),
            ("build", if cfg!(debug_assertions) { "with debug assertions" } else { "optimised" }.to_string()),
        ];
        settings.into_iter().map(|(what, value)| (what.to_string(), value)).collect()
    }
}

/// As [`Session::performance_report`], in the current session.
///
/// # Errors
/// `Io` when the page cannot be written. Those of `work` are in its result.
pub fn performance_report<R>(path: impl AsRef<Path>, work: impl FnOnce() -> R) -> Result<R> {
    Session::current()?.performance_report(path, work)
}

/// As [`Session::profile`], in the current session.
///
/// ```
/// let (rows, profile) = partita::profile(|| partita::read_csv("data/trips.csv")?.compute())?;
/// println!("{} rows\n{profile}", rows?.num_rows());
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// When there is no current session and none can be made. Those of `work` are in its result.
pub fn profile<R>(work: impl FnOnce() -> R) -> Result<(R, Profile)> {
    Ok(Session::current()?.profile(work))
}
