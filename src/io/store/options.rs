//! How stores are reached.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::schema::nearest;
use crate::base::{Error, Result};

/// How stores are reached: credentials, endpoints, patience. What is not said comes from the environment and the profiles
/// that the tools of each cloud read (`AWS_ACCESS_KEY_ID`, `~/.aws/credentials`, `GOOGLE_APPLICATION_CREDENTIALS`,
/// `AZURE_STORAGE_ACCOUNT_NAME`, …), so most often nothing has to be.
///
/// ```
/// use partita::StorageOptions;
/// let public = StorageOptions::new().anon(true).region("us-east-1");
/// let minio = StorageOptions::new().endpoint("http://localhost:9000").allow_http(true).credentials("me", "secret");
/// // or with the words of fsspec, Polars and object_store
/// let same = StorageOptions::from([("key", "me"), ("secret", "secret"), ("endpoint_url", "http://localhost:9000")]);
/// assert!(!format!("{minio:?}").contains("secret\""));
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct StorageOptions {
    values: BTreeMap<&'static str, String>,
    headers: Vec<(String, String)>,
    /// A name or value that was wrong.
    wrong: Option<Wrong>,
}

#[derive(Clone, Debug)]
struct Wrong(Arc<Error>);

impl Eq for StorageOptions {}

impl PartialEq for Wrong {
    fn eq(&self, other: &Wrong) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Secret,
    Flag,
    Count,
    Time,
}

/// The options: their names (those of `object_store`), what they are, and how else they are written.
const KNOWN: &[(&str, Kind, &[&str])] = &[
    ("anon", Kind::Flag, &["skip_signature", "aws_skip_signature", "google_skip_signature", "azure_skip_signature"]),
    (
        "endpoint",
        Kind::Text,
        &["endpoint_url", "aws_endpoint_url", "aws_endpoint", "azure_storage_endpoint", "base_url"],
    ),
    ("region", Kind::Text, &["aws_region", "region_name", "default_region", "aws_default_region"]),
    ("access_key_id", Kind::Secret, &["key", "aws_access_key_id"]),
    ("secret_access_key", Kind::Secret, &["secret", "aws_secret_access_key"]),
    ("session_token", Kind::Secret, &["token", "aws_session_token"]),
    ("profile", Kind::Text, &["aws_profile"]),
    ("virtual_hosted_style_request", Kind::Flag, &["aws_virtual_hosted_style_request"]),
    ("request_payer", Kind::Flag, &["requester_pays", "aws_request_payer"]),
    ("role_arn", Kind::Text, &["aws_role_arn"]),
    ("account_name", Kind::Text, &["azure_storage_account_name", "account"]),
    ("account_key", Kind::Secret, &["azure_storage_account_key", "azure_storage_access_key"]),
    ("sas_token", Kind::Secret, &["azure_storage_sas_token", "azure_storage_sas_key", "sas_key"]),
    ("client_id", Kind::Text, &["azure_storage_client_id", "azure_client_id"]),
    ("client_secret", Kind::Secret, &["azure_storage_client_secret", "azure_client_secret"]),
    ("tenant_id", Kind::Text, &["azure_storage_tenant_id", "azure_tenant_id"]),
    ("bearer_token", Kind::Secret, &["google_bearer_token", "azure_storage_token"]),
    ("use_emulator", Kind::Flag, &["azure_storage_use_emulator"]),
    ("use_azure_cli", Kind::Flag, &["azure_use_azure_cli"]),
    ("service_account", Kind::Text, &["google_service_account", "google_service_account_path", "service_account_path"]),
    ("service_account_key", Kind::Secret, &["google_service_account_key"]),
    ("application_credentials", Kind::Text, &["google_application_credentials"]),
    ("allow_http", Kind::Flag, &["aws_allow_http", "azure_allow_http"]),
    ("allow_invalid_certificates", Kind::Flag, &[]),
    ("proxy_url", Kind::Secret, &["proxy"]),
    ("user_agent", Kind::Text, &[]),
    ("connect_timeout", Kind::Time, &[]),
    ("timeout", Kind::Time, &["read_timeout", "request_timeout"]),
    ("max_retries", Kind::Count, &["retries", "max_attempts"]),
    ("retry_timeout", Kind::Time, &[]),
    ("retry_pause", Kind::Time, &["init_backoff"]),
];

