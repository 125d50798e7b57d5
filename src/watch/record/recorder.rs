//! Notes events, and is asked for them.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustc_hash::{FxHashMap, FxHashSet};

use super::history::{
    Failure, GraphNode, OperationTotals, RunGraph, RunRecord, RunState, RunningTask, Sample, TaskSpan, TaskState,
};
use super::ledger::{Ledger, OTHERS, RunEntry};
use super::shard::{Begun, Shard, Span, Sums};
use crate::exec::event::{Event, Key, Label, Observer, Usage};

/// A bounded history of what has run: spans of tasks, totals by operation, runs, samples of memory and processor time.
/// Noting a task costs a fraction of a microsecond; the memory is bounded, the oldest goes first (totals are kept).
///
/// Times count from when it was made.
pub struct Recorder {
    origin: Instant,
    born: SystemTime,
    spans: usize,
    pub(super) shards: Box<[Mutex<Shard>]>,
    ended: AtomicU64,
    pub(super) names: Mutex<Names>,
    ledger: Mutex<Ledger>,
    pub(super) samples: Mutex<Vec<Sample>>,
}

/// Spans of tasks, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    /// The tasks, in the order of their numbers.
    pub tasks: Vec<TaskSpan>,
    /// How many have ended: ask with this number for those that follow.
    pub next: u64,
    /// How many of those asked for are forgotten.
    pub missed: u64,
}

#[derive(Default)]
pub(super) struct Names {
    pub list: Vec<Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
}

/// Threads share a shard only if there are more of them.
const SHARDS: usize = 64;
/// So many spans of each thread are kept.
const SPANS: usize = 1 << 16;
/// So many runs that have ended are kept.
const RUNS: usize = 256;
/// Graphs of up to so many tasks are kept.
const NODES: usize = 2000;
/// After so many names of operations, new ones are one: somebody names each task.
const NAMES: usize = 10_000;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of the calling thread.
fn thread() -> u32 {
    static THREADS: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static NUMBER: Cell<u32> = const { Cell::new(u32::MAX) };
    }
    match NUMBER.get() {
        u32::MAX => {
            let number = THREADS.fetch_add(1, Ordering::Relaxed);
            NUMBER.set(number);
            number
        }
        number => number,
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder::new()
    }
}

impl Recorder {
    /// A history with nothing in it.
    pub fn new() -> Recorder {
        Recorder::with_capacity(SPANS)
    }

    /// One that keeps so many spans of each thread.
    pub fn with_capacity(spans: usize) -> Recorder {
        Recorder {
            origin: Instant::now(),
            born: SystemTime::now(),
            spans: spans.max(1),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            ended: AtomicU64::new(0),
            names: Mutex::default(),
            ledger: Mutex::default(),
            samples: Mutex::default(),
        }
    }

    /// What time it is now, for it.
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// When it was made, on the clock on the wall.
    pub fn born(&self) -> SystemTime {
        self.born
    }

