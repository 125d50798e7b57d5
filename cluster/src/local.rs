//! A cluster of processes on this machine.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use partita::base::Deferred;
use partita::session::IntoByteSize;
use partita::{ByteSize, Error, ErrorKind, Result, Session};
use tempfile::TempDir;

use crate::client::Client;
use crate::journal::VARIABLE;
use crate::serve::LISTENS;
use crate::status::{ClusterStatus, WorkerState, WorkerStatus};

/// How long processes may take to start.
const START: Duration = Duration::from_secs(60);
/// How long a worker may take to end its tasks.
const LEAVE: Duration = Duration::from_secs(30);
/// How often somebody who waits looks again.
const LOOK: Duration = Duration::from_millis(50);
/// How many lines of a log are part of an error.
const LAST: usize = 10;
/// The variable that says where the program is.
const PROGRAM: &str = "PARTITA_CLUSTER_PROGRAM";

/// A scheduler and workers as processes of this machine, on the loopback: what runs on a cluster runs here first. They
/// end with it, and with this process however it ends.
///
/// ```no_run
/// use partita::Session;
/// use partita_cluster::LocalCluster;
///
/// let cluster = LocalCluster::builder().n_workers(2).start()?;
/// let session = Session::current()?.engine(cluster.client().engine());
/// println!("{}", session.read_parquet("trips/*.parquet")?.head(5)?.compute()?);
/// # Ok::<(), partita::Error>(())
/// ```
pub struct LocalCluster {
    client: Client,
    scheduler: Process,
    workers: Vec<Member>,
    builder: LocalClusterBuilder,
    threads: usize,
    memory_limit: ByteSize,
    folder: TempDir,
    started: usize,
}

/// A worker that was started.
struct Member {
    name: String,
    process: Process,
}

/// How a [`LocalCluster`] is made.
#[derive(Clone, Debug)]
pub struct LocalClusterBuilder {
    processes: bool,
    n_workers: usize,
    threads: Option<usize>,
    memory_limit: Option<Deferred<ByteSize>>,
    program: Option<PathBuf>,
    partitions: Option<usize>,
}

impl LocalCluster {
    /// How to make one: by default of two workers.
    pub fn builder() -> LocalClusterBuilder {
        LocalClusterBuilder {
            processes: true,
            n_workers: 2,
            threads: None,
            memory_limit: None,
            program: None,
            partitions: None,
        }
    }

    /// A connection to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where its scheduler listens.
    pub fn address(&self) -> &str {
        self.client.address()
    }

    /// What to open in a browser to see what the scheduler says of its jobs.
    pub fn link(&self) -> String {
        format!("http://{}/api/jobs", self.address())
    }

    /// How many workers there are.
    pub fn n_workers(&self) -> usize {
        self.workers.len()
    }

    /// How many tasks each of them runs at once.
    pub fn threads_per_worker(&self) -> usize {
        self.threads
    }

    /// The memory of each of them for what is exchanged and sorted.
    pub fn memory_limit(&self) -> ByteSize {
        self.memory_limit
    }

    /// The process numbers of its workers.
    pub fn worker_processes(&self) -> Vec<u32> {
        self.workers.iter().map(|w| w.process.0.id()).collect()
    }

    /// The process number of its scheduler.
    pub fn scheduler_process(&self) -> u32 {
        self.scheduler.0.id()
    }

    /// Where processes keep what they have: a folder for each worker with results that others fetch, and a log for each
    /// process. It is gone when the cluster is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How it is now: asks the scheduler, and looks after the processes.
    ///
    /// # Errors
    /// `Io` when the scheduler does not answer.
    pub fn status(&mut self) -> Result<ClusterStatus> {
        let (known, jobs) = (self.client.workers()?, self.client.jobs()?);
        let workers = self.workers.iter_mut().map(|member| {
            let there = known.iter().find(|worker| worker.id == member.name);
            let state = match (member.process.ended(), there) {
                (Some(_), _) => WorkerState::Ended,
                (None, Some(_)) => WorkerState::Ready,
                (None, None) => WorkerState::Starting,
            };
            WorkerStatus {
                name: member.name.clone(),
                process: member.process.0.id(),
                state,
                threads: self.threads,
                memory: ByteSize(resident(member.process.0.id(), "VmRSS:")),
                peak: ByteSize(resident(member.process.0.id(), "VmHWM:")),
            }
        });
        Ok(ClusterStatus { workers: workers.collect(), address: self.client.address().to_string(), jobs })
    }

