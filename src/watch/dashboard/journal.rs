//! What happened, in words, for people.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::base::ByteSize;
use crate::exec::event::{Event, Observer, Usage};
use crate::watch::Recorder;

/// Passes events on to a recorder and writes down those that a person wants to read. It is bounded: the oldest goes first.
pub(super) struct Journal {
    pub recorder: Arc<Recorder>,
    log: Mutex<Log>,
    pub runs: RunCounts,
}

/// How many runs there were, those that are forgotten too.
#[derive(Default)]
pub(super) struct RunCounts {
    pub started: AtomicU64,
    pub finished: AtomicU64,
    pub failed: AtomicU64,
}

#[derive(Default)]
struct Log {
    entries: VecDeque<Entry>,
    /// How many there were.
    written: u64,
    open: FxHashMap<u64, Open>,
    spilled: u64,
    spilling: Option<Duration>,
}

/// A run that goes on.
struct Open {
    start: Duration,
    tasks: u64,
    failed: u64,
    /// Whether it is written down that it began: of short ones only the end is.
    told: bool,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its number, from 0.
    pub number: u64,
    pub at: Duration,
    pub level: Level,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Info,
    Warning,
    Error,
}

/// So many entries are kept.
const MOST: usize = 1000;
/// So many failed tasks of a run are written down; those that follow mostly follow from them.
const FAILURES: u64 = 5;
/// Spilling is one event until there was none for so long.
const QUIET: Duration = Duration::from_secs(10);

impl Journal {
    pub fn new(recorder: Arc<Recorder>) -> Journal {
        Journal { recorder, log: Mutex::default(), runs: RunCounts::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self, level: Level, text: impl Into<String>) {
        self.lock().write(self.recorder.now(), level, text.into());
    }

    /// Entries from `number` on, as far as they are kept, and the number of the next.
    pub fn since(&self, number: u64) -> (Vec<Entry>, u64) {
        let log = self.lock();
        let from = log.entries.partition_point(|e| e.number < number);
        (log.entries.range(from..).cloned().collect(), log.written)
    }

    /// Looks at what goes on and what is in use: says which runs are no short ones, and when memory gets short.
    pub fn look(&self, usage: Usage) {
        let mut log = self.lock();
        let mut long: Vec<(u64, Duration, u64)> = Vec::new();
        for (run, open) in log.open.iter_mut().filter(|(_, open)| !open.told) {
            open.told = true;
            long.push((*run, open.start, open.tasks));
        }
        long.sort_unstable();
        long.into_iter().for_each(|(run, start, tasks)| log.begun(run, start, tasks));
        if usage.spilled <= log.spilled {
            return;
        }
        let now = self.recorder.now();
        if log.spilling.is_none_or(|last| now.saturating_sub(last) > QUIET) {
            let (held, limit) = (ByteSize(usage.held), ByteSize(usage.limit));
            let text = format!("memory is short ({held} of {limit} reserved): what can wait goes to disk");
            log.write(now, Level::Warning, text);
        }
        log.spilling = Some(now);
        log.spilled = usage.spilled;
    }

    fn begun(&self, run: u64, tasks: usize) {
        self.runs.started.fetch_add(1, Ordering::Relaxed);
        let open = Open { start: self.recorder.now(), tasks: tasks as u64, failed: 0, told: false };
        self.lock().open.insert(run, open);
    }

    fn failed(&self, run: u64, place: fmt::Arguments<'_>, error: &crate::base::Error) {
        if error.is_cancelled() {
            return;
        }
        let mut log = self.lock();
        let now = self.recorder.now();
        let failed = log.open.get_mut(&run).map_or(1, |open| {
            open.failed += 1;
            open.failed
        });
        match failed {
            0..=FAILURES => log.write(now, Level::Error, format!("{place} failed in run {run}: {error}")),
            n if n == FAILURES + 1 => {
                log.write(now, Level::Error, format!("more tasks of run {run} fail: they are counted, not listed"));
            }
            _ => {}
        }
    }

    fn ended(&self, run: u64, failed: bool) {
        let counter = if failed { &self.runs.failed } else { &self.runs.finished };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut log = self.lock();
        let now = self.recorder.now();
        let Some(Open { start, tasks, failed: tasks_failed, .. }) = log.open.remove(&run) else { return };
        let took = Took(now.saturating_sub(start));
        let (level, text) = match (failed, tasks_failed) {
            (false, _) => (Level::Info, format!("run {run} finished: {} in {took}", Tasks(tasks))),
            (true, 0) => (Level::Info, format!("run {run} was stopped after {took}")),
            (true, n) => (Level::Error, format!("run {run} failed after {took}: {} failed", Tasks(n))),
        };
        log.write(now, level, text);
    }
}

impl Log {
    fn begun(&mut self, run: u64, start: Duration, tasks: u64) {
        self.write(start, Level::Info, format!("run {run} began: {}", Tasks(tasks)));
    }

