//! The world as one handle: threads, memory, observers, configuration.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use crate::base::{ByteSize, Deferred, Error, Result, Token, config};
use crate::exec::{
    Budget, Cancel, Executor, LiveGraph, LocalScratch, Observer, Observers, Pool, Run, RunContext, Serial, Spill,
    TaskContext, Work,
};
use crate::graph::{Payload, TaskGraph, TaskId};
use crate::io::checkpoint::CheckpointSource;
use crate::io::store::{StorageOptions, Stores};
use crate::ops::{Elsewhere, Persisted, ScanOp};
use crate::plan::explain::refuse_beyond;
use crate::plan::lower::{count_partitions, lower_with, resolve};
use crate::plan::rules::optimise;
use crate::plan::{Engine, Meter, Plan};

mod analyse;
#[cfg(feature = "dashboard")]
mod dashboard;
#[cfg(feature = "dashboard")]
mod graph;
mod pictures;
mod profile;
mod progress;
mod watching;

pub use profile::{performance_report, profile};
pub use progress::ProgressBar;
pub use watching::Watching;

/// Where tasks run. The results are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheduler {
    /// One task after the other on the calling thread, for debugging.
    Synchronous,
    /// A pool of so many threads.
    Threads(usize),
}

/// The world that frames live in: threads, a memory limit, who watches. Clones are handles to the same session.
///
/// There is a default session, so that a program can begin with `partita::read_parquet(..)`.
///
/// ```
/// use partita::{Scheduler, Session};
/// let session = Session::builder().scheduler(Scheduler::Threads(2)).memory_limit("512MB").build()?;
/// assert_eq!(session.threads(), 2);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone)]
pub struct Session(Arc<World>, Option<Arc<dyn Engine>>);

struct World {
    executor: Arc<dyn Executor>,
    scheduler: Scheduler,
    memory_limit: ByteSize,
    task: TaskContext,
    observers: Observers,
    strict: bool,
    fuse: bool,
    stores: Stores,
    #[cfg(feature = "dashboard")]
    dashboard: std::sync::OnceLock<crate::watch::Dashboard>,
    /// What is persisted, by the plan's token, for as long as somebody holds it: equal work is done once.
    persisted: Mutex<HashMap<Token, Weak<Persisted>>>,
}

/// How a [`Session`] is made.
#[derive(Clone)]
pub struct SessionBuilder {
    /// What is not given comes from the settings, or is the default.
    scheduler: Option<Scheduler>,
    memory_limit: Option<Deferred<ByteSize>>,
    temporary_directory: Option<PathBuf>,
    batch_rows: Option<usize>,
    strict: Option<bool>,
    spill: Option<Spill>,
    fuse: bool,
    observers: Vec<Arc<dyn Observer>>,
    cancel: Cancel,
    engine: Option<Arc<dyn Engine>>,
    storage: Vec<(String, StorageOptions)>,
    #[cfg(feature = "cloud")]
    mounted: Vec<(String, Arc<dyn object_store::ObjectStore>)>,
    #[cfg(feature = "dashboard")]
    dashboard: Option<crate::watch::DashboardBuilder>,
}

static DEFAULT: OnceLock<RwLock<Session>> = OnceLock::new();

impl Session {
    /// How to make a session; everything has a default.
    pub fn builder() -> SessionBuilder {
        SessionBuilder {
            scheduler: None,
            memory_limit: None,
            temporary_directory: None,
            batch_rows: None,
            strict: None,
            spill: None,
            fuse: true,
            observers: Vec::new(),
            cancel: Cancel::new(),
            engine: None,
            storage: Vec::new(),
            #[cfg(feature = "cloud")]
            mounted: Vec::new(),
            #[cfg(feature = "dashboard")]
            dashboard: None,
        }
    }

