//! Clusters beyond this machine: reserved from a queue, started by `mpirun`, or described for Kubernetes.
//!
//! | file | what |
//! |---|---|
//! | `host` | by which address others reach this machine |
//! | `file` | [`SchedulerFile`]: where a scheduler listens, in a file that all machines see |
//! | `reserve` | [`JobClusterBuilder`]: what a job is to have, and its script |
//! | `system` | [`System`]: what a queueing system has of its own |
//! | `slurm`, `pbs`, `lsf` | the systems |
//! | `jobs` | [`JobCluster`]: a scheduler, and workers in jobs of a queue |
//! | [`mpi`] | the processes that `mpirun` or `srun` starts |
//! | `kubernetes` | [`Manifests`]: what `kubectl apply` takes |

mod file;
pub(crate) mod host;
mod jobs;
mod kubernetes;
mod lsf;
pub mod mpi;
mod pbs;
mod reserve;
mod slurm;
mod system;

pub use file::SchedulerFile;
pub use host::{interface, resolve};
pub use jobs::{JobCluster, JobStatus};
pub use kubernetes::Manifests;
pub use lsf::Lsf;
pub use pbs::Pbs;
pub use reserve::{JobClusterBuilder, duration};
pub use slurm::Slurm;
pub use system::{Reservation, System};

pub(crate) use file::{Announced, answers};

/// A cluster in jobs of SLURM.
///
/// ```no_run
/// use std::time::Duration;
/// use partita::Session;
/// use partita_cluster::SlurmCluster;
///
/// let mut cluster = SlurmCluster::builder()
///     .queue("multiple")
///     .cores(40)
///     .memory("90GB")
///     .walltime(Duration::from_secs(30 * 60))
///     .interface("ib0")
///     .start()?;
/// cluster.scale(2)?;
/// let client = cluster.client()?;
/// client.wait_for_workers(2, Duration::from_secs(600))?;
/// let session = Session::current()?.engine(client.engine());
/// println!("{}", session.read_parquet("/shared/trips/*.parquet")?.describe()?.compute()?);
/// cluster.close()?;
/// # Ok::<(), partita::Error>(())
/// ```
pub type SlurmCluster = JobCluster<Slurm>;

/// A cluster in jobs of PBS: see [`SlurmCluster`].
pub type PbsCluster = JobCluster<Pbs>;

/// A cluster in jobs of LSF: see [`SlurmCluster`].
pub type LsfCluster = JobCluster<Lsf>;
