//! Which task is in which state, and who needs whom: a function of what has happened, without threads or clocks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::adopted::{Arrival, Outside};
use super::graph::{LiveOptions, LiveWork};
use super::mailbox::Mailbox;
use crate::base::{Error, ErrorKind, Result};
use crate::exec::Cancel;
use crate::exec::attempt::discard;
use crate::graph::{Key, Label, Payload};

mod told;

/// The place of a task in the books.
pub(super) type Id = u32;

/// How far a task is (the words are Dask's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It waits for others, for a thread, or runs.
    Pending,
    /// Its result is there.
    Finished,
    /// It failed, or one that it needs did.
    Error,
    /// It was cancelled.
    Cancelled,
    /// Its result was there and is not any more, with the worker that held it. A local cluster loses none.
    Lost,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Pending => "pending",
            Status::Finished => "finished",
            Status::Error => "error",
            Status::Cancelled => "cancelled",
            Status::Lost => "lost",
        })
    }
}

/// What is to be computed.
pub(super) struct Order {
    pub key: Key,
    pub label: Label,
    pub needs: Vec<Id>,
    pub work: LiveWork,
    pub options: LiveOptions,
}

/// Something to run: taken out of the books, to be settled there.
pub(super) struct Job {
    pub id: Id,
    /// Tells it from tasks that have its place later: one that is cancelled while it runs may be forgotten before it ends.
    pub turn: u64,
    pub key: Key,
    pub label: Label,
    pub work: LiveWork,
    pub inputs: Vec<Payload>,
    pub cancel: Cancel,
}

enum State {
    /// So many needs are missing.
    Waiting(u32),
    Ready,
    Running(Cancel),
    Finished(Payload),
    /// The result has gone to the only one who needed it.
    Given,
    Failed(Error),
    Cancelled,
}

struct Entry {
    key: Key,
    label: Label,
    work: Option<LiveWork>,
    /// Instead of work: the task of another graph whose result it will have.
    outside: Option<Arc<Outside>>,
    options: LiveOptions,
    /// Tells tasks apart that had the same place, one after the other.
    turn: u64,
    state: State,
    /// The tasks whose results it needs, as long as it does.
    needs: Vec<Id>,
    /// The tasks that wait for it, and their turns.
    dependants: Vec<(Id, u64)>,
    /// Handles, and tasks that need its result.
    users: u32,
    /// While it runs: the tasks that it waits for itself.
    awaits: Vec<Id>,
    listeners: Vec<Listener>,
    /// Who watches is being told of it: until then it neither starts nor is told to have ended.
    unannounced: bool,
    /// Who watches was told that it has ended, or was never told of it.
    told: bool,
}

/// Who is told when a task has ended.
enum Listener {
    Mailbox(Mailbox, usize),
    /// A graph that has adopted it.
    Graph(Arrival),
}

impl Entry {
    fn has_ended(&self) -> bool {
        !matches!(self.state, State::Waiting(_) | State::Ready | State::Running(_))
    }

    /// Whether it runs again after this result.
    fn tries_again(&self, result: &Result<Payload>) -> bool {
        self.options.retries > 0 && result.as_ref().is_err_and(|error| !error.is_cancelled())
    }
}

/// What must be dropped outside of the lock: values of users, whose `drop` may do anything.
#[derive(Default)]
pub(super) struct Trash {
    entries: Vec<Entry>,
    payloads: Vec<Payload>,
    works: Vec<LiveWork>,
    outsides: Vec<Arc<Outside>>,
    /// Graphs that are to be told: they have locks of their own.
    arrivals: Vec<Arrival>,
    /// Tasks that have ended without having run to their end: to be told.
    pub dropped: Vec<(Key, Label)>,
}

impl Trash {
    /// Drops it, and tells other graphs.
    pub fn empty(self) {
        let Trash { entries, payloads, works, outsides, arrivals, .. } = self;
        discard(entries);
        discard(payloads);
        discard(works);
        discard(outsides);
        arrivals.into_iter().for_each(Arrival::tell);
    }
}