    /// The session that is used where none is named: made with the defaults at first use.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn current() -> Result<Session> {
        if let Some(known) = DEFAULT.get() {
            return Ok(known.read().unwrap_or_else(PoisonError::into_inner).clone());
        }
        let made = Session::builder().build()?;
        let lock = DEFAULT.get_or_init(|| RwLock::new(made));
        Ok(lock.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Makes this the session that is used where none is named.
    pub fn make_current(&self) {
        let lock = DEFAULT.get_or_init(|| RwLock::new(self.clone()));
        *lock.write().unwrap_or_else(PoisonError::into_inner) = self.clone();
    }

    /// This session with frames computed by an engine that runs elsewhere: a cluster. Only plans go there and only results
    /// come back; nothing runs here in its stead. What it cannot run is an `Unsupported` error that names the operation.
    #[must_use]
    pub fn engine(&self, engine: Arc<dyn Engine>) -> Session {
        Session(self.0.clone(), Some(engine))
    }

    /// This session with everything computed in this process.
    #[must_use]
    pub fn here(&self) -> Session {
        Session(self.0.clone(), None)
    }

    /// Whether frames are computed in this process.
    pub fn is_here(&self) -> bool {
        self.1.is_none()
    }

    /// Where an engine elsewhere writes what is persisted.
    pub(crate) fn shared_folder(&self) -> Option<PathBuf> {
        self.1.as_ref()?.shared_folder()
    }

    /// # Errors
    /// `Unsupported` when frames are computed elsewhere, where this cannot be done.
    fn only_here(&self, what: &str) -> Result<()> {
        match &self.1 {
            None => Ok(()),
            Some(engine) => Err(Error::unsupported(format!("{what} on {engine}")).help("do it in session.here()")),
        }
    }

    /// How many threads work at once.
    pub fn threads(&self) -> usize {
        self.0.executor.threads()
    }

    /// Where tasks run.
    pub fn scheduler(&self) -> Scheduler {
        self.0.scheduler
    }

    /// The memory limit.
    pub fn memory_limit(&self) -> ByteSize {
        self.0.memory_limit
    }

    /// The memory of this session: what is held now, and the most that was.
    pub fn budget(&self) -> &Budget {
        &self.0.task.budget
    }

    /// Cancelling this token stops everything that runs in this session; runs that start later fail at once.
    pub fn cancel_token(&self) -> &Cancel {
        &self.0.task.cancel
    }

    /// The stores that this session has reached.
    pub(crate) fn stores(&self) -> &Stores {
        &self.0.stores
    }

    /// What a task of this session may use.
    pub fn task_context(&self) -> &TaskContext {
        &self.0.task
    }

    /// Calls `work` with parallel iterators inside it on the threads of this session.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Option<R> {
        let (mut work, mut result) = (Some(work), None);
        self.0.executor.install(&mut || result = work.take().map(|w| w()));
        result
    }

    /// Stops everything in this session when Ctrl-C is pressed; the program itself goes on with the error `Cancelled`.
    /// That is for good: go on in a new session.
    ///
    /// # Errors
    /// When the program has a handler already.
    pub fn cancel_on_ctrl_c(&self) -> Result<()> {
        let cancel = self.0.task.cancel.clone();
        ctrlc::set_handler(move || cancel.cancel()).map_err(|e| Error::invalid(format!("Ctrl-C cannot be caught: {e}")))
    }

    /// Whether both are handles to the same session, and compute frames in the same place.
    pub fn is_same(&self, other: &Session) -> bool {
        let same_engine = match (&self.1, &other.1) {
            (None, None) => true,
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            _ => false,
        };
        Arc::ptr_eq(&self.0, &other.0) && same_engine
    }

    /// Whether work goes on while nobody waits for it.
    pub fn works_in_background(&self) -> bool {
        self.0.executor.works_in_background()
    }

    fn context(&self, window: Option<usize>) -> RunContext {
        RunContext { task: self.0.task.clone(), observers: self.0.observers.clone(), window }
    }

    /// Starts a graph of tasks.
    ///
    /// # Errors
    /// `Cancelled` when the session was.
    pub fn run_graph(&self, graph: TaskGraph<Work>, wanted: Vec<TaskId>) -> Result<Run> {
        self.run_graph_within(graph, wanted, None)
    }

    /// As [`run_graph`](Self::run_graph); `window` is how many results may wait to be taken; absent: all.
    ///
    /// # Errors
    /// As [`run_graph`](Self::run_graph).
    pub fn run_graph_within(&self, graph: TaskGraph<Work>, wanted: Vec<TaskId>, window: Option<usize>) -> Result<Run> {
        self.only_here("a graph of tasks")?;
        self.0.task.cancel.check()?;
        Ok(self.0.executor.submit(graph, wanted, self.context(window)))
    }

