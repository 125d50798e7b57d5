//! The processes of a cluster: a scheduler, and workers that do what it says.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as Blocking};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ballista_core::RuntimeProducer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use partita::{ByteSize, Error, ErrorKind, Result, Scheduler, Session};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::codec::{Logical, Physical};
use crate::deploy::host::{resolve, towards};
use crate::deploy::{Announced, answers};
use crate::engine::{MESSAGE, settings};
use crate::piece::Planner;
use crate::{journal, version, work};

/// After how many seconds of silence a worker counts as lost: it asks for tasks every 5 s, even if it has no room.
const LOST: u64 = 15;
/// How often the scheduler looks for lost workers, in seconds.
const REAP: u64 = 3;
/// How long a worker waits for the scheduler, in seconds.
const CONNECT: u16 = 20;
/// What a process says when it listens, before its address.
pub(crate) const LISTENS: &str = "listening at ";

/// How often a worker looks whether its scheduler is there.
const LOOK: Duration = Duration::from_secs(1);
/// How often in a row nobody has to listen there, so that it counts as ended.
const REFUSED: u32 = 3;

/// How a scheduler is started.
#[derive(Clone, Debug)]
pub struct SchedulerOptions {
    /// Where it listens; port 0 for any free one. Whoever reaches it may run what they like.
    pub listen: SocketAddr,
    /// The address that others are told; absent: that where it listens.
    pub host: Option<Ipv4Addr>,
    /// A file in which it says where it listens, as long as it does.
    pub scheduler_file: Option<PathBuf>,
    /// Whether it ends when its standard input does.
    pub with_parent: bool,
}

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Where the scheduler is, as `host:port`.
    pub scheduler: String,
    /// The address on which it listens, and which others are told; absent: the one from which it reaches the scheduler.
    pub host: Option<Ipv4Addr>,
    /// Its name, which no other worker of the cluster may have; absent: one by chance.
    pub name: Option<String>,
    /// How many tasks it runs at once.
    pub threads: usize,
    /// Where it puts results that others fetch.
    pub folder: PathBuf,
    /// The memory for what is exchanged and sorted, in bytes; absent: most of the machine's.
    pub memory_limit: Option<u64>,
    /// Where results are fetched, and where it is given tasks; 0 for any free port.
    pub ports: (u16, u16),
    /// How long it waits for the scheduler.
    pub wait: Duration,
    /// Whether it ends when the scheduler has, instead of waiting for it to come back.
    pub end_with_scheduler: bool,
}

