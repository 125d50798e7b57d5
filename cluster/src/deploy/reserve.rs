//! What a job is to have, and the script that asks for it.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use partita::session::IntoByteSize;
use partita::{ByteSize, Error, Result};

use crate::deploy::system::{Reservation, System, quoted, run};

/// How long a worker waits for its scheduler: a job may start long before another.
const PATIENCE: &str = "600s";
/// Where the scheduler says where it listens, if nobody says otherwise.
const SCHEDULER_FILE: &str = "partita-scheduler.json";
/// Where files are put that are brought to a node.
const STAGE: &str = "partita-stage";

/// How a [`JobCluster`](crate::deploy::JobCluster) is made: what each job is to have. The names are those of dask-jobqueue.
#[derive(Clone, Debug)]
pub struct JobClusterBuilder<S> {
    pub(crate) reservation: Reservation,
    /// What was wrong with something that was said: it is told when a script is asked for.
    wrong: Option<Arc<Error>>,
    system: PhantomData<S>,
}

impl<S: System> Default for JobClusterBuilder<S> {
    fn default() -> Self {
        let reservation = Reservation {
            queue: None,
            project: None,
            job_name: "partita-worker".into(),
            cores: 1,
            nodes: 1,
            memory: None,
            memory_unit: None,
            processes: 1,
            threads: None,
            walltime: Duration::from_secs(30 * 60),
            interface: None,
            local_directory: None,
            log_directory: PathBuf::from("."),
            scheduler_file: None,
            scheduler_in_job: false,
            program: None,
            prologue: Vec::new(),
            directives: Vec::new(),
            stage: Vec::new(),
            commands: None,
        };
        JobClusterBuilder { reservation, wrong: None, system: PhantomData }
    }
}