/// A walk through what a task needs, depth first, that looks at each task about once however often it finds something.
pub(super) struct Search {
    root: Id,
    /// Where it is: tasks with their turns, and how many of their needs it has seen.
    stack: Vec<(Id, u64, usize)>,
    seen: FxHashSet<Id>,
}

impl Search {
    pub fn new(root: Id) -> Search {
        Search { root, stack: Vec::new(), seen: FxHashSet::default() }
    }
}

/// What a thread can do for a task.
pub(super) enum Found {
    /// Start this one.
    Ready(Id),
    /// Something in another graph.
    Outside(Arc<Outside>),
}

#[derive(Default)]
pub(super) struct Books {
    entries: Vec<Option<Entry>>,
    free: Vec<Id>,
    known: FxHashMap<Key, Id>,
    /// By priority, then first come first served.
    ready: BinaryHeap<(i32, Reverse<u64>, Id)>,
    turns: u64,
    trash: Trash,
    /// Whether somebody watches: what is dropped is noted then.
    pub watched: bool,
    /// Observers that came before this number know of the run, and of all that has not ended.
    pub introduced: u64,
    pub closed: bool,
    /// How many tasks were never ended.
    pub open: usize,
    /// Threads of the pool that are here.
    pub workers: usize,
    /// Those of them that run a task.
    pub busy: usize,
}

impl Books {
    fn entry(&self, id: Id) -> Option<&Entry> {
        self.entries.get(id as usize)?.as_ref()
    }

    fn entry_mut(&mut self, id: Id) -> Option<&mut Entry> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    /// What is to be dropped once the lock is free.
    pub fn take_trash(&mut self) -> Trash {
        std::mem::take(&mut self.trash)
    }

    /// Whether something could start now.
    pub fn has_ready(&mut self) -> bool {
        while let Some(&(_, Reverse(turn), id)) = self.ready.peek() {
            if self.entry(id).is_some_and(|e| e.turn == turn && matches!(e.state, State::Ready)) {
                return true;
            }
            self.ready.pop();
        }
        false
    }

    /// About how many could.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The task with this key, if its result is there or on its way; it has a handle more.
    pub fn find(&mut self, key: Key) -> Option<Id> {
        let id = *self.known.get(&key)?;
        self.entry_mut(id)?.users += 1;
        Some(id)
    }

    /// Adds a task, with one handle. If it is watched and has not ended already, it waits for [`announced`](Self::announced).
    pub fn add(&mut self, order: Order) -> Id {
        let Order { key, label, needs, work, options } = order;
        let (mut missing, mut failed) = (0, None);
        for &need in &needs {
            let Some(entry) = self.entry_mut(need) else { continue };
            entry.users += 1;
            match &entry.state {
                State::Waiting(_) | State::Ready | State::Running(_) => missing += 1,
                State::Failed(error) => failed = failed.or_else(|| Some(State::Failed(error.again()))),
                State::Cancelled => failed = failed.or(Some(State::Cancelled)),
                State::Finished(_) | State::Given => {}
            }
        }
        let failed = if self.closed { Some(State::Cancelled) } else { failed };
        let state = failed.unwrap_or(if missing > 0 { State::Waiting(missing) } else { State::Ready });
        let ended = matches!(state, State::Failed(_) | State::Cancelled);
        if ended {
            self.trash.works.push(work);
            let id = self.place(key, label, None, options, state);
            needs.into_iter().for_each(|need| self.release(need));
            return id;
        }
        let (unannounced, awaited) = (self.watched, missing + u32::from(self.watched));
        let state = if unannounced { State::Waiting(awaited) } else { state };
        let id = self.place(key, label, Some(work), options, state);
        self.open += 1;
        let turn = self.turns;
        for &need in &needs {
            self.add_dependant(need, (id, turn));
        }
        if let Some(entry) = self.entry_mut(id) {
            entry.needs = needs;
            entry.unannounced = unannounced;
        }
        self.known.insert(key, id);
        if awaited == 0 {
            self.queue(id);
        }
        id
    }

