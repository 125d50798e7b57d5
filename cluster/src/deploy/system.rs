//! What a queueing system has of its own.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use partita::{ByteSize, Error, ErrorKind, Result};

use crate::deploy::jobs::JobStatus;

/// What a job of a queue is to have: see the methods of [`JobClusterBuilder`](crate::deploy::JobClusterBuilder).
#[derive(Clone, Debug)]
pub struct Reservation {
    pub(crate) queue: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) job_name: String,
    pub(crate) cores: usize,
    pub(crate) nodes: usize,
    pub(crate) memory: Option<ByteSize>,
    pub(crate) memory_unit: Option<String>,
    pub(crate) processes: usize,
    pub(crate) threads: Option<usize>,
    pub(crate) walltime: Duration,
    pub(crate) interface: Option<String>,
    pub(crate) local_directory: Option<PathBuf>,
    pub(crate) log_directory: PathBuf,
    pub(crate) scheduler_file: Option<PathBuf>,
    pub(crate) scheduler_in_job: bool,
    pub(crate) program: Option<PathBuf>,
    pub(crate) prologue: Vec<String>,
    pub(crate) directives: Vec<String>,
    pub(crate) stage: Vec<PathBuf>,
    pub(crate) commands: Option<PathBuf>,
}

/// A queueing system: how it is asked for a job, and about jobs.
pub trait System: fmt::Debug + Clone + 'static {
    /// How it is called.
    const NAME: &'static str;
    /// How a cluster in its jobs is called.
    const CLUSTER: &'static str;
    /// The command that takes a script from its standard input and makes a job of it, with its arguments.
    const SUBMIT: &'static [&'static str];
    /// The command that ends jobs.
    const CANCEL: &'static str;
    /// What a line of a script begins with that is meant for it.
    const DIRECTIVE: &'static str;
    /// The variable that holds the number of a job, inside of it.
    const JOB: &'static str;
    /// The lines of a script that are meant for the system, without what they begin with.
    fn directives(reservation: &Reservation) -> Vec<String>;

    /// The number of a job, in what was answered when it was submitted.
    fn submitted(answer: &str) -> Option<String>;

    /// The command that tells about jobs.
    fn question(jobs: &[String]) -> Vec<String>;

    /// What it told, without the file of the log.
    fn answer(told: &str) -> Vec<JobStatus>;

    /// Where a job's output is, in the folder for it: `%` stands for its number.
    fn log(reservation: &Reservation) -> String;

    /// The command that runs another one on every node of a job, if there may be several.
    fn on_every_node(_reservation: &Reservation) -> Option<String> {
        None
    }

    /// What the settings of the system on this machine say that nobody else did.
    fn settle(_reservation: &mut Reservation) {}
}

/// Runs a command of a system, and gives what it printed. Without an input it is a question, to which half an answer is one.
pub(crate) fn run<S: System>(words: &[&str], input: Option<&str>, commands: Option<&Path>) -> Result<String> {
    let (name, rest) = words.split_first().map_or(("", words), |(name, rest)| (*name, rest));
    let program = commands.map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
    let doing = format!("ask {}", S::NAME);
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let started = Command::new(program).args(rest).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            let error = Error::new(ErrorKind::Io { what: format!("the command `{name}` is not there") });
            error.doing(doing.clone()).help(format!(
                "run this where jobs of {} are submitted, on a login node of the cluster, or say by commands() in which \
                 folder its commands are",
                S::NAME
            )).caused_by(e)
        }
        _ => Error::io(name, e).doing(doing.clone()),
    })?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), input) {
        // one that does not read says why when it ends
        let _ = pipe.write_all(text.as_bytes());
    }
    let ended = child.wait_with_output().map_err(|e| Error::io(name, e).doing(doing.clone()))?;
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    // some say what they know of the other jobs, and fail because of one that has ended
    if ended.status.success() || (input.is_none() && !said.trim().is_empty()) {
        return Ok(said);
    }
    let why = String::from_utf8_lossy(&ended.stderr).trim().to_string();
    Err(Error::new(ErrorKind::Io { what: format!("`{name}` said: {why}") }).doing(doing))
}

/// A text as one word of a shell.
pub(crate) fn quoted(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%^".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// `Some` of what says something.
pub(crate) fn said(text: &str) -> Option<String> {
    let text = text.trim();
    let nothing = ["", "-", "N/A", "None", "(null)", "Unknown"];
    (!nothing.contains(&text)).then(|| text.to_string())
}

/// Jobs as lines of number, state, start, reason and nodes, between bars; other lines say nothing.
pub(crate) fn listed(told: &str) -> Vec<JobStatus> {
    let job = |line: &str| {
        let mut fields = line.split('|');
        let (id, state) = (said(fields.next()?)?, said(fields.next()?)?);
        let (starts, reason, nodes) = (fields.next()?, fields.next()?, fields.next()?);
        Some(JobStatus { start: said(starts), reason: said(reason), nodes: said(nodes), ..JobStatus::of(&id, &state) })
    };
    told.lines().filter_map(job).collect()
}

/// A size in units of 1024, rounded up, in the largest unit of which there are ten: 90e9 bytes are `84G`.
pub(crate) fn binary(bytes: u64, names: [&str; 3]) -> String {
    let [kilo, mega, giga] = names;
    let (unit, name) = match bytes {
        0..10_485_760 => (1 << 10, kilo),
        10_485_760..10_737_418_240 => (1 << 20, mega),
        _ => (1 << 30, giga),
    };
    format!("{}{name}", bytes.div_ceil(unit))
}

/// Hours, minutes and seconds as `00:30:00`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        let size = |bytes| binary(bytes, ["K", "M", "G"]);
        assert_eq!(size(90_000_000_000), "84G");
        assert_eq!(size(84 << 30), "84G");
        assert_eq!(size((84 << 30) + 1), "85G");
        assert_eq!(size(9 << 30), "9216M");
        assert_eq!(size(1), "1K");
    }

    #[test]
    fn words_of_a_shell() {
        assert_eq!(quoted("/a/b-c.json"), "/a/b-c.json");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
        assert_eq!(clock(Duration::from_secs(100 * 3600 + 61)), "100:01:01");
    }
}
