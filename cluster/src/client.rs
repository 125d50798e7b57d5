//! A cluster that is there, by the address of its scheduler.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use partita::exec::Observers;
use partita::{Error, ErrorKind, Result};
use serde::Deserialize;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::deploy::SchedulerFile;
use crate::{rest, version};

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
pub struct Client {
    inner: Arc<Inner>,
    observers: Observers,
    shared: Option<Arc<Path>>,
}

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
#[serde(from = "Registered")]
pub struct Worker {
    /// Its name.
    pub id: String,
    /// The machine it is on.
    pub host: String,
    /// The port on which others fetch results from it.
    pub port: u16,
    /// How many tasks it runs at once.
    pub threads: usize,
}

/// A worker in the words of the scheduler.
#[derive(Deserialize)]
struct Registered {
    id: String,
    host: String,
    port: u16,
    specification: Specification,
}

#[derive(Deserialize)]
struct Specification {
    vcores: usize,
}

impl From<Registered> for Worker {
    fn from(from: Registered) -> Worker {
        let Registered { id, host, port, specification } = from;
        Worker { id, host, port, threads: specification.vcores }
    }
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

impl Job {
    /// Whether it runs, or waits to.
    pub fn is_open(&self) -> bool {
        self.status == "Queued" || self.status == "Running"
    }
}

impl Client {
    /// The cluster whose scheduler listens at `host:port` (`tcp://host:port` means the same). The scheduler is asked
    /// whether it is there.
    ///
    /// # Errors
    /// `Invalid` for what is no address and for a scheduler of another build, `Io` when nobody answers.
    pub fn connect(address: impl AsRef<str>) -> Result<Client> {
        Client::within(address.as_ref(), PARTITIONS)
    }

    /// The cluster whose scheduler wrote this file: see [`SchedulerFile`].
    ///
    /// # Errors
    /// `Io` when the file is not there or nobody answers where it says, `Corrupt` when it is something else, `Invalid`
    /// when the scheduler is of another build.
    pub fn from_scheduler_file(path: impl AsRef<Path>) -> Result<Client> {
        let path = path.as_ref();
        let file = SchedulerFile::read(path)?;
        Client::connect(&file.address).map_err(|e| match e.kind() {
            ErrorKind::Io { .. } => file.silent(path).caused_by(e),
            // somebody answers, and is of another build
            _ => e,
        })
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
        let inner = Inner { address, runtime: Some(runtime), handle, partitions };
        let client = Client { inner: Arc::new(inner), observers: Observers::default(), shared: None };
        client.wait(version::check(client.address()))?;
        Ok(client)
    }

    /// Where the scheduler listens.
    pub fn address(&self) -> &str {
        &self.inner.address
    }

    /// The same cluster with a folder that all of its machines and this one see at the same path. What is persisted is written
    /// there by the workers, and read there; without one it comes here. A [`LocalCluster`](crate::LocalCluster) has one.
    #[must_use]
    pub fn shared_folder(self, folder: impl AsRef<Path>) -> Client {
        Client { shared: Some(folder.as_ref().into()), ..self }
    }

    pub(crate) fn shared(&self) -> Option<&Path> {
        self.shared.as_deref()
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
        self.wait(self.look())
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

    /// Waits for what runs in the runtime of this client. A thread of another runtime must not wait for it: then one of
    /// its own does.
    pub(crate) fn wait<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        if Handle::try_current().is_err() {
            return self.inner.handle.block_on(future);
        }
        std::thread::scope(|scope| match scope.spawn(|| self.inner.handle.block_on(future)).join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// The same client, which tells these how far its jobs are.
    pub(crate) fn watched(&self, observers: &Observers) -> Client {
        Client { observers: observers.clone(), ..self.clone() }
    }

    /// Who is told how far jobs are.
    pub(crate) fn observers(&self) -> &Observers {
        &self.observers
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.inner.handle
    }

    pub(crate) fn partitions(&self) -> usize {
        self.inner.partitions
    }

    /// What runs, and what has run lately.
    ///
    /// # Errors
    /// `Io` when the scheduler does not answer.
    pub fn jobs(&self) -> Result<Vec<Job>> {
        self.wait(rest::read(self.address(), "/api/jobs"))
    }

    /// The workers, asked from within the runtime.
    pub(crate) async fn look(&self) -> Result<Vec<Worker>> {
        rest::read(self.address(), "/api/executors").await
    }

    /// Stops the jobs of this name; whatever comes of it, nobody waits for them any more.
    pub(crate) async fn stop(&self, name: &str) {
        for job in rest::read::<Vec<Job>>(self.address(), "/api/jobs").await.unwrap_or_default() {
            if job.name == name && job.percent < 100 {
                let _ = rest::ask(self.address(), "PATCH", &format!("/api/job/{}", job.id)).await;
            }
        }
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
