//! Submits calls and collections to a cluster, and gathers results.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::argument::{Argument, Arguments, Value};
use super::cluster::LocalCluster;
use super::content;
use super::frames::Collection;
use super::function::{Function, TaskFn, Written, delayed};
use super::future::{CLOSED, Future};
use super::lazy::Delayed;
use super::node::Submission;
use crate::base::shown::card;
use crate::base::{Error, ErrorKind, Result, Token};
use crate::exec::{LiveGraph, LiveOptions, LiveTask};
use crate::graph::Key;
use crate::session::Session;

/// Works with a cluster: submits calls, which run at once in the background, and gathers their results (Dask's
/// `Client`). Clones are handles to the same client.
///
/// While there is one, its session is the one that is used where none is named. When the last handle is dropped, or at
/// [`close`](Client::close), what has not ended is cancelled.
///
/// ```
/// use partita::{Client, LocalCluster};
///
/// fn inc(x: i64) -> i64 {
///     x + 1
/// }
/// fn add(x: i64, y: i64) -> i64 {
///     x + y
/// }
/// let cluster = LocalCluster::builder().n_workers(1).threads_per_worker(4).memory_limit("2GB").start()?;
/// let client = Client::connect(&cluster)?;
/// let x = client.submit(inc, (10,)); // returns at once
/// let y = client.submit(add, (&x, 1)); // a future as an argument
/// assert_eq!((x.result()?, y.result()?), (11, 12));
///
/// let all = client.map(inc, 0..1000);
/// let total = client.submit(|all: Vec<i64>| all.iter().sum::<i64>(), (&all,));
/// assert_eq!(total.result()?, 500_500);
/// assert_eq!(client.gather(&all[..5])?, [1, 2, 3, 4, 5]);
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    cluster: LocalCluster,
    live: LiveGraph,
}

/// The sessions of the clients that are open, each with the one that was used where none was named before it came.
static OPEN: Mutex<Vec<(LiveGraph, Session, Session)>> = Mutex::new(Vec::new());

/// What becomes of futures that failed when results are gathered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// The first error is the result.
    #[default]
    Raise,
    /// They are left out.
    Skip,
}

