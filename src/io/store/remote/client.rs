//! Requests, repeated when they fail for a passing reason.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpService,
};
use object_store::{ClientConfigKey, HeaderMap};

use super::patience::{Attempts, Patience};
use super::tls;

/// Makes clients: TLS as the system trusts, a connection for each request that is under way.
#[derive(Clone, Debug)]
pub struct Connector {
    /// How often requests are repeated.
    pub patience: Patience,
    /// Sent with each of them.
    pub headers: HeaderMap,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let failed =
            |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Generic { store: "HTTP", source };
        let is_set = |key| options.get_config_value(&key).as_deref() == Some("true");
        let time = |key| options.get_config_value(&key).and_then(|text| super::open::time_of(&text));
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .https_only(!is_set(ClientConfigKey::AllowHttp))
            .default_headers(self.headers.clone())
            .user_agent(concat!("partita/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(time(ClientConfigKey::ConnectTimeout).unwrap_or(Duration::from_secs(5)))
            .timeout(time(ClientConfigKey::Timeout).unwrap_or(Duration::from_secs(30)))
            .pool_idle_timeout(Duration::from_secs(60));
        if let Some(agent) = options.get_config_value(&ClientConfigKey::UserAgent) {
            builder = builder.user_agent(agent);
        }
        if let Some(proxy) = options.get_config_value(&ClientConfigKey::ProxyUrl) {
            builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(|e| failed(e.into()))?);
        }
        let anybody = is_set(ClientConfigKey::AllowInvalidCertificates);
        builder = builder.tls_backend_preconfigured(tls::client(anybody).map_err(|e| failed(e.into()))?);
        let client = HttpClient::new(builder.build().map_err(|e| failed(e.into()))?);
        Ok(HttpClient::new(Persistent { client, patience: self.patience }))
    }
}

/// Asks again.
#[derive(Debug)]
struct Persistent {
    client: HttpClient,
    patience: Patience,
}

/// What a server said, or what went wrong on the way to it, in the end.
#[derive(Debug)]
pub struct Refused {
    /// The status of its answer, if there was one.
    pub status: Option<u16>,
    /// What it said.
    pub what: String,
    /// How often it was asked.
    pub attempts: u32,
    /// In which region the bucket is, if it says so.
    pub region: Option<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Refused {}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Persistent {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Answer<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.ask(request))
    }
}

impl Persistent {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut attempts = Attempts::new(self.patience);
        loop {
            attempts.made += 1;
            let (refused, asked) = match self.client.execute(request.clone()).await {
                Ok(answer) if is_for_the_caller(answer.status().as_u16()) => {
                    return no_bucket(answer, attempts.made).await;
                }
                Ok(answer) => {
                    let asked = header(&answer, "retry-after").and_then(|s| s.parse().ok()).map(Duration::from_secs);
                    let passing = is_passing(answer.status().as_u16());
                    let refused = refused(answer, attempts.made).await;
                    if !passing {
                        return Err(HttpError::new(HttpErrorKind::Unknown, refused));
                    }
                    (refused, asked)
                }
                Err(error) => {
                    let what = root_cause(&error);
                    let refused = Refused { status: None, what, attempts: attempts.made, region: None };
                    if error.kind() == HttpErrorKind::Decode || is_ours(&error) {
                        return Err(HttpError::new(HttpErrorKind::Unknown, refused));
                    }
                    (refused, None)
                }
            };
            tracing::debug!(target: "partita::store", attempt = attempts.made, "a request failed: {refused}");
            match attempts.pause(asked) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(HttpError::new(HttpErrorKind::Unknown, refused)),
            }
        }
    }
}

/// Statuses that mean something to whoever asked: that it worked, that nothing is there, that it is not what was expected.
fn is_for_the_caller(status: u16) -> bool {
    matches!(status, 200..=299 | 304 | 404 | 409 | 412)
}

/// Statuses that may be another one the next time.
fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

/// A request that could not even be made: plain http that is not allowed.
fn is_ours(error: &HttpError) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_builder) {
            return true;
        }
        next = error.source();
    }
    false
}

fn header(answer: &HttpResponse, name: &str) -> Option<String> {
    Some(answer.headers().get(name)?.to_str().ok()?.to_string())
}

/// Nothing is there: that is for the caller to judge, but not when there is no bucket that it could be in.
async fn no_bucket(answer: HttpResponse, attempts: u32) -> Result<HttpResponse, HttpError> {
    if answer.status() != reqwest::StatusCode::NOT_FOUND {
        return Ok(answer);
    }
    let (head, body) = answer.into_parts();
    let body = body.bytes().await.unwrap_or_default();
    let code = element(&String::from_utf8_lossy(&body), "Code").map(str::to_string);
    let answer = HttpResponse::from_parts(head, body.into());
    match code.as_deref() {
        Some("NoSuchBucket" | "ContainerNotFound") => {
            Err(HttpError::new(HttpErrorKind::Unknown, refused(answer, attempts).await))
        }
        _ => Ok(answer),
    }
}

/// The region of a bucket of AWS, which tells it to everybody, even if it tells nothing else.
pub async fn region_of(client: &HttpClient, bucket: &str) -> Option<String> {
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = reqwest::Method::HEAD;
    *request.uri_mut() = bucket.parse().ok()?;
    match client.execute(request).await {
        Ok(answer) => header(&answer, "x-amz-bucket-region"),
        Err(error) => {
            let error = object_store::Error::Generic { store: "S3", source: Box::new(error) };
            super::failure::refused(&error)?.region.clone()
        }
    }
}

async fn refused(answer: HttpResponse, attempts: u32) -> Refused {
    let status = answer.status();
    let region = header(&answer, "x-amz-bucket-region");
    let body = answer.into_body().bytes().await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    let said: Vec<_> = ["Code", "Message"].iter().filter_map(|name| element(&body, name)).collect();
    let said = if said.is_empty() { String::new() } else { format!(": {}", said.join(", ")) };
    Refused { status: Some(status.as_u16()), what: format!("the server says {status}{said}"), attempts, region }
}

/// What an element of an XML text holds: the stores of all clouds tell their errors so.
fn element<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim().lines().next().unwrap_or_default())
}

/// The innermost cause: what the system said.
pub fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_xml_are_read() {
        let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please wait.\nNow.</Message></Error>";
        assert_eq!((element(body, "Code"), element(body, "Message")), (Some("SlowDown"), Some("Please wait.")));
        assert_eq!(element("<Code>", "Code"), None);
    }

    #[test]
    fn a_bucket_tells_its_region_to_everybody() {
        use std::io::{Read, Write};
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}/bucket", server.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap();
            let answer = "HTTP/1.1 403 Forbidden\r\nx-amz-bucket-region: eu-north-1\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let patience = Patience::of(&crate::io::StorageOptions::new());
        let connector = Connector { patience, headers: HeaderMap::new() };
        let client = connector.connect(&ClientOptions::new().with_allow_http(true)).unwrap();
        let region = super::super::runtime::start(async move { Ok(region_of(&client, &at).await) });
        assert_eq!(region.wait(&crate::exec::Cancel::new()).unwrap().as_deref(), Some("eu-north-1"));
        assert!(asked.join().unwrap().starts_with("HEAD /bucket"));
    }

    #[test]
    fn only_passing_failures_are_repeated() {
        assert!([500, 502, 503, 504, 429, 408].into_iter().all(is_passing));
        assert!(![400, 401, 403, 404, 405, 416, 501].into_iter().any(is_passing));
    }
}
