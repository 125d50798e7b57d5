//! The files of models: JSON with a format and its version, no code. A file appears whole or not at all.

use std::io::Write;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::base::{Error, ErrorKind, Result};

/// What a kind of file holds and the newest version of it that is known.
pub(crate) struct Format {
    pub name: &'static str,
    pub version: u32,
}

#[derive(Serialize, Deserialize)]
struct File<M> {
    format: String,
    version: u32,
    model: M,
}

impl Format {
    /// Writes a model.
    ///
    /// # Errors
    /// `Io` if the file cannot be written.
    pub fn save(&self, path: &Path, model: &impl Serialize) -> Result<()> {
        let failed = |e: std::io::Error| Error::io(path.display(), e).doing("save the model to");
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let content = File { format: self.name.to_string(), version: self.version, model };
        let text = serde_json::to_string_pretty(&content)
            .map_err(|e| Error::model(e.to_string()).at_path(path.display()).doing("save the model to"))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    /// Reads a model that [`save`](Self::save) wrote; `check` says what does not fit in it.
    ///
    /// # Errors
    /// `Io` if the file cannot be read, `Corrupt` if it is not such a model, `Unsupported` if a later version wrote it.
    pub fn load<M: DeserializeOwned>(&self, path: &Path, check: impl Fn(&M) -> Option<&'static str>) -> Result<M> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path.display(), e).doing("load the model"))?;
        self.parse(&text, check).map_err(|e| e.at_path(path.display()).doing("load the model"))
    }

    fn parse<M: DeserializeOwned>(&self, text: &str, check: impl Fn(&M) -> Option<&'static str>) -> Result<M> {
        let corrupt = |what: String| Error::new(ErrorKind::Corrupt { what });
        let broken = |e: serde_json::Error| corrupt(format!("not a model: {e}"));
        let file: File<serde_json::Value> = serde_json::from_str(text).map_err(broken)?;
        if file.format != self.name {
            return Err(corrupt(format!("the file holds a `{}` and not a `{}`", file.format, self.name)));
        }
        if file.version == 0 {
            return Err(corrupt("version 0 of the model's format, which there never was".to_string()));
        }
        if file.version > self.version {
            return Err(Error::unsupported(format!("version {} of the model's format", file.version))
                .help(format!("versions to {} can be read: use a newer release", self.version)));
        }
        let model: M = serde_json::from_value(file.model).map_err(broken)?;
        match check(&model) {
            Some(what) => Err(corrupt(what.to_string())),
            None => Ok(model),
        }
    }
}