    /// The tasks that have ended, from number `since` on, as far as they are remembered.
    pub fn spans(&self, since: u64) -> Spans {
        // a number is given under the lock of a shard, so all below this one are in place
        let next = self.ended.load(Ordering::SeqCst);
        let mut found: Vec<Span> = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            // numbers of a thread rise
            let from = shard.spans.partition_point(|s| s.number < since);
            found.extend(shard.spans.range(from..).take_while(|s| s.number < next));
        }
        found.sort_unstable_by_key(|s| s.number);
        let names = lock(&self.names);
        let tasks: Vec<TaskSpan> = found.iter().map(|s| names.span(s)).collect();
        Spans { missed: next.saturating_sub(since) - tasks.len() as u64, tasks, next }
    }

    /// The tasks that are running, by thread.
    pub fn running(&self) -> Vec<RunningTask> {
        let begun: Vec<Begun> = self.shards.iter().flat_map(|shard| lock(shard).running.clone()).collect();
        let names = lock(&self.names);
        let task = |b: &Begun| RunningTask {
            run: b.run,
            key: b.key,
            operation: names.get(b.name),
            partition: b.partition,
            worker: place(b.worker),
            thread: b.thread,
            start: Duration::from_nanos(b.start),
        };
        begun.iter().map(task).collect()
    }

    /// How many tasks have ended.
    pub fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Totals by operation over all runs, those that are forgotten too; what took longest comes first.
    pub fn operations(&self) -> Vec<OperationTotals> {
        self.summed(&self.runs())
    }

    /// The operations of these runs and of those that are forgotten.
    pub(super) fn summed(&self, runs: &[RunRecord]) -> Vec<OperationTotals> {
        let mut totals: FxHashMap<Arc<str>, OperationTotals> = FxHashMap::default();
        for (operation, (planned, sums)) in &lock(&self.ledger).forgotten {
            let total = total_of(operation, *planned, sums);
            totals.insert(operation.clone(), total);
        }
        for run in runs {
            for o in &run.operations {
                let total = totals.entry(o.operation.clone()).or_insert_with(|| OperationTotals {
                    operation: o.operation.clone(),
                    ..OperationTotals::default()
                });
                total.add(o);
            }
        }
        let mut totals: Vec<_> = totals.into_values().collect();
        totals.sort_by(|a, b| b.busy.cmp(&a.busy).then_with(|| a.operation.cmp(&b.operation)));
        totals
    }

    /// The runs that are remembered, oldest first.
    pub fn runs(&self) -> Vec<RunRecord> {
        let ledger = lock(&self.ledger);
        let mut records: Vec<RunRecord> = ledger.runs.iter().map(RunEntry::record).collect();
        let places: FxHashMap<u64, usize> = ledger.runs.iter().enumerate().map(|(i, r)| (r.run, i)).collect();
        let mut count = |run: u64, totals: OperationTotals| {
            let Some(&at) = places.get(&run) else { return };
            let Some(operation) = ledger.runs[at].position(&totals.operation) else { return };
            records[at].operations[operation].add(&totals);
        };
        let mut running = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            shard.totals().for_each(|slot| count(slot.run, total_of(&slot.operation, 0, &slot.sums)));
            running.extend(shard.running.iter().map(|begun| (begun.run, begun.name)));
        }
        let names = lock(&self.names);
        for (run, name) in running {
            count(run, OperationTotals { operation: names.get(name), running: 1, ..OperationTotals::default() });
        }
        // what came to nothing is not awaited, and who came late was not told of all
        for record in records.iter_mut().filter(|r| r.state != RunState::Running) {
            record.operations.iter_mut().for_each(|o| o.planned = o.done + o.failed);
        }
        records
    }

    /// The graph of a run, if it is remembered. How far its tasks are is told from spans, as far as those are remembered.
    pub fn graph(&self, run: u64) -> Option<RunGraph> {
        let mut ledger = lock(&self.ledger);
        let entry = ledger.find(run)?;
        let (mut ended, mut running) = (FxHashMap::default(), FxHashSet::default());
        for shard in &self.shards {
            let shard = lock(shard);
            let of_run = shard.spans.iter().filter(|s| s.run == run);
            ended.extend(of_run.map(|s| (s.key, (s.failed, Duration::from_nanos(s.end.saturating_sub(s.start))))));
            running.extend(shard.running.iter().filter(|b| b.run == run).map(|b| b.key));
        }
        let finished = entry.end.is_some() && !entry.failed;
        let nodes = entry.nodes.iter().map(|node| GraphNode {
            key: node.key,
            operation: entry.operations[node.operation].0.clone(),
            partition: node.partition,
            needs: node.needs.clone(),
            took: ended.get(&node.key).map(|(_, took)| *took),
            state: match ended.get(&node.key) {
                Some((true, _)) => TaskState::Failed,
                Some((false, _)) => TaskState::Done,
                None if finished => TaskState::Done,
                None if node.over == Some(TaskState::Done) => TaskState::Done,
                None if running.contains(&node.key) => TaskState::Running,
                None if node.over.is_some() => TaskState::Dropped,
                None => TaskState::Waiting,
            },
        });
        Some(RunGraph { nodes: nodes.collect(), left_out: entry.left_out })
    }

    /// The tasks that have failed, the first ones of all.
    pub fn failures(&self) -> Vec<Failure> {
        lock(&self.ledger).failures.iter().cloned().collect()
    }

    /// Memory and processor time, oldest first, as far as somebody samples (see [`Sampler`](super::Sampler)): the longer
    /// ago, the fewer are left. Where more memory was reserved between two samples than ever before, there is one more in
    /// the middle, with as much as it was.
    pub fn samples(&self) -> Vec<Sample> {
        lock(&self.samples).clone()
    }

    /// Takes a sample now.
    pub fn sample(&self, usage: Usage) {
        let sample = Sample {
            at: self.now(),
            usage,
            cpu: crate::watch::clock::processor_time(),
            resident: crate::watch::clock::resident_bytes(),
        };
        let mut samples = lock(&self.samples);
        let peak = samples.last().and_then(|before| super::sampler::between(before, &sample));
        peak.into_iter().chain([sample]).for_each(|sample| super::sampler::keep(&mut samples, sample));
    }

    fn since_origin(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.origin).as_nanos() as u64
    }

    /// Notes that a task of a run has begun on this thread, for a worker.
    fn begin(&self, shard: &mut Shard, (run, key, label, worker): (u64, Key, &Label, Option<usize>), start: u64) {
        let slot = shard.slot(run, &label.name, |name| lock(&self.names).number(name));
        let (name, partition, thread) = (shard.name_of(slot), label.partition, thread());
        let worker = worker.map_or(u32::MAX, |w| w as u32);
        shard.running.push(Begun { run, key, slot, name, partition, worker, thread, start, inside: 0 });
    }

    fn shard(&self, thread: u32) -> MutexGuard<'_, Shard> {
        lock(&self.shards[thread as usize % SHARDS])
    }

    /// Forgets the oldest of many runs, but for their totals.
    fn forget(&self) {
        let mut ledger = lock(&self.ledger);
        let outdated = ledger.outdated(RUNS);
        if outdated.is_empty() {
            return;
        }
        let Ledger { runs, forgotten, .. } = &mut *ledger;
        for shard in &self.shards {
            let mut shard = lock(shard);
            for &run in &outdated {
                shard.forget(run, |slot| {
                    let known = forgotten.entry(slot.operation.clone()).or_default();
                    known.0 += slot.sums.done + slot.sums.failed;
                    known.1.add(&slot.sums);
                });
            }
        }
        let outdated: FxHashSet<u64> = outdated.into_iter().collect();
        runs.retain(|r| !outdated.contains(&r.run));
    }
}

