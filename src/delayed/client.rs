//! Submits calls and collections to a cluster, and gathers results.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::argument::{Argument, Arguments, Value};
use super::card::card;
use super::cluster::LocalCluster;
use super::content;
use super::frames::Collection;
use super::function::{Function, TaskFn, Written, delayed};
use super::future::Future;
use super::node::{Need, adopted, submit};
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
    /// The session that was used where none was named.
    before: Option<Session>,
}

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
        let before = Session::current()?;
        let session = cluster.session();
        session.make_current();
        Ok(Client(Arc::new(Inner { cluster: cluster.clone(), live: session.live(), before: Some(before) })))
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

    /// A value as a future, to be given to many calls: it is shared by them instead of being copied into each.
    pub fn scatter<T: Value>(&self, value: T) -> Future<T> {
        let mut seen = true;
        let token = Token::of(|t| {
            t.str("scattered");
            seen = content::write(&value, t);
        });
        let key = Key::new(if seen { token } else { Token::fresh() }, 0);
        Future::of(self.0.live.put(key, &content::type_name::<T>().into(), content::hold(value)))
    }

    /// Computes a frame, or a delayed value, in the background.
    pub fn compute<C: Collection>(&self, collection: &C) -> Future<C::Output> {
        collection.submit_to(self)
    }

    /// Starts computing the partitions of a frame, or a delayed value, in the background, and gives one at once that
    /// stands for the results.
    ///
    /// # Errors
    /// When something is found wrong at once.
    pub fn persist<C: Collection>(&self, collection: &C) -> Result<C> {
        collection.persist_in(self.session())
    }

    /// Waits until there are so many workers.
    ///
    /// # Errors
    /// `Timeout` when they did not come in time: a local cluster has all its workers from the beginning, and gets no more.
    pub fn wait_for_workers(&self, workers: usize, timeout: Duration) -> Result<()> {
        let there = self.cluster().n_workers();
        if there >= workers {
            return Ok(());
        }
        std::thread::sleep(timeout);
        let what = format!("Only {there}/{workers} workers arrived after {}", timeout.as_secs_f64());
        Err(Error::new(ErrorKind::Timeout { what }).help("start the cluster with more workers: n_workers(..)"))
    }

    /// Cancels what has not ended; all futures of this client are cancelled then. Session and cluster go on.
    pub fn close(&self) {
        self.0.close();
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

    /// A delayed call and all that it needs, in the background.
    pub(super) fn submit_node(&self, node: &Arc<super::node::Node>) -> LiveTask {
        submit(&self.0.live, node, LiveOptions::default())
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

    /// Its name in keys; the same name stands for the same call.
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
        self.call(&self.function(function), args)
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
        let function = self.function(function);
        items.into_iter().map(|item| self.call(&function, (item,))).collect()
    }

    fn function<F: TaskFn<M>, M: 'static>(&self, function: F) -> Function<F::Args, F::Output> {
        let function = delayed(function);
        let function = if self.pure { function.pure() } else { function };
        match &self.key {
            Some(name) => function.named(name),
            None => function,
        }
    }

    fn call<Args: 'static, R: Value>(&self, function: &Function<Args, R>, args: impl Arguments<Args>) -> Future<R> {
        let live = &self.client.0.live;
        let key = self.key.as_ref().map(|name| Key::new(Token::of(|t| t.str(name)), 0));
        let Written { key, inputs, work } = function.write(args, key);
        let needs: Vec<LiveTask> = inputs
            .needs
            .iter()
            .map(|need| match need {
                Need::Task(task) => adopted(live, task),
                Need::Call(node) => submit(live, node, self.options),
            })
            .collect();
        let needs: Vec<&LiveTask> = needs.iter().collect();
        Future::of(live.add(key, function.name(), &needs, work, self.options))
    }
}

impl Inner {
    fn close(&self) {
        self.live.close();
        let current = Session::current().is_ok_and(|current| current.is_same(self.cluster.session()));
        if let (true, Some(before)) = (current, &self.before) {
            before.make_current();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
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
