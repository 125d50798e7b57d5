//! What a scheduler is asked over HTTP: small things, for which a whole HTTP client would be too much.

use std::time::Duration;

use partita::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer of the scheduler may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the scheduler at `address` says about `path`.
///
/// # Errors
/// `Io` when it does not answer, or is no scheduler.
pub(crate) async fn read<T: DeserializeOwned>(address: &str, path: &str) -> Result<T> {
    let gone = |what: String| {
        let error = Error::new(ErrorKind::Io { what: format!("the scheduler is not there: {what}") });
        error.doing(format!("reach the cluster at {address}")).help("start it, or connect to another one")
    };
    let body = ask(address, "GET", path).await.map_err(|e| gone(e.to_string()))?;
    serde_json::from_slice(&body).map_err(|_| gone("what listens there is no scheduler".to_string()))
}

/// Sends a request; gives what was answered, without its head.
pub(crate) async fn ask(address: &str, how: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer");
    timeout(PATIENCE, exchange(address, how, path)).await.map_err(late)?
}

async fn exchange(address: &str, how: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    // HTTP/1.0: the answer ends with the connection and comes in one piece
    let request = format!("{how} {path} HTTP/1.0\r\nHost: {address}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let body = answer.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
    Ok(body.and_then(|at| answer.get(at..)).unwrap_or_default().to_vec())
}