    /// Notes who waits for a task that has not ended. Those who do not any more are forgotten each time when there are
    /// twice as many.
    fn add_dependant(&mut self, need: Id, dependant: (Id, u64)) {
        let Some(entry) = self.entry_mut(need).filter(|e| !e.has_ended()) else { return };
        entry.dependants.push(dependant);
        let many = entry.dependants.len();
        if many >= 64 && many.is_power_of_two() {
            let mut dependants = std::mem::take(&mut entry.dependants);
            dependants.retain(|&(id, turn)| self.entry(id).is_some_and(|e| e.turn == turn && !e.has_ended()));
            self.entry_mut(need).into_iter().for_each(|entry| entry.dependants = std::mem::take(&mut dependants));
        }
    }

    /// Adds a task that will have the result of one of another graph, with one handle; gives its turn too.
    pub fn adopt(&mut self, key: Key, label: Label, outside: Arc<Outside>) -> (Id, u64) {
        if self.closed {
            self.trash.outsides.push(outside);
            return (self.place(key, label, None, LiveOptions::default(), State::Cancelled), self.turns);
        }
        let id = self.place(key, label, None, LiveOptions::default(), State::Waiting(1));
        if let Some(entry) = self.entry_mut(id) {
            entry.outside = Some(outside);
            // the other graph tells of it
            entry.told = true;
        }
        self.open += 1;
        self.known.insert(key, id);
        (id, self.turns)
    }

    /// What an adopted task waits for, if it still does.
    pub fn outside(&self, id: Id, turn: u64) -> Option<Arc<Outside>> {
        self.entry(id).filter(|entry| entry.turn == turn && !entry.has_ended())?.outside.clone()
    }

    /// The result of an adopted task has come.
    pub fn arrive(&mut self, id: Id, turn: u64, result: Result<Payload>) {
        if self.entry(id).is_none_or(|entry| entry.turn != turn || entry.has_ended()) {
            self.trash.payloads.extend(result.ok());
            return;
        }
        match result {
            Ok(payload) => self.finish(id, payload),
            Err(error) => self.fail(id, error),
        }
        self.forget_unused(id);
    }

    /// Adds a result that is there already, with one handle.
    pub fn put(&mut self, key: Key, label: Label, payload: Payload) -> Id {
        if self.closed {
            self.trash.payloads.push(payload);
            return self.place(key, label, None, LiveOptions::default(), State::Cancelled);
        }
        let id = self.place(key, label, None, LiveOptions::default(), State::Finished(payload));
        self.known.insert(key, id);
        id
    }

    fn place(&mut self, key: Key, label: Label, work: Option<LiveWork>, options: LiveOptions, state: State) -> Id {
        self.turns += 1;
        let turn = self.turns;
        let entry = Entry {
            key,
            label,
            work,
            outside: None,
            options,
            turn,
            state,
            needs: Vec::new(),
            dependants: Vec::new(),
            users: 1,
            awaits: Vec::new(),
            listeners: Vec::new(),
            unannounced: false,
            told: false,
        };
        match self.free.pop() {
            Some(id) => {
                self.entries[id as usize] = Some(entry);
                id
            }
            None => {
                self.entries.push(Some(entry));
                (self.entries.len() - 1) as Id
            }
        }
    }

    fn queue(&mut self, id: Id) {
        if let Some(entry) = self.entry_mut(id) {
            entry.state = State::Ready;
            let item = (entry.options.priority, Reverse(entry.turn), id);
            self.ready.push(item);
        }
    }

    /// The most urgent task that could start now.
    pub fn next(&mut self, session: &Cancel) -> Option<Job> {
        if !self.has_ready() {
            return None;
        }
        let (_, _, id) = self.ready.pop()?;
        self.start(id, session)
    }

    /// Starts this task.
    pub fn start(&mut self, id: Id, session: &Cancel) -> Option<Job> {
        let entry = self.entry_mut(id)?;
        let cancel = session.child();
        entry.state = State::Running(cancel.clone());
        let (turn, key, label, work) = (entry.turn, entry.key, entry.label.clone(), entry.work.clone()?);
        let again = entry.options.retries > 0;
        let needs = entry.needs.clone();
        let inputs = needs.iter().filter_map(|&need| self.input(need, again)).collect();
        Some(Job { id, turn, key, label, work, inputs, cancel })
    }

