//! The stores of a session.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "cloud")]
use std::sync::{Mutex, PoisonError};

use super::address::Address;
use super::file::Listed;
use super::options::StorageOptions;
#[cfg(feature = "cloud")]
use super::remote::{Store, listing};
use crate::base::Result;

/// The stores that a session has reached, with what was said of them when it was made. Clones are handles to the same.
#[derive(Clone, Default)]
pub struct Stores(Arc<Known>);

#[derive(Default)]
struct Known {
    /// What holds for addresses that begin so.
    defaults: Vec<(String, StorageOptions)>,
    #[cfg(feature = "cloud")]
    mounted: Vec<(String, Arc<Store>)>,
    /// Those in use: connections are kept.
    #[cfg(feature = "cloud")]
    open: Mutex<Vec<(String, StorageOptions, Arc<Store>)>>,
}

/// The stores, and what is said where files are read or written.
#[derive(Clone, Default)]
pub struct Storage {
    /// How they are reached.
    pub options: StorageOptions,
    /// The session's.
    pub stores: Stores,
}

/// The methods that read options have in common: they fill the field `storage`.
macro_rules! stored {
    () => {
        /// How the stores are reached that the files are in, beyond what the session says of them.
        #[must_use]
        pub fn storage_options(mut self, options: impl Into<$crate::io::StorageOptions>) -> Self {
            self.storage.options = options.into();
            self
        }

        /// With the stores of a session.
        #[must_use]
        pub(crate) fn within(mut self, stores: &$crate::io::store::Stores) -> Self {
            self.storage.stores = stores.clone();
            self
        }
    };
}
pub(crate) use stored;

impl Stores {
    /// Stores that are reached as `defaults` say for the addresses that begin so: `s3`, `s3://bucket`. Longer ones win.
    ///
    /// # Errors
    /// `Invalid` for an option that is none.
    // without stores there are no other fields
    #[cfg_attr(not(feature = "cloud"), allow(clippy::needless_update))]
    pub fn new(mut defaults: Vec<(String, StorageOptions)>) -> Result<Stores> {
        defaults.iter().try_for_each(|(_, options)| options.check())?;
        defaults.sort_by_key(|(begins, _)| begins.len());
        Ok(Stores(Arc::new(Known { defaults, ..Known::default() })))
    }

    /// The same, with other stores below some addresses: `memory://`, `lake://`.
    #[cfg(feature = "cloud")]
    #[must_use]
    pub fn with_mounted(self, mounted: Vec<(String, Arc<dyn object_store::ObjectStore>)>) -> Stores {
        let named = mounted.into_iter().map(|(begins, store)| {
            let place = format!("{}://", begins.trim_end_matches('/').trim_end_matches(':').to_lowercase());
            let store = Arc::new(Store::mounted(&place, store));
            (place, store)
        });
        Stores(Arc::new(Known { mounted: named.collect(), defaults: self.0.defaults.clone(), ..Known::default() }))
    }

    /// The schemes that stores were put under.
    #[cfg(feature = "cloud")]
    pub fn mounted(&self) -> Vec<&str> {
        self.0.mounted.iter().filter_map(|(place, _)| place.strip_suffix("://")).collect()
    }

    /// The schemes that stores were put under.
    #[cfg(not(feature = "cloud"))]
    pub fn mounted(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What is said of an address in all.
    fn options(&self, address: &Address, given: &StorageOptions) -> StorageOptions {
        let whole = address.to_string();
        let defaults = self.0.defaults.iter().filter(|(begins, _)| {
            whole
                .strip_prefix(begins.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']) || begins.ends_with(['/', ':']))
        });
        defaults.fold(StorageOptions::new(), |all, (_, more)| all.and(more)).and(given)
    }
}

#[cfg(feature = "cloud")]
impl Storage {
    /// The store of an address.
    ///
    /// # Errors
    /// `Invalid` for options that are none or do not go together, `Store` when there are no credentials.
    pub fn store(&self, address: &Address) -> Result<Arc<Store>> {
        self.options.check()?;
        if let Some((_, store)) = self.stores.0.mounted.iter().find(|(place, _)| *place == address.place) {
            return Ok(store.clone());
        }
        let options = self.stores.options(address, &self.options);
        let mut open = self.stores.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let name = Store::name(address);
        if let Some((.., store)) = open.iter().find(|(known, with, _)| *known == name && *with == options) {
            return Ok(store.clone());
        }
        let store = Arc::new(Store::open(address, &options).map_err(|e| e.doing("open").at_path(address))?);
        open.push((name, options, store.clone()));
        Ok(store)
    }

    /// The files that an address means.
    ///
    /// # Errors
    /// As [`list`](super::list()).
    pub fn list(&self, address: &Address, extensions: &[&str]) -> Result<Vec<Listed>> {
        listing::list(&self.store(address)?, address, extensions)
    }
}

#[cfg(not(feature = "cloud"))]
impl Storage {
    /// The files that an address means.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn list(&self, address: &Address, _extensions: &[&str]) -> Result<Vec<Listed>> {
        let _ = self.stores.options(address, &self.options);
        Err(without_stores(address).doing("open"))
    }
}

/// The error for an address in a build that knows no stores.
#[cfg(not(feature = "cloud"))]
pub fn without_stores(address: &Address) -> crate::base::Error {
    let help = "build with the feature `cloud`: partita = { version = \"…\", features = [\"cloud\"] }";
    crate::base::Error::unsupported("an address, in a build without stores,").at_path(address).help(help)
}

/// What is said where files are read; the stores are not told apart.
impl PartialEq for Storage {
    fn eq(&self, other: &Storage) -> bool {
        self.options == other.options
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::store::address::{Meant, meant};

    #[test]
    fn what_is_said_of_a_bucket_goes_before_what_is_said_of_its_scheme() {
        let said = |region: &str| StorageOptions::new().region(region);
        let defaults = vec![("s3://b".to_string(), said("bucket")), ("s3".to_string(), said("scheme").anon(true))];
        let stores = Stores::new(defaults).unwrap();
        let region = |text: &str, given: &StorageOptions| {
            let Meant::Address(address) = meant(text, &[]).unwrap() else { panic!() };
            let options = stores.options(&address, given);
            (options.get("region").map(str::to_string), options.flag("anon"))
        };
        let none = StorageOptions::new();
        assert_eq!(region("s3://b/k", &none), (Some("bucket".into()), Some(true)));
        assert_eq!(region("s3://bb/k", &none), (Some("scheme".into()), Some(true)));
        assert_eq!(region("gs://b/k", &none), (None, None));
        assert_eq!(region("s3://b/k", &said("given")), (Some("given".into()), Some(true)));
        assert!(Stores::new(vec![("s3".into(), StorageOptions::new().set("x", 1))]).is_err());
    }
}