impl Observer for Recorder {
    fn notice(&self, event: &Event<'_>) {
        match event {
            Event::RunStarted { run, graph, .. } => {
                let entry = RunEntry::new(*run, self.now().as_nanos() as u64, *graph, NODES);
                lock(&self.ledger).runs.push_back(entry);
            }
            Event::TaskAdded { run, key, label, needs } => {
                if let Some(entry) = lock(&self.ledger).find(*run) {
                    entry.add(*key, label, needs, NODES);
                }
            }
            Event::TaskStarted { run, key, label, worker, at } => {
                let mut shard = self.shard(thread());
                self.begin(&mut shard, (*run, *key, label, *worker), self.since_origin(*at));
            }
            Event::TaskDropped { run, key, label } => {
                if let Some(entry) = lock(&self.ledger).find(*run) {
                    entry.drop_task(*key, label);
                }
            }
            Event::TaskFinished { run, key, label, worker, at, took, bytes, rows, error, last } => {
                let end = self.since_origin(*at);
                // another attempt follows, or it was dropped before
                let (done, failed) = (u64::from(*last && error.is_none()), u64::from(*last && error.is_some()));
                let sums = Sums { done, failed, bytes: *bytes, rows: rows.unwrap_or(0), ..Sums::default() };
                {
                    let mut shard = self.shard(thread());
                    if !shard.is_running(*key, *run) {
                        // it was begun before anybody watched
                        let start = end.saturating_sub(took.as_nanos() as u64);
                        self.begin(&mut shard, (*run, *key, label, *worker), start);
                    }
                    if let Some(span) = shard.end(*key, *run, end, sums) {
                        let number = self.ended.fetch_add(1, Ordering::SeqCst);
                        shard.keep(Span { number, rows: *rows, failed: error.is_some(), ..span }, self.spans);
                    }
                }
                if let Some(error) = error {
                    let (operation, partition) = (label.name.clone(), label.partition);
                    let at = Duration::from_nanos(end);
                    let failure = Failure { at, run: *run, operation, partition, error: error.to_string() };
                    lock(&self.ledger).note(failure);
                }
            }
            Event::RunFinished { run, failed } => {
                if let Some(entry) = lock(&self.ledger).find(*run) {
                    entry.end = Some(self.now().as_nanos() as u64);
                    entry.failed = *failed;
                }
                self.forget();
            }
        }
    }
}

impl Names {
    fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        if self.list.len() >= NAMES {
            return NAMES as u32;
        }
        self.list.push(name.clone());
        let number = self.list.len() as u32 - 1;
        self.numbers.insert(name.clone(), number);
        number
    }

    fn get(&self, number: u32) -> Arc<str> {
        self.list.get(number as usize).cloned().unwrap_or_else(|| OTHERS.into())
    }

    fn span(&self, s: &Span) -> TaskSpan {
        TaskSpan {
            number: s.number,
            run: s.run,
            key: s.key,
            operation: self.get(s.name),
            partition: s.partition,
            worker: place(s.worker),
            thread: s.thread,
            depth: s.depth,
            start: Duration::from_nanos(s.start),
            end: Duration::from_nanos(s.end),
            bytes: s.bytes,
            rows: s.rows,
            failed: s.failed,
        }
    }
}

fn place(worker: u32) -> Option<usize> {
    (worker != u32::MAX).then_some(worker as usize)
}

fn total_of(operation: &Arc<str>, planned: u64, sums: &Sums) -> OperationTotals {
    OperationTotals {
        operation: operation.clone(),
        planned,
        running: 0,
        done: sums.done,
        failed: sums.failed,
        busy: Duration::from_nanos(sums.busy),
        longest: Duration::from_nanos(sums.longest),
        bytes: sums.bytes,
        rows: sums.rows,
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({} tasks)", self.ended())
    }
}