impl StorageOptions {
    /// Nothing is said.
    pub fn new() -> Self {
        StorageOptions::default()
    }

    /// Sets an option by its name, in the spelling of this library, fsspec, Polars or `object_store`. A name or value that
    /// is none is an error where a store is used.
    #[must_use]
    pub fn set(mut self, name: impl AsRef<str>, value: impl fmt::Display) -> Self {
        if let Err(error) = self.put(name.as_ref(), value.to_string()) {
            self.wrong.get_or_insert(Wrong(Arc::new(error)));
        }
        self
    }

    fn put(&mut self, name: &str, value: String) -> Result<()> {
        let folded = name.trim().to_lowercase().replace('-', "_");
        let known = KNOWN.iter().find(|(own, _, others)| *own == folded || others.contains(&&*folded));
        let Some((own, kind, _)) = known else {
            let names = KNOWN.iter().flat_map(|(own, _, others)| others.iter().chain([own]).copied());
            let help = match nearest(&folded, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", KNOWN.iter().map(|(own, ..)| *own).collect::<Vec<_>>().join(", ")),
            };
            return Err(Error::invalid(format!("there is no storage option `{name}`")).help(help));
        };
        let value = value.trim().to_string();
        let (fits, needed) = match kind {
            Kind::Text | Kind::Secret => (!value.is_empty(), "some letters"),
            Kind::Flag => (flag(&value).is_some(), "`true` or `false`"),
            Kind::Count => (value.parse::<u32>().is_ok(), "a number"),
            Kind::Time => (time(&value).is_some(), "a time such as `30s`, `200ms` or `2m`"),
        };
        if !fits {
            let shown = if *kind == Kind::Secret { "nothing" } else { &value };
            return Err(
                Error::invalid(format!("the storage option `{name}` is `{shown}`")).help(format!("give {needed}"))
            );
        }
        self.values.insert(own, value);
        Ok(())
    }

    /// Whether requests go without credentials: for public buckets.
    #[must_use]
    pub fn anon(self, anon: bool) -> Self {
        self.set("anon", anon)
    }

    /// The server, where it is not that of the cloud: `http://localhost:9000`.
    #[must_use]
    pub fn endpoint(self, url: impl AsRef<str>) -> Self {
        self.set("endpoint", url.as_ref())
    }

    /// The region of a bucket of S3; `us-east-1` if neither this nor the environment says.
    #[must_use]
    pub fn region(self, region: impl AsRef<str>) -> Self {
        self.set("region", region.as_ref())
    }

    /// Key and secret of S3.
    #[must_use]
    pub fn credentials(self, access_key_id: impl AsRef<str>, secret_access_key: impl AsRef<str>) -> Self {
        self.set("access_key_id", access_key_id.as_ref()).set("secret_access_key", secret_access_key.as_ref())
    }

    /// The profile in `~/.aws/credentials` and `~/.aws/config`; that of `AWS_PROFILE`, else `default`, if not said.
    #[must_use]
    pub fn profile(self, name: impl AsRef<str>) -> Self {
        self.set("profile", name.as_ref())
    }

    /// Whether a store may be asked over plain http: for servers nearby. An address that begins with `http://` says so
    /// itself.
    #[must_use]
    pub fn allow_http(self, allow: bool) -> Self {
        self.set("allow_http", allow)
    }

    /// How long a request may take to find the server (5 s if not said), and in all (30 s). One that has brought something by then
    /// is continued where it stopped.
    #[must_use]
    pub fn timeouts(self, connect: Duration, request: Duration) -> Self {
        self.set("connect_timeout", written(connect)).set("timeout", written(request))
    }

    /// How often a request is repeated that failed for a passing reason (6 times if not said), for how long (3 minutes),
    /// and how long the first pause is (100 ms; each is twice as long as the one before).
    #[must_use]
    pub fn retries(self, most: u32, within: Duration, first_pause: Duration) -> Self {
        let timed = self.set("retry_timeout", written(within)).set("retry_pause", written(first_pause));
        timed.set("max_retries", most)
    }

