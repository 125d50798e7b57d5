//! The files that an address means.

use std::path::Path as LocalPath;
use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta};

use super::failure::{failed, refused};
use super::object::Object;
use super::runtime::start;
use super::store::Store;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::Cancel;
use crate::io::store::address::{Address, Scheme};
use crate::io::store::local::{empty, malformed};
use crate::io::store::{FileInfo, Listed};

/// The files that an address means: a file, a folder, or a pattern, with the rules of local ones.
///
/// # Errors
/// As [`list`](crate::io::store::list()).
pub fn list(store: &Arc<Store>, address: &Address, extensions: &[&str]) -> Result<Vec<Listed>> {
    let (store, named, ends) = (store.clone(), address.clone(), extensions.iter().map(|e| e.to_string()).collect());
    let found = start(async move { Search { store, address: named, ends }.run().await });
    found.wait(&Cancel::new()).map_err(|e| e.doing("open").at_path(address))
}

/// All files below an address, hidden ones too, with whatever names. None, if there is nothing.
///
/// # Errors
/// `Store`.
pub fn everything(store: &Arc<Store>, address: &Address) -> Result<Vec<FileInfo>> {
    let search = Search { store: store.clone(), address: address.clone(), ends: Vec::new() };
    let found = start(async move {
        let prefix = search.store.path(&search.address.with_key(search.address.key.trim_end_matches('/')))?;
        let all = search.below(&prefix, true).await?;
        Ok(all.into_iter().map(|meta| search.listed(meta, None).info).collect())
    });
    found.wait(&Cancel::new()).map_err(|e| e.doing("list").at_path(address))
}

/// The very file, if it is there.
///
/// # Errors
/// `Store`.
pub fn this_one(store: &Arc<Store>, address: &Address) -> Result<Option<FileInfo>> {
    let search = Search { store: store.clone(), address: address.clone(), ends: Vec::new() };
    match start(async move { Ok(search.listed(search.look().await?, None).info) }).wait(&Cancel::new()) {
        Ok(info) => Ok(Some(info)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error.doing("look for").at_path(address)),
    }
}

struct Search {
    store: Arc<Store>,
    address: Address,
    /// How names of files in a folder end.
    ends: Vec<String>,
}

impl Search {
    async fn run(self) -> Result<Vec<Listed>> {
        if self.address.is_pattern() {
            return self.matching().await;
        }
        if self.address.scheme == Scheme::Http {
            return Ok(vec![self.listed(self.look().await?, None)]);
        }
        if !(self.address.key.is_empty() || self.address.key.ends_with('/')) {
            match self.look().await {
                Ok(meta) => return Ok(vec![self.listed(meta, None)]),
                Err(error) if !is_missing(&error) => return Err(error),
                Err(missing) => match self.folder().await {
                    Ok(files) => return Ok(files),
                    Err(Nothing::There) => return Err(missing),
                    Err(Nothing::Fits) => return Err(empty(&self.ends())),
                    Err(Nothing::Known(error)) => return Err(*error),
                },
            }
        }
        self.folder().await.map_err(|nothing| match nothing {
            Nothing::There => Error::system(std::io::ErrorKind::NotFound.into()),
            Nothing::Fits => empty(&self.ends()),
            Nothing::Known(error) => *error,
        })
    }

    fn ends(&self) -> Vec<&str> {
        self.ends.iter().map(String::as_str).collect()
    }

    /// What the store says of the very object.
    async fn look(&self) -> Result<ObjectMeta> {
        let path = &self.store.path(&self.address)?;
        let head = || self.store.objects.get_opts(path, GetOptions { head: true, ..GetOptions::default() });
        let error = match head().await {
            Ok(answer) => return Ok(answer.meta),
            Err(error) => error,
        };
        let unreached = refused(&error).is_some_and(|r| r.status.is_none_or(|s| s >= 500));
        if self.address.scheme != Scheme::Http || unreached {
            return Err(failed(error, 0));
        }
        // some servers do not know HEAD, or do not let it pass; a byte tells as much
        let byte = || {
            let options = GetOptions { range: Some(GetRange::Bounded(0..1)), ..GetOptions::default() };
            self.store.objects.get_opts(path, options)
        };
        Ok(self.store.patiently(byte).await?.meta)
    }

