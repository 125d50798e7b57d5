//! Where a scheduler listens, in a file that all machines see.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use partita::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::deploy::host;

/// How often somebody who waits looks again.
const LOOK: Duration = Duration::from_millis(200);
/// How long a scheduler may take to take a connection.
const ANSWER: Duration = Duration::from_secs(3);

/// What a scheduler writes when it listens, as JSON, and removes when it ends: whoever sees the folder finds it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct SchedulerFile {
    /// Where it listens, as `host:port`.
    pub address: String,
    /// Its process number, on its machine.
    pub pid: u32,
    /// When it started, in seconds since 1970.
    pub started: u64,
    /// The version of the program.
    pub version: String,
}

impl SchedulerFile {
    /// Reads one.
    ///
    /// # Errors
    /// `Io` when it is not there, `Corrupt` when it is something else, `Invalid` when the scheduler is of another version.
    pub fn read(path: impl AsRef<Path>) -> Result<SchedulerFile> {
        let path = path.as_ref();
        let text = std::fs::read(path).map_err(|e| {
            let error = Error::io(path.display(), e).doing("read the scheduler file");
            error.help("start a scheduler with --scheduler-file, in a folder that both machines see")
        })?;
        let file: SchedulerFile = serde_json::from_slice(&text).map_err(|e| {
            let error = Error::new(ErrorKind::Corrupt { what: format!("it is no scheduler file: {e}") });
            error.doing("read the scheduler file").at_path(path.display())
        })?;
        let own = env!("CARGO_PKG_VERSION");
        if file.version == own {
            return Ok(file);
        }
        let error = Error::invalid(format!("the scheduler is of version {}, this program of {own}", file.version));
        Err(error.doing("read the scheduler file").at_path(path.display()).help("use one build for all of a cluster"))
    }

    /// Waits until there is one, and a scheduler listens where it says.
    ///
    /// # Errors
    /// After `patience`, what [`read`](Self::read) said last; `Io` when nobody listens there.
    pub fn wait(path: impl AsRef<Path>, patience: Duration) -> Result<SchedulerFile> {
        let (path, begun) = (path.as_ref(), Instant::now());
        loop {
            // one of an earlier scheduler may lie there until the next one writes its own
            let there = SchedulerFile::read(path).and_then(|file| match answers(&file.address) {
                true => Ok(file),
                false => Err(file.silent(path)),
            });
            match there {
                Err(_) if begun.elapsed() < patience => std::thread::sleep(LOOK),
                there => return there,
            }
        }
    }

    /// Nobody listens where it says.
    pub(crate) fn silent(&self, path: &Path) -> Error {
        let what = format!("nobody answers at {}, which it names", self.address);
        let error = Error::new(ErrorKind::Io { what }).doing("reach the scheduler of").at_path(path.display());
        error.help("it has ended without removing its file, or is out of reach from here: start it again")
    }
}

/// Whether somebody takes connections there.
pub(crate) fn answers(address: &str) -> bool {
    host::known(address).is_ok_and(|there| TcpStream::connect_timeout(&there.into(), ANSWER).is_ok())
}

/// A scheduler file that goes with this value.
pub(crate) struct Announced {
    path: PathBuf,
    file: SchedulerFile,
}

impl Announced {
    /// Writes it: beside its place first, so that nobody reads half of it.
    pub fn write(path: &Path, address: SocketAddr) -> Result<Announced> {
        let wrong = |e: std::io::Error| Error::io(path.display(), e).doing("write the scheduler file");
        if let Ok(other) = SchedulerFile::read(path)
            && answers(&other.address)
        {
            let error = Error::invalid(format!("another scheduler listens at {}", other.address));
            return Err(error
                .doing("write the scheduler file")
                .at_path(path.display())
                .help("end it, or name another"));
        }
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let version = env!("CARGO_PKG_VERSION").to_string();
        let file = SchedulerFile { address: address.to_string(), pid: std::process::id(), started, version };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(wrong)?;
        let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
        let text = serde_json::to_string_pretty(&file).map_err(|e| wrong(e.into()))?;
        writeln!(beside, "{text}").and_then(|()| beside.as_file().sync_all()).map_err(wrong)?;
        beside.persist(path).map_err(|e| wrong(e.error))?;
        Ok(Announced { path: path.to_path_buf(), file })
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        // another scheduler may have put its own there since
        if SchedulerFile::read(&self.path).is_ok_and(|there| there == self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn it_is_there_as_long_as_its_scheduler() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/scheduler.json");
        let error = SchedulerFile::read(&path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let announced = Announced::write(&path, address).unwrap();
        let file = SchedulerFile::wait(&path, Duration::ZERO).unwrap();
        assert_eq!((file.address.clone(), file.pid), (address.to_string(), std::process::id()));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        // it is taken as long as somebody listens
        assert!(Announced::write(&path, address).is_err());
        drop(listener);
        let error = SchedulerFile::wait(&path, Duration::from_millis(10)).unwrap_err();
        assert!(error.to_string().contains("nobody answers"), "{error}");
        // of two, the later one stays
        let later = Announced::write(&path, "127.0.0.1:9".parse().unwrap()).unwrap();
        drop(announced);
        assert!(path.exists());
        drop(later);
        assert!(!path.exists());
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scheduler.json");
        std::fs::write(&path, "{\"address\"").unwrap();
        let error = SchedulerFile::read(&path).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}");
        std::fs::write(&path, r#"{"address": "a:1", "pid": 1, "started": 1, "version": "0.0.1"}"#).unwrap();
        let error = SchedulerFile::read(&path).unwrap_err();
        assert!(error.to_string().contains("of version 0.0.1"), "{error}");
    }
}
