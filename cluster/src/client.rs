//! A cluster that is there, by the address of its scheduler.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use partita::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::deploy::SchedulerFile;

/// How long an answer of the scheduler may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often somebody who waits looks again.
const LOOK: Duration = Duration::from_millis(100);
/// Into how many partitions rows are exchanged, if nothing else is said.
const PARTITIONS: usize = 16;

/// A connection to a cluster: an [`Engine`](partita::plan::Engine) for sessions. Cheap to clone.
///
/// ```no_run
/// use partita::Session;
/// use partita_cluster::Client;
///
/// let client = Client::connect("127.0.0.1:50050")?;
/// client.wait_for_workers(2, std::time::Duration::from_secs(30))?;
/// let session = Session::current()?.engine(client.engine());
/// let trips = session.read_parquet("/shared/trips/*.parquet")?;
/// println!("{}", trips.describe()?.compute()?);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    address: String,
    /// There until it is dropped: a task of its own may be the last to hold it, and must not wait for itself.
    runtime: Option<Runtime>,
    handle: Handle,
    partitions: usize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A worker, as the scheduler knows it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Worker {
    /// Its name.
    pub id: String,
    /// The machine it is on.
    pub host: String,
    /// The port on which others fetch results from it.
    pub port: u16,
}

/// What the scheduler runs or has run.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    #[serde(rename = "job_id")]
    pub id: String,
    /// Its name.
    #[serde(rename = "job_name")]
    pub name: String,
    /// `Queued`, `Running`, `Completed`, `Failed`, or another word for one that was stopped.
    pub status: String,
    /// How many of its stages are done, from 0 to 100.
    #[serde(rename = "percent_complete")]
    pub percent: u8,
}

impl Client {
    /// The cluster whose scheduler listens at `host:port` (`tcp://host:port` means the same). The scheduler is asked
    /// whether it is there.
    ///
    /// # Errors
    /// `Invalid` for what is no address, `Io` when nobody answers.
    pub fn connect(address: impl AsRef<str>) -> Result<Client> {
        Client::within(address.as_ref(), PARTITIONS)
    }

    /// The cluster whose scheduler wrote this file: see [`SchedulerFile`].
    ///
    /// # Errors
    /// `Io` when the file is not there or nobody answers where it says, `Corrupt` when it is something else, `Invalid`
    /// when the scheduler is of another version.
    pub fn from_scheduler_file(path: impl AsRef<Path>) -> Result<Client> {
        let path = path.as_ref();
        let file = SchedulerFile::read(path)?;
        Client::connect(&file.address).map_err(|e| file.silent(path).caused_by(e))
    }

    pub(crate) fn within(address: &str, partitions: usize) -> Result<Client> {
        let address = address.strip_prefix("tcp://").unwrap_or(address).to_string();
        let port = address.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            let error = Error::invalid(format!("`{address}` is not an address")).doing("connect to a cluster");
            return Err(error.help("give host:port, for example 127.0.0.1:50050"));
        }
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("partita-cluster").enable_all().build();
        let runtime = runtime.map_err(Error::system)?;
        let handle = runtime.handle().clone();
        let client = Client(Arc::new(Inner { address, runtime: Some(runtime), handle, partitions }));
        client.workers()?;
        Ok(client)
    }

    /// Where the scheduler listens.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// This cluster, for [`Session::engine`](partita::Session::engine).
    pub fn engine(&self) -> Arc<dyn partita::plan::Engine> {
        Arc::new(self.clone())
    }

    /// The workers that are there.
    ///
    /// # Errors
    /// `Io` when the scheduler does not answer.
    pub fn workers(&self) -> Result<Vec<Worker>> {
        self.0.handle.block_on(self.look())
    }

    /// Waits until there are `n` workers.
    ///
    /// # Errors
    /// `Timeout` when they have not all arrived in time; `Io` when the scheduler does not answer.
    pub fn wait_for_workers(&self, n: usize, timeout: Duration) -> Result<()> {
        let begun = Instant::now();
        loop {
            let there = self.workers()?.len();
            if there >= n {
                return Ok(());
            }
            if begun.elapsed() >= timeout {
                let what = format!("Only {there}/{n} workers arrived after {}", timeout.as_secs_f64());
                return Err(Error::new(ErrorKind::Timeout { what }));
            }
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.0.handle
    }

    pub(crate) fn partitions(&self) -> usize {
        self.0.partitions
    }

    /// What runs, and what has run lately.
    ///
    /// # Errors
    /// `Io` when the scheduler does not answer.
    pub fn jobs(&self) -> Result<Vec<Job>> {
        self.0.handle.block_on(self.read("/api/jobs"))
    }

    /// The workers, asked from within the runtime.
    pub(crate) async fn look(&self) -> Result<Vec<Worker>> {
        self.read("/api/executors").await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = match tokio::time::timeout(PATIENCE, self.ask("GET", path)).await {
            Ok(answer) => answer,
            Err(_) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer")),
        };
        let gone = |what: String| {
            let error = Error::new(ErrorKind::Io { what: format!("the scheduler is not there: {what}") });
            error.doing(format!("reach the cluster at {}", self.address())).help("start it, or connect to another one")
        };
        let body = answer.map_err(|e| gone(e.to_string()))?;
        serde_json::from_slice(&body).map_err(|_| gone("what listens there is no scheduler".to_string()))
    }

    /// Stops the jobs of this name; whatever comes of it, nobody waits for them any more.
    pub(crate) async fn stop(&self, name: &str) {
        for job in self.read::<Vec<Job>>("/api/jobs").await.unwrap_or_default() {
            if job.name == name && job.percent < 100 {
                let _ = tokio::time::timeout(PATIENCE, self.ask("PATCH", &format!("/api/job/{}", job.id))).await;
            }
        }
    }

    /// What the scheduler answers to a request: small things, for which a whole HTTP client would be too much.
    async fn ask(&self, how: &str, path: &str) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address()).await?;
        let host = self.address();
        // HTTP/1.0: the answer ends with the connection and comes in one piece
        let request = format!("{how} {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let body = answer.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
        Ok(body.and_then(|at| answer.get(at..)).unwrap_or_default().to_vec())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the cluster at {}", self.address())
    }
}