    /// The files in a folder and below it.
    async fn folder(&self) -> Result<Vec<Listed>, Nothing> {
        let known = |e: Error| Nothing::Known(Box::new(e));
        let root = self.address.key.trim_end_matches('/');
        let prefix = self.store.path(&self.address.with_key(root)).map_err(known)?;
        let all = self.below(&prefix, true).await.map_err(known)?;
        if all.is_empty() {
            return Err(Nothing::There);
        }
        let kept = all.into_iter().filter(|meta| {
            let below = meta.location.as_ref().strip_prefix(prefix.as_ref()).unwrap_or_default();
            let hidden = below.split('/').any(|part| part.starts_with(['.', '_']));
            !hidden && (self.ends.is_empty() || self.ends.iter().any(|end| below.ends_with(end.as_str())))
        });
        let files: Vec<_> = kept.map(|meta| self.listed(meta, Some(root))).collect();
        if files.is_empty() { Err(Nothing::Fits) } else { Ok(files) }
    }

    /// The files that match a pattern.
    async fn matching(&self) -> Result<Vec<Listed>> {
        let pattern = &self.address.key;
        if self.address.scheme == Scheme::Http {
            let help = "name each file: a web server does not list what it has";
            return Err(Error::unsupported("a pattern of web addresses").help(help));
        }
        let matcher = glob::Pattern::new(pattern).map_err(|e| malformed(&self.address.to_string(), &e))?;
        let root = self.address.fixed_part();
        let prefix = self.store.path(&self.address.with_key(root.trim_end_matches('/')))?;
        let deep = pattern[root.len()..].contains('/') || pattern.contains("**");
        let all = self.below(&prefix, deep).await?;
        if let Some(own) = all.iter().find(|meta| meta.location.as_ref() == pattern) {
            return Ok(vec![self.listed(own.clone(), None)]);
        }
        let rules = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let fits = |meta: &ObjectMeta| matcher.matches_with(meta.location.as_ref(), rules);
        let files: Vec<_> = all.into_iter().filter(fits).map(|meta| self.listed(meta, Some(root))).collect();
        if files.is_empty() {
            let looked = format!("looked in {}", self.address.with_key(root));
            return Err(Error::new(ErrorKind::Io { what: "no file matches the pattern".into() }).help(looked));
        }
        Ok(files)
    }

    /// All objects in a folder, and in those below it if `deep`, sorted.
    async fn below(&self, prefix: &Path, deep: bool) -> Result<Vec<ObjectMeta>> {
        let prefix = (!prefix.as_ref().is_empty()).then_some(prefix);
        let objects = &self.store.objects;
        let mut all = if deep {
            self.store.patiently(|| objects.list(prefix).try_collect::<Vec<_>>()).await?
        } else {
            self.store.patiently(|| objects.list_with_delimiter(prefix)).await?.objects
        };
        // some tools mark folders by objects of their name
        all.retain(|meta| meta.size > 0 || Some(&meta.location) != prefix);
        all.sort_by(|a, b| a.location.as_ref().cmp(b.location.as_ref()));
        Ok(all)
    }

    fn listed(&self, meta: ObjectMeta, root: Option<&str>) -> Listed {
        let address = match self.address.scheme {
            Scheme::Http => self.address.to_string(),
            _ => self.address.with_key(meta.location.as_ref()).to_string(),
        };
        let root = root.map(|root| Arc::from(LocalPath::new(&self.address.with_key(root).to_string())));
        Listed { info: Object::info(&self.store, address, meta), root }
    }
}

/// Why a folder has no files.
enum Nothing {
    /// There is no such folder.
    There,
    /// None of its files is one of these.
    Fits,
    /// Nobody knows.
    Known(Box<Error>),
}

fn is_missing(error: &Error) -> bool {
    use std::error::Error as _;
    let source = error.source().and_then(|s| s.downcast_ref::<std::io::Error>());
    source.is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound)
}