    /// A result that a task needs: given away to the last who does.
    fn input(&mut self, id: Id, again: bool) -> Option<Payload> {
        let entry = self.entry_mut(id)?;
        if entry.users > 1 || again {
            return match &entry.state {
                State::Finished(payload) => Some(payload.clone()),
                _ => None,
            };
        }
        let key = entry.key;
        let given = match std::mem::replace(&mut entry.state, State::Given) {
            State::Finished(payload) => Some(payload),
            other => {
                entry.state = other;
                return None;
            }
        };
        self.forget_key(key, id);
        given
    }

    fn forget_key(&mut self, key: Key, id: Id) {
        if self.known.get(&key) == Some(&id) {
            self.known.remove(&key);
        }
    }

    /// A task that ran has ended.
    pub fn settle(&mut self, id: Id, turn: u64, result: Result<Payload>) {
        let Some(entry) = self.entry_mut(id).filter(|entry| entry.turn == turn) else {
            self.trash.payloads.extend(result.ok());
            return;
        };
        entry.awaits.clear();
        if !matches!(entry.state, State::Running(_)) {
            // cancelled meanwhile: nobody wants to know
            self.trash.payloads.extend(result.ok());
            return self.forget_unused(id);
        }
        let again = entry.tries_again(&result);
        match result {
            Ok(payload) => self.finish(id, payload),
            Err(_) if again => {
                entry.options.retries -= 1;
                self.queue(id);
            }
            Err(error) => self.fail(id, error),
        }
        self.forget_unused(id);
    }

    /// The result of a task is there; those that have waited for nothing else can start.
    fn finish(&mut self, id: Id, payload: Payload) {
        self.end(id, State::Finished(payload));
        let dependants = self.entry_mut(id).map(|e| std::mem::take(&mut e.dependants)).unwrap_or_default();
        for (dependant, turn) in dependants {
            if self.entry(dependant).is_some_and(|e| e.turn == turn) {
                self.provide(dependant);
            }
        }
    }

    /// One of the things that a waiting task needs is there.
    fn provide(&mut self, id: Id) {
        if let Some(State::Waiting(missing)) = self.entry_mut(id).map(|entry| &mut entry.state) {
            *missing -= 1;
            if *missing == 0 {
                self.queue(id);
            }
        }
    }

    /// The task and all that wait for it fail with the same error.
    fn fail(&mut self, id: Id, error: Error) {
        let Some(turn) = self.entry(id).map(|e| e.turn) else { return };
        let mut failed = vec![(id, turn)];
        while let Some((id, turn)) = failed.pop() {
            let Some(entry) = self.entry_mut(id).filter(|e| e.turn == turn && !e.has_ended()) else { continue };
            failed.append(&mut entry.dependants);
            let state = if error.is_cancelled() { State::Cancelled } else { State::Failed(error.again()) };
            self.end(id, state);
        }
    }

    /// Writes down how a task has ended, tells who listens, and gives back what it needed.
    fn end(&mut self, id: Id, state: State) {
        let Some(entry) = self.entry_mut(id) else { return };
        entry.state = state;
        let (needs, listeners) = (std::mem::take(&mut entry.needs), std::mem::take(&mut entry.listeners));
        let (key, work, outside) = (entry.key, entry.work.take(), entry.outside.take());
        if matches!(entry.state, State::Cancelled) {
            self.forget_key(key, id);
        }
        self.trash.works.extend(work);
        self.trash.outsides.extend(outside);
        self.open -= 1;
        for listener in listeners {
            match listener {
                Listener::Mailbox(mailbox, number) => mailbox.put(number),
                Listener::Graph(arrival) => self.trash.arrivals.push(arrival),
            }
        }
        self.note_dropped(id);
        needs.into_iter().for_each(|need| self.release(need));
    }

