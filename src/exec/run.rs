//! A graph that is being run: the schedule, the results, and the threads that work on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::attempt::{Seen, attempt, discard};
use super::event::Audience;
use super::live::inside;
use super::schedule::{Next, Schedule};
use super::workers::Workers;
use super::{Cancel, Event, GraphView, Observers, TaskContext};
use crate::base::{Error, ErrorKind, Result};
use crate::graph::{Key, Label, Order, Payload, TaskGraph, TaskId};

/// What a task does: from the results it needs, in their order, to its own.
pub type Work = Box<dyn FnOnce(Vec<Payload>, &TaskContext) -> Result<Payload> + Send>;

/// How a graph is to be run.
#[derive(Clone)]
pub struct RunContext {
    /// What tasks may use. The run cancels a child of this token.
    pub task: TaskContext,
    /// Who watches; those who come while it runs are told what is left of it.
    pub observers: Observers,
    /// How many wanted results may wait to be taken before tasks for later ones stop starting; absent: all.
    pub window: Option<usize>,
}

impl RunContext {
    /// A run that nobody watches and whose results are all kept.
    pub fn new(task: TaskContext) -> Self {
        RunContext { task, observers: Observers::default(), window: None }
    }
}

/// A graph that is being run. Dropping it cancels what is not done yet.
///
/// As an iterator it gives the wanted results in their order, each as soon as it is there; after the first error it
/// ends. A thread of the pool that waits for a result works on this run meanwhile, so that a task may compute too.
pub struct Run {
    state: Arc<State>,
    position: usize,
}

struct State {
    id: u64,
    task: TaskContext,
    observers: Observers,
    pool: Option<Arc<Workers>>,
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    graph: TaskGraph<Work>,
    schedule: Schedule,
    results: Vec<Option<Payload>>,
    wanted: Vec<TaskId>,
    /// Wanted results that were taken.
    taken: u32,
    window: Option<u32>,
    error: Option<Error>,
    /// Observers that came before this number know of the run.
    introduced: u64,
    workers: usize,
    waiting: usize,
    ended: bool,
}

struct Job {
    task: TaskId,
    work: Work,
    inputs: Vec<Payload>,
}

impl Inner {
    fn room(&self) -> u32 {
        self.window.map_or(u32::MAX, |w| self.taken.saturating_add(w))
    }

    fn next_job(&mut self) -> Option<Job> {
        let room = self.room();
        let Next::Run(task) = self.schedule.next(room) else { return None };
        let work = self.graph.take_work(task)?;
        let Inner { graph, schedule, results, .. } = self;
        let inputs = graph.needs(task).iter().filter_map(|&need| {
            let slot = &mut results[need as usize];
            if schedule.last_user(need) { slot.take() } else { slot.clone() }
        });
        Some(Job { task, work, inputs: inputs.collect() })
    }

    /// Writes down how a task has ended. Results that nobody needs any more go to `unused`.
    fn settle(&mut self, task: TaskId, result: Result<Payload>, unused: &mut Vec<Payload>) {
        match result {
            Ok(payload) => {
                self.results[task as usize] = Some(payload);
                let Inner { graph, schedule, results, .. } = self;
                schedule.finish(task, graph.needs(task), |last| unused.extend(results[last as usize].take()));
            }
            Err(error) => {
                let label = self.graph.label(task);
                // who cancels a run does not mean one of its tasks
                let error =
                    if error.is_cancelled() { error } else { error.at_task(label.partition as usize, &label.name) };
                if self.schedule.fail(task) {
                    self.error = Some(error);
                }
            }
        }
    }
}

impl GraphView for Inner {
    fn len(&self) -> usize {
        self.graph.len()
    }

    fn is_needed(&self, task: TaskId) -> bool {
        self.schedule.is_needed(task)
    }

    fn key(&self, task: TaskId) -> Key {
        self.graph.key(task)
    }

    fn label(&self, task: TaskId) -> &Label {
        self.graph.label(task)
    }

    fn needs(&self, task: TaskId) -> &[TaskId] {
        self.graph.needs(task)
    }

    fn has_run(&self, task: TaskId) -> bool {
        self.schedule.has_run(task)
    }
}