    /// A header for every request to a web server. Its value is kept secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// These, and what `more` says, which wins.
    #[must_use]
    pub fn and(&self, more: &StorageOptions) -> StorageOptions {
        let mut all = self.clone();
        all.values.extend(more.values.clone());
        all.headers.extend(more.headers.clone());
        all.wrong = all.wrong.or_else(|| more.wrong.clone());
        all
    }

    /// Whether all names and values are some.
    ///
    /// # Errors
    /// `Invalid`, with the nearest name.
    pub fn check(&self) -> Result<()> {
        match &self.wrong {
            Some(wrong) => Err(wrong.0.again().doing("reach a store")),
            None => Ok(()),
        }
    }

    /// The value of an option by its own name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether a flag is set; `None` if nothing is said.
    pub fn flag(&self, name: &str) -> Option<bool> {
        flag(self.get(name)?)
    }

    /// A time.
    pub fn time(&self, name: &str) -> Option<Duration> {
        time(self.get(name)?)
    }

    /// A number.
    pub fn count(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }

    /// The options that were set, by their own names.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.values.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The headers that were set.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }
}

impl<N: AsRef<str>, V: fmt::Display, I: IntoIterator<Item = (N, V)>> From<I> for StorageOptions {
    fn from(pairs: I) -> Self {
        pairs.into_iter().fold(StorageOptions::new(), |options, (name, value)| options.set(name, value))
    }
}

/// Without what is secret.
impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in &self.values {
            let secret = KNOWN.iter().any(|(own, kind, _)| own == name && *kind == Kind::Secret);
            map.entry(name, &if secret { "…" } else { value });
        }
        for (name, _) in &self.headers {
            map.entry(name, &"…");
        }
        map.finish()
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn written(time: Duration) -> String {
    format!("{}us", time.as_micros())
}

/// A time with its unit; seconds without one, as fsspec has them.
fn time(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit.trim() {
        "us" => 1e-6,
        "ms" => 1e-3,
        "" | "s" | "sec" | "seconds" => 1.0,
        "m" | "min" | "minutes" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_others_are_understood() {
        let fsspec =
            StorageOptions::from([("key", "k"), ("secret", "s"), ("endpoint_url", "http://x"), ("anon", "True")]);
        let own = StorageOptions::new().credentials("k", "s").endpoint("http://x").anon(true);
        let values = |o: &StorageOptions| o.values().map(|(n, v)| (n, v.to_lowercase())).collect::<Vec<_>>();
        assert_eq!(values(&fsspec), values(&own));
        let env = StorageOptions::from([("AWS_ACCESS_KEY_ID", "k"), ("aws-region", "r")]);
        assert_eq!((env.get("access_key_id"), env.get("region")), (Some("k"), Some("r")));
        assert!(env.check().is_ok());
    }

    #[test]
    fn what_is_no_option_has_a_nearest_name() {
        let said = |name: &str, value: &str| StorageOptions::new().set(name, value).check().unwrap_err().to_string();
        assert!(said("endpont_url", "x").contains("did you mean `endpoint_url`"), "{}", said("endpont_url", "x"));
        assert!(said("anon", "perhaps").contains("`true` or `false`"));
        assert!(said("timeout", "soon").contains("30s"));
        assert!(said("secret", "").contains("some letters"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let options = StorageOptions::new()
            .credentials("id", "hush")
            .set("sas_token", "hush")
            .set("proxy", "http://me:hush@proxy")
            .header("Authorization", "Bearer hush");
        let shown = format!("{options:?} {options:#?}");
        assert!(!shown.contains("hush") && shown.contains("secret_access_key"), "{shown}");
    }

    #[test]
    fn times_have_units() {
        assert_eq!(time("30s"), Some(Duration::from_secs(30)));
        assert_eq!(time("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(time("200 ms"), Some(Duration::from_millis(200)));
        assert_eq!(time("2m"), Some(Duration::from_secs(120)));
        assert_eq!((time("-3s"), time("3 weeks"), time("s")), (None, None, None));
        let options = StorageOptions::new().timeouts(Duration::from_millis(1500), Duration::from_secs(7));
        assert_eq!(options.time("connect_timeout"), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_said_later_wins() {
        let both = StorageOptions::new().anon(true).region("a").and(&StorageOptions::new().region("b"));
        assert_eq!((both.flag("anon"), both.get("region")), (Some(true), Some("b")));
    }
}
