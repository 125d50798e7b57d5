//! The processes of a cluster: a scheduler, and workers that do what it says.

use std::io::Write;
use std::net::{SocketAddr, TcpListener as Blocking};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::RuntimeProducer;
use ballista_core::utils::default_session_builder;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use partita::{ByteSize, Error, Result, Scheduler, Session};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::codec::{Logical, Physical};
use crate::engine::settings;
use crate::piece::Planner;
use crate::{journal, version, work};

/// How often workers say that they are there, in seconds.
const HEARTBEAT: u64 = 3;
/// After how many seconds of silence a worker counts as lost.
const LOST: u64 = 15;
/// How often the scheduler looks for lost workers, in seconds.
const REAP: u64 = 3;
/// How long a worker waits for the scheduler, in seconds.
const CONNECT: u16 = 20;
/// What a process says when it listens, before its address.
pub(crate) const LISTENS: &str = "listening at ";

/// How a scheduler is started.
#[derive(Clone, Debug)]
pub struct SchedulerOptions {
    /// Where it listens; port 0 for any free one. Whoever reaches it may run what they like.
    pub listen: SocketAddr,
}

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Where the scheduler is.
    pub scheduler: SocketAddr,
    /// The address on which it listens, and which others are told.
    pub host: String,
    /// Its name, which no other worker of the cluster may have; absent: one by chance.
    pub name: Option<String>,
    /// How many tasks it runs at once.
    pub threads: usize,
    /// Where it puts results that others fetch.
    pub folder: PathBuf,
    /// The memory for what is exchanged and sorted, in bytes; absent: most of the machine's.
    pub memory_limit: Option<u64>,
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

/// Runs a scheduler until the process ends.
///
/// # Errors
/// `Io` when it cannot listen there.
pub fn scheduler(options: &SchedulerOptions) -> Result<()> {
    journal::keep();
    runtime(2)?.block_on(async {
        let listener = TcpListener::bind(options.listen).await.map_err(|e| Error::system(e).doing("listen"))?;
        let address = listener.local_addr().map_err(Error::system)?;
        let config = SchedulerConfig {
            scheduler_id: version::scheduler_name(address),
            external_host: address.ip().to_string(),
            bind_host: address.ip().to_string(),
            bind_port: address.port(),
            executor_timeout_seconds: LOST,
            expire_dead_executor_interval_seconds: REAP,
            no_executors_grace_period_seconds: LOST,
            override_config_producer: Some(Arc::new(settings)),
            override_session_builder: Some(Arc::new(planning)),
            override_logical_codec: Some(Arc::new(Logical::default())),
            override_physical_codec: Some(Arc::new(Physical::default())),
            ..SchedulerConfig::default()
        };
        let cluster = BallistaCluster::new_from_config(&config).await.map_err(failed("start a scheduler"))?;
        let made = create_scheduler::<LogicalPlanNode, PhysicalPlanNode>(cluster, Arc::new(config)).await;
        let scheduler = made.map_err(failed("start a scheduler"))?;
        say(address);
        start_grpc_service_with_listener(listener, scheduler).await.map_err(failed("run a scheduler"))
    })
}

/// Runs a worker until the process ends.
///
/// # Errors
/// `Io` when the scheduler is not there, or there is no free port; `Invalid` when the scheduler is of another build.
pub fn worker(options: &WorkerOptions) -> Result<()> {
    journal::keep();
    std::fs::create_dir_all(&options.folder).map_err(|e| Error::io(options.folder.display(), e).doing("create"))?;
    // what is exchanged and sorted by DataFusion and what our own operations hold share the limit
    let half = options.memory_limit.map(|limit| limit / 2);
    let session = Session::builder().scheduler(Scheduler::Synchronous).temporary_directory(&options.folder);
    work::work_in(half.into_iter().fold(session, |session, limit| session.memory_limit(ByteSize(limit))).build()?);
    let (port, grpc_port) = free_ports(&options.host)?;
    let folder = options.folder.clone();
    let spilled: RuntimeProducer =
        Arc::new(move |_| Ok(Arc::new(RuntimeEnvBuilder::new().with_temp_file_path(folder.clone()).build()?)));
    let default = ExecutorProcessConfig::default();
    let config = ExecutorProcessConfig {
        executor_id: options.name.clone().unwrap_or(default.executor_id.clone()),
        bind_host: options.host.clone(),
        external_host: Some(options.host.clone()),
        port,
        grpc_port,
        scheduler_host: options.scheduler.ip().to_string(),
        scheduler_port: options.scheduler.port(),
        scheduler_connect_timeout_seconds: CONNECT,
        vcores: options.threads,
        work_dir: Some(options.folder.to_string_lossy().into_owned()),
        executor_heartbeat_interval_seconds: HEARTBEAT,
        memory_pool_size: half,
        override_runtime_producer: Some(spilled),
        override_config_producer: Some(Arc::new(settings)),
        override_logical_codec: Some(Arc::new(Logical::default())),
        override_physical_codec: Some(Arc::new(Physical::default())),
        ..default
    };
    runtime(options.threads.max(2))?.block_on(async {
        version::check_within(&options.scheduler.to_string(), Duration::from_secs(CONNECT.into())).await?;
        start_executor_process(Arc::new(config)).await.map_err(failed("run a worker"))
    })
}

/// Two ports on which nobody listens at the moment.
fn free_ports(host: &str) -> Result<(u16, u16)> {
    let bind = || Blocking::bind((host, 0)).map_err(|e| Error::system(e).doing("listen"));
    let (first, second) = (bind()?, bind()?);
    let port = |listener: &Blocking| listener.local_addr().map(|a| a.port()).map_err(Error::system);
    Ok((port(&first)?, port(&second)?))
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