    fn write(&mut self, at: Duration, level: Level, text: String) {
        if self.entries.len() >= MOST {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { number: self.written, at, level, text });
        self.written += 1;
    }
}

impl Observer for Journal {
    fn notice(&self, event: &Event<'_>) {
        self.recorder.notice(event);
        match event {
            Event::RunStarted { run, tasks, .. } => self.begun(*run, *tasks),
            Event::TaskAdded { run, .. } => {
                self.lock().open.entry(*run).and_modify(|open| open.tasks += 1);
            }
            Event::TaskDropped { run, .. } => {
                self.lock().open.entry(*run).and_modify(|open| open.tasks = open.tasks.saturating_sub(1));
            }
            Event::TaskFinished { run, label, error: Some(error), .. } if error.location().key.is_some() => {
                // its key is in the text of the error, and it belongs to no partition
                self.failed(*run, format_args!("`{}`", label.name), error);
            }
            Event::TaskFinished { run, label, error: Some(error), .. } => {
                self.failed(*run, format_args!("`{}` (partition {})", label.name, label.partition), error);
            }
            Event::RunFinished { run, failed } => self.ended(*run, *failed),
            _ => {}
        }
    }
}

struct Tasks(u64);

impl fmt::Display for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "task" } else { "tasks" })
    }
}

struct Took(Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => write!(f, "{:.2} ms", self.0.as_secs_f64() * 1e3),
            1..60 => write!(f, "{:.2} s", self.0.as_secs_f64()),
            s => write!(f, "{}m {}s", s / 60, s % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Error, ErrorKind};

    fn texts(journal: &Journal) -> Vec<String> {
        journal.since(0).0.into_iter().map(|e| e.text).collect()
    }

    #[test]
    fn many_failures_are_counted_and_few_are_listed() {
        let journal = Journal::new(Arc::new(Recorder::new()));
        journal.begun(3, 50);
        let error = Error::invalid("no such thing");
        (0..40).for_each(|i| journal.failed(3, format_args!("`read` (partition {i})"), &error));
        journal.failed(3, format_args!("`read`"), &Error::new(ErrorKind::Cancelled));
        journal.ended(3, true);
        let texts = texts(&journal);
        assert_eq!(texts.len() as u64, FAILURES + 2);
        assert_eq!(texts[0], "`read` (partition 0) failed in run 3: no such thing");
        assert!(texts[6].starts_with("run 3 failed after ") && texts[6].ends_with("40 tasks failed"), "{texts:?}");
    }

    #[test]
    fn of_short_runs_only_the_end_is_written_down() {
        let journal = Journal::new(Arc::new(Recorder::new()));
        journal.begun(1, 2);
        journal.ended(1, false);
        journal.begun(2, 9);
        (0..3).for_each(|_| journal.look(Usage::default()));
        let texts = texts(&journal);
        assert!(texts.len() == 2 && texts[0].starts_with("run 1 finished: 2 tasks in "), "{texts:?}");
        assert_eq!(texts[1], "run 2 began: 9 tasks");
    }

    #[test]
    fn the_log_is_bounded_and_its_numbers_go_on() {
        let journal = Journal::new(Arc::new(Recorder::new()));
        (0..MOST + 10).for_each(|i| journal.write(Level::Info, i.to_string()));
        let (entries, next) = journal.since(5);
        assert_eq!((entries.len(), entries[0].number, next), (MOST, 10, MOST as u64 + 10));
        assert_eq!(journal.since(next).0.len(), 0);
    }

    #[test]
    fn spilling_is_said_once_in_a_while() {
        let journal = Journal::new(Arc::new(Recorder::new()));
        let usage = |spilled| Usage { held: 1 << 20, limit: 2 << 20, spilled, ..Usage::default() };
        (0..5).for_each(|i| journal.look(usage(i * 100)));
        assert_eq!(texts(&journal), ["memory is short (1.00 MiB of 2.00 MiB reserved): what can wait goes to disk"]);
    }
}
