//! A scheduler, and workers in jobs of a queue.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use partita::{Error, ErrorKind, Result};

use crate::client::Client;
use crate::deploy::file::SchedulerFile;
use crate::deploy::reserve::JobClusterBuilder;
use crate::deploy::system::{System, run};
use crate::local::{Process, program};

/// How long a scheduler of this machine may take to start.
const START: Duration = Duration::from_secs(60);
/// The state of a job that the queue does not know any more.
const ENDED: &str = "ENDED";

/// A job of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStatus {
    /// Its number.
    pub id: String,
    /// Its state, in the words of the queue (`PENDING`, `RUNNING`, …); `ENDED` for one that the queue has forgotten.
    pub state: String,
    /// When it started or is expected to, if the queue says so.
    pub start: Option<String>,
    /// Why it does not run, if the queue says so.
    pub reason: Option<String>,
    /// The nodes it has.
    pub nodes: Option<String>,
    /// Where what it prints goes.
    pub log: PathBuf,
}

impl JobStatus {
    /// A job of which no more is known.
    pub(crate) fn of(id: &str, state: &str) -> JobStatus {
        let (id, state) = (id.to_string(), state.to_string());
        JobStatus { id, state, start: None, reason: None, nodes: None, log: PathBuf::new() }
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.state)?;
        let more = [("on", &self.nodes), ("start", &self.start), ("because", &self.reason)];
        for (name, value) in more.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            write!(f, ", {name} {value}")?;
        }
        write!(f, ", log {}", self.log.display())
    }
}

/// A scheduler, and workers in jobs of a queue: [`SlurmCluster`](crate::SlurmCluster), [`PbsCluster`](crate::PbsCluster),
/// [`LsfCluster`](crate::LsfCluster). The jobs end with it, and with this process however it ends: workers end when their
/// scheduler has.
pub struct JobCluster<S: System> {
    builder: JobClusterBuilder<S>,
    file: PathBuf,
    scheduler: Option<Process>,
    jobs: Vec<String>,
    /// Those that were submitted at some time.
    all: Vec<String>,
}

impl<S: System> JobClusterBuilder<S> {
    /// Starts the scheduler: as a process of this machine, or in a first job, which is submitted (the call does not wait
    /// until it starts). [`scale`](JobCluster::scale) submits jobs with workers.
    ///
    /// # Errors
    /// Those of [`job_script`](Self::job_script); `Io` when a program is not there; `Timeout` when the scheduler does not
    /// start.
    pub fn start(mut self) -> Result<JobCluster<S>> {
        self.job_script()?;
        S::settle(&mut self.reservation);
        let asked = &mut self.reservation;
        let folder = std::env::current_dir().map_err(Error::system)?;
        let logs = &asked.log_directory;
        std::fs::create_dir_all(logs).map_err(|e| Error::io(logs.display(), e).doing("create"))?;
        let file = asked.scheduler_file.clone();
        let file = file.unwrap_or_else(|| format!("partita-scheduler-{}.json", std::process::id()).into());
        let file = folder.join(file);
        asked.scheduler_file = Some(file.clone());
        // a job starts in a folder of its own
        asked.program = Some(folder.join(program(asked.program.as_deref())?));
        asked.stage.iter_mut().for_each(|path| *path = folder.join(&*path));
        asked.log_directory = folder.join(&asked.log_directory);
        let mut cluster = JobCluster { builder: self, file, scheduler: None, jobs: Vec::new(), all: Vec::new() };
        match cluster.builder.reservation.scheduler_in_job {
            true => cluster.submit(true)?,
            false => cluster.start_scheduler()?,
        }
        Ok(cluster)
    }
}

impl<S: System> JobCluster<S> {
    /// How to make one.
    pub fn builder() -> JobClusterBuilder<S> {
        JobClusterBuilder::default()
    }

    /// The file in which the scheduler says where it listens.
    pub fn scheduler_file(&self) -> &Path {
        &self.file
    }

    /// The numbers of the jobs that are meant to be there.
    pub fn jobs(&self) -> &[String] {
        &self.jobs
    }

    /// How many workers the jobs have when all of them run.
    pub fn workers(&self) -> usize {
        self.jobs.len() * self.builder.reservation.processes * self.builder.reservation.nodes
    }

    /// The script of a job, as it is submitted.
    ///
    /// # Errors
    /// None once it has started.
    pub fn job_script(&self) -> Result<String> {
        self.builder.job_script()
    }

    /// A connection to it.
    ///
    /// # Errors
    /// `Io` when the scheduler has not started yet, or is gone.
    pub fn client(&self) -> Result<Client> {
        Client::from_scheduler_file(&self.file)
    }

    /// A connection to it, as soon as the scheduler has started: one in a job starts when the queue says so.
    ///
    /// # Errors
    /// `Timeout` when it has not in time, with what the queue says of its job.
    pub fn wait_for_scheduler(&self, patience: Duration) -> Result<Client> {
        let error = match SchedulerFile::wait(&self.file, patience) {
            Ok(file) => return Client::connect(&file.address),
            Err(error) => error,
        };
        let jobs = self.status().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let what = format!("the scheduler has not started after {} s ({jobs})", patience.as_secs());
        Err(Error::new(ErrorKind::Timeout { what }).doing(format!("reach {self}")).caused_by(error))
    }

