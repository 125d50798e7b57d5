//! A result that is being computed.

use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use super::argument::Value;
use super::content;
use super::node::Need;
use crate::base::shown::card;
use crate::base::{Error, ErrorKind, Result, shown};
use crate::exec::{Helping, LiveGraph, LiveTask, Mailbox, Status};
use crate::graph::Payload;

/// What is said of everything that a client was closed before.
pub(super) const CLOSED: &str =
    "its client was closed, or its last handle dropped: connect a new one with Client::connect(&cluster)";

/// A result that is being computed in the background of a [`Client`](super::Client). Clones are handles to the same
/// result: it is kept as long as there is one, and when the last is dropped, what nobody needs any more is cancelled.
///
/// ```
/// use partita::{Client, LocalCluster};
/// let cluster = LocalCluster::builder().threads_per_worker(2).start()?;
/// let client = Client::connect(&cluster)?;
/// let ten = client.submit(|x: i64| x + 1, (9,));
/// let total = client.submit(|xs: Vec<i64>| xs.iter().sum::<i64>(), (vec![ten.clone(), ten],));
/// assert_eq!(total.result()?, 20);
/// # Ok::<(), partita::Error>(())
/// ```
pub struct Future<T> {
    task: LiveTask,
    of: PhantomData<fn() -> T>,
}

impl<T: Value> Future<T> {
    pub(super) fn of(task: LiveTask) -> Future<T> {
        Future { task, of: PhantomData }
    }

    pub(super) fn task(&self) -> &LiveTask {
        &self.task
    }

    pub(super) fn need(&self) -> Need {
        Need::Task(self.task.clone())
    }

    /// The result, waiting for it. It may be asked for again.
    ///
    /// A task may wait for others too: its thread works on them meanwhile. A thread of your own that a task starts cannot
    /// do that, so on a pool of one thread such a task must not wait for it.
    ///
    /// # Errors
    /// The error of the task or of one that it needs, unchanged: it names function, key and worker. `Cancelled`; `Invalid`
    /// when a task waits for a result that needs its own.
    pub fn result(&self) -> Result<T> {
        content::take(self.waited(None)?)
    }

    /// The result, waiting no longer than this. A task that waits for others on a thread of the pool works on what they
    /// need meanwhile: one that it has begun when the time is over is ended first.
    ///
    /// # Errors
    /// As [`result`](Self::result), and `Timeout`: the task goes on.
    pub fn result_timeout(&self, timeout: Duration) -> Result<T> {
        // more than the clock can count is for ever
        content::take(self.waited(Instant::now().checked_add(timeout))?)
    }

    /// How far it is: pending, finished, error, cancelled or lost.
    pub fn status(&self) -> Status {
        self.task.status()
    }

    /// Whether it has ended, in whatever way.
    pub fn done(&self) -> bool {
        self.status() != Status::Pending
    }

    /// Its key: `name-hash`.
    pub fn key(&self) -> String {
        self.task.key_text()
    }

    /// It as a table in HTML.
    pub fn to_html(&self) -> String {
        let facts = [("Status", self.status().to_string()), ("Type", content::type_name::<T>()), ("Key", self.key())];
        card("Future", &facts)
    }

    /// Why it failed, waiting for its end; nothing if it did not.
    pub fn exception(&self) -> Option<Error> {
        self.waited(None).err()
    }

    fn waited(&self, until: Option<Instant>) -> Result<Payload> {
        let graph = self.task.graph();
        self.task.wait(until).map_err(|error| {
            let by_closing = error.is_cancelled() && graph.is_closed() && !graph.context().cancel.is_cancelled();
            if by_closing { error.help(CLOSED) } else { error }
        })
    }

    /// Cancels it, and all that need it. A function that is running ends first; its result is dropped.
    pub fn cancel(&self) {
        self.task.cancel();
    }

    /// Whether it was cancelled.
    pub fn cancelled(&self) -> bool {
        self.status() == Status::Cancelled
    }
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Future { task: self.task.clone(), of: PhantomData }
    }
}

impl<T: 'static> fmt::Display for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, key) = (self.task.status(), self.task.key_text());
        match status {
            Status::Finished => write!(f, "<Future: {status}, type: {}, key: {key}>", content::type_name::<T>()),
            _ => write!(f, "<Future: {status}, key: {key}>"),
        }
    }
}

impl<T: 'static> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// How long a thread that could help waits for others before it does.
const LOOK: Duration = Duration::from_millis(5);
/// How often one that cannot looks whether the session was cancelled.
const HEED: Duration = Duration::from_millis(20);