    /// Cancels a task and all that wait for it.
    pub fn cancel(&mut self, id: Id) {
        if let Some(State::Running(cancel)) = self.entry(id).map(|e| &e.state) {
            cancel.cancel();
        }
        self.fail(id, Error::new(ErrorKind::Cancelled));
    }

    /// Cancels what has not ended; what is added from now on is cancelled at once.
    pub fn end_all(&mut self) {
        self.closed = true;
        for id in 0..self.entries.len() as Id {
            if self.entry(id).is_some_and(|e| !e.has_ended()) {
                self.cancel(id);
            }
        }
    }

    /// The same, and all results are gone too.
    pub fn close(&mut self) {
        self.end_all();
        for entry in self.entries.iter_mut().flatten() {
            let old = std::mem::replace(&mut entry.state, State::Cancelled);
            match old {
                State::Finished(payload) => self.trash.payloads.push(payload),
                State::Failed(_) | State::Given => entry.state = old,
                _ => {}
            }
        }
        self.known.clear();
    }

    /// One who used it does so no longer. What nobody uses is cancelled and forgotten.
    pub fn release(&mut self, id: Id) {
        let mut released = vec![id];
        while let Some(id) = released.pop() {
            let Some(entry) = self.entry_mut(id) else { continue };
            entry.users -= 1;
            if entry.users > 0 {
                continue;
            }
            if let State::Running(cancel) = &entry.state {
                // its place is kept until it ends
                cancel.cancel();
                entry.state = State::Cancelled;
                released.append(&mut entry.needs);
                self.open -= 1;
                let key = self.entry(id).map(|e| e.key);
                key.into_iter().for_each(|key| self.forget_key(key, id));
                self.note_dropped(id);
                continue;
            }
            if !entry.has_ended() {
                released.append(&mut entry.needs);
                self.open -= 1;
                self.note_dropped(id);
            }
            self.forget(id);
        }
    }

    fn forget_unused(&mut self, id: Id) {
        if self.entry(id).is_some_and(|e| e.users == 0 && e.has_ended()) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: Id) {
        if let Some(entry) = self.entries.get_mut(id as usize).and_then(Option::take) {
            self.forget_key(entry.key, id);
            self.free.push(id);
            self.trash.entries.push(entry);
        }
    }

    /// One uses it more.
    pub fn retain(&mut self, id: Id) {
        if let Some(entry) = self.entry_mut(id) {
            entry.users += 1;
        }
    }

    pub fn status(&self, id: Id) -> Status {
        match self.entry(id).map(|e| &e.state) {
            Some(State::Waiting(_) | State::Ready | State::Running(_)) => Status::Pending,
            Some(State::Finished(_)) => Status::Finished,
            Some(State::Failed(_)) => Status::Error,
            Some(State::Cancelled) => Status::Cancelled,
            Some(State::Given) | None => Status::Lost,
        }
    }

    /// How it has ended, if it has.
    pub fn outcome(&self, id: Id) -> Option<Result<Payload>> {
        let lost = || Error::invalid("the result is not there any more").help("keep a handle to the future");
        let entry = self.entry(id)?;
        match &entry.state {
            State::Waiting(_) | State::Ready | State::Running(_) => None,
            State::Finished(payload) => Some(Ok(payload.clone())),
            State::Failed(error) => Some(Err(error.again())),
            State::Cancelled => Some(Err(Error::new(ErrorKind::Cancelled))),
            State::Given => Some(Err(lost())),
        }
        .map(|outcome| outcome.map_err(|error| error.at_key(key_text(entry), &entry.label.name, None)))
    }

    /// Puts `number` into the mailbox when the task has ended, or now if it has.
    pub fn listen(&mut self, id: Id, mailbox: &Mailbox, number: usize) {
        match self.entry_mut(id).filter(|entry| !entry.has_ended()) {
            Some(entry) => entry.listeners.push(Listener::Mailbox(mailbox.clone(), number)),
            None => mailbox.put(number),
        }
    }

