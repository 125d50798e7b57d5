//! The threads that work on a graph that grows.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::adopted::{Arrival, Outside};
use super::books::{Books, Found, Id, Job, Order, Search, label};
use super::mailbox::Mailbox;
use super::task::{LiveTask, key_text};
use crate::base::Result;
use crate::exec::attempt::{Seen, attempt, discard};
use crate::exec::event::{Audience, Nothing};
use crate::exec::run::next_run;
use crate::exec::workers::Workers;
use crate::exec::{Cancel, Event, Observers, TaskContext};
use crate::graph::{Key, Payload};

/// What a task does: from the results it needs, in their order, to its own. It may have to run again.
pub type LiveWork = Arc<dyn Fn(Vec<Payload>, &TaskContext) -> Result<Payload> + Send + Sync>;

/// How a task is to be run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveOptions {
    /// Tasks of a higher priority start first.
    pub priority: i32,
    /// How often it is run again when it fails.
    pub retries: u32,
}

/// Tasks that run on the threads of a session while others are added. Clones are handles to the same graph; when the
/// last one is dropped, and with it the last handle to a task, all is forgotten.
#[derive(Clone)]
pub struct LiveGraph(pub(super) Arc<Core>);

pub(super) struct Core {
    run: u64,
    task: TaskContext,
    observers: Observers,
    pool: Option<Arc<Workers>>,
    books: Mutex<Books>,
}

/// The run that a task belongs to; if it is one of these graphs, the task's place and turn there.
type Running = (u64, Option<(Id, u64)>);

