//! The books against a slow twin. Everything that happens to a live graph happens under one lock, as a change of the books:
//! so all that threads can do is a sequence of changes, and any sequence must leave books and twin alike.

use std::sync::Arc;

use proptest::prelude::*;

use super::books::{Books, Found, Id, Job, Order, Search, Status, label};
use super::graph::{LiveOptions, LiveWork};
use crate::base::{Error, Token};
use crate::exec::Cancel;
use crate::graph::{Key, Payload};

/// A change that some thread asks for; places are taken modulo what there is.
#[derive(Clone, Debug)]
enum Change {
    Add { key: usize, needs: Vec<usize>, retries: u32 },
    Start,
    StartFor(usize),
    Settle { job: usize, fails: bool },
    Cancel(usize),
    Clone(usize),
    Drop(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Finished,
    Failed,
    Cancelled,
}

/// A task as the twin sees it: never forgotten, every fact looked for anew.
struct Task {
    key: usize,
    needs: Vec<usize>,
    retries: u32,
    state: State,
    findable: bool,
}

#[derive(Default)]
struct Twin {
    tasks: Vec<Task>,
    /// The tasks that there are handles to.
    handles: Vec<usize>,
}

impl Twin {
    fn is_open(&self, task: usize) -> bool {
        matches!(self.tasks[task].state, State::Waiting | State::Running)
    }

    /// Those who use a task: handles, and open tasks that need it, once for each time.
    fn users(&self, task: usize) -> usize {
        let handles = self.handles.iter().filter(|&&handle| handle == task).count();
        let open = self.tasks.iter().enumerate().filter(|(other, _)| self.is_open(*other));
        handles + open.map(|(_, other)| other.needs.iter().filter(|&&need| need == task).count()).sum::<usize>()
    }