    /// Nobody waits at this mailbox any more.
    pub fn unlisten(&mut self, id: Id, mailbox: &Mailbox) {
        if let Some(entry) = self.entry_mut(id) {
            entry
                .listeners
                .retain(|listener| !matches!(listener, Listener::Mailbox(other, _) if other.is_same(mailbox)));
        }
    }

    /// Tells a graph when the task has ended; it has to look itself if it has already.
    pub fn listen_for(&mut self, id: Id, arrival: Arrival) {
        match self.entry_mut(id).filter(|entry| !entry.has_ended()) {
            Some(entry) => entry.listeners.push(Listener::Graph(arrival)),
            None => self.trash.arrivals.push(arrival),
        }
    }

    /// A graph has forgotten the task that it had adopted.
    pub fn unlisten_for(&mut self, id: Id, arrival: &Arrival) {
        if let Some(entry) = self.entry_mut(id) {
            entry.listeners.retain(|listener| !matches!(listener, Listener::Graph(other) if other == arrival));
        }
    }

    /// A running task begins or ends to wait for another.
    pub fn set_awaits(&mut self, (running, turn): (Id, u64), awaited: Option<Id>) {
        if let Some(entry) = self.entry_mut(running).filter(|entry| entry.turn == turn) {
            match awaited {
                Some(awaited) => entry.awaits.push(awaited),
                None => drop(entry.awaits.pop()),
            }
        }
    }

    /// Whether a task can come to its end while `waiter`, a running one, waits for it.
    ///
    /// # Errors
    /// `Invalid` when it needs `waiter`, or something that waits for it: it will never come.
    pub fn check_comes(&self, id: Id, waiter: Id) -> Result<()> {
        let mut seen = FxHashSet::default();
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            if waiter == id {
                return Err(Error::invalid("a task waits for a result that needs its own")
                    .help("give it the future as an argument, or compute the part that it needs apart"));
            }
            if seen.insert(id) {
                stack.extend(self.below(id));
            }
        }
        Ok(())
    }

    /// What a task that has not ended needs now.
    fn below(&self, id: Id) -> &[Id] {
        match self.entry(id) {
            Some(Entry { state: State::Waiting(_), needs, .. }) => needs,
            Some(Entry { state: State::Running(_), awaits, .. }) => awaits,
            _ => &[],
        }
    }

    /// What a thread can do so that a task comes to its end, going on where the search was.
    pub fn search(&self, search: &mut Search) -> Option<Found> {
        if search.stack.is_empty() {
            search.seen.clear();
            search.stack.extend(self.entry(search.root).map(|entry| (search.root, entry.turn, 0)));
        }
        while let Some((id, turn, looked_at)) = search.stack.last_mut() {
            let id = *id;
            let entry = self.entry(id).filter(|entry| entry.turn == *turn);
            match entry {
                // it is looked at again when it has run
                Some(Entry { state: State::Ready, .. }) => return Some(Found::Ready(id)),
                Some(Entry { state: State::Waiting(_), outside: Some(outside), .. }) => {
                    let outside = outside.clone();
                    search.stack.pop();
                    return Some(Found::Outside(outside));
                }
                _ => {}
            }
            let next = entry.and_then(|_| self.below(id).get(*looked_at).copied());
            *looked_at += 1;
            match next {
                Some(need) if search.seen.insert(need) => {
                    search.stack.extend(self.entry(need).map(|entry| (need, entry.turn, 0)));
                }
                Some(_) => {}
                None => drop(search.stack.pop()),
            }
        }
        None
    }

    /// How many tasks are known, and how many have not ended.
    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len() - self.free.len(), self.open)
    }
}

/// A key as people read it: `name-hash`.
fn key_text(entry: &Entry) -> String {
    super::task::key_text(&entry.label.name, entry.key)
}

impl fmt::Debug for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tasks, {} open", self.entries.len() - self.free.len(), self.open)
    }
}

/// A label of a task that belongs to no partition.
pub(super) fn label(name: &Arc<str>) -> Label {
    Label { name: name.clone(), partition: 0 }
}
