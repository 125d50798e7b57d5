//! The processes of a cluster, and what starts them: `partita-cluster help` says how.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use partita::{ByteSize, Error, Result};
use partita_cluster::Manifests;
use partita_cluster::deploy::mpi::Rank;
use partita_cluster::deploy::{
    JobCluster, JobClusterBuilder, Lsf, Pbs, SchedulerFile, Slurm, System, duration, interface, resolve,
};
use partita_cluster::serve::{SchedulerOptions, WorkerOptions, end_with_parent, scheduler, worker};

const HELP: &str = "\
partita-cluster scheduler [--listen 127.0.0.1:50050] [--host ADDRESS|auto] [--interface eth0] [--port N]
                          [--scheduler-file PATH] [--with-parent]
partita-cluster worker [--scheduler 127.0.0.1:50050 | --scheduler-file PATH] [--wait 60s] [--end-with-scheduler]
                       [--host ADDRESS|auto] [--interface eth0] [--port N] [--grpc-port N] [--name NAME]
                       [--threads N] [--folder PATH] [--memory-limit 2GB] [--with-parent]
partita-cluster mpi --scheduler-file PATH [--name NAME] and what a worker takes
                       under mpirun or srun: the first process is the scheduler, the others are workers
partita-cluster slurm|pbs|lsf [--submit] [--jobs N] [--queue Q] [--project P] [--job-name NAME] [--cores N]
                       [--memory 90GB] [--processes N] [--threads N] [--nodes N] [--walltime 00:30:00]
                       [--interface ib0] [--scheduler-file PATH] [--scheduler-in-job] [--program PATH]
                       [--local-directory PATH] [--log-directory PATH] [--stage FILE]... [--prologue LINE]...
                       [--env NAME=VALUE]... [--directive TEXT]... [--commands FOLDER] [--memory-unit MB]
                       prints the script of a job, or submits it
partita-cluster k8s --image IMAGE [--apply] [--name partita] [--namespace default] [--workers 2] [--cores 1]
                       [--memory 2GiB] [--claim CLAIM:/FOLDER] [--hpa 2..10] [--open]
                       prints manifests, or hands them to kubectl

There is no authentication: whoever reaches these ports may read the files that the processes read and run plans.
They listen on the loopback unless told otherwise. --host auto is the address of this machine's way to others. A
scheduler with a file takes any free port. --with-parent ends a process when its standard input does.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let task = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{HELP}");
        return Ok(());
    }
    let mut given = Given::read(words.into_iter())?;
    match task.as_str() {
        "scheduler" => {
            let options = given.scheduler()?;
            given.done()?;
            scheduler(&options)
        }
        "worker" => {
            let options = given.worker("127.0.0.1:50050")?;
            given.done()?;
            worker(&options)
        }
        "mpi" => mpi(given),
        "slurm" => job::<Slurm>(given, Ok),
        "pbs" => job::<Pbs>(given, Ok),
        "lsf" => {
            let unit = given.text("--memory-unit");
            job::<Lsf>(given, |builder| unit.map_or(Ok(builder.clone()), |unit| builder.memory_unit(&unit)))
        }
        "k8s" => kubernetes(given),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        "--version" | "-V" => {
            println!("partita-cluster {}", partita_cluster::BUILD);
            Ok(())
        }
        other => Err(Error::invalid(format!("there is no task `{other}`")).help("partita-cluster help lists them")),
    }
}

/// One of the processes that `mpirun` or `srun` starts.
fn mpi(mut given: Given) -> Result<()> {
    let rank = Rank::of_this_process()?;
    if !given.values.contains_key("--host") && !given.values.contains_key("--interface") {
        let host = if rank.alone() { "127.0.0.1" } else { "auto" };
        given.values.insert("--host".into(), vec![host.into()]);
    }
    if !given.values.contains_key("--scheduler-file") {
        return Err(
            Error::invalid("the processes need a --scheduler-file to find each other").doing("start a cluster by MPI")
        );
    }
    let name = given.text("--name").unwrap_or_else(|| "partita".into());
    given.values.insert("--name".into(), vec![format!("{name}-{}", rank.rank)]);
    given.values.entry("--threads".into()).or_insert_with(|| vec![rank.threads(cores()).to_string()]);
    given.flags.insert("--end-with-scheduler".into());
    if rank.rank == 0 {
        return scheduler(&given.scheduler()?);
    }
    let options = given.worker("")?;
    given.done()?;
    worker(&options)
}

