//! Stores, made from an address, options and the environment.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::memory::InMemory;
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig};

use object_store::client::HttpConnector;

use super::client::{Connector, region_of};
use super::patience::Patience;
use super::profile;
use super::runtime::start;
use crate::base::{Error, Result};
use crate::exec::Cancel;
use crate::io::store::StorageOptions;
use crate::io::store::address::{Address, Scheme};

/// What opening a store gives.
pub struct Opened {
    /// What asks it.
    pub objects: Arc<dyn ObjectStore>,
    /// Which server, if not the usual one.
    pub endpoint: String,
}

/// The options that say how servers are asked, not which.
const OF_CLIENTS: [&str; 6] =
    ["allow_http", "allow_invalid_certificates", "proxy_url", "user_agent", "connect_timeout", "timeout"];
/// Those that are not for the builders.
const OURS: [&str; 5] = ["anon", "profile", "max_retries", "retry_timeout", "retry_pause"];

/// Opens the store of an address.
///
/// # Errors
/// `Invalid` for options that mean nothing to this kind of store, or do not go together.
pub fn open(address: &Address, options: &StorageOptions, patience: &Patience) -> Result<Opened> {
    let parts = Parts { options, patience, env: &|name| std::env::var(name).ok().filter(|value| !value.is_empty()) };
    match address.scheme {
        Scheme::S3 => parts.s3(address),
        Scheme::Gcs => parts.gcs(address),
        Scheme::Azure => parts.azure(address),
        Scheme::Http => parts.http(address),
        Scheme::Mounted => Ok(Opened {
            objects: Arc::new(InMemory::new()),
            endpoint: format!("memory {}", crate::base::Token::fresh()),
        }),
    }
}