impl Run {
    /// Starts a graph on a pool, or on whatever thread asks for results.
    pub(super) fn start(
        graph: TaskGraph<Work>,
        wanted: Vec<TaskId>,
        context: RunContext,
        pool: Option<Arc<Workers>>,
    ) -> Run {
        // who takes results one by one wants the first one soon, and no work for the last one before that
        let order = if context.window.is_some() { Order::in_turn } else { Order::new };
        let schedule = Schedule::new(&graph, &wanted, order(&graph, &wanted));
        let results = (0..graph.len()).map(|_| None).collect();
        let mut task = context.task;
        task.cancel = task.cancel.child();
        let window = context.window.map(|w| w.clamp(1, u32::MAX as usize) as u32);
        let state = Arc::new(State {
            id: next_run(),
            task,
            observers: context.observers,
            pool,
            changed: Condvar::new(),
            inner: Mutex::new(Inner {
                graph,
                schedule,
                results,
                wanted,
                taken: 0,
                window,
                error: None,
                introduced: 0,
                workers: 0,
                waiting: 0,
                ended: false,
            }),
        });
        let mut inner = state.lock();
        state.audience(&mut inner);
        state.end_if_over(&mut inner);
        state.call_workers(&mut inner);
        drop(inner);
        Run { state, position: 0 }
    }

    /// How many results are wanted.
    pub fn wanted(&self) -> usize {
        self.state.lock().wanted.len()
    }

    /// The result at `position` of the wanted ones, waiting for it. It stays there for others.
    ///
    /// # Errors
    /// The error of the run, if that came before the result.
    pub fn get(&self, position: usize) -> Result<Payload> {
        self.get_unless(position, &Cancel::new())
    }

    /// As [`get`](Self::get), for somebody who may be cancelled while waiting.
    ///
    /// # Errors
    /// As [`get`](Self::get), and `Cancelled`.
    pub fn get_unless(&self, position: usize, cancel: &Cancel) -> Result<Payload> {
        // whoever looks at results in any order does not make room by taking them
        self.state.lock().window = None;
        self.state.wait_for(position, Some(cancel))
    }

    /// Whether it has ended without all results: by an error, or cancelled.
    pub fn has_failed(&self) -> bool {
        let inner = self.state.lock();
        inner.ended && !inner.schedule.is_complete() || self.state.task.cancel.is_cancelled()
    }

    /// Whether the result at `position` is there.
    pub fn is_ready(&self, position: usize) -> bool {
        let inner = self.state.lock();
        inner.wanted.get(position).is_some_and(|&task| inner.results[task as usize].is_some())
    }

    /// Waits until all is done.
    ///
    /// # Errors
    /// The first error of the run.
    pub fn wait(&self) -> Result<()> {
        let wanted = self.wanted();
        (0..wanted).try_for_each(|position| self.get(position).map(drop))
    }

    /// Stops what is not done yet.
    pub fn cancel(&self) {
        self.state.task.cancel.cancel();
        let mut inner = self.state.lock();
        inner.schedule.stop();
        self.state.end_if_over(&mut inner);
    }
}

impl Iterator for Run {
    type Item = Result<Payload>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.wanted() {
            return None;
        }
        let result = self.state.wait_for(self.position, None);
        self.position = if result.is_ok() { self.position + 1 } else { usize::MAX };
        Some(result)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Run({})", self.state.id)
    }
}