    /// Starts a graph that grows while it runs.
    pub fn live(&self) -> LiveGraph {
        self.0.executor.live(self.0.task.clone(), self.0.observers.clone())
    }

    /// The plan as it will run: with all rules applied, before anything is computed.
    ///
    /// # Errors
    /// When an operation is found wrong only now.
    pub fn optimised(&self, plan: &Plan) -> Result<Plan> {
        optimise(plan, false)
    }

    /// Starts computing the partitions of a plan. `window` is how many results may wait to be taken; absent: all.
    ///
    /// # Errors
    /// When an operation is found wrong only now, or a small result that the rest depends on fails.
    pub fn start(&self, plan: &Plan, window: Option<usize>) -> Result<Run> {
        self.start_for(plan, window, true)
    }

    /// As [`start`](Self::start), for somebody who, without `origins`, takes the columns and does not ask where their rows
    /// came from.
    pub(crate) fn start_for(&self, plan: &Plan, window: Option<usize>, origins: bool) -> Result<Run> {
        if let Some(engine) = &self.1 {
            let results = Elsewhere::new(engine.clone(), optimise(plan, false)?);
            return self.submit(&Plan::new(ScanOp::new(Arc::new(results)), Vec::new())?, window, None);
        }
        let plan = optimise(&self.resolved(plan, origins)?, origins)?;
        self.submit(&plan, window, None)
    }

    /// Starts a plan that is resolved and optimised; with a meter, what its operations do is measured.
    fn submit(&self, plan: &Plan, window: Option<usize>, meter: Option<&Meter>) -> Result<Run> {
        if self.0.strict {
            refuse_beyond(plan, self.memory_limit(), self.threads())?;
        }
        let lowered = lower_with(plan, self.0.fuse, meter)?;
        Ok(self.0.executor.submit(lowered.graph, lowered.wanted, self.context(window)))
    }

    /// The plan with everything that depends on small results decided; they are computed here.
    ///
    /// # Errors
    /// Of the tasks, and when an operation is found wrong only now.
    pub(crate) fn resolved(&self, plan: &Plan, origins: bool) -> Result<Plan> {
        self.only_here("a plan that depends on results")?;
        resolve(&optimise(plan, origins)?, &mut |first| self.start(first, None)?.collect())
    }

    /// The partitions of a plan, durable in a folder below `root`: those that an earlier run has left there, and the
    /// others, which are computed now.
    ///
    /// # Errors
    /// `Invalid` when the next run would not find them again; `Io`; as [`start`](Self::start), and of the tasks.
    pub fn checkpoint(&self, plan: &Plan, root: &Path) -> Result<CheckpointSource> {
        self.only_here("a checkpoint")?;
        let folder = Arc::new(crate::io::checkpoint::Checkpoint::open(root, plan.token(), plan.schema().clone())?);
        if let Some(there) = folder.finished()? {
            return Ok(there);
        }
        let resolved = optimise(&self.resolved(plan, true)?, true)?;
        let Some(partitions) = count_partitions(&resolved)? else {
            return Err(Error::invalid("it is not known how many partitions there are").doing("checkpoint"));
        };
        let missing = folder.missing(partitions, resolved.token())?;
        self.run(&Plan::new(crate::ops::Checkpoint::new(folder.clone(), missing), vec![resolved])?)?;
        folder.finished()?.ok_or_else(|| Error::invalid("partitions are missing that were just written"))
    }

    /// The results of all partitions of a plan.
    ///
    /// # Errors
    /// As [`start`](Self::start), and of the tasks.
    pub fn run(&self, plan: &Plan) -> Result<Vec<Payload>> {
        self.start(plan, None)?.collect()
    }

