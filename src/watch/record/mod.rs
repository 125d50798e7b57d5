//! A bounded history of what has run, for whoever shows it: profiles, traces, reports, dashboards.
//!
//! | module | what |
//! |---|---|
//! | `recorder` | `Recorder`: notes events, and is asked for them |
//! | `glance` | the same for somebody who looks often |
//! | `history` | what it can be asked for: spans of tasks, totals, runs, samples |
//! | `shard` | what one thread has noted |
//! | `ledger` | the runs, their tasks planned, their graphs |
//! | `sampler` | memory and processor time over time |

mod glance;
pub mod history;
mod ledger;
pub mod recorder;
pub mod sampler;
mod shard;

pub use glance::Glance;
pub use history::{
    Failure, GraphNode, OperationTotals, RunGraph, RunRecord, RunState, RunningTask, Sample, TaskSpan, TaskState,
};
pub use recorder::{Recorder, Spans};
pub use sampler::Sampler;

#[cfg(test)]
mod tests;
