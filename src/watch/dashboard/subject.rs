//! What a dashboard is about.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use rustc_hash::FxHashMap;

use super::journal::Journal;
use super::shapes::{About, RunLine, Totals};
use super::watched::{Draw, Watched};
use crate::exec::event::{Gauge, Usage};
use crate::watch::Recorder;
use crate::watch::record::{OperationTotals, RunRecord};

/// What is watched: its journal, its facts, and numbers for the names of operations.
pub(super) struct Subject {
    pub journal: Arc<Journal>,
    pub about: About,
    pub draw: Option<Draw>,
    gauge: Gauge,
    names: Mutex<FxHashMap<Arc<str>, u32>>,
}

/// What is known at one moment.
pub(super) struct Moment {
    pub runs: Vec<RunLine>,
    pub operations: Vec<OperationTotals>,
    pub totals: Totals,
}

impl Subject {
    pub fn new(watched: &(impl Watched + ?Sized), draw: Option<Draw>) -> Subject {
        let recorder = Arc::new(Recorder::new());
        let began = recorder.born().duration_since(UNIX_EPOCH).unwrap_or_default();
        let about = About {
            server: format!("{:x}-{:x}", std::process::id(), began.as_nanos()),
            title: watched.title(),
            version: env!("CARGO_PKG_VERSION"),
            process: std::process::id(),
            began: began.as_secs_f64(),
            threads: watched.threads(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            limit: watched.memory_limit(),
        };
        let journal = Arc::new(Journal::new(recorder));
        let draw = draw.or_else(|| watched.draw());
        Subject { journal, about, draw, gauge: watched.gauge(), names: Mutex::default() }
    }

    pub fn recorder(&self) -> &Recorder {
        &self.journal.recorder
    }

    pub fn usage(&self) -> Usage {
        (self.gauge)()
    }

    /// Notes what is in use now.
    pub fn sample(&self) {
        let usage = self.usage();
        self.recorder().sample(usage);
        self.journal.look(usage);
    }

    /// The number of an operation: names are long and come often.
    pub fn number(&self, operation: &Arc<str>) -> u32 {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(operation) {
            return *known;
        }
        let number = names.len() as u32;
        names.insert(operation.clone(), number);
        number
    }

    pub fn moment(&self) -> Moment {
        let (runs, operations) = self.recorder().overview();
        let runs = runs.iter().map(run_line).collect();
        let mut totals = Totals { runs: self.journal.runs.started.load(Ordering::Relaxed), ..Totals::default() };
        for o in &operations {
            totals.done += o.done;
            totals.failed += o.failed;
            totals.running += o.running;
            totals.planned += waiting(o);
        }
        Moment { runs, operations, totals }
    }
}

/// How many tasks have not begun.
pub(super) fn waiting(o: &OperationTotals) -> u64 {
    o.planned.saturating_sub(o.done + o.failed + o.running)
}

fn run_line(run: &RunRecord) -> RunLine {
    use crate::watch::record::RunState;
    let sum = |of: fn(&OperationTotals) -> u64| run.operations.iter().map(of).sum();
    let failed = sum(|o| o.failed);
    let state = match run.state {
        RunState::Running => "running",
        RunState::Finished => "done",
        RunState::Failed if failed > 0 => "failed",
        RunState::Failed => "stopped",
    };
    RunLine {
        id: run.run,
        tasks: run.planned(),
        done: sum(|o| o.done),
        failed,
        begun: super::shapes::micros(run.start),
        ended: run.end.map(super::shapes::micros),
        state,
    }
}