fn failed(what: &str) -> impl Fn(ballista_core::error::BallistaError) -> Error {
    let what = what.to_string();
    move |e| Error::other(e.to_string()).doing(what.clone())
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime> {
    Builder::new_multi_thread().worker_threads(threads).enable_all().build().map_err(Error::system)
}

/// Says on standard output where it listens.
fn say(address: SocketAddr) {
    let mut out = std::io::stdout().lock();
    // whoever does not read it does not need it
    let _ = writeln!(out, "{LISTENS}{address}").and_then(|()| out.flush());
}

/// What a scheduler plans with: it has to know pieces of ours.
fn planning(config: SessionConfig) -> datafusion::common::Result<SessionState> {
    let state = SessionStateBuilder::new_from_existing(default_session_builder(config)?);
    Ok(state.with_query_planner(Arc::new(Planner)).build())
}

/// Runs a scheduler until it is told to end: by SIGTERM or SIGINT, or by the end of its standard input if it goes with that.
///
/// # Errors
/// `Io` when it cannot listen there or cannot write its file; `Invalid` when the file is that of another scheduler.
pub fn scheduler(options: &SchedulerOptions) -> Result<()> {
    journal::keep();
    let runtime = runtime(2)?;
    let ended = runtime.block_on(async {
        let listener = TcpListener::bind(options.listen).await.map_err(|e| {
            Error::system(e).doing(format!("listen at {}", options.listen)).help("give another port, or 0 for any")
        })?;
        let bound = listener.local_addr().map_err(Error::system)?;
        let host = match options.host {
            Some(host) => host.into(),
            None if bound.ip().is_unspecified() => resolve("auto")?.into(),
            None => bound.ip(),
        };
        let told = SocketAddr::new(host, bound.port());
        let config = SchedulerConfig {
            scheduler_id: version::scheduler_name(told),
            // workers report there
            external_host: host.to_string(),
            bind_host: bound.ip().to_string(),
            bind_port: bound.port(),
            // workers ask for what they have room for: what the scheduler notes of their room gets lost with tasks it gives up
            scheduling_policy: TaskSchedulingPolicy::PullStaged,
            executor_timeout_seconds: LOST,
            expire_dead_executor_interval_seconds: REAP,
            no_executors_grace_period_seconds: LOST,
            // workers find it through what asks whether it is ready: it is without them
            min_ready_executors: 0,
            grpc_server_max_decoding_message_size: MESSAGE as u32,
            grpc_server_max_encoding_message_size: MESSAGE as u32,
            override_config_producer: Some(Arc::new(settings)),
            override_session_builder: Some(Arc::new(planning)),
            override_logical_codec: Some(Arc::new(Logical::default())),
            override_physical_codec: Some(Arc::new(Physical::default())),
            ..SchedulerConfig::default()
        };
        let cluster = BallistaCluster::new_from_config(&config).await.map_err(failed("start a scheduler"))?;
        let made = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config)).await;
        let scheduler = made.map_err(failed("start a scheduler"))?;
        let _announced = options.scheduler_file.as_deref().map(|path| Announced::write(path, told)).transpose()?;
        say(told);
        tokio::select! {
            ended = start_grpc_service_with_listener(listener, scheduler) => ended.map_err(failed("run a scheduler")),
            asked = asked_to_end() => asked,
            () = parent_gone(), if options.with_parent => Ok(()),
        }
    });
    // whatever it still does is of use to nobody
    runtime.shutdown_background();
    ended
}

/// Returns when somebody asks this process to end.
async fn asked_to_end() -> Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut ended = signal(SignalKind::terminate()).map_err(Error::system)?;
        tokio::select! {
            _ = ended.recv() => Ok(()),
            pressed = tokio::signal::ctrl_c() => pressed.map_err(Error::system),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(Error::system)
}

/// Runs a worker until it is told to end: by SIGTERM or SIGINT, after the tasks that run; or by the end of the
/// scheduler, if it goes with that. It takes what it wrote with it.
///
/// # Errors
/// `Timeout` when the scheduler does not answer in time, `Io` when there is no free port, `Invalid` when the scheduler is of
/// another build and without threads.
pub fn worker(options: &WorkerOptions) -> Result<()> {
    if options.threads == 0 {
        let error = Error::invalid("a worker without threads would take no task").doing("start a worker");
        return Err(error.help("give --threads 1 or more"));
    }
    journal::keep();
    let scheduler = &options.scheduler;
    reach(scheduler, options.wait)?;
    let (scheduler_host, scheduler_port) = split(scheduler)?;
    let host = options.host.map_or_else(|| towards(scheduler), Ok)?;
    let made = !options.folder.exists();
    std::fs::create_dir_all(&options.folder).map_err(|e| Error::io(options.folder.display(), e).doing("create"))?;
    // what is exchanged and sorted by DataFusion and what our own operations hold share the limit
    let half = options.memory_limit.map(|limit| limit / 2);
    let session = Session::builder().scheduler(Scheduler::Synchronous).temporary_directory(&options.folder);
    work::work_in(half.into_iter().fold(session, |session, limit| session.memory_limit(ByteSize(limit))).build()?);
    let (port, grpc_port) = ports(host, options.ports)?;
    let folder = options.folder.clone();
    let spilled: RuntimeProducer =
        Arc::new(move |_| Ok(Arc::new(RuntimeEnvBuilder::new().with_temp_file_path(folder.clone()).build()?)));
    let default = ExecutorProcessConfig::default();
    let config = ExecutorProcessConfig {
        executor_id: options.name.clone().unwrap_or(default.executor_id.clone()),
        bind_host: host.to_string(),
        external_host: Some(host.to_string()),
        port,
        grpc_port,
        scheduler_host,
        scheduler_port,
        scheduler_connect_timeout_seconds: CONNECT,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        vcores: options.threads,
        work_dir: Some(options.folder.to_string_lossy().into_owned()),
        grpc_max_decoding_message_size: MESSAGE as u32,
        grpc_max_encoding_message_size: MESSAGE as u32,
        memory_pool_size: half,
        override_runtime_producer: Some(spilled),
        override_config_producer: Some(Arc::new(settings)),
        override_logical_codec: Some(Arc::new(Logical::default())),
        override_physical_codec: Some(Arc::new(Physical::default())),
        ..default
    };
    let runtime = runtime(options.threads.max(2))?;
    let ended = runtime.block_on(async {
        version::check_within(scheduler, Duration::from_secs(CONNECT.into())).await?;
        tokio::select! {
            ended = start_executor_process(Arc::new(config)) => ended.map_err(failed("run a worker")),
            () = gone(scheduler), if options.end_with_scheduler => Ok(()),
        }
    });
    runtime.shutdown_background();
    if made {
        let _ = std::fs::remove_dir_all(&options.folder);
    }
    ended
}

