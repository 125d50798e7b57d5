//! Addresses, taken apart. Pure.

use std::fmt;

use crate::base::schema::nearest;
use crate::base::{Error, Result};

/// Where files are that no path of this machine leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Amazon S3 and what speaks like it: `s3://bucket/key`, `s3a://…`.
    S3,
    /// Google Cloud Storage: `gs://bucket/key`, `gcs://…`.
    Gcs,
    /// Azure Blob Storage: `az://container/key`, `abfs://container/key`, `abfs://container@account.dfs.core.windows.net/key`.
    Azure,
    /// A web server: `http://…`, `https://…`. It can only be read, and lists nothing.
    Http,
    /// Stores of this process, and those that were put there under a scheme of their own.
    Mounted,
}

/// The schemes, as they are written.
const SCHEMES: [(&str, Scheme); 13] = [
    ("s3", Scheme::S3),
    ("s3a", Scheme::S3),
    ("s3n", Scheme::S3),
    ("gs", Scheme::Gcs),
    ("gcs", Scheme::Gcs),
    ("az", Scheme::Azure),
    ("azure", Scheme::Azure),
    ("adl", Scheme::Azure),
    ("abfs", Scheme::Azure),
    ("abfss", Scheme::Azure),
    ("http", Scheme::Http),
    ("https", Scheme::Http),
    ("memory", Scheme::Mounted),
];

/// The address of a file, of a folder or of a pattern of files. It prints as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Which kind of store.
    pub scheme: Scheme,
    /// Which one: `s3://bucket`, `https://example.org`.
    pub place: String,
    /// What in it, without a `/` before it; with the query of a web address.
    pub key: String,
}

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// A path of this machine.
    Path(String),
    /// A file somewhere else.
    Address(Address),
}

/// Whether this is a path of this machine or an address. As for fsspec, what follows `file://` is a path as it stands, with
/// nothing escaped; `mounted` are schemes that stores were put under.
///
/// # Errors
/// `Invalid` for a scheme that is none, or an address without a bucket or host.
pub fn meant(text: &str, mounted: &[&str]) -> Result<Meant> {
    let Some((written, rest)) = text.split_once("://") else { return Ok(Meant::Path(text.to_string())) };
    // a path may have such a thing in it
    if !written.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) || written.is_empty() {
        return Ok(Meant::Path(text.to_string()));
    }
    let lower = written.to_ascii_lowercase();
    if lower == "file" || lower == "local" {
        let path = rest.strip_prefix("localhost").filter(|p| p.starts_with('/')).unwrap_or(rest);
        return Ok(Meant::Path(path.to_string()));
    }
    let invalid = |what: String| Error::invalid(what).doing("open").at_path(text);
    let known = SCHEMES.iter().find(|(name, _)| *name == lower).map(|(_, scheme)| *scheme);
    let scheme = known.or_else(|| mounted.contains(&lower.as_str()).then_some(Scheme::Mounted)).ok_or_else(|| {
        let names = SCHEMES.map(|(name, _)| name).into_iter().chain(["file"]).chain(mounted.iter().copied());
        let help = match nearest(&lower, names.clone()) {
            Some(near) => format!("did you mean `{near}://`?"),
            None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
        };
        invalid(format!("`{written}://` is no kind of store")).help(help)
    })?;
    if scheme == Scheme::Mounted {
        let key = rest.trim_start_matches('/').to_string();
        return Ok(Meant::Address(Address { scheme, place: format!("{lower}://"), key }));
    }
    let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() {
        let what = if scheme == Scheme::Http { "a host" } else { "a bucket" };
        return Err(invalid(format!("the address names {what} with no letters")));
    }
    if scheme == Scheme::Http && host.contains('@') {
        // it would be printed wherever the file is named
        let help = "put the user's name and password into a header: .header(\"Authorization\", …)";
        return Err(Error::invalid("a web address with a password in it").doing("open").help(help));
    }
    Ok(Meant::Address(Address { scheme, place: format!("{written}://{host}"), key: key.to_string() }))
}

