//! Frames of [partita] on a cluster: plans go to Apache DataFusion Ballista, results come back as batches.
//!
//! `session.engine(cluster)` is the only line that changes. A plan is translated operation by operation; what it computes
//! of rows, its aggregates, the order of keys and the readers of files are the library's own code in every worker, so the
//! results are those of one process, to the bit. An operation that cannot travel is a typed error that names it.
//!
//! | module | what |
//! |---|---|
//! | `client` | [`Client`]: a cluster that is there, by its address |
//! | `local` | [`LocalCluster`]: one of processes on this machine |
//! | `engine` | plans on their way to it, results on their way back |
//! | `status` | what is said of that |
//! | `progress` | how far a job is, for those who watch |
//! | `version` | of which build client, scheduler and workers are |
//! | `rest` | what a scheduler is asked |
//! | `results` | what a job gives, in the order of partitions |
//! | `rescue` | jobs that stand still are run anew |
//! | `translate` | from a plan of frames to a plan of DataFusion |
//! | `describe` | what needs several queries |
//! | `piece`, `work`, `arriving` | operations of ours as DataFusion sees them, and at work in a task |
//! | `key`, `fold` | keys and aggregates as DataFusion sees them |
//! | `codec` | those as bytes |
//! | `bridge` | columns between two versions of Arrow, without copying |
//! | [`serve`] | the processes |
//! | [`deploy`] | clusters of several machines: jobs of SLURM, PBS and LSF, `mpirun`, Kubernetes |
//! | `journal` | what they write about their work |

mod arriving;
mod bridge;
mod client;
mod codec;
pub mod deploy;
mod describe;
mod engine;
mod error;
mod fold;
mod journal;
mod key;
mod local;
mod piece;
mod progress;
mod rescue;
mod rest;
mod results;
pub mod serve;
mod status;
mod translate;
mod version;
mod work;

pub use client::{Client, Job, Worker};
pub use deploy::{LsfCluster, Manifests, PbsCluster, SlurmCluster};
pub use local::{LocalCluster, LocalClusterBuilder};
pub use status::{ClusterStatus, WorkerState, WorkerStatus};
pub use version::BUILD;