    /// What its processes have written about their work, in the order in which they were started, by name. Those that
    /// have ended are among them. The variable `PARTITA_LOG` says how much they write (`info` unless it is set).
    ///
    /// # Errors
    /// `Io` when a log cannot be read.
    pub fn logs(&self) -> Result<Vec<(String, String)>> {
        let workers = (1..=self.started).map(|number| format!("worker-{number}"));
        let log = |name: String| {
            let path = log(self.folder(), &name);
            let text = std::fs::read(&path).map_err(|e| Error::io(path.display(), e).doing("read"))?;
            Ok((name, String::from_utf8_lossy(&text).into_owned()))
        };
        ["scheduler".to_string()].into_iter().chain(workers).map(log).collect()
    }

    /// Starts workers or ends some, so that there are `n`; returns when those that started have arrived, and the others
    /// have ended. Those that came last go first, after the tasks that they run; what they had for others is done again. In
    /// place of those that have ended by themselves others are started.
    ///
    /// # Errors
    /// `Io` when a worker cannot be started or ends at once, `Timeout` when it does not arrive.
    pub fn scale(&mut self, n: usize) -> Result<()> {
        self.workers.retain_mut(|member| member.process.ended().is_none());
        self.workers.drain(n.min(self.workers.len())..).rev().for_each(Member::leave);
        for _ in self.workers.len()..n {
            self.started += 1;
            let name = format!("worker-{}", self.started);
            let mut command = self.builder.command("worker", &log(self.folder.path(), &name))?;
            command.args(["--name", &name, "--scheduler", self.client.address()]);
            command.arg("--threads").arg(self.threads.to_string());
            command.arg("--folder").arg(self.folder.path().join(&name));
            command.arg("--memory-limit").arg(self.memory_limit.0.to_string());
            self.workers.push(Member { name, process: Process::start(&mut command)? });
        }
        self.arrive()
    }

