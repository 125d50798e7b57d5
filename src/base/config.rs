//! Settings that are not in the program: a file, the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::schema::nearest;
use super::{Error, Result};

/// The settings there are.
const KNOWN: [&str; 6] = ["array_bytes", "batch_rows", "memory_limit", "strict", "temporary_directory", "threads"];

/// What the program has set, the latest last.
static SET: Mutex<Vec<(u64, String, String)>> = Mutex::new(Vec::new());

fn program() -> MutexGuard<'static, Vec<(u64, String, String)>> {
    SET.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets defaults for sessions that are made while the guard lives (Dask's `dask.config.set`). `-` and `_` are the same
/// in names. Other places of settings override them: a file (`partita.toml` in the working directory, or what the
/// environment variable `PARTITA_CONFIG` names), then the environment (`PARTITA_MEMORY_LIMIT=2GB`), then the methods of
/// the session's builder.
///
/// | name | what |
/// |---|---|
/// | `temporary_directory` | where what does not fit into memory goes; `$NAME` and `${NAME}` are replaced from the environment |
/// | `memory_limit` | a size such as `2GB` |
/// | `threads` | how many tasks run at once |
/// | `batch_rows` | about how many rows are worked on together |
/// | `array_bytes` | `binary` or `decimal`: the units in which arrays show their size |
/// | `strict` | `true`: a plan that would hold more than the limit is refused |
///
/// ```
/// use partita::{Session, config};
/// let guard = config::set([("memory-limit", "300MB")])?;
/// assert_eq!(Session::builder().build()?.memory_limit().0, 300_000_000);
/// drop(guard); // what was set before holds again
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// `Invalid` for a name that is none, with the nearest one that is.
pub fn set<K: AsRef<str>, V: ToString>(settings: impl IntoIterator<Item = (K, V)>) -> Result<Guard> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static GUARDS: AtomicU64 = AtomicU64::new(0);
    let guard = GUARDS.fetch_add(1, Ordering::Relaxed);
    let settings = settings.into_iter().map(|(name, value)| Ok((guard, known(name.as_ref())?, value.to_string())));
    let settings = settings.collect::<Result<Vec<_>>>()?;
    program().extend(settings);
    Ok(Guard(guard))
}

/// Keeps what [`set`] has set.
#[derive(Debug)]
#[must_use = "what was set holds only as long as the guard lives"]
pub struct Guard(u64);

impl Drop for Guard {
    fn drop(&mut self) {
        program().retain(|(guard, ..)| *guard != self.0);
    }
}

/// The setting `name`, from the place that has most to say; `None` where it is nowhere set.
///
/// # Errors
/// `Invalid` for a name that is none, a file that is not TOML, or a `$NAME` that the environment does not have.
pub fn get(name: &str) -> Result<Option<String>> {
    let name = known(name)?;
    let environment = std::env::var(format!("PARTITA_{}", name.to_uppercase())).ok();
    let found = match environment {
        Some(value) => Some(value),
        None => match file()?.remove(&name) {
            Some(value) => Some(value),
            None => program().iter().rev().find(|(_, n, _)| *n == name).map(|(.., value)| value.clone()),
        },
    };
    found
        .map(|value| expanded(&value, &|name| std::env::var(name).ok()).map_err(|e| e.doing(format!("set {name}"))))
        .transpose()
}

/// The name as it is kept.
fn known(name: &str) -> Result<String> {
    let folded = name.trim().to_lowercase().replace('-', "_");
    if KNOWN.contains(&folded.as_str()) {
        return Ok(folded);
    }
    let help = match nearest(&folded, KNOWN) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", KNOWN.join(", ")),
    };
    Err(Error::invalid(format!("there is no setting `{name}`")).help(help))
}

/// The settings of the file, if there is one.
fn file() -> Result<BTreeMap<String, String>> {
    let named = std::env::var_os("PARTITA_CONFIG").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| PathBuf::from("partita.toml"));
    match std::fs::read_to_string(&path) {
        Ok(text) => parsed(&text, &path),
        Err(_) if named.is_none() => Ok(BTreeMap::new()),
        Err(error) => Err(Error::io(path.display(), error).doing("read the settings in")),
    }
}

fn parsed(text: &str, path: &Path) -> Result<BTreeMap<String, String>> {
    let placed = |e: Error| e.doing("read the settings in").at_path(path.display());
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| placed(Error::invalid(e.message())))?;
    let settings = table.into_iter().map(|(name, value)| {
        let value = match value {
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        Ok((known(&name).map_err(placed)?, value))
    });
    settings.collect()
}

/// `text` with `$NAME` and `${NAME}` replaced.
fn expanded(text: &str, of: &dyn Fn(&str) -> Option<String>) -> Result<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, end) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, end)) => (name, end),
            None => after.split_at(after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        out.push_str(&of(name).ok_or_else(|| {
            let error =
                Error::invalid(format!("`{text}` names the variable `{name}`, which the environment does not have"));
            error.help(format!("set {name}, or write the value itself"))
        })?);
        rest = end;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_or_refused() {
        let of = |name: &str| (name == "TMP").then(|| "/scratch".to_string());
        assert_eq!(expanded("$TMP/x", &of).unwrap(), "/scratch/x");
        assert_eq!(expanded("/a/${TMP}b", &of).unwrap(), "/a//scratchb");
        assert_eq!(expanded("2GB", &of).unwrap(), "2GB");
        let error = expanded("$JOB/x", &of).unwrap_err().to_string();
        assert!(error.contains("`JOB`") && error.contains("set JOB"), "{error}");
    }

    #[test]
    fn a_file_names_its_mistakes() {
        let path = Path::new("partita.toml");
        let settings = parsed("memory-limit = \"2GB\"\nthreads = 3\nstrict = true\n", path).unwrap();
        let values: Vec<_> = settings.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(values, ["memory_limit=2GB", "strict=true", "threads=3"]);
        let error = parsed("memory-limt = 3", path).unwrap_err().to_string();
        assert!(error.contains("partita.toml") && error.contains("did you mean `memory_limit`"), "{error}");
        assert!(parsed("= 3", path).is_err());
    }

    #[test]
    fn what_is_set_last_holds_until_its_guard_is_gone() {
        let outer = set([("batch-rows", 10)]).unwrap();
        let inner = set([("batch_rows", 20)]).unwrap();
        assert_eq!(get("batch_rows").unwrap().as_deref(), Some("20"));
        drop(inner);
        assert_eq!(get("batch-rows").unwrap().as_deref(), Some("10"));
        drop(outer);
        assert!(set([("batchrows", 1)]).unwrap_err().to_string().contains("did you mean `batch_rows`"));
    }
}
