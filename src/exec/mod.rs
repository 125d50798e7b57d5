//! Running task graphs: what to run next, on which threads, within how much memory, and what to tell observers.
//!
//! | module | what |
//! |---|---|
//! | [`budget`] | the memory of a session: reservations made before allocating, returned on drop |
//! | [`spill`] | room on disk for what does not fit |
//! | [`tally`] | what one part of a run uses, for runs that are analysed |
//! | [`cancel`] | the token that stops a run between batches |
//! | [`context`] | what a task may use |
//! | [`event`] | what observers are told |
//! | [`report`] | what is told of work that others do elsewhere |
//! | [`schedule`] | what to run next and what may be freed: pure |
//! | `attempt` | the work of one task: caught, counted, told |
//! | [`run`] | a graph that is being run, its results in order |
//! | [`live`] | a graph that grows while it runs: what futures stand on |
//! | `workers` | the threads of a pool |
//! | [`executor`] | on the calling thread, or on a pool |
//!
//! This layer never sees a plan.

mod attempt;
pub mod budget;
pub mod cancel;
pub mod context;
pub mod event;
pub mod executor;
pub mod live;
pub mod report;
pub mod run;
pub mod schedule;
pub mod spill;
pub mod tally;
mod workers;

pub use budget::{Budget, Reclaim, Reservation};
pub use cancel::Cancel;
pub use context::TaskContext;
pub use event::{Event, Gauge, GraphView, Observer, Observers, Usage};
pub use executor::{Executor, Pool, Serial};
pub use live::{Helping, LiveGraph, LiveOptions, LiveTask, LiveWork, Mailbox, Status};
pub use report::Report;
pub use run::{Run, RunContext, Work};
pub use spill::{Extent, LocalScratch, Scratch, ScratchFile, Spill, SpillFile};
pub use tally::Tally;
