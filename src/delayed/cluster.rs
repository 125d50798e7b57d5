//! Workers of this process.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::shown::card;
use crate::base::{ByteSize, Deferred, Error, Result};
use crate::session::{IntoByteSize, Scheduler, Session, SessionBuilder};

/// Workers of this process: so many, each with so many threads and a memory limit (Dask's `LocalCluster`). They share
/// memory, so results are never copied between them; what they keep to together is the sum of their limits, and each of
/// their tasks to its part of one.
///
/// ```
/// use partita::LocalCluster;
/// let cluster = LocalCluster::builder().n_workers(1).threads_per_worker(4).memory_limit("2GB").start()?;
/// assert!(cluster.to_string().ends_with("workers=1, threads=4, memory=1.86 GiB)"));
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone)]
pub struct LocalCluster(Arc<Inner>);

struct Inner {
    session: Session,
    address: String,
    n_workers: usize,
    threads_per_worker: usize,
    memory_limit: ByteSize,
}

/// How a [`LocalCluster`] is made; everything has a default.
#[derive(Clone)]
pub struct LocalClusterBuilder {
    n_workers: usize,
    threads_per_worker: Option<usize>,
    memory_limit: Option<Deferred<ByteSize>>,
    session: SessionBuilder,
}

impl LocalCluster {
    /// How to make one.
    pub fn builder() -> LocalClusterBuilder {
        LocalClusterBuilder { n_workers: 1, threads_per_worker: None, memory_limit: None, session: Session::builder() }
    }

    /// The session that its workers are: frames can be read in it.
    pub fn session(&self) -> &Session {
        &self.0.session
    }

    /// Where it is: `inproc://`, the process, and which of its clusters.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// How many workers there are.
    pub fn n_workers(&self) -> usize {
        self.0.n_workers
    }

    /// How many threads each of them has.
    pub fn threads_per_worker(&self) -> usize {
        self.0.threads_per_worker
    }

    /// What each of them may hold in memory.
    pub fn memory_limit(&self) -> ByteSize {
        self.0.memory_limit
    }

    /// Its dashboard, if it was started with one.
    #[cfg(feature = "dashboard")]
    pub fn dashboard(&self) -> Option<&crate::watch::Dashboard> {
        self.session().dashboard()
    }

    /// What to open in a browser, if it has a dashboard.
    #[cfg(feature = "dashboard")]
    pub fn dashboard_link(&self) -> Option<String> {
        self.session().dashboard_link()
    }

    #[cfg(not(feature = "dashboard"))]
    fn dashboard_link(&self) -> Option<String> {
        None
    }

    /// It as a table in HTML.
    pub fn to_html(&self) -> String {
        card("LocalCluster", &self.facts())
    }

    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("Scheduler", self.address().to_string())];
        facts.extend(self.dashboard_link().map(|link| ("Dashboard", link)));
        facts.extend([
            ("Workers", self.n_workers().to_string()),
            ("Threads", self.session().threads().to_string()),
            ("Memory", self.session().memory_limit().to_string()),
            ("Memory of a worker", self.memory_limit().to_string()),
        ]);
        facts
    }
}

impl LocalClusterBuilder {
    /// How many workers: by default one.
    #[must_use]
    pub fn n_workers(mut self, workers: usize) -> Self {
        self.n_workers = workers;
        self
    }

    /// How many threads each of them has: by default as many as there are cores for all of them.
    #[must_use]
    pub fn threads_per_worker(mut self, threads: usize) -> Self {
        self.threads_per_worker = Some(threads);
        self
    }

    /// What each of them may hold in memory: bytes, or a text such as `"2GB"`; by default the limit of a session, divided
    /// among them.
    #[must_use]
    pub fn memory_limit(mut self, limit: impl IntoByteSize) -> Self {
        self.memory_limit = Some(limit.into_byte_size().map_err(Arc::new));
        self
    }

    /// Sets what else a session can be told: `cluster.session(|session| session.temporary_directory("/scratch"))`.
    #[must_use]
    pub fn session(mut self, change: impl FnOnce(SessionBuilder) -> SessionBuilder) -> Self {
        self.session = change(self.session);
        self
    }

    /// Opens a dashboard for as long as the cluster is there.
    #[cfg(feature = "dashboard")]
    #[must_use]
    pub fn dashboard(self, how: crate::watch::DashboardBuilder) -> Self {
        self.session(|session| session.dashboard(how))
    }

    /// The cluster.
    ///
    /// # Errors
    /// `Invalid` for no workers or threads, or thousands of them, and for a limit that is no size; as
    /// [`SessionBuilder::build`].
    pub fn start(self) -> Result<LocalCluster> {
        static CLUSTERS: AtomicU64 = AtomicU64::new(1);
        let workers = self.n_workers;
        if workers == 0 {
            return Err(Error::invalid("a cluster has at least one worker").help("give n_workers(1) or more"));
        }
        let mut session = self.session;
        if let Some(limit) = self.memory_limit {
            session = session.memory_limit(ByteSize(limit?.0.saturating_mul(workers as u64)));
        }
        let threads = match self.threads_per_worker {
            Some(threads) => threads,
            None => match session.chosen_scheduler()? {
                Scheduler::Threads(threads) => threads.div_ceil(workers),
                Scheduler::Synchronous => 1,
            },
        };
        let session = session.scheduler(Scheduler::Threads(threads.saturating_mul(workers))).build()?;
        let number = CLUSTERS.fetch_add(1, Ordering::Relaxed);
        Ok(LocalCluster(Arc::new(Inner {
            address: format!("inproc://{}/{number}", std::process::id()),
            n_workers: workers,
            threads_per_worker: threads,
            memory_limit: ByteSize(session.memory_limit().0 / workers as u64),
            session,
        })))
    }
}

impl fmt::Display for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (threads, memory) = (self.session().threads(), self.session().memory_limit());
        write!(f, "LocalCluster('{}', ", self.address())?;
        if let Some(link) = self.dashboard_link() {
            write!(f, "dashboard='{link}', ")?;
        }
        write!(f, "workers={}, threads={threads}, memory={memory})", self.n_workers())
    }
}

impl fmt::Debug for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
