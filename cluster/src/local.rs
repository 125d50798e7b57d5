//! A cluster of processes on this machine.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use partita::{ByteSize, Error, ErrorKind, Result};
use tempfile::TempDir;

use crate::client::Client;
use crate::serve::LISTENS;

/// How long processes may take to start.
const START: Duration = Duration::from_secs(60);
/// The variable that says where the program is.
const PROGRAM: &str = "PARTITA_CLUSTER_PROGRAM";

/// A scheduler and workers as processes of this machine, on the loopback: what runs on a cluster runs here first. They
/// end with it, and with this process however it ends.
///
/// ```no_run
/// use partita::Session;
/// use partita_cluster::LocalCluster;
///
/// let cluster = LocalCluster::builder().workers(2).start()?;
/// let session = Session::current()?.engine(cluster.client().engine());
/// println!("{}", session.read_parquet("trips/*.parquet")?.head(5)?.compute()?);
/// # Ok::<(), partita::Error>(())
/// ```
pub struct LocalCluster {
    client: Client,
    scheduler: Process,
    workers: Vec<Process>,
    builder: LocalClusterBuilder,
    folder: TempDir,
    started: usize,
}

/// How a [`LocalCluster`] is made.
#[derive(Clone, Debug)]
pub struct LocalClusterBuilder {
    processes: bool,
    workers: usize,
    threads: usize,
    memory_limit: Option<ByteSize>,
    program: Option<PathBuf>,
    partitions: Option<usize>,
}

impl LocalCluster {
    /// How to make one: by default of two workers with a thread each.
    pub fn builder() -> LocalClusterBuilder {
        LocalClusterBuilder {
            processes: true,
            workers: 2,
            threads: 1,
            memory_limit: None,
            program: None,
            partitions: None,
        }
    }

    /// A connection to it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The process numbers of its workers.
    pub fn worker_processes(&self) -> Vec<u32> {
        self.workers.iter().map(|w| w.0.id()).collect()
    }

    /// The process number of its scheduler.
    pub fn scheduler_process(&self) -> u32 {
        self.scheduler.0.id()
    }

    /// Starts workers or ends some, so that there are `n`; returns when those that started have arrived.
    ///
    /// # Errors
    /// `Io` when the program cannot be started, `Timeout` when a worker does not arrive.
    pub fn scale(&mut self, n: usize) -> Result<()> {
        let known = self.client.workers()?.len();
        let added = n.saturating_sub(self.workers.len());
        self.workers.truncate(n);
        for _ in 0..added {
            self.started += 1;
            let folder = self.folder.path().join(format!("worker-{}", self.started));
            self.workers.push(self.builder.worker(&self.client, &folder)?);
        }
        // those that ended are known for a while
        if added > 0 { self.client.wait_for_workers(known + added, START) } else { Ok(()) }
    }
}

impl fmt::Display for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (workers, threads) = (self.workers.len(), self.workers.len() * self.builder.threads);
        write!(f, "<LocalCluster: {}, {workers} workers, {threads} threads>", self.client.address())
    }
}

impl fmt::Debug for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl LocalClusterBuilder {
    /// Whether scheduler and workers are processes of their own, as they are unless told otherwise.
    #[must_use]
    pub fn processes(mut self, processes: bool) -> Self {
        self.processes = processes;
        self
    }

    /// How many workers.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// How many tasks a worker runs at once.
    #[must_use]
    pub fn threads_per_worker(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// The memory of a worker for what is exchanged and sorted: beyond it, that goes to disk.
    #[must_use]
    pub fn memory_limit(mut self, limit: ByteSize) -> Self {
        self.memory_limit = Some(limit);
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
        let folder = TempDir::new().map_err(Error::system)?;
        let (scheduler, address) = self.scheduler()?;
        let partitions = self.partitions.unwrap_or((2 * self.workers * self.threads).max(2));
        let client = Client::within(&address, partitions)?;
        let wanted = self.workers;
        let mut cluster = LocalCluster { client, scheduler, workers: Vec::new(), builder: self, folder, started: 0 };
        cluster.scale(wanted)?;
        Ok(cluster)
    }

    fn command(&self, task: &str) -> Command {
        let mut command = Command::new(self.program.as_deref().unwrap_or(Path::new("partita-cluster")));
        // they end when their standard input does
        command.arg(task).arg("--with-parent").stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    fn scheduler(&self) -> Result<(Process, String)> {
        let mut process = Process::start(self.command("scheduler").args(["--listen", "127.0.0.1:0"]))?;
        let (sender, receiver) = channel();
        let out = process.0.stdout.take();
        std::thread::spawn(move || {
            for line in out.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
                if let Some(address) = line.strip_prefix(LISTENS) {
                    let _ = sender.send(address.to_string());
                }
            }
        });
        let address = receiver.recv_timeout(START).map_err(|_| {
            Error::new(ErrorKind::Timeout { what: "the scheduler did not start".into() }).doing("start a cluster")
        })?;
        Ok((process, address))
    }

    fn worker(&self, client: &Client, folder: &Path) -> Result<Process> {
        let mut command = self.command("worker");
        command.arg("--scheduler").arg(client.address()).arg("--threads").arg(self.threads.to_string());
        command.arg("--folder").arg(folder).stdout(Stdio::null());
        if let Some(limit) = self.memory_limit {
            command.arg("--memory-limit").arg(limit.0.to_string());
        }
        Process::start(&mut command)
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
}

impl Drop for Process {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