impl Address {
    /// Whether it is a pattern. In a web address `?` begins the query.
    pub fn is_pattern(&self) -> bool {
        match self.scheme {
            Scheme::Http => self.key.split('?').next().unwrap_or_default().contains(['*', '[']),
            _ => self.key.contains(['*', '?', '[']),
        }
    }

    /// The folder where a pattern begins, with its `/`, as far as it is fixed.
    pub fn fixed_part(&self) -> &str {
        let fixed = self.key.split(['*', '?', '[']).next().unwrap_or_default();
        fixed.rfind('/').map_or("", |end| &fixed[..=end])
    }

    /// The same, for writing to.
    ///
    /// # Errors
    /// `Unsupported` for a web server.
    pub fn writable(self) -> Result<Address> {
        match self.scheme {
            Scheme::Http => {
                let error = Error::unsupported("writing to a web server").doing("write").at_path(&self);
                Err(error.help("write to a folder or an object store"))
            }
            _ => Ok(self),
        }
    }

    /// Another file in the same place.
    pub fn with_key(&self, key: &str) -> Address {
        Address { key: key.to_string(), ..self.clone() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.place.ends_with('/') { "" } else { "/" };
        write!(f, "{}{slash}{}", self.place, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        match meant(text, &["lake"]).unwrap() {
            Meant::Address(address) => address,
            Meant::Path(path) => panic!("{path}"),
        }
    }

    #[test]
    fn paths_are_told_from_addresses() {
        for (text, path) in [
            ("trips/*.csv", "trips/*.csv"),
            ("file:///data/a b.csv", "/data/a b.csv"),
            ("file://localhost/data/a.csv", "/data/a.csv"),
            ("file://a.csv", "a.csv"),
            ("a/b://c", "a/b://c"),
        ] {
            assert_eq!(meant(text, &[]).unwrap(), Meant::Path(path.into()), "{text}");
        }
    }

    #[test]
    fn addresses_have_a_place_and_a_key() {
        for (text, scheme, place, key) in [
            ("s3://nyc-tlc/trip data/*.csv", Scheme::S3, "s3://nyc-tlc", "trip data/*.csv"),
            ("S3A://b", Scheme::S3, "S3A://b", ""),
            ("gs://b/", Scheme::Gcs, "gs://b", ""),
            ("abfs://c@a.dfs.core.windows.net/k/", Scheme::Azure, "abfs://c@a.dfs.core.windows.net", "k/"),
            ("http://[::1]:80/a?b=*", Scheme::Http, "http://[::1]:80", "a?b=*"),
            ("memory://a/b", Scheme::Mounted, "memory://", "a/b"),
            ("lake:///a", Scheme::Mounted, "lake://", "a"),
        ] {
            let found = address(text);
            assert_eq!((found.scheme, &*found.place, &*found.key), (scheme, place, key), "{text}");
        }
        assert_eq!(address("s3://b/a/b").to_string(), "s3://b/a/b");
        assert_eq!(address("memory:///a/b").to_string(), "memory://a/b");
        assert!(!address("http://[::1]:80/a?b=*").is_pattern() && address("http://x/*.csv").is_pattern());
        assert_eq!(address("s3://b/data/2019-*/x?.csv").fixed_part(), "data/");
        assert_eq!(address("s3://b/x*").fixed_part(), "");
    }

    #[test]
    fn what_is_no_address_says_what_to_write() {
        let said = |text: &str| meant(text, &[]).unwrap_err().to_string();
        assert!(said("htps://b/a").contains("did you mean `https://`"), "{}", said("htps://b/a"));
        assert!(said("carrierpigeon://b").contains("there are s3"));
        assert!(said("s3:///key").contains("a bucket with no letters"));
        assert!(!said("https://me:secret@x/a").contains("secret"));
    }
}