    /// Waits until the scheduler knows all workers.
    fn arrive(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let known = self.client.workers()?;
            let Some(missing) = self.workers.iter_mut().find(|m| known.iter().all(|worker| worker.id != m.name)) else {
                return Ok(());
            };
            let said = || said(&log(self.folder.path(), &missing.name));
            if let Some(status) = missing.process.ended() {
                let what = format!("{} has ended ({status}){}", missing.name, said());
                return Err(Error::new(ErrorKind::Io { what }).doing("start a worker"));
            }
            if begun.elapsed() >= START {
                let what = format!("{} did not arrive{}", missing.name, said());
                return Err(Error::new(ErrorKind::Timeout { what }).doing("start a worker"));
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Member {
    /// Asks it to end when its tasks have, and waits for that.
    fn leave(mut self) {
        let asked = Command::new("sh").args(["-c", "kill -TERM $0", &self.process.0.id().to_string()]).status();
        let begun = Instant::now();
        while asked.as_ref().is_ok_and(ExitStatus::success) && begun.elapsed() < LEAVE && self.process.ended().is_none()
        {
            std::thread::sleep(LOOK);
        }
    }
}

/// Where a process of this name writes about its work.
fn log(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

/// The last lines of a log, as the end of a sentence.
fn said(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LAST)..).unwrap_or_default();
    if last.is_empty() { String::new() } else { format!(": {}", last.join("\n")) }
}

impl LocalClusterBuilder {
    /// Whether scheduler and workers are processes of their own, as they are unless told otherwise.
    #[must_use]
    pub fn processes(mut self, processes: bool) -> Self {
        self.processes = processes;
        self
    }

    /// How many workers: by default two.
    #[must_use]
    pub fn n_workers(mut self, workers: usize) -> Self {
        self.n_workers = workers;
        self
    }

    /// How many tasks a worker runs at once: by default as many as there are cores for all of them.
    #[must_use]
    pub fn threads_per_worker(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// The memory of a worker for what is exchanged and sorted, in bytes or as a text such as `"2GB"`: beyond it, that goes
    /// to disk. By default the limit of the current session, divided among them.
    #[must_use]
    pub fn memory_limit(mut self, limit: impl IntoByteSize) -> Self {
        self.memory_limit = Some(limit.into_byte_size().map_err(Arc::new));
        self
    }

    /// Where the program `partita-cluster` is: by default where `PARTITA_CLUSTER_PROGRAM` says, else beside this program.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.program = Some(path.into());
        self
    }

    /// Into how many partitions rows are exchanged; by default twice as many as there are threads.
    #[must_use]
    pub fn partitions(mut self, partitions: usize) -> Self {
        self.partitions = Some(partitions.max(1));
        self
    }

    /// Starts the processes, and returns when all workers have arrived.
    ///
    /// # Errors
    /// `Io` when the program is not there or cannot be started, `Timeout` when a process does not arrive; `Unsupported`
    /// without processes.
    pub fn start(mut self) -> Result<LocalCluster> {
        if !self.processes {
            return Err(Error::unsupported("a cluster without processes").help("that is partita::LocalCluster"));
        }
        self.program = Some(program(self.program.as_deref())?);
        let each = self.n_workers.max(1);
        let memory_limit = match self.memory_limit.take() {
            Some(limit) => limit?,
            None => ByteSize(Session::current()?.memory_limit().0 / each as u64),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or_else(|| cores.div_ceil(each));
        let folder = TempDir::new().map_err(Error::system)?;
        let (scheduler, address) = self.scheduler(folder.path())?;
        let partitions = self.partitions.unwrap_or((2 * self.n_workers * threads).max(2));
        let client = Client::within(&address, partitions)?.shared_folder(folder.path().join("shared"));
        let (n, workers, builder) = (self.n_workers, Vec::new(), self);
        let mut cluster =
            LocalCluster { client, scheduler, workers, builder, threads, memory_limit, folder, started: 0 };
        cluster.scale(n)?;
        Ok(cluster)
    }

    fn command(&self, task: &str, log: &Path) -> Result<Command> {
        let mut command = Command::new(self.program.as_deref().unwrap_or(Path::new("partita-cluster")));
        let log = File::create(log).map_err(|e| Error::io(log.display(), e).doing("create"))?;
        // they end when their standard input does
        command.arg(task).arg("--with-parent").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        if std::env::var_os(VARIABLE).is_none() {
            command.env(VARIABLE, "info");
        }
        Ok(command)
    }

    fn scheduler(&self, folder: &Path) -> Result<(Process, String)> {
        let log = log(folder, "scheduler");
        let mut command = self.command("scheduler", &log)?;
        let mut process = Process::start(command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()))?;
        let (sender, receiver) = channel();
        let out = process.0.stdout.take();
        std::thread::spawn(move || {
            for line in out.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
                if let Some(address) = line.strip_prefix(LISTENS) {
                    let _ = sender.send(address.to_string());
                }
            }
        });
        match receiver.recv_timeout(START) {
            Ok(address) => Ok((process, address)),
            Err(_) => {
                let what = format!("the scheduler did not start{}", said(&log));
                Err(Error::new(ErrorKind::Timeout { what }).doing("start a cluster"))
            }
        }
    }
}

/// Where the program `partita-cluster` is: the one named, else where the variable says, else beside this program.
pub(crate) fn program(named: Option<&Path>) -> Result<PathBuf> {
    let name = format!("partita-cluster{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().unwrap_or_default();
    // tests and examples lie in folders of their own beside it
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.is_file());
    let named = named.map(PathBuf::from).or_else(|| std::env::var_os(PROGRAM).map(PathBuf::from));
    named.or(beside).filter(|path| path.is_file()).ok_or_else(|| {
        let error = Error::new(ErrorKind::Io { what: format!("the program `{name}` is not there") });
        error.doing("start a cluster").help(format!("build it, and say where it is by {PROGRAM} or program()"))
    })
}

/// A process that ends with this value.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Process> {
        let program = Path::new(command.get_program()).display().to_string();
        command.spawn().map(Process).map_err(|e| Error::io(program, e).doing("start"))
    }

    /// How it has ended, if it has.
    fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().ok().flatten()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bytes of a process in physical memory, by this line of what Linux says of it; 0 where nobody says.
fn resident(process: u32, line: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let found = text.lines().find_map(|l| l.strip_prefix(line)?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    found.map_or(0, |kilobytes| kilobytes << 10)
}