impl<S: System> JobClusterBuilder<S> {
    /// The queue, or partition.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.reservation.queue = Some(queue.into());
        self
    }

    /// The project or account that pays.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.reservation.project = Some(project.into());
        self
    }

    /// How jobs and workers are called; by default `partita-worker`.
    #[must_use]
    pub fn job_name(mut self, name: impl Into<String>) -> Self {
        self.reservation.job_name = name.into();
        self
    }

    /// How many cores a job has on each of its nodes; by default one.
    #[must_use]
    pub fn cores(mut self, cores: usize) -> Self {
        self.reservation.cores = cores;
        self
    }

    /// How many nodes a job has; by default one. Several are for SLURM.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.reservation.nodes = nodes;
        self
    }

    /// How much memory a job has on each of its nodes. Queues count in units of 1024 and get the next whole one: `"90GB"`,
    /// which is 90e9 bytes, is asked for as `84G`. Its workers share seven tenths of it for what is exchanged and sorted.
    #[must_use]
    pub fn memory(mut self, memory: impl IntoByteSize) -> Self {
        match memory.into_byte_size() {
            Ok(memory) => self.reservation.memory = Some(memory),
            Err(error) => self.wrong = Some(Arc::new(error)),
        }
        self
    }

    /// How many workers a job has on each of its nodes; by default one.
    #[must_use]
    pub fn processes(mut self, processes: usize) -> Self {
        self.reservation.processes = processes;
        self
    }

    /// How many tasks a worker runs at once; by default the cores divided by the processes.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.reservation.threads = Some(threads);
        self
    }

    /// How long a job may take; by default half an hour.
    #[must_use]
    pub fn walltime(mut self, walltime: Duration) -> Self {
        self.reservation.walltime = walltime;
        self
    }

    /// The network interface by which scheduler and workers reach each other, such as `ib0`. By default that of the way
    /// from this machine to others, and from a worker to the scheduler.
    #[must_use]
    pub fn interface(mut self, interface: impl Into<String>) -> Self {
        self.reservation.interface = Some(interface.into());
        self
    }

    /// A folder on the disk of each node, for what workers exchange and what does not fit into memory; by default what
    /// `TMPDIR` is there, else `/tmp`.
    #[must_use]
    pub fn local_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.reservation.local_directory = Some(folder.into());
        self
    }

    /// The folder for what jobs print; by default the current one. All nodes have to see it.
    #[must_use]
    pub fn log_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.reservation.log_directory = folder.into();
        self
    }

    /// The file in which the scheduler says where it listens; by default one in the current folder. All nodes have to
    /// see it.
    #[must_use]
    pub fn scheduler_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.reservation.scheduler_file = Some(path.into());
        self
    }

    /// Whether the first job has the scheduler, beside its workers on its first node. By default the scheduler is a
    /// process of this machine, and ends with this one.
    #[must_use]
    pub fn scheduler_in_job(mut self, in_job: bool) -> Self {
        self.reservation.scheduler_in_job = in_job;
        self
    }

    /// Where the program `partita-cluster` is on the nodes.
    #[must_use]
    pub fn program(mut self, path: impl Into<PathBuf>) -> Self {
        self.reservation.program = Some(path.into());
        self
    }

    /// A line of shell that each job begins with, such as `module load …`; more with each call.
    #[must_use]
    pub fn prologue(mut self, line: impl Into<String>) -> Self {
        self.reservation.prologue.push(line.into());
        self
    }

    /// An environment variable of the workers.
    #[must_use]
    pub fn env(self, name: &str, value: &str) -> Self {
        self.prologue(format!("export {name}={}", quoted(value)))
    }

    /// One more line for the queueing system, without `#SBATCH` and the like before it; more with each call.
    #[must_use]
    pub fn directive(mut self, directive: impl Into<String>) -> Self {
        self.reservation.directives.push(directive.into());
        self
    }

    /// Files that every job copies to the disk of its nodes first, into the folder `partita-stage` of
    /// [`local_directory`](Self::local_directory), and the program with them. A program that reads the copies needs the
    /// same paths where it runs itself.
    #[must_use]
    pub fn stage(mut self, files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        self.reservation.stage.extend(files.into_iter().map(Into::into));
        self
    }

    /// The folder with the commands of the queueing system, if they are not found by `PATH`.
    #[must_use]
    pub fn commands(mut self, folder: impl Into<PathBuf>) -> Self {
        self.reservation.commands = Some(folder.into());
        self
    }

    /// The script of a job, as it is submitted: that of the first one, if it has the scheduler.
    ///
    /// # Errors
    /// `Invalid` for a memory that is no size, when processes × threads are more than the cores, when something is zero, or
    /// when two files to stage have one name;
    /// `Unsupported` for several nodes in a job where only SLURM can.
    pub fn job_script(&self) -> Result<String> {
        self.script(self.reservation.scheduler_in_job)
    }

    /// Submits one job and gives its number. Nothing here ends it; its workers end with their scheduler.
    ///
    /// # Errors
    /// Those of [`job_script`](Self::job_script); `Io` when the command is not there, or says why not.
    pub fn submit(&self) -> Result<String> {
        let mut settled = self.clone();
        S::settle(&mut settled.reservation);
        settled.submit_script(&settled.job_script()?)
    }

    pub(crate) fn submit_script(&self, script: &str) -> Result<String> {
        let answer = run::<S>(S::SUBMIT, Some(script), self.reservation.commands.as_deref())?;
        S::submitted(&answer).ok_or_else(|| {
            let what = format!("`{}` answered `{}`, which is no number of a job", S::SUBMIT[0], answer.trim());
            Error::other(what).doing("submit a job")
        })
    }

    /// How many tasks a worker runs at once, if everything fits.
    fn checked(&self) -> Result<usize> {
        if let Some(error) = &self.wrong {
            return Err(error.again().doing("reserve a job"));
        }
        let Reservation { cores, nodes, processes, threads, memory, walltime, ref job_name, .. } = self.reservation;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if job_name.is_empty() || !job_name.chars().all(plain) {
            let error = Error::invalid(format!("`{job_name}` is no name for a job")).doing("reserve a job");
            return Err(error.help("letters, digits, points, hyphens and underscores make one"));
        }
        if cores.min(nodes).min(processes).min(threads.unwrap_or(1)) == 0 {
            return Err(
                Error::invalid("a job needs at least one node, core, process and thread").doing("reserve a job")
            );
        }
        // to some queues nothing means as much as there is
        if walltime.is_zero() || memory.is_some_and(|memory| memory.0 == 0) {
            return Err(Error::invalid("a job needs some time and some memory").doing("reserve a job"));
        }
        let each = threads.unwrap_or((cores / processes).max(1));
        if processes.saturating_mul(each) > cores {
            let error = Error::invalid(format!("{processes} processes of {each} threads are more than {cores} cores"));
            return Err(error.doing("reserve a job").help("ask for more cores, or for fewer processes or threads"));
        }
        let mut names: Vec<_> = self.reservation.stage.iter().filter_map(|file| file.file_name()).collect();
        names.sort_unstable();
        if let Some(name) = names.windows(2).find_map(|two| (two[0] == two[1]).then_some(two[0].display())) {
            let error = Error::invalid(format!("two of the files to stage are called `{name}`")).doing("reserve a job");
            return Err(error.help("they come into one folder: give them names of their own"));
        }
        if nodes > 1 && S::on_every_node(&self.reservation).is_none() {
            let error = Error::unsupported(format!("a job of {nodes} nodes of {}", S::NAME)).doing("reserve a job");
            return Err(
                error.help("scale() to as many jobs, or start `mpirun partita-cluster mpi` in a job of your own")
            );
        }
        Ok(each)
    }

    /// The script of a job, with the scheduler in it or without.
    pub(crate) fn script(&self, with_scheduler: bool) -> Result<String> {
        let threads = self.checked()?;
        let asked = &self.reservation;
        let mut lines = vec!["#!/usr/bin/env bash".to_string()];
        lines.extend(
            S::directives(asked).iter().chain(&asked.directives).map(|line| format!("{} {line}", S::DIRECTIVE)),
        );
        lines.extend(asked.prologue.iter().cloned());
        lines.extend(["", "# what each node does", "node() {"].map(String::from));
        let place = asked.local_directory.as_deref().map_or(r#""${TMPDIR:-/tmp}""#.into(), |p| quoted(p.display()));
        lines.push(format!(r#"    local place={place} rank="${{SLURM_PROCID:-0}}" code=0 file process"#));
        lines.push(format!("    local program={}", path(asked.program.as_deref(), "partita-cluster")));
        lines.extend(self.staged());
        if with_scheduler {
            let file = path(asked.scheduler_file.as_deref(), SCHEDULER_FILE);
            let host =
                asked.interface.as_ref().map_or("--host auto".into(), |name| format!("--interface {}", quoted(name)));
            lines.push(format!(r#"    [ "$rank" != 0 ] || "$program" scheduler --scheduler-file {file} {host} &"#));
        }
        lines.extend(self.workers(threads));
        lines.push(r#"    for process in $(jobs -p); do wait "$process" || code=$?; done"#.into());
        lines.extend(["    return $code", "}"].map(String::from));
        match S::on_every_node(asked).filter(|_| asked.nodes > 1) {
            Some(spread) => lines.extend(["export -f node".into(), format!("{spread} bash -c node")]),
            None => lines.push("node".into()),
        }
        Ok(lines.join("\n") + "\n")
    }

    /// The lines that start the workers of a node.
    fn workers(&self, threads: usize) -> [String; 5] {
        let asked = &self.reservation;
        let numbers = (1..=asked.processes).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let file = path(asked.scheduler_file.as_deref(), SCHEDULER_FILE);
        // of the number of the job, what is before the name of a server
        let name = format!("{}-${{{}%%.*}}-$rank-$process", asked.job_name, S::JOB);
        let limit = |all: ByteSize| format!(" --memory-limit {}", counted(all) / asked.processes as u64);
        let memory = asked.memory.map(limit).unwrap_or_default();
        let interface =
            asked.interface.as_ref().map(|name| format!(" --interface {}", quoted(name))).unwrap_or_default();
        [
            format!("    for process in {numbers}; do"),
            format!(r#"        "$program" worker --scheduler-file {file} --wait {PATIENCE} --end-with-scheduler \"#),
            format!(r#"            --name "{name}" --folder "$place/{name}" \"#),
            format!("            --threads {threads}{memory}{interface} &"),
            "    done".into(),
        ]
    }

    /// The lines that bring files to a node, if there are any. Several jobs of one node may do so at once.
    fn staged(&self) -> Vec<String> {
        if self.reservation.stage.is_empty() {
            return Vec::new();
        }
        let files: Vec<String> = self.reservation.stage.iter().map(|file| quoted(file.display())).collect();
        let beside = format!(r#""$place/{STAGE}/.${{file##*/}}.$$""#);
        vec![
            format!(r#"    mkdir -p -- "$place/{STAGE}" || return"#),
            r#"    program=$(command -v -- "$program") || return"#.into(),
            format!(r#"    for file in "$program" {}; do"#, files.join(" ")),
            format!(r#"        cp -p -- "$file" {beside} || return"#),
            format!(r#"        mv -f -- {beside} "$place/{STAGE}/${{file##*/}}" || return"#),
            "    done".into(),
            format!(r#"    program="$place/{STAGE}/${{program##*/}}""#),
        ]
    }
}

/// How much of a memory workers use for what is exchanged, sorted and held; the rest is for what is not counted.
pub(crate) fn counted(memory: ByteSize) -> u64 {
    memory.0 / 10 * 7
}

/// A path as a word of a shell, or another one if there is none.
fn path(path: Option<&Path>, otherwise: &str) -> String {
    quoted(path.unwrap_or(Path::new(otherwise)).display())
}

/// A time as queues write it, `00:30:00`, or as people do: `90s`, `30m`, `2h`, `1d`.
///
/// # Errors
/// `Invalid` for anything else.
pub fn duration(text: &str) -> Result<Duration> {
    let wrong = || Error::invalid(format!("`{text}` is no time")).help("write 00:30:00, or 90s, 30m, 2h, 1d");
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let parts: Vec<&str> = text.trim().split(':').collect();
    let seconds = match parts[..] {
        [hours, minutes, seconds] => {
            let (minutes, seconds) = (number(minutes)?, number(seconds)?);
            number(hours)?
                .checked_mul(3600)
                .filter(|_| minutes < 60 && seconds < 60)
                .map(|h| h + minutes * 60 + seconds)
        }
        [one] => {
            let unit =
                [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)].into_iter().find(|(unit, _)| one.ends_with(unit));
            let (unit, factor) = unit.ok_or_else(wrong)?;
            number(one.trim_end_matches(unit).trim())?.checked_mul(factor)
        }
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use partita::ErrorKind;

    use super::*;
    use crate::deploy::{JobCluster, Lsf, Pbs, Slurm};

    /// The lines for the queue, without those that all have.
    fn asked<S: System>(builder: &JobClusterBuilder<S>) -> Vec<String> {
        let script = builder.job_script().unwrap();
        let lines = script.lines().filter_map(|line| line.strip_prefix(S::DIRECTIVE));
        lines.map(|line| line.trim().to_string()).collect()
    }

    fn builder<S: System>() -> JobClusterBuilder<S> {
        let plain = JobCluster::<S>::builder().queue("multiple").cores(40).memory("90GB");
        plain.walltime(Duration::from_secs(1800))
    }

    #[test]
    fn queues_are_asked_in_their_words() {
        let slurm = asked(&builder::<Slurm>());
        assert_eq!(slurm[1..7].join(" "), "-p multiple -n 1 -N 1 --cpus-per-task=40 --mem=84G -t 00:30:00");
        assert_eq!(slurm[0], "-J partita-worker");
        assert_eq!(slurm[7], "-o ./partita-worker-%j.log");
        let pbs = asked(&builder::<Pbs>().project("p1").log_directory("my logs"));
        let expected = [
            "-N partita-worker",
            "-q multiple",
            "-A p1",
            "-l select=1:ncpus=40:mem=84GB",
            "-l walltime=00:30:00",
            "-j oe -o 'my logs/'",
        ];
        assert_eq!(pbs, expected);
        let lsf = builder::<Lsf>().project("p1").walltime(Duration::from_secs(100)).memory_unit("mb").unwrap();
        let expected = [
            "-J partita-worker",
            "-q multiple",
            "-P p1",
            "-n 40",
            "-R \"span[hosts=1]\"",
            "-M 85831",
            "-W 00:02",
            "-o ./partita-worker-%J.log",
        ];
        assert_eq!(asked(&lsf), expected);
        assert!(builder::<Lsf>().memory_unit("stone").is_err());
        let more = asked(&builder::<Slurm>().directive("--exclusive").nodes(3));
        assert_eq!(more[2..4].join(" "), "-n 3 -N 3");
        assert_eq!(more[8], "--exclusive");
    }

    #[test]
    fn the_script_of_a_job() {
        let script = builder::<Slurm>().processes(2).threads(10).env("A", "b c").prologue("module load x");
        let script = script.scheduler_file("/shared/me/s.json").interface("ib0").local_directory("/scratch");
        let script = script.program("/shared/me/bin/partita-cluster").job_script().unwrap();
        let expected = r#"export A='b c'
module load x

# what each node does
node() {
    local place=/scratch rank="${SLURM_PROCID:-0}" code=0 file process
    local program=/shared/me/bin/partita-cluster
    for process in 1 2; do
        "$program" worker --scheduler-file /shared/me/s.json --wait 600s --end-with-scheduler \
            --name "partita-worker-${SLURM_JOB_ID%%.*}-$rank-$process" --folder "$place/partita-worker-${SLURM_JOB_ID%%.*}-$rank-$process" \
            --threads 10 --memory-limit 31500000000 --interface ib0 &
    done
    for process in $(jobs -p); do wait "$process" || code=$?; done
    return $code
}
node
"#;
        assert_eq!(script.split_once("worker-%j.log\n").unwrap().1, expected);
        let spread =
            builder::<Slurm>().nodes(2).scheduler_in_job(true).stage(["/shared/me/it's.csv"]).job_script().unwrap();
        assert!(
            spread.ends_with("export -f node\nsrun --ntasks-per-node=1 --cpus-per-task=40 --export=ALL bash -c node\n")
        );
        assert!(spread.contains(
            "[ \"$rank\" != 0 ] || \"$program\" scheduler --scheduler-file partita-scheduler.json --host auto &"
        ));
        assert!(spread.contains(r#"for file in "$program" '/shared/me/it'\''s.csv'; do"#), "{spread}");
    }

    #[test]
    fn too_much_for_a_job_is_refused() {
        let error = builder::<Slurm>().processes(8).threads(6).job_script().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Invalid { .. }), "{error}");
        assert!(error.to_string().contains("8 processes of 6 threads are more than 40 cores"), "{error}");
        assert!(builder::<Slurm>().processes(41).job_script().is_err());
        assert!(builder::<Slurm>().cores(0).job_script().is_err());
        assert!(builder::<Slurm>().walltime(Duration::ZERO).job_script().is_err());
        assert!(builder::<Slurm>().memory(0u64).job_script().is_err());
        assert!(builder::<Slurm>().memory("much").job_script().unwrap_err().to_string().contains("`much`"));
        assert!(builder::<Slurm>().job_name("a b").job_script().is_err());
        assert!(builder::<Slurm>().processes(3).job_script().unwrap().contains("--threads 13 "));
        let error = builder::<Slurm>().stage(["a/x.csv", "y.csv", "b/x.csv"]).job_script().unwrap_err();
        assert!(error.to_string().contains("two of the files to stage are called `x.csv`"), "{error}");
        let error = builder::<Pbs>().nodes(2).job_script().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported { .. }), "{error}");
    }

    #[test]
    fn without_a_queue_the_error_says_where_there_is_one() {
        let error = builder::<Lsf>().commands("/nowhere").submit().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("the command `bsub` is not there") && text.contains("login node"), "{text}");
    }

    #[test]
    fn times_are_read() {
        let seconds = |text| duration(text).map(|d| d.as_secs());
        assert_eq!(seconds("00:30:00").unwrap(), 1800);
        assert_eq!(seconds("100:00:01").unwrap(), 360_001);
        assert_eq!([seconds("90s").unwrap(), seconds("2h").unwrap(), seconds("1d").unwrap()], [90, 7200, 86_400]);
        for wrong in ["", "10", "1:2", "0:60:00", "-1s", "m", "99999999999999999h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