impl Client {
    /// A client of this cluster.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn connect(cluster: &LocalCluster) -> Result<Client> {
        let (session, before) = (cluster.session(), Session::current()?);
        let live = session.live();
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).push((live.clone(), session.clone(), before));
        session.make_current();
        Ok(Client(Arc::new(Inner { cluster: cluster.clone(), live })))
    }

    /// A client of a new cluster with a worker that has a thread for each core.
    ///
    /// # Errors
    /// As [`LocalClusterBuilder::start`](super::LocalClusterBuilder::start).
    pub fn local() -> Result<Client> {
        Client::connect(&LocalCluster::builder().start()?)
    }

    /// The cluster.
    pub fn cluster(&self) -> &LocalCluster {
        &self.0.cluster
    }

    /// Its session: frames can be read in it.
    pub fn session(&self) -> &Session {
        self.0.cluster.session()
    }

    /// Calls a function with these arguments, as a tuple, in the background. It is run once for equal arguments, as long
    /// as somebody holds the result: for functions that give something else each time, see [`task`](Self::task).
    pub fn submit<F, M>(&self, function: F, args: impl Arguments<F::Args>) -> Future<F::Output>
    where
        F: TaskFn<M>,
        M: 'static,
    {
        self.task().submit(function, args)
    }

    /// Calls a function with each of these arguments, in the background; the futures are in the order of the arguments.
    pub fn map<F, M, P, I>(&self, function: F, items: I) -> Vec<Future<F::Output>>
    where
        F: TaskFn<M, Args = (P,)>,
        M: 'static,
        P: Value,
        I: IntoIterator,
        I::Item: Argument<P>,
    {
        self.task().map(function, items)
    }

    /// How a call is to be run: its priority, retries, key, and whether equal calls are one.
    pub fn task(&self) -> Submit<'_> {
        Submit { client: self, options: LiveOptions::default(), pure: true, key: None }
    }

    /// The results, in their order.
    ///
    /// # Errors
    /// The first error of one of them.
    pub fn gather<'a, T: Value>(&self, futures: impl IntoIterator<Item = &'a Future<T>>) -> Result<Vec<T>> {
        self.gather_with(futures, OnError::Raise)
    }

    /// The results, in their order; futures that failed raise their error, or are left out.
    ///
    /// # Errors
    /// With [`OnError::Raise`] the first error of one of them.
    pub fn gather_with<'a, T: Value>(
        &self,
        futures: impl IntoIterator<Item = &'a Future<T>>,
        errors: OnError,
    ) -> Result<Vec<T>> {
        let results = futures.into_iter().map(Future::result);
        results.filter(|result| result.is_ok() || errors == OnError::Raise).collect()
    }

    /// A value as a future, to be given to many calls: it is shared by them instead of being copied into each. It counts
    /// against the memory limit as far as its size can be seen: where it does not fit, the future has failed.
    pub fn scatter<T: Value>(&self, value: T) -> Future<T> {
        let mut seen = true;
        let token = Token::of(|t| {
            t.str("scattered");
            seen = content::write(&value, t);
        });
        let key = Key::new(if seen { token } else { Token::fresh() }, 0);
        let (live, name) = (&self.0.live, content::type_name::<T>().into());
        if let Some(known) = live.find(key, &name) {
            return Future::of(known);
        }
        Future::of(match content::keep(value, live.context()) {
            Ok(payload) => live.put(key, &name, payload),
            Err(error) => live.add(key, &name, &[], Arc::new(move |_, _| Err(error.again())), LiveOptions::default()),
        })
    }

    /// Computes a frame, or a delayed value, in the background.
    pub fn compute<C: Collection>(&self, collection: &C) -> Future<C::Output> {
        collection.submit_to(self)
    }

    /// Computes several delayed values in the background: what they share is computed once (Dask's `client.compute` of a
    /// list).
    pub fn compute_all<'a, T: Value>(&self, values: impl IntoIterator<Item = &'a Delayed<T>>) -> Vec<Future<T>> {
        let mut submission = self.submission();
        values.into_iter().map(|value| Future::of(submission.call(&value.node))).collect()
    }

    /// Starts computing the partitions of a frame, or a delayed value, in the background, and gives one at once that
    /// stands for the results.
    ///
    /// # Errors
    /// When something is found wrong at once; `Cancelled` when the client was closed.
    pub fn persist<C: Collection>(&self, collection: &C) -> Result<C> {
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Cancelled).help(CLOSED));
        }
        collection.persist_in(self.session())
    }

    /// Waits until there are so many workers.
    ///
    /// # Errors
    /// `Timeout` when they do not come in time. A local cluster has all its workers from the beginning and gets no more, so
    /// there it is known at once.
    pub fn wait_for_workers(&self, workers: usize, timeout: Duration) -> Result<()> {
        let there = self.cluster().n_workers();
        if there >= workers {
            return Ok(());
        }
        let what = format!("Only {there}/{workers} workers arrived after {}", timeout.as_secs_f64());
        Err(Error::new(ErrorKind::Timeout { what }).help("start the cluster with more workers: n_workers(..)"))
    }

    /// Cancels what has not ended, and lets go of results: all futures of this client are cancelled then. Session and cluster
    /// go on.
    pub fn close(&self) {
        self.0.live.close();
        self.0.disconnect();
    }

    /// How many calls have not ended yet.
    pub fn pending(&self) -> usize {
        self.0.live.counts().1
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.0.live.is_closed()
    }

    /// It as a table in HTML.
    pub fn to_html(&self) -> String {
        card("Client", &self.cluster().facts())
    }

    pub(super) fn live(&self) -> &LiveGraph {
        &self.0.live
    }

    /// Delayed calls and all that they need, in the background.
    pub(super) fn submission(&self) -> Submission<'_> {
        Submission::new(&self.0.live, self.session(), LiveOptions::default())
    }
}

