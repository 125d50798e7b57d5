//! A store: a bucket, a container, a web server.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;

use super::failure::{failed, refused};
use super::open::{self, Opened};
use super::patience::{Attempts, Patience};
use crate::base::{Error, Result};
use crate::io::store::StorageOptions;
use crate::io::store::address::{Address, Scheme};

/// A store that is open.
pub struct Store {
    /// What asks it.
    pub objects: Arc<dyn ObjectStore>,
    /// How often it is asked again.
    pub patience: Patience,
    /// Which server, where that is not the one that everybody means by the address; nothing secret.
    pub endpoint: String,
}

impl Store {
    /// The store of an address.
    ///
    /// # Errors
    /// `Invalid` for options that do not go together, `Store`.
    pub fn open(address: &Address, options: &StorageOptions) -> Result<Store> {
        let patience = Patience::of(options);
        let Opened { objects, endpoint } = open::open(address, options, &patience)?;
        Ok(Store { objects, patience, endpoint })
    }

    /// A store that was given. What is in memory is another thing in each run.
    pub fn mounted(place: &str, objects: Arc<dyn ObjectStore>) -> Store {
        let endpoint = format!("{place} {}", crate::base::Token::fresh());
        Store { objects, patience: Patience::of(&StorageOptions::new()), endpoint }
    }

    /// What addresses of the same store have in common.
    pub fn name(address: &Address) -> String {
        match (address.scheme, address.key.split_once('?')) {
            (Scheme::Http, Some((_, query))) => format!("{}?{query}", address.place),
            _ => address.place.clone(),
        }
    }

    /// The path of an address in this store.
    ///
    /// # Errors
    /// `Unsupported` for names that no object has.
    pub fn path(&self, address: &Address) -> Result<Path> {
        let key = match address.scheme {
            Scheme::Http => address.key.split('?').next().unwrap_or_default(),
            _ => &address.key,
        };
        let path = match address.scheme {
            Scheme::Http => Path::from_url_path(key),
            _ => Path::parse(key),
        };
        path.map_err(|e| Error::unsupported(format!("an object of this name ({e})")).doing("open").at_path(address))
    }

    /// Tries again what failed on the way, such as an answer that broke off. Requests by themselves are repeated below.
    pub async fn patiently<T, F>(&self, work: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let mut attempts = Attempts::new(self.patience);
        loop {
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let pause = if is_broken(&error) { attempts.pause(None) } else { None };
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failed(error, attempts.made)),
            }
            attempts.made += 1;
        }
    }
}

/// Whether an answer began and then broke off.
pub fn is_broken(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { .. }) && refused(error).is_none() && {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        std::iter::from_fn(|| {
            let here = next?;
            next = here.source();
            Some(here)
        })
        .any(|error| error.is::<object_store::client::HttpError>())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.endpoint)
    }
}