/// Host and port of `host:port`.
fn split(address: &str) -> Result<(String, u16)> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host.to_string(), port.parse().ok()?)));
    let wrong = || Error::invalid(format!("`{address}` is not an address")).help("give host:port");
    parts.ok_or_else(wrong)
}

/// Waits until somebody listens there.
fn reach(scheduler: &str, patience: Duration) -> Result<()> {
    split(scheduler)?;
    let begun = Instant::now();
    while !answers(scheduler) {
        if begun.elapsed() >= patience {
            let what = format!("nobody answers after {} s", patience.as_secs());
            let error = Error::new(ErrorKind::Timeout { what }).doing(format!("reach the scheduler at {scheduler}"));
            return Err(error.help("start it first, at an address that this machine reaches"));
        }
        std::thread::sleep(LOOK / 4);
    }
    Ok(())
}

/// Returns when the scheduler has ended: soon when nobody listens where it did, later when nothing is heard of its machine.
async fn gone(scheduler: &str) {
    let (mut heard, mut refused) = (Instant::now(), 0);
    while refused < REFUSED && heard.elapsed() < Duration::from_secs(LOST) {
        tokio::time::sleep(LOOK).await;
        match tokio::time::timeout(LOOK * 3, TcpStream::connect(scheduler)).await {
            Ok(Ok(_)) => (heard, refused) = (Instant::now(), 0),
            Ok(Err(e)) if e.kind() == std::io::ErrorKind::ConnectionRefused => refused += 1,
            _ => {}
        }
    }
}

/// Two ports on which nobody listens at the moment: those that were asked for, or any for 0.
fn ports(host: Ipv4Addr, (first, second): (u16, u16)) -> Result<(u16, u16)> {
    let bind =
        |port| Blocking::bind((host, port)).map_err(|e| Error::system(e).doing(format!("listen at {host}:{port}")));
    let (first, second) = (bind(first)?, bind(second)?);
    let port = |listener: &Blocking| listener.local_addr().map(|a| a.port()).map_err(Error::system);
    Ok((port(&first)?, port(&second)?))
}

/// Returns when standard input ends.
async fn parent_gone() {
    let (ended, end) = oneshot::channel();
    // a thread of its own: nothing waits for it when the process ends otherwise
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// Ends this process when its standard input does: when the process that started it is gone, however it ended.
pub fn end_with_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        // what was asked for is of no use to anybody; give tasks no chance to wait
        std::thread::sleep(Duration::from_millis(10));
        std::process::exit(0);
    });
}