    /// Draws all conclusions: what nobody uses is cancelled, failures and cancellations reach what waits for them.
    fn conclude(&mut self) {
        loop {
            let mut changed = false;
            for task in 0..self.tasks.len() {
                let ends = match () {
                    () if !self.is_open(task) => continue,
                    () if self.users(task) == 0 => Some(State::Cancelled),
                    () if self.tasks[task].state == State::Running => None,
                    // the first that ended badly
                    () => {
                        let ended = self.tasks[task].needs.iter().map(|&need| self.tasks[need].state);
                        ended.into_iter().find(|state| matches!(state, State::Failed | State::Cancelled))
                    }
                };
                if let Some(state) = ends {
                    self.tasks[task].state = state;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        for task in 0..self.tasks.len() {
            let gone = self.tasks[task].state == State::Cancelled || self.users(task) == 0;
            self.tasks[task].findable &= !gone;
        }
    }

    fn is_ready(&self, task: usize) -> bool {
        let Task { state, needs, .. } = &self.tasks[task];
        *state == State::Waiting && needs.iter().all(|&need| self.tasks[need].state == State::Finished)
    }

    fn status(&self, task: usize) -> Status {
        match self.tasks[task].state {
            State::Waiting | State::Running => Status::Pending,
            State::Finished => Status::Finished,
            State::Failed => Status::Error,
            State::Cancelled => Status::Cancelled,
        }
    }
}

/// The books, and the twin beside them.
#[derive(Default)]
struct Both {
    books: Books,
    twin: Twin,
    /// The place in the books of each handle of the twin.
    ids: Vec<Id>,
    jobs: Vec<(usize, Job)>,
    session: Cancel,
}

fn key(number: usize) -> Key {
    Key::new(Token(number as u128), 0)
}

impl Both {
    fn apply(&mut self, change: &Change) {
        let many = self.twin.handles.len();
        match change {
            Change::Add { key, needs, retries } => self.add(*key, needs, *retries),
            Change::Start => {
                let job = self.books.next(&self.session);
                self.started(job);
            }
            Change::StartFor(handle) if many > 0 => {
                let found = self.books.search(&mut Search::new(self.ids[handle % many]));
                let job = match found {
                    Some(Found::Ready(id)) => self.books.start(id, &self.session),
                    _ => None,
                };
                self.started(job);
            }
            Change::Settle { job, fails } if !self.jobs.is_empty() => {
                let (task, job) = self.jobs.remove(job % self.jobs.len());
                self.settle(task, job, *fails);
            }
            Change::Cancel(handle) if many > 0 => {
                let handle = handle % many;
                self.books.cancel(self.ids[handle]);
                let task = self.twin.handles[handle];
                if self.twin.is_open(task) {
                    self.twin.tasks[task].state = State::Cancelled;
                }
            }
            Change::Clone(handle) if many > 0 => {
                let handle = handle % many;
                self.books.retain(self.ids[handle]);
                self.ids.push(self.ids[handle]);
                self.twin.handles.push(self.twin.handles[handle]);
            }
            Change::Drop(handle) if many > 0 => {
                let handle = handle % many;
                self.twin.handles.remove(handle);
                let id = self.ids.remove(handle);
                self.books.release(id);
            }
            _ => {}
        }
        self.twin.conclude();
        drop(self.books.take_trash());
    }

    fn add(&mut self, number: usize, needs: &[usize], retries: u32) {
        let known = self.twin.tasks.iter().position(|task| task.findable && task.key == number);
        let found = self.books.find(key(number));
        assert_eq!(found.is_some(), known.is_some(), "key {number}");
        if let (Some(id), Some(task)) = (found, known) {
            self.ids.push(id);
            self.twin.handles.push(task);
            return;
        }
        let many = self.twin.handles.len();
        let needs: Vec<usize> = needs.iter().filter(|_| many > 0).map(|need| need % many).collect();
        let work: LiveWork = Arc::new(|_, _| Ok(Payload::new(())));
        let options = LiveOptions { priority: 0, retries };
        let ids = needs.iter().map(|&need| self.ids[need]).collect();
        let order = Order { key: key(number), label: label(&"task".into()), needs: ids, work, options };
        self.ids.push(self.books.add(order));
        let needs: Vec<usize> = needs.iter().map(|&need| self.twin.handles[need]).collect();
        self.twin.handles.push(self.twin.tasks.len());
        let ended = |state| needs.iter().any(|&need| self.twin.tasks[need].state == state);
        let findable = !ended(State::Failed) && !ended(State::Cancelled);
        self.twin.tasks.push(Task { key: number, needs, retries, state: State::Waiting, findable });
    }

    /// A task has been started: one that could be. It has got all that it needs.
    fn started(&mut self, job: Option<Job>) {
        let Some(job) = job else { return };
        let ready = (0..self.twin.tasks.len())
            .find(|&task| self.twin.is_ready(task) && key(self.twin.tasks[task].key) == job.key);
        let task = ready.expect("a task was started that was not ready");
        let needs = self.twin.tasks[task].needs.clone();
        assert_eq!(job.inputs.len(), needs.len(), "inputs are missing");
        self.twin.tasks[task].state = State::Running;
        for need in needs {
            // the last who needs it has been given the result itself
            if self.twin.tasks[task].retries == 0 && self.twin.users(need) == 1 {
                self.twin.tasks[need].findable = false;
            }
        }
        self.jobs.push((task, job));
    }

    fn settle(&mut self, task: usize, job: Job, fails: bool) {
        let result = if fails { Err(Error::invalid("no")) } else { Ok(Payload::new(())) };
        self.books.settle(job.id, job.turn, result);
        let task = &mut self.twin.tasks[task];
        if task.state != State::Running {
            return;
        }
        task.state = match fails {
            false => State::Finished,
            true if task.retries > 0 => {
                task.retries -= 1;
                State::Waiting
            }
            true => State::Failed,
        };
    }

    fn compare(&mut self) {
        for (id, &task) in self.ids.iter().zip(&self.twin.handles) {
            assert_eq!(self.books.status(*id), self.twin.status(task), "task {task}");
        }
        let open = (0..self.twin.tasks.len()).filter(|&task| self.twin.is_open(task)).count();
        assert_eq!(self.books.counts().1, open, "open tasks");
        let ready = (0..self.twin.tasks.len()).any(|task| self.twin.is_ready(task));
        assert_eq!(self.books.has_ready(), ready, "something to do");
    }
}

fn change() -> impl Strategy<Value = Change> {
    let some = 0usize..1000;
    let needs = proptest::collection::vec(0usize..1000, 0..4);
    prop_oneof![
        4 => (0usize..14, needs, 0u32..2).prop_map(|(key, needs, retries)| Change::Add { key, needs, retries }),
        3 => Just(Change::Start),
        1 => some.clone().prop_map(Change::StartFor),
        4 => (some.clone(), prop::bool::weighted(0.3)).prop_map(|(job, fails)| Change::Settle { job, fails }),
        1 => some.clone().prop_map(Change::Cancel),
        1 => some.clone().prop_map(Change::Clone),
        3 => some.prop_map(Change::Drop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_sequence_leaves_books_and_twin_alike(changes in proptest::collection::vec(change(), 0..80)) {
        let mut both = Both::default();
        for change in &changes {
            both.apply(change);
            both.compare();
        }
        // nothing is left when nobody holds anything
        while !both.ids.is_empty() {
            both.apply(&Change::Drop(0));
            both.compare();
        }
        while !both.jobs.is_empty() {
            both.apply(&Change::Settle { job: 0, fails: false });
        }
        prop_assert_eq!(both.books.counts(), (0, 0));
    }
}