    /// Submits jobs or ends the youngest ones, so that there are `jobs`. It does not wait until they start:
    /// [`Client::wait_for_workers`] does. A scheduler in the first job ends with that.
    ///
    /// # Errors
    /// `Io` when the command is not there, or says why not.
    pub fn scale(&mut self, jobs: usize) -> Result<()> {
        while self.jobs.len() < jobs {
            let with_scheduler = self.jobs.is_empty() && self.builder.reservation.scheduler_in_job;
            self.submit(with_scheduler)?;
        }
        let ended = self.jobs.split_off(jobs.min(self.jobs.len()));
        self.cancel(&ended)
    }

    /// What the queue says of each job that was submitted, in their order.
    ///
    /// # Errors
    /// `Io` when the command is not there, or says why not.
    pub fn status(&self) -> Result<Vec<JobStatus>> {
        if self.all.is_empty() {
            return Ok(Vec::new());
        }
        let question = S::question(&self.all);
        let words: Vec<&str> = question.iter().map(String::as_str).collect();
        // a queue that has forgotten all of them says that it knows none
        let told = match run::<S>(&words, None, self.commands()) {
            Err(error) if !missing(&error) => String::new(),
            told => told?,
        };
        let mut known = S::answer(&told);
        let logs = &self.builder.reservation.log_directory;
        let log = S::log(&self.builder.reservation);
        let one = |id: &String| {
            let found = known.iter().position(|job| job.id == *id).map(|at| known.swap_remove(at));
            let job = found.unwrap_or_else(|| JobStatus::of(id, ENDED));
            JobStatus { log: logs.join(log.replace('%', id)), ..job }
        };
        Ok(self.all.iter().map(one).collect())
    }

    /// Ends the jobs and the scheduler. Without it they end with this value.
    ///
    /// # Errors
    /// `Io` when the queue does not end them, with what it says.
    pub fn close(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        let jobs = std::mem::take(&mut self.jobs);
        let cancelled = self.cancel(&jobs);
        if let Some(mut scheduler) = self.scheduler.take() {
            // it ends in order when its input does, and removes its file
            drop(scheduler.0.stdin.take());
            let begun = Instant::now();
            while scheduler.0.try_wait().is_ok_and(|ended| ended.is_none()) && begun.elapsed() < Duration::from_secs(5)
            {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        cancelled
    }

    fn commands(&self) -> Option<&Path> {
        self.builder.reservation.commands.as_deref()
    }

    fn submit(&mut self, with_scheduler: bool) -> Result<()> {
        let id = self.builder.submit_script(&self.builder.script(with_scheduler)?)?;
        self.jobs.push(id.clone());
        self.all.push(id);
        Ok(())
    }

    fn cancel(&self, jobs: &[String]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        let words: Vec<&str> = [S::CANCEL].into_iter().chain(jobs.iter().map(String::as_str)).collect();
        // it is no question: whatever it says, its end counts
        match run::<S>(&words, Some(""), self.commands()) {
            // those that have ended cannot be ended
            Err(error) if missing(&error) || self.alive(jobs) => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether one of these jobs waits or runs.
    fn alive(&self, jobs: &[String]) -> bool {
        let over = ["ENDED", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "DONE", "EXIT"];
        let status = self.status().unwrap_or_default();
        status.iter().any(|job| jobs.contains(&job.id) && !over.contains(&job.state.as_str()))
    }

    fn start_scheduler(&mut self) -> Result<()> {
        let asked = &self.builder.reservation;
        let mut command = Command::new(asked.program.as_deref().unwrap_or(Path::new("partita-cluster")));
        command.args(["scheduler", "--with-parent", "--scheduler-file"]).arg(&self.file);
        match &asked.interface {
            Some(interface) => command.args(["--interface", interface]),
            None => command.args(["--host", "auto"]),
        };
        let mut process = Process::start(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()))?;
        let begun = Instant::now();
        loop {
            if SchedulerFile::read(&self.file).is_ok_and(|file| file.pid == process.0.id()) {
                self.scheduler = Some(process);
                return Ok(());
            }
            if let Ok(Some(_)) = process.0.try_wait() {
                let mut why = String::new();
                let _ = process.0.stderr.take().map(|mut said| std::io::Read::read_to_string(&mut said, &mut why));
                return Err(Error::other(why.trim().to_string()).doing("start a scheduler"));
            }
            if begun.elapsed() > START {
                let what = "the scheduler did not start".to_string();
                return Err(Error::new(ErrorKind::Timeout { what }).doing("start a cluster"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether a command is not there.
fn missing(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
    cause.is_some_and(|cause| cause.kind() == std::io::ErrorKind::NotFound)
}

impl<S: System> Drop for JobCluster<S> {
    fn drop(&mut self) {
        // workers that the queue does not end, end when they do not find their scheduler
        let _ = self.end();
    }
}

impl<S: System> fmt::Display for JobCluster<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = SchedulerFile::read(&self.file).map_or("no scheduler yet".to_string(), |file| file.address);
        let (jobs, cores) =
            (self.jobs.len(), self.jobs.len() * self.builder.reservation.cores * self.builder.reservation.nodes);
        write!(f, "<{}: {address}, {jobs} jobs, {} workers, {cores} cores>", S::CLUSTER, self.workers())
    }
}

impl<S: System> fmt::Debug for JobCluster<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