/// The futures in the order in which they end (Dask's `as_completed`).
///
/// ```
/// use partita::{Client, LocalCluster, as_completed};
/// let client = Client::connect(&LocalCluster::builder().threads_per_worker(2).start()?)?;
/// let squares = client.map(|x: u64| x * x, 0..100u64);
/// let mut total = 0;
/// for square in as_completed(squares) {
///     total += square.result()?;
/// }
/// assert_eq!(total, 328_350);
/// # Ok::<(), partita::Error>(())
/// ```
pub fn as_completed<T: Value>(futures: impl IntoIterator<Item = Future<T>>) -> AsCompleted<T> {
    let mailbox = Mailbox::new();
    let mut all = AsCompleted { futures: Vec::new(), left: 0, mailbox, graph: None, helped: 0, helping: None };
    futures.into_iter().for_each(|future| all.add(future));
    all
}

/// Futures in the order in which they end: see [`as_completed`].
pub struct AsCompleted<T> {
    futures: Vec<Option<Future<T>>>,
    left: usize,
    mailbox: Mailbox,
    /// That of the last one: most often all are of the same.
    graph: Option<LiveGraph>,
    /// The place of the future that this thread helps to its end, if it is a thread of the pool.
    helped: usize,
    helping: Option<Helping>,
}

impl<T: Value> AsCompleted<T> {
    /// Adds one more, also while the others are iterated over.
    pub fn add(&mut self, future: Future<T>) {
        future.task.listen(&self.mailbox, self.futures.len());
        self.graph = Some(future.task.graph().clone());
        self.futures.push(Some(future));
        self.left += 1;
    }
}

impl<T> AsCompleted<T> {
    fn taken(&mut self, number: usize) -> Option<Future<T>> {
        let future = self.futures.get_mut(number)?.take()?;
        self.left -= 1;
        Some(future)
    }

    /// Runs one task that one of them needs, going around; the place of one that will never end is an error.
    fn help(&mut self) -> Result<bool, usize> {
        for _ in 0..=self.futures.len() {
            if let Some(Some(future)) = self.futures.get(self.helped) {
                let mut helping = match self.helping.take() {
                    Some(helping) => helping,
                    None => future.task.helping().map_err(|_| self.helped)?,
                };
                if helping.step().map_err(|_| self.helped)? {
                    self.helping = Some(helping);
                    return Ok(true);
                }
            }
            self.helping = None;
            self.helped = if self.helped < self.futures.len() { self.helped + 1 } else { 0 };
        }
        Ok(false)
    }
}

impl<T> Drop for AsCompleted<T> {
    fn drop(&mut self) {
        self.futures.iter().flatten().for_each(|future| future.task.unlisten(&self.mailbox));
    }
}

impl<T: Value> Iterator for AsCompleted<T> {
    type Item = Future<T>;

    fn next(&mut self) -> Option<Future<T>> {
        // nothing to help with: somebody else has it
        let mut idle = false;
        while self.left > 0 {
            let pause = match &self.graph {
                Some(graph) if !graph.may_help() => HEED,
                Some(graph) if idle || graph.has_other_workers() => LOOK,
                _ => Duration::ZERO,
            };
            if let Some(number) = self.mailbox.take(Some(Instant::now() + pause)) {
                if let Some(future) = self.taken(number) {
                    return Some(future);
                }
                continue;
            }
            self.graph.iter().for_each(LiveGraph::heed);
            if self.graph.as_ref().is_some_and(LiveGraph::may_help) {
                match self.help() {
                    Ok(helped) => idle = !helped,
                    Err(never) => return self.taken(never),
                }
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Waits until all of them have ended, in whatever way. For the first that has, see [`as_completed`].
pub fn wait_all<'a, T: Value>(futures: impl IntoIterator<Item = &'a Future<T>>) {
    futures.into_iter().for_each(|future| drop(future.task.wait(None)));
}

/// Waits until all of them have ended, in whatever way, but no longer than this (Dask's `wait` with a timeout).
///
/// # Errors
/// `Timeout`, saying how many have not; they go on.
pub fn wait_timeout<'a, T: Value>(futures: impl IntoIterator<Item = &'a Future<T>>, timeout: Duration) -> Result<()> {
    // more than the clock can count is for ever
    let until = Instant::now().checked_add(timeout);
    let (mut all, mut late) = (0, 0);
    for future in futures {
        drop(future.task.wait(until));
        all += 1;
        late += usize::from(!future.done());
    }
    match late {
        0 => Ok(()),
        late => {
            let what = format!("{late} of {all} futures have not ended in {}", shown::duration(timeout));
            Err(Error::new(ErrorKind::Timeout { what }))
        }
    }
}