struct Parts<'a> {
    options: &'a StorageOptions,
    patience: &'a Patience,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Parts<'_> {
    fn s3(&self, address: &Address) -> Result<Opened> {
        let bucket = address.place.split_once("://").map_or("", |(_, b)| b);
        let anon = self.options.flag("anon").unwrap_or(false);
        let own_key = self.options.get("access_key_id").is_some();
        let mut builder = AmazonS3Builder::new();
        for (name, value) in from_environment("AWS_") {
            let credential = ["ACCESS_KEY", "SESSION_TOKEN", "_ROLE", "WEB_IDENTITY"].iter().any(|c| name.contains(c));
            // credentials are not put together from two places
            if let (Ok(key), false) = (AmazonS3ConfigKey::from_str(&name.to_lowercase()), credential && own_key) {
                builder = builder.with_config(key, value);
            }
        }
        if !anon && !own_key && (self.options.get("profile").is_some() || (self.env)("AWS_ACCESS_KEY_ID").is_none()) {
            builder = self.with_profile(builder)?;
        }
        for (name, value) in self.of_store() {
            let value = if name == "virtual_hosted_style_request" { value.to_lowercase() } else { value.to_string() };
            builder = builder.with_config(self.key::<AmazonS3ConfigKey>(name, "S3")?, value);
        }
        if anon {
            builder = builder.with_skip_signature(true);
        }
        let endpoint = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint];
        let endpoint = endpoint.iter().find_map(|key| builder.get_config_value(key)).unwrap_or_default();
        let allowed = builder.get_config_value(&AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp));
        let client = self.client_of(&endpoint, anon, allowed.as_deref() == Some("true"))?;
        if endpoint.is_empty()
            && builder.get_config_value(&AmazonS3ConfigKey::Region).is_none()
            && let Some(region) = self.region(bucket, &client)?
        {
            builder = builder.with_region(region);
        }
        let builder = builder
            .with_bucket_name(bucket)
            .with_client_options(client)
            .with_retry(self.retry())
            .with_http_connector(self.connector()?);
        Ok(Opened { objects: Arc::new(builder.build().map_err(unfit)?), endpoint })
    }

    /// The region of a bucket that nobody has named one for, if it can be reached.
    fn region(&self, bucket: &str, client: &ClientOptions) -> Result<Option<String>> {
        let patience = Patience { most: 1, ..*self.patience };
        let client = Connector { patience, headers: HeaderMap::new() }.connect(client).map_err(unfit)?;
        // the names of certificates have one label
        let address = match bucket.contains('.') {
            true => format!("https://s3.amazonaws.com/{bucket}"),
            false => format!("https://{bucket}.s3.amazonaws.com"),
        };
        start(async move { Ok(region_of(&client, &address).await) }).wait(&Cancel::new())
    }

    fn with_profile(&self, mut builder: AmazonS3Builder) -> Result<AmazonS3Builder> {
        let given = self.options.get("profile").map(str::to_string);
        let named = given.or_else(|| (self.env)("AWS_PROFILE"));
        let name = named.clone().unwrap_or_else(|| "default".into());
        let found = profile::read(&name, self.env);
        if let (Some(named), true) = (named, found.is_empty()) {
            let help = "it is looked for in ~/.aws/credentials and ~/.aws/config";
            return Err(Error::invalid(format!("there is no profile `{named}`")).help(help));
        }
        for (name, value) in found {
            if let Ok(key) = AmazonS3ConfigKey::from_str(&name) {
                // the region and the endpoint of the environment go before those of a profile
                let unset = builder.get_config_value(&key).is_none();
                if unset || self.options.get("profile").is_some() {
                    builder = builder.with_config(key, value);
                }
            }
        }
        Ok(builder)
    }

    fn gcs(&self, address: &Address) -> Result<Opened> {
        let bucket = address.place.split_once("://").map_or("", |(_, b)| b);
        let anon = self.options.flag("anon").unwrap_or(false);
        let mut builder = GoogleCloudStorageBuilder::new();
        for (name, value) in from_environment("GOOGLE_") {
            if let Ok(key) = GoogleConfigKey::from_str(&name.to_lowercase()) {
                builder = builder.with_config(key, value);
            }
        }
        for (name, value) in self.of_store() {
            let name = if name == "endpoint" { "base_url" } else { name };
            builder = builder.with_config(self.key::<GoogleConfigKey>(name, "Google Cloud Storage")?, value);
        }
        if anon {
            builder = builder.with_config(GoogleConfigKey::SkipSignature, "true");
        }
        let endpoint = builder.get_config_value(&GoogleConfigKey::BaseUrl).unwrap_or_default();
        let builder = builder
            .with_bucket_name(bucket)
            .with_client_options(self.client_of(&endpoint, anon, false)?)
            .with_retry(self.retry())
            .with_http_connector(self.connector()?);
        Ok(Opened { objects: Arc::new(builder.build().map_err(unfit)?), endpoint })
    }

    fn azure(&self, address: &Address) -> Result<Opened> {
        let anon = self.options.flag("anon").unwrap_or(false);
        let mut builder = MicrosoftAzureBuilder::new();
        for (name, value) in from_environment("AZURE_") {
            if let Ok(key) = AzureConfigKey::from_str(&name.to_lowercase()) {
                builder = builder.with_config(key, value);
            }
        }
        for (name, value) in self.of_store() {
            builder = builder.with_config(self.key::<AzureConfigKey>(name, "Azure")?, value);
        }
        if anon {
            builder = builder.with_config(AzureConfigKey::SkipSignature, "true");
        }
        let emulator = builder.get_config_value(&AzureConfigKey::UseEmulator).as_deref() == Some("true");
        let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint).unwrap_or_default();
        let builder = builder
            .with_url(&address.place)
            .with_client_options(self.client_of(&endpoint, anon, emulator)?)
            .with_retry(self.retry())
            .with_http_connector(self.connector()?);
        Ok(Opened { objects: Arc::new(builder.build().map_err(unfit)?), endpoint })
    }

    fn http(&self, address: &Address) -> Result<Opened> {
        let known = |name: &&str| OF_CLIENTS.contains(name) || OURS.contains(name);
        if let Some((name, _)) = self.options.values().find(|(name, _)| !known(name)) {
            return Err(means_nothing(name, "a web server"));
        }
        let query = address.key.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
        let builder = HttpBuilder::new()
            .with_url(format!("{}/{query}", address.place))
            .with_client_options(self.client(true))
            .with_retry(self.retry())
            .with_http_connector(self.connector()?);
        Ok(Opened { objects: Arc::new(builder.build().map_err(unfit)?), endpoint: String::new() })
    }

    /// The options that say which store, and who asks it.
    fn of_store(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.options.values().filter(|(name, _)| !OF_CLIENTS.contains(name) && !OURS.contains(name))
    }

    fn key<K: FromStr>(&self, name: &str, kind: &str) -> Result<K> {
        name.parse().map_err(|_| means_nothing(name, kind))
    }

    /// The client for an endpoint. Over plain http it sends secrets to anybody, so that has to be allowed, but not for a server
    /// of this machine, or where nothing is secret.
    fn client_of(&self, endpoint: &str, anon: bool, allowed: bool) -> Result<ClientOptions> {
        if !(endpoint.is_empty() || endpoint.starts_with("http://") || endpoint.starts_with("https://")) {
            let help = "it is an address, such as http://localhost:9000";
            return Err(Error::invalid(format!("`{endpoint}` is no endpoint")).help(help));
        }
        let allowed = allowed || self.options.flag("allow_http") == Some(true);
        let host = endpoint.strip_prefix("http://").map(|rest| rest.split('/').next().unwrap_or_default());
        let near = host.is_some_and(|h| {
            let name = h.rsplit_once(':').map_or(h, |(name, port)| if port.contains(']') { h } else { name });
            name == "localhost" || name == "[::1]" || name.starts_with("127.")
        });
        if host.is_some() && !(allowed || anon || near) {
            let help = "say .allow_http(true) if that is meant: everybody on the way can read what is sent";
            return Err(Error::invalid("the endpoint is reached over plain http").help(help));
        }
        Ok(self.client(host.is_some() || allowed))
    }

    fn client(&self, allow_http: bool) -> ClientOptions {
        let mut client = ClientOptions::new().with_allow_http(allow_http);
        for (name, value) in self.options.values().filter(|(name, _)| OF_CLIENTS.contains(name)) {
            if let (Ok(key), false) = (name.parse::<ClientConfigKey>(), name == "allow_http") {
                let time = self.options.time(name).map(|t| format!("{} us", t.as_micros()));
                let flag = self.options.flag(name).map(|f| f.to_string());
                client = client
                    .with_config(key, time.filter(|_| name.ends_with("timeout")).or(flag).unwrap_or(value.into()));
            }
        }
        client
    }

    fn connector(&self) -> Result<Connector> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.options.headers() {
            let wrong = || Error::invalid(format!("`{name}` cannot be sent as a header"));
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(name.parse::<reqwest::header::HeaderName>().map_err(|_| wrong())?, value);
        }
        Ok(Connector { patience: *self.patience, headers })
    }

    /// For what only the library can tell: S3 says that it is busy in answers that claim success.
    fn retry(&self) -> RetryConfig {
        let backoff = BackoffConfig { init_backoff: self.patience.pause, ..BackoffConfig::default() };
        RetryConfig { backoff, max_retries: self.patience.most as usize, retry_timeout: self.patience.within }
    }
}

/// A time as the library prints it.
pub fn time_of(text: &str) -> Option<Duration> {
    let parts = text.split_whitespace().map(|part| StorageOptions::new().set("timeout", part).time("timeout"));
    // the library writes `1s 500ms`; a unit behind a blank belongs to the number
    parts.collect::<Option<Vec<_>>>().map(|all| all.iter().sum()).or_else(|| {
        let joined: String = text.split_whitespace().collect();
        StorageOptions::new().set("timeout", joined).time("timeout")
    })
}

fn from_environment(prefix: &str) -> impl Iterator<Item = (String, String)> {
    let texts =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    // a name without a value takes away what a parent process had said
    texts.filter(move |(name, value)| name.starts_with(prefix) && !value.is_empty())
}

fn means_nothing(name: &str, kind: &str) -> Error {
    Error::invalid(format!("the storage option `{name}` means nothing to {kind}"))
}

fn unfit(error: object_store::Error) -> Error {
    Error::invalid(super::client::root_cause(&error)).help("see StorageOptions for what can be said of a store")
}