/// Prints the script of a job, or submits it.
fn job<S: System>(
    mut given: Given,
    more: impl FnOnce(JobClusterBuilder<S>) -> Result<JobClusterBuilder<S>>,
) -> Result<()> {
    let mut builder = more(JobCluster::<S>::builder())?.scheduler_in_job(given.flag("--scheduler-in-job"));
    let (submit, jobs) = (given.flag("--submit"), given.parsed("--jobs", "1")?);
    let asked = [given.text("--queue"), given.text("--project"), given.text("--job-name"), given.text("--interface")];
    let [queue, project, name, interface] = asked;
    builder = queue.into_iter().fold(builder, |b, value| b.queue(value));
    builder = project.into_iter().fold(builder, |b, value| b.project(value));
    builder = name.into_iter().fold(builder, |b, value| b.job_name(value));
    builder = interface.into_iter().fold(builder, |b, value| b.interface(value));
    builder = builder.cores(given.parsed("--cores", "1")?).nodes(given.parsed("--nodes", "1")?);
    builder = builder.processes(given.parsed("--processes", "1")?);
    if let Some(threads) = given.number("--threads")? {
        builder = builder.threads(threads);
    }
    if let Some(memory) = given.text("--memory") {
        builder = builder.memory(memory);
    }
    builder = builder.walltime(duration(&given.text("--walltime").unwrap_or_else(|| "00:30:00".into()))?);
    // jobs start in other folders, and where this program is, it is on the nodes
    let here = |path: String| std::path::absolute(&path).unwrap_or_else(|_| path.into());
    let own = std::env::current_exe().map_err(Error::system)?;
    builder = builder.program(given.text("--program").map_or(own, PathBuf::from));
    builder =
        builder.scheduler_file(here(given.text("--scheduler-file").unwrap_or_else(|| "partita-scheduler.json".into())));
    builder = given.text("--local-directory").into_iter().fold(builder, |b, path| b.local_directory(path));
    builder = given.text("--log-directory").into_iter().fold(builder, |b, path| b.log_directory(here(path)));
    builder = given.text("--commands").into_iter().fold(builder, |b, path| b.commands(path));
    builder = builder.stage(given.all("--stage").into_iter().map(here));
    for pair in given.all("--env") {
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Error::invalid(format!("`{pair}` is not NAME=VALUE")))?;
        builder = builder.env(name, value);
    }
    builder = given.all("--prologue").into_iter().fold(builder, |b, line| b.prologue(line));
    builder = given.all("--directive").into_iter().fold(builder, |b, line| b.directive(line));
    given.done()?;
    if !submit {
        print!("{}", builder.job_script()?);
        return Ok(());
    }
    for number in 0..jobs {
        println!("{}", builder.submit()?);
        if number == 0 {
            // the others find the scheduler of the first one
            builder = builder.scheduler_in_job(false);
        }
    }
    Ok(())
}