    /// Starts computing a plan whose results are held; the same plan is not computed twice while somebody holds it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn persist(&self, plan: &Plan) -> Result<Arc<Persisted>> {
        let lock = || self.0.persisted.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&plan.token()).and_then(Weak::upgrade);
        if let Some(known) = known.filter(|known| !known.has_failed()) {
            return Ok(known);
        }
        let run = self.start(plan, None)?;
        let persisted = Arc::new(Persisted::new(run, plan.schema().clone(), plan.token()));
        if !self.0.executor.works_in_background() {
            persisted.wait()?;
        }
        let mut known = lock();
        known.retain(|_, held| held.strong_count() > 0);
        known.insert(plan.token(), Arc::downgrade(&persisted));
        Ok(persisted)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = self.threads();
        let frames = self.1.as_ref().map(|engine| format!(", frames on {engine}")).unwrap_or_default();
        write!(f, "<Session: {threads} threads, memory limit {}{frames}>", self.memory_limit())
    }
}

impl SessionBuilder {
    /// Where tasks run; by default on as many threads as there are cores for this process.
    #[must_use]
    pub fn scheduler(mut self, scheduler: Scheduler) -> Self {
        self.scheduler = Some(scheduler);
        self
    }

    /// A pool of so many threads.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        self.scheduler(Scheduler::Threads(threads))
    }

    /// The memory limit: bytes, or a text such as `"512MB"`; by default 60 % of what the machine or the cgroup has.
    #[must_use]
    pub fn memory_limit(mut self, limit: impl IntoByteSize) -> Self {
        self.memory_limit = Some(limit.into_byte_size().map_err(Arc::new));
        self
    }

    /// About how many rows a batch has; results do not depend on it.
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = Some(rows);
        self
    }

    /// Where what does not fit into memory goes, by default the system's folder for temporary files. What is put there
    /// has no name and is gone when the process is, however it ends.
    #[must_use]
    pub fn temporary_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.temporary_directory = Some(folder.into());
        self
    }

    /// Where what does not fit into memory goes, when that is no folder.
    #[must_use]
    pub fn spill(mut self, spill: Spill) -> Self {
        self.spill = Some(spill);
        self
    }

    /// Whether a plan is refused of which it can be said before that it would hold more than the memory limit, instead
    /// of failing on the way.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = Some(strict);
        self
    }

    /// Whether neighbouring operations become one task; results do not depend on it.
    #[must_use]
    pub fn fuse(mut self, fuse: bool) -> Self {
        self.fuse = fuse;
        self
    }

    /// Who computes frames, if that is not this process; see [`Session::engine`].
    #[must_use]
    pub fn engine(mut self, engine: Arc<dyn Engine>) -> Self {
        self.engine = Some(engine);
        self
    }

    /// Adds somebody who watches.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Shows a progress bar on standard error while something runs.
    #[must_use]
    pub fn progress(self, show: bool) -> Self {
        if show { self.observer(Arc::new(crate::watch::Bar::new())) } else { self }
    }

    /// Stops with this token too.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.child();
        self
    }

    /// How the stores are reached whose addresses begin so: `s3`, `s3://bucket`. What is said of longer ones wins, and what
    /// is said where files are read wins over all.
    ///
    /// ```
    /// use partita::{Session, StorageOptions};
    /// let public = StorageOptions::new().anon(true).region("us-east-1");
    /// let session = Session::builder().storage_options("s3://nyc-tlc", public).build()?;
    /// # Ok::<(), partita::Error>(())
    /// ```
    #[must_use]
    pub fn storage_options(mut self, begins: impl Into<String>, options: impl Into<StorageOptions>) -> Self {
        self.storage.push((begins.into(), options.into()));
        self
    }

    /// Puts a store under a scheme of its own: files of `lake` have the addresses `lake://…`.
    #[cfg(feature = "cloud")]
    #[must_use]
    pub fn object_store(mut self, scheme: impl Into<String>, store: Arc<dyn object_store::ObjectStore>) -> Self {
        self.mounted.push((scheme.into(), store));
        self
    }

    /// Where tasks will run.
    ///
    /// # Errors
    /// A setting that is no number.
    pub(crate) fn chosen_scheduler(&self) -> Result<Scheduler> {
        let from_settings = || Ok(Scheduler::Threads(setting("threads")?.unwrap_or_else(default_threads)));
        self.scheduler.map_or_else(from_settings, Ok)
    }

    /// The session.
    ///
    /// # Errors
    /// A setting that is no size or number, or names a variable that is not there; a temporary directory that is not
    /// there; when the operating system gives no threads.
    pub fn build(self) -> Result<Session> {
        let scheduler = self.chosen_scheduler()?;
        let executor: Arc<dyn Executor> = match scheduler {
            Scheduler::Synchronous => Arc::new(Serial),
            Scheduler::Threads(n) => Arc::new(Pool::new(n)?),
        };
        let limit = match self.memory_limit {
            Some(limit) => limit?,
            None => setting("memory_limit")?.unwrap_or_else(|| ByteSize(default_memory())),
        };
        if limit.0 == 0 {
            let error = Error::invalid("nothing can be done in a memory limit of 0 bytes");
            return Err(error.doing("make a session").help("for example memory_limit(\"2GB\")"));
        }
        let spill = match (self.spill, self.temporary_directory) {
            (Some(spill), _) => spill,
            (None, Some(folder)) => Spill::new(LocalScratch::open(folder)?),
            (None, None) => match config::get("temporary_directory")? {
                Some(folder) => Spill::new(LocalScratch::open(folder)?),
                None => Spill::default(),
            },
        };
        let rows = self.batch_rows.map_or_else(|| setting("batch_rows"), |rows| Ok(Some(rows)))?;
        let task = TaskContext {
            budget: Budget::shared(reservable(limit.0), executor.threads()),
            spill,
            cancel: self.cancel,
            batch_rows: rows.unwrap_or(TaskContext::BATCH_ROWS).max(1),
            observers: Observers::new(self.observers),
        };
        let stores = Stores::new(self.storage)?;
        #[cfg(feature = "cloud")]
        let stores = stores.with_mounted(self.mounted);
        let world = Arc::new(World {
            executor,
            scheduler,
            memory_limit: limit,
            observers: task.observers.clone(),
            task,
            strict: self.strict.map_or_else(|| setting("strict"), |strict| Ok(Some(strict)))?.unwrap_or(false),
            fuse: self.fuse,
            stores,
            #[cfg(feature = "dashboard")]
            dashboard: std::sync::OnceLock::new(),
            persisted: Mutex::new(HashMap::new()),
        });
        let session = Session(world, self.engine);
        #[cfg(feature = "dashboard")]
        session.open_dashboard(self.dashboard)?;
        Ok(session)
    }
}