/// How a call is to be run: made by [`Client::task`].
///
/// ```
/// use partita::{Client, LocalCluster};
/// let client = Client::connect(&LocalCluster::builder().start()?)?;
/// let urgent = client.task().priority(10).retries(2).key("greeting").submit(|| "hello", ());
/// assert!(urgent.key().starts_with("greeting-"));
/// # Ok::<(), partita::Error>(())
/// ```
#[derive(Clone)]
pub struct Submit<'a> {
    client: &'a Client,
    options: LiveOptions,
    pure: bool,
    key: Option<String>,
}

impl Submit<'_> {
    /// Calls of a higher priority start first; the usual is 0.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.options.priority = priority;
        self
    }

    /// How often it is run again when it fails.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = retries;
        self
    }

    /// Whether calls with equal arguments give the same, so that one is enough: by default they do.
    #[must_use]
    pub fn pure(mut self, pure: bool) -> Self {
        self.pure = pure;
        self
    }

    /// Its name in keys. Of a single call it is the whole key: the same name stands for the same call, whatever its
    /// function and arguments. The calls of [`map`](Self::map) are told apart as without it.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_string());
        self
    }

    /// Calls a function with these arguments: see [`Client::submit`].
    pub fn submit<F, M>(&self, function: F, args: impl Arguments<F::Args>) -> Future<F::Output>
    where
        F: TaskFn<M>,
        M: 'static,
    {
        let key = self.key.as_ref().map(|name| Key::new(Token::of(|t| t.str(name)), 0));
        self.call(&self.function(function), args, key, &mut self.submission())
    }

    /// Calls a function with each of these arguments: see [`Client::map`].
    pub fn map<F, M, P, I>(&self, function: F, items: I) -> Vec<Future<F::Output>>
    where
        F: TaskFn<M, Args = (P,)>,
        M: 'static,
        P: Value,
        I: IntoIterator,
        I::Item: Argument<P>,
    {
        let (function, mut submission) = (self.function(function), self.submission());
        items.into_iter().map(|item| self.call(&function, (item,), None, &mut submission)).collect()
    }

    fn submission(&self) -> Submission<'_> {
        Submission::new(&self.client.0.live, self.client.session(), self.options)
    }

    fn function<F: TaskFn<M>, M: 'static>(&self, function: F) -> Function<F::Args, F::Output> {
        let function = delayed(function);
        let function = if self.pure { function.pure() } else { function };
        match &self.key {
            Some(name) => function.named(name),
            None => function,
        }
    }

    fn call<Args: 'static, R: Value>(
        &self,
        function: &Function<Args, R>,
        args: impl Arguments<Args>,
        key: Option<Key>,
        submission: &mut Submission<'_>,
    ) -> Future<R> {
        let live = &self.client.0.live;
        let Written { key, inputs, work } = function.write(args, key);
        let needs: Vec<LiveTask> = inputs.needs.iter().map(|need| submission.need(need)).collect();
        let needs: Vec<&LiveTask> = needs.iter().collect();
        Future::of(live.add(key, function.name(), &needs, work, self.options))
    }
}

impl Inner {
    fn disconnect(&self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = open.iter().position(|(live, ..)| live.is_same(&self.live)) else { return };
        let (_, session, before) = open.remove(place);
        match open.get_mut(place) {
            // who came later goes back further
            Some(later) => later.2 = before,
            None if Session::current().is_ok_and(|current| current.is_same(&session)) => before.make_current(),
            None => {}
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.live.end();
        self.disconnect();
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cluster, session) = (self.cluster(), self.session());
        let (threads, memory) = (session.threads(), session.memory_limit());
        write!(
            f,
            "<Client: '{}' workers={} threads={threads}, memory={memory}>",
            cluster.address(),
            cluster.n_workers()
        )
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