/// Prints manifests, or hands them to kubectl.
fn kubernetes(mut given: Given) -> Result<()> {
    let image = given.text("--image").ok_or_else(|| {
        Error::invalid("the pods need an --image")
            .doing("write manifests")
            .help("one in which partita-cluster is found by PATH")
    })?;
    let mut manifests = Manifests::new(image).open(given.flag("--open"));
    manifests = manifests.name(given.parsed::<String>("--name", "partita")?);
    manifests = manifests.namespace(given.parsed::<String>("--namespace", "default")?);
    manifests = manifests.workers(given.parsed("--workers", "2")?).cores(given.parsed("--cores", "1")?);
    manifests = manifests.memory(given.text("--memory").unwrap_or_else(|| "2GiB".into()).parse()?);
    if let Some(claim) = given.text("--claim") {
        let wrong = || Error::invalid(format!("`{claim}` is not CLAIM:/FOLDER"));
        let (name, folder) = claim.split_once(':').ok_or_else(wrong)?;
        manifests = manifests.claim(name, folder);
    }
    if let Some(range) = given.text("--hpa") {
        let bounds = range.split_once("..").and_then(|(least, most)| Some(least.parse().ok()?..=most.parse().ok()?));
        manifests = manifests.scaled(bounds.ok_or_else(|| Error::invalid(format!("`{range}` is not like 2..10")))?);
    }
    let apply = given.flag("--apply");
    given.done()?;
    manifests.check()?;
    match apply {
        true => print!("{}", manifests.apply()?),
        false => print!("{manifests}"),
    }
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What is said without a value.
const FLAGS: [&str; 6] =
    ["--with-parent", "--end-with-scheduler", "--scheduler-in-job", "--submit", "--apply", "--open"];

/// What was said on the command line.
struct Given {
    values: BTreeMap<String, Vec<String>>,
    flags: BTreeSet<String>,
}

impl Given {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Given> {
        let (mut values, mut flags) = (BTreeMap::<String, Vec<String>>::new(), BTreeSet::new());
        while let Some(name) = words.next() {
            if FLAGS.contains(&name.as_str()) {
                flags.insert(name);
                continue;
            }
            let value = words.next().ok_or_else(|| Error::invalid(format!("`{name}` needs a value")))?;
            values.entry(name).or_default().push(value);
        }
        Ok(Given { values, flags })
    }

    /// What was said last of an option.
    fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)?.pop()
    }

    fn all(&mut self, name: &str) -> Vec<String> {
        self.values.remove(name).unwrap_or_default()
    }

    fn flag(&mut self, name: &str) -> bool {
        self.flags.remove(name)
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>> {
        let wrong = |text: String| Error::invalid(format!("`{text}` is no value of {name}"));
        self.text(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, otherwise: &str) -> Result<T> {
        let text = self.text(name).unwrap_or_else(|| otherwise.to_string());
        text.parse().map_err(|_| Error::invalid(format!("`{text}` is no value of {name}")))
    }

    /// The address that others are told, if anything was said of it.
    fn host(&mut self) -> Result<Option<Ipv4Addr>> {
        let (host, name) = (self.text("--host"), self.text("--interface"));
        name.map(|name| interface(&name)).or(host.map(|host| resolve(&host))).transpose()
    }

    fn scheduler(&mut self) -> Result<SchedulerOptions> {
        let (host, listen) = (self.host()?, self.number::<SocketAddr>("--listen")?);
        let scheduler_file = self.text("--scheduler-file").map(PathBuf::from);
        // the file says which port it is
        let port = self.number("--port")?.unwrap_or(if scheduler_file.is_some() { 0 } else { 50050 });
        let own = (host.unwrap_or(Ipv4Addr::LOCALHOST), port);
        let with_parent = self.flag("--with-parent");
        Ok(SchedulerOptions { listen: listen.unwrap_or(own.into()), host, scheduler_file, with_parent })
    }

    fn worker(&mut self, otherwise: &str) -> Result<WorkerOptions> {
        if self.flag("--with-parent") {
            end_with_parent();
        }
        let wait = self.text("--wait").map_or(Ok(Duration::from_secs(60)), |text| duration(&text))?;
        let scheduler = match self.text("--scheduler-file") {
            Some(path) => SchedulerFile::wait(path, wait)?.address,
            None => self.parsed("--scheduler", otherwise)?,
        };
        let name = self.text("--name");
        let own = name.clone().unwrap_or_else(|| std::process::id().to_string());
        let folder = std::env::temp_dir().join(format!("partita-worker-{own}"));
        let memory_limit = self.text("--memory-limit").map(|text| text.parse::<ByteSize>()).transpose()?;
        Ok(WorkerOptions {
            scheduler,
            host: self.host()?,
            name,
            threads: self.parsed("--threads", &cores().to_string())?,
            folder: self.text("--folder").map_or(folder, PathBuf::from),
            memory_limit: memory_limit.map(|limit| limit.0),
            ports: (self.parsed("--port", "0")?, self.parsed("--grpc-port", "0")?),
            wait,
            end_with_scheduler: self.flag("--end-with-scheduler"),
        })
    }

    fn done(&self) -> Result<()> {
        match self.values.keys().chain(&self.flags).next() {
            None => Ok(()),
            Some(name) => {
                Err(Error::invalid(format!("there is no option `{name}`")).help("partita-cluster help lists them"))
            }
        }
    }
}