thread_local! {
    /// The tasks that run on this thread, one inside the other.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

/// Calls a task of a run that does not grow. Should it wait for one of a graph that does, its thread does only what that
/// one needs: any other task could wait in turn for what lies below it.
pub(in crate::exec) fn inside<R>(run: u64, task: impl FnOnce() -> R) -> R {
    within(run, None, task)
}

/// Calls a task, which does not panic.
fn within<R>(run: u64, place: Option<(Id, u64)>, task: impl FnOnce() -> R) -> R {
    RUNNING.with_borrow_mut(|running| running.push((run, place)));
    let result = task();
    RUNNING.with_borrow_mut(|running| running.pop());
    result
}

/// A thread works on one graph for so long before it lets others have a turn.
const SLICE: Duration = Duration::from_millis(2);
/// How often a thread without work looks for more before it leaves: the next task may be on its way.
const LOOKS: usize = 512;
/// How often a thread that could help looks whether it can.
const LOOK: Duration = Duration::from_millis(5);
/// How often a thread that waits looks whether the session was cancelled.
const HEED: Duration = Duration::from_millis(20);

impl LiveGraph {
    pub(in crate::exec) fn new(task: TaskContext, observers: Observers, pool: Option<Arc<Workers>>) -> LiveGraph {
        let task = TaskContext { cancel: task.cancel.child(), ..task };
        LiveGraph(Arc::new(Core { run: next_run(), task, observers, pool, books: Mutex::default() }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Books> {
        // the books are whole between any two statements that could panic
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the books, and drops what is not needed any more outside of the lock.
    pub(super) fn with_books<R>(&self, change: impl FnOnce(&mut Books) -> R) -> R {
        let mut books = self.lock();
        let result = change(&mut books);
        self.unlock(books);
        result
    }

    /// Tells what has ended, and drops what is not needed any more.
    fn unlock(&self, mut books: MutexGuard<'_, Books>) {
        let trash = books.take_trash();
        if trash.dropped.is_empty() {
            drop(books);
        } else {
            let audience = self.0.observers.audience().before(books.introduced);
            drop(books);
            for (key, label) in &trash.dropped {
                audience.tell(&Event::TaskDropped { run: self.0.run, key: *key, label });
            }
        }
        trash.empty();
    }

    /// Who watches now. Those who have come lately hear of the run first, and of what has not ended.
    fn audience(&self, books: &mut Books) -> Audience {
        let audience = self.0.observers.audience();
        if books.closed {
            return audience.before(books.introduced);
        }
        books.watched = !audience.is_empty();
        if audience.until() > books.introduced {
            let (run, lately) = (self.0.run, audience.since(books.introduced));
            lately.tell(&Event::RunStarted { run, tasks: 0, graph: &Nothing });
            books.open_tasks(|key, label, needs| lately.tell(&Event::TaskAdded { run, key, label, needs }));
            books.introduced = audience.until();
        }
        audience
    }

    /// What tasks may use.
    pub fn context(&self) -> &TaskContext {
        &self.0.task
    }

    /// Whether work goes on while nobody waits for it.
    pub fn works_in_background(&self) -> bool {
        self.0.pool.is_some()
    }

    /// Whether the calling thread works on tasks while it waits for one.
    pub fn may_help(&self) -> bool {
        self.0.pool.as_ref().is_none_or(|pool| pool.current().is_some())
    }

    /// Whether both are handles to the same graph.
    pub fn is_same(&self, other: &LiveGraph) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Adds a task, or finds the one with this key.
    pub fn add(
        &self,
        key: Key,
        name: &Arc<str>,
        needs: &[&LiveTask],
        work: LiveWork,
        options: LiveOptions,
    ) -> LiveTask {
        let ids = needs.iter().map(|need| need.id).collect();
        let mut books = self.lock();
        if let Some(id) = books.find(key) {
            return LiveTask::counted(self, id, key, name);
        }
        let audience = self.audience(&mut books);
        let id = books.add(Order { key, label: label(name), needs: ids, work, options });
        if books.is_unannounced(id) {
            drop(books);
            let keys: Vec<Key> = needs.iter().map(|need| need.key()).collect();
            audience.tell(&Event::TaskAdded { run: self.0.run, key, label: &label(name), needs: &keys });
            books = self.lock();
            books.announced(id);
        }
        self.call_worker(&mut books);
        self.unlock(books);
        LiveTask::counted(self, id, key, name)
    }

    /// The task with this key, if its result is there or on its way.
    pub fn find(&self, key: Key, name: &Arc<str>) -> Option<LiveTask> {
        let id = self.lock().find(key)?;
        Some(LiveTask::counted(self, id, key, name))
    }

    /// Adds a result that is there already.
    pub fn put(&self, key: Key, name: &Arc<str>, payload: Payload) -> LiveTask {
        let id = self.with_books(|books| match books.find(key) {
            Some(id) => id,
            None => books.put(key, label(name), payload),
        });
        LiveTask::counted(self, id, key, name)
    }

    /// Cancels all that has not ended; what is added from now on is cancelled at once. Results are gone too.
    pub fn close(&self) {
        self.ended(Books::close);
    }

    /// Cancels all that has not ended; what is added from now on is cancelled at once. Results stay for those who hold them.
    pub fn end(&self) {
        self.ended(Books::end_all);
    }

    fn ended(&self, end: impl FnOnce(&mut Books)) {
        let known = self.with_books(|books| {
            let known = (!books.closed).then_some(books.introduced);
            end(books);
            known
        });
        if let Some(known) = known {
            let event = Event::RunFinished { run: self.0.run, failed: false };
            self.0.observers.audience().before(known).tell(&event);
        }
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How many tasks are known, and how many of them have not ended.
    pub fn counts(&self) -> (usize, usize) {
        self.lock().counts()
    }

    /// Puts one more thread to work, if there is something for it and no other is looking.
    fn call_worker(&self, books: &mut Books) {
        let Some(pool) = &self.0.pool else { return };
        if books.workers < pool.most().min(books.ready() + books.busy) {
            books.workers += 1;
            let graph = self.clone();
            pool.spawn(move || graph.work());
        }
    }

    /// What a thread of the pool does: tasks for a while, then it queues again.
    fn work(self) {
        let begun = Instant::now();
        let (mut now, mut looks) = (begun, 0);
        loop {
            let mut books = self.lock();
            let job = books.next(&self.context().cancel);
            if let Some(job) = job {
                books.busy += 1;
                self.call_worker(&mut books);
                drop(books);
                looks = 0;
                self.run(job, Some(now));
                self.lock().busy -= 1;
                now = Instant::now();
                if now.saturating_duration_since(begun) < SLICE {
                    continue;
                }
                books = self.lock();
            } else if looks < LOOKS && !books.closed {
                drop(books);
                looks += 1;
                // others may need the core
                if looks % 4 == 3 {
                    std::thread::yield_now()
                } else {
                    std::hint::spin_loop()
                }
                continue;
            }
            let more = books.has_ready();
            books.workers -= usize::from(!more);
            drop(books);
            if let (true, Some(pool)) = (more, self.0.pool.clone()) {
                pool.spawn(move || self.work());
            }
            return;
        }
    }

    /// Runs a task and writes down how it ended. `since` is when it begins, as far as that is known, for somebody who comes to
    /// watch meanwhile.
    fn run(&self, job: Job, since: Option<Instant>) {
        let Job { id, turn, key, label, work, inputs, cancel } = job;
        let task = TaskContext { cancel, ..self.context().clone() };
        let worker = self.0.pool.as_ref().and_then(|p| p.current());
        let seen = Seen { run: self.0.run, key, label: &label, worker };
        let mut begun = since;
        if !self.0.observers.is_empty() {
            let audience = self.audience(&mut self.lock());
            let now = Instant::now();
            seen.begins(&audience, now);
            begun = Some(now);
        }
        let result = within(self.0.run, Some((id, turn)), || attempt(&task, |task| work.as_ref()(inputs, task)));
        let result = result.map_err(|error| error.at_key(key_text(&label.name, key), &label.name, worker));
        if !self.0.observers.is_empty() {
            let mut books = self.lock();
            let (audience, last) = (self.audience(&mut books), books.concludes(id, turn, &result));
            drop(books);
            seen.ends(&audience, begun.unwrap_or_else(Instant::now), &result, last);
        }
        self.with_books(|books| {
            books.settle(id, turn, result);
            self.call_worker(books);
        });
        // what it captured may end this very graph
        discard(vec![work]);
    }

    /// A task of another graph as one of this. Needs no thread: this graph is told when it has ended.
    pub fn adopt(&self, task: &LiveTask) -> LiveTask {
        if task.graph.is_same(self) {
            return task.clone();
        }
        if !task.graph.works_in_background() {
            // it only goes on while somebody waits for it
            let other = task.clone();
            let work: LiveWork = Arc::new(move |_, task| other.wait_unless(&task.cancel));
            return self.add(task.key(), task.name(), &[], work, LiveOptions::default());
        }
        let outside = Arc::new(Outside { task: task.clone(), arrival: OnceLock::new() });
        let (id, turn) = self.with_books(|books| match books.find(task.key()) {
            Some(id) => (id, None),
            None => {
                let (id, turn) = books.adopt(task.key(), label(task.name()), outside.clone());
                (id, Some(turn))
            }
        });
        if let Some(turn) = turn {
            let arrival = Arrival { graph: Arc::downgrade(&self.0), id, turn };
            let _ = outside.arrival.set(arrival.clone());
            task.graph.with_books(|books| books.listen_for(task.id, arrival));
        }
        LiveTask::counted(self, id, task.key(), task.name())
    }

    /// What an adopted task waits for has ended.
    pub(super) fn arrived(&self, id: Id, turn: u64) {
        let Some(outside) = self.lock().outside(id, turn) else { return };
        let Some(result) = outside.task.outcome() else { return };
        self.with_books(|books| {
            books.arrive(id, turn, result);
            self.call_worker(books);
        });
    }

    /// Ends all when the session was cancelled.
    pub fn heed(&self) {
        if self.context().cancel.is_cancelled() && !self.is_closed() {
            self.close();
        }
    }

    /// Whether threads of the pool work here, beside the calling one.
    pub fn has_other_workers(&self) -> bool {
        let own = RUNNING.with_borrow(|running| running.iter().any(|(run, _)| *run == self.0.run));
        self.lock().workers > usize::from(own)
    }

    /// The running task that the calling thread is in, if it is one of this graph, and whether it is in any.
    fn inside(&self) -> (Option<(Id, u64)>, bool) {
        let running = RUNNING.with_borrow(|running| running.last().copied());
        (running.filter(|(run, _)| *run == self.0.run).and_then(|(_, place)| place), running.is_some())
    }

    /// Prepares to help a task to its end.
    pub(super) fn helping(&self, id: Id) -> Result<Search> {
        if let (Some((inside, _)), _) = self.inside() {
            self.lock().check_comes(id, inside)?;
        }
        Ok(Search::new(id))
    }

    /// Runs one task that another needs, if there is one that could start.
    pub(super) fn help(&self, search: &mut Search) -> Result<bool> {
        let mut books = self.lock();
        match books.search(search) {
            Some(Found::Ready(id)) => {
                let job = books.start(id, &self.context().cancel);
                drop(books);
                job.into_iter().for_each(|job| self.run(job, None));
                Ok(true)
            }
            Some(Found::Outside(outside)) => {
                drop(books);
                let there = &outside.task.graph;
                Ok(there.may_help() && there.help(&mut there.helping(outside.task.id)?)?)
            }
            None => Ok(false),
        }
    }

    /// The outcome of a task, waiting for it; nothing when the time is over.
    pub(super) fn wait_for(&self, id: Id, patience: Patience<'_>) -> Result<Option<Result<Payload>>> {
        let (inside, nested) = self.inside();
        if let Some(inside) = inside {
            self.lock().set_awaits(inside, Some(id));
        }
        let mailbox = Mailbox::new();
        let outcome = self.wait_inside(id, nested, &mailbox, patience);
        self.lock().unlisten(id, &mailbox);
        if let Some(inside) = inside {
            self.lock().set_awaits(inside, None);
        }
        outcome
    }

    fn wait_inside(
        &self,
        id: Id,
        nested: bool,
        mailbox: &Mailbox,
        patience: Patience<'_>,
    ) -> Result<Option<Result<Payload>>> {
        let on_pool = self.may_help();
        let mut search = self.helping(id)?;
        let mut listens = false;
        loop {
            let mut books = self.lock();
            if let Some(outcome) = books.outcome(id) {
                return Ok(Some(outcome));
            }
            if patience.is_over() {
                return Ok(None);
            }
            patience.cancel.map_or(Ok(()), Cancel::check)?;
            if on_pool {
                // when nothing lies below on this thread, any task will do
                let job = if nested { None } else { books.next(&self.context().cancel) };
                drop(books);
                let helped = match job {
                    Some(job) => {
                        self.run(job, None);
                        true
                    }
                    None => self.help(&mut search)?,
                };
                if helped {
                    continue;
                }
                books = self.lock();
            }
            if !listens {
                books.listen(id, mailbox, 0);
                listens = true;
            }
            drop(books);
            // somebody else runs what is needed; it may come to something that this thread can do
            let pause = if on_pool { LOOK } else { HEED };
            let pause = Instant::now() + pause;
            mailbox.take(Some(patience.until.map_or(pause, |until| until.min(pause))));
            self.heed();
        }
    }
}

/// How long somebody waits.
#[derive(Clone, Copy, Default)]
pub(super) struct Patience<'a> {
    /// Absent: for ever.
    pub until: Option<Instant>,
    /// Until this is cancelled.
    pub cancel: Option<&'a Cancel>,
}

impl Patience<'_> {
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

impl fmt::Debug for LiveGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveGraph({:?})", *self.lock())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let books = self.books.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !books.closed {
            let event = Event::RunFinished { run: self.run, failed: false };
            self.observers.audience().before(books.introduced).tell(&event);
        }
    }
}