/// A slice of work is at least this long, or a single task.
const SLICE: Duration = Duration::from_micros(100);
/// The most tasks taken from the schedule at once.
const MOST_AT_ONCE: usize = 256;
/// How often a waiting thread looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // tasks run outside the lock, so a poisoned lock still guards whole state
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who watches now. Those who have come lately hear of the run first, and of what is left of it.
    fn audience(&self, inner: &mut Inner) -> Audience {
        let audience = self.observers.audience();
        if audience.until() > inner.introduced {
            let tasks = inner.schedule.left();
            audience.since(inner.introduced).tell(&Event::RunStarted { run: self.id, tasks, graph: &*inner });
            inner.introduced = audience.until();
        }
        audience
    }

    /// The result at `position`: left there for a `looker` (who may be cancelled), else taken out if nobody else needs it.
    fn wait_for(self: &Arc<Self>, position: usize, looker: Option<&Cancel>) -> Result<Payload> {
        let helps = self.pool.as_ref().is_none_or(|pool| pool.current().is_some());
        let mut at_once = 1;
        let mut inner = self.lock();
        loop {
            let Some(&task) = inner.wanted.get(position) else {
                return Err(Error::invalid(format!("result {position} is not among the wanted ones")));
            };
            if inner.results[task as usize].is_some() {
                return Ok(self.deliver(&mut inner, task, looker.is_none()));
            }
            if self.task.cancel.is_cancelled() {
                inner.schedule.stop();
                self.end_if_over(&mut inner);
            }
            looker.map_or(Ok(()), Cancel::check)?;
            if inner.ended {
                return Err(inner.error.as_ref().map_or_else(|| Error::new(ErrorKind::Cancelled), Error::again));
            }
            if helps && inner.schedule.has_ready(inner.room()) {
                inner = self.work_once(inner, &mut at_once);
            } else {
                inner.waiting += 1;
                inner = self.changed.wait_timeout(inner, LOOK).unwrap_or_else(PoisonError::into_inner).0;
                inner.waiting -= 1;
            }
        }
    }

    fn deliver(self: &Arc<Self>, inner: &mut MutexGuard<'_, Inner>, task: TaskId, take: bool) -> Payload {
        let inner = &mut **inner;
        let last = take && inner.schedule.used(task);
        let slot = &mut inner.results[task as usize];
        let payload = if last { slot.take() } else { slot.clone() };
        if take {
            inner.taken += 1;
            self.call_workers(inner);
        }
        payload.unwrap_or_else(|| Payload::new(()))
    }

    /// Puts more threads of the pool to work, as many as there are tasks for.
    fn call_workers(self: &Arc<Self>, inner: &mut Inner) {
        let Some(pool) = &self.pool else { return };
        let threads = pool.most();
        let ready = inner.schedule.ready(inner.room());
        while inner.workers < threads.min(ready) {
            inner.workers += 1;
            let state = self.clone();
            pool.spawn(move || state.work());
        }
    }

    /// What a thread of the pool does: a slice of work, then it queues again, so that runs share the threads.
    fn work(self: Arc<Self>) {
        let mut at_once = 1;
        let mut inner = self.lock();
        let begun = Instant::now();
        while inner.schedule.has_ready(inner.room()) {
            inner = self.work_once(inner, &mut at_once);
            if let (Some(pool), true) = (&self.pool, begun.elapsed() > SLICE * 20) {
                drop(inner);
                let state = self.clone();
                pool.spawn(move || state.work());
                return;
            }
        }
        inner.workers -= 1;
        // a task may have become ready between the look and here only under this lock: nothing is missed
    }

    /// Takes up to `at_once` tasks, runs them, and puts their results in place.
    fn work_once<'a>(
        self: &'a Arc<Self>,
        mut inner: MutexGuard<'a, Inner>,
        at_once: &mut usize,
    ) -> MutexGuard<'a, Inner> {
        let threads = self.pool.as_ref().map_or(1, |p| p.most());
        let share = inner.schedule.ready(u32::MAX).div_ceil(threads);
        let mut jobs = Vec::with_capacity((*at_once).min(share).max(1));
        while jobs.len() < (*at_once).min(share).max(1) {
            match inner.next_job() {
                Some(job) => jobs.push(job),
                None => break,
            }
        }
        let audience = if jobs.is_empty() { Audience::default() } else { self.audience(&mut inner) };
        let labels = (!audience.is_empty()).then(|| {
            jobs.iter().map(|j| (inner.graph.key(j.task), inner.graph.label(j.task).clone())).collect::<Vec<_>>()
        });
        drop(inner);
        let begun = Instant::now();
        let mut done = Vec::with_capacity(jobs.len());
        for (i, job) in jobs.into_iter().enumerate() {
            let seen = labels.as_ref().and_then(|l| l.get(i));
            done.push((job.task, self.run_job(job, seen, &audience)));
        }
        let took = begun.elapsed();
        *at_once = if took < SLICE { (*at_once * 2).min(MOST_AT_ONCE) } else { 1 };
        let mut inner = self.lock();
        let mut unused = Vec::new();
        for (task, result) in done {
            inner.settle(task, result, &mut unused);
        }
        self.end_if_over(&mut inner);
        self.call_workers(&mut inner);
        if inner.waiting > 0 {
            self.changed.notify_all();
        }
        if unused.is_empty() {
            return inner;
        }
        // to give back much memory takes time, and a user's value may do anything when it is dropped
        drop(inner);
        discard(unused);
        self.lock()
    }

    fn run_job(&self, job: Job, seen: Option<&(Key, Label)>, audience: &Audience) -> Result<Payload> {
        let call = || inside(self.id, || attempt(&self.task, |task| (job.work)(job.inputs, task)));
        let Some((key, label)) = seen else { return call() };
        let worker = self.pool.as_ref().and_then(|p| p.current());
        let (seen, begun) = (Seen { run: self.id, key: *key, label, worker }, Instant::now());
        seen.begins(audience, begun);
        let result = call();
        seen.ends(audience, begun, &result, true);
        result
    }

    fn end_if_over(&self, inner: &mut MutexGuard<'_, Inner>) {
        if !inner.ended && inner.schedule.is_over() {
            inner.ended = true;
            let event = Event::RunFinished { run: self.id, failed: !inner.schedule.is_complete() };
            self.observers.audience().before(inner.introduced).tell(&event);
            self.changed.notify_all();
        }
    }
}

/// The number of the next run.
pub(super) fn next_run() -> u64 {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    RUNS.fetch_add(1, Ordering::Relaxed)
}