/// A setting as a value.
fn setting<T: FromStr>(name: &str) -> Result<Option<T>> {
    let Some(text) = config::get(name)? else { return Ok(None) };
    let value = text.trim().parse().map_err(|_| Error::invalid(format!("`{text}` is no value for the setting {name}")));
    value.map(Some)
}

/// A size in bytes, as a number or a text.
pub trait IntoByteSize {
    /// The size.
    ///
    /// # Errors
    /// When the text is not one.
    fn into_byte_size(self) -> Result<ByteSize>;
}

impl IntoByteSize for &str {
    fn into_byte_size(self) -> Result<ByteSize> {
        self.parse()
    }
}

impl IntoByteSize for String {
    fn into_byte_size(self) -> Result<ByteSize> {
        self.parse()
    }
}

impl IntoByteSize for u64 {
    fn into_byte_size(self) -> Result<ByteSize> {
        Ok(ByteSize(self))
    }
}

impl IntoByteSize for ByteSize {
    fn into_byte_size(self) -> Result<ByteSize> {
        Ok(self)
    }
}

/// How much of the limit can be reserved: allocators round up what they are asked for by an eighth at the most, and keep
/// what was freed for a while.
fn reservable(limit: u64) -> u64 {
    limit - limit / 8 - (limit / 8).min(32 << 20)
}

/// As many threads as SLURM gave this task, or as there are cores for this process.
fn default_threads() -> usize {
    let slurm = std::env::var("SLURM_CPUS_PER_TASK").ok().and_then(|v| v.parse().ok());
    slurm.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// 60 % of the smaller of physical memory and the limit of the cgroup.
fn default_memory() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let physical = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
    });
    let cgroup = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|p| read(p)?.trim().parse::<u64>().ok());
    let limit = physical.into_iter().chain(cgroup).min().unwrap_or(4 << 30);
    limit / 10 * 6
}
