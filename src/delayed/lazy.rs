//! What a call that is only written down will give.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::argument::Value;
use super::content;
use super::function::{TaskFn, delayed};
use super::future::Future;
use super::node::{Need, Node, graph, only, shape};
use crate::base::shown::card;
use crate::base::{Error, Result, Token};
use crate::exec::LiveWork;
use crate::graph::Key;
use crate::graph::draw::{Tasks, Visualize};
use crate::session::Session;

/// A value that is not computed yet: see [`delayed`](fn@delayed). Clones stand for the same value.
///
/// It cannot be a condition, since nothing is known of it:
/// ```compile_fail
/// let x = partita::delayed(|x: i64| x > 0).call(1);
/// if x {}
/// ```
pub struct Delayed<T> {
    pub(super) node: Arc<Node>,
    of: PhantomData<fn() -> T>,
}

impl<T: Value> Delayed<T> {
    pub(super) fn of(node: Arc<Node>) -> Delayed<T> {
        Delayed { node, of: PhantomData }
    }

    /// A value that is there already, as a delayed one: shared by all who need it instead of being copied into each call.
    pub fn value(value: T) -> Delayed<T> {
        let payload = content::hold(value);
        let work: LiveWork = Arc::new(move |_, _| Ok(payload.clone()));
        Delayed::of(Node::new(Key::new(Token::fresh(), 0), content::type_name::<T>().into(), Vec::new(), work))
    }

    pub(super) fn need(&self) -> Need {
        Need::Call(self.node.clone())
    }

    /// Its key: `name-hash`. Equal keys stand for the same work.
    pub fn key(&self) -> String {
        self.node.key_text()
    }

    /// What its function is called.
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// Computes it, and all that it needs, on the threads of the current session.
    ///
    /// # Errors
    /// The first error of a task, which names it; `Panicked` for a panic; `Cancelled`.
    pub fn compute(&self) -> Result<T> {
        self.compute_with(&Session::current()?)
    }

    /// Computes it in this session.
    ///
    /// # Errors
    /// As [`compute`](Self::compute).
    pub fn compute_with(&self, session: &Session) -> Result<T> {
        let (graph, wanted) = graph(&[&self.node], session);
        let payloads: Vec<_> = session.run_graph(graph, wanted)?.collect::<Result<_>>()?;
        content::take(only(payloads)?)
    }

    /// Starts computing it in the background of the current session, and gives at once a value that stands for the result:
    /// what is made of it does not compute it again.
    ///
    /// # Errors
    /// With the synchronous scheduler, which computes here, those of the tasks.
    pub fn persist(&self) -> Result<Delayed<T>> {
        self.persist_with(&Session::current()?)
    }

    /// Starts computing it in this session: see [`persist`](Self::persist).
    ///
    /// # Errors
    /// As [`persist`](Self::persist).
    pub fn persist_with(&self, session: &Session) -> Result<Delayed<T>> {
        let (graph, wanted) = graph(&[&self.node], session);
        let run = Arc::new(session.run_graph(graph, wanted)?);
        if !session.works_in_background() {
            run.wait()?;
        }
        let work: LiveWork = Arc::new(move |_, ctx| run.get_unless(0, &ctx.cancel));
        Ok(Delayed::of(Node::new(self.node.key, self.node.name.clone(), Vec::new(), work)))
    }

    /// What a function makes of it.
    pub fn map<F, M>(&self, function: F) -> Delayed<F::Output>
    where
        F: TaskFn<M, Args = (T,)>,
        M: 'static,
    {
        delayed(function).apply((self,))
    }

    /// A picture of the calls that are written down: as SVG, as DOT or as a file, top down or left to right (Dask's
    /// `visualize`). Functions are round, what they give is a box. Nothing is computed, and no program is needed.
    ///
    /// ```
    /// use partita::delayed;
    /// let inc = delayed(|x: i64| x + 1).named("inc");
    /// let total = delayed(|x: i64, y: i64| x + y).named("add").call(inc.call(1), inc.call(2));
    /// assert!(total.visualize().left_to_right().svg()?.contains("inc"));
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// Asking for it is an error of kind `Unsupported` when there are more than 1,000 nodes:
    /// [`collapsed`](Visualize::collapsed), what does the same is one; [`forced`](Visualize::force), it is drawn anyway.
    pub fn visualize(&self) -> Visualize {
        let (graph, wanted) = shape(&[&self.node]);
        Visualize::of_tasks(self.name(), Tasks::of(&graph, &wanted))
    }

    /// It as a table in HTML.
    pub fn to_html(&self) -> String {
        let facts = [("Type", content::type_name::<T>()), ("Tasks", self.num_tasks().to_string()), ("Key", self.key())];
        card("Delayed", &facts)
    }

    /// How many tasks the calls that are written down are.
    pub fn num_tasks(&self) -> usize {
        shape(&[&self.node]).0.len()
    }
}

impl<T: Value> Delayed<Vec<T>> {
    /// The items of a list whose length is known (Dask's `nout`): each stands for itself.
    ///
    /// ```
    /// use partita::delayed;
    /// let halves = delayed(|xs: Vec<i64>| vec![xs[..2].to_vec(), xs[2..].to_vec()]).call(vec![1, 2, 3, 4]).nout(2);
    /// assert_eq!(halves[1].compute()?, [3, 4]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    pub fn nout(&self, items: usize) -> Vec<Delayed<T>> {
        (0..items).map(|i| self.get(i)).collect()
    }

    /// One item; an error when the list turns out to be shorter.
    pub fn get(&self, item: usize) -> Delayed<T> {
        let pick = move |list: Vec<T>| {
            let items = list.len();
            let missing = || Error::invalid(format!("the list has {items} items, there is no item {item}"));
            list.into_iter().nth(item).ok_or_else(missing)
        };
        delayed(pick).named("get").apply((self,))
    }
}

macro_rules! split {
    ($($name:ident)*) => {
        impl<$($name: Value),*> Delayed<($($name,)*)> {
            /// The parts of a tuple, each for itself.
            #[allow(non_snake_case, unused_variables)]
            pub fn split(&self) -> ($(Delayed<$name>,)*) {
                split!(self [] $($name)*; $($name)*)
            }
        }
    };
    // one part after the other: the first name that is left is the one picked
    ($all:ident [$($done:expr,)*] ; $($name:ident)*) => { ($($done,)*) };
    ($all:ident [$($done:expr,)*] $pick:ident $($left:ident)*; $($name:ident)*) => {
        split!($all [
            $($done,)*
            delayed(|($($name,)*): ($($name,)*)| $pick).named("get").apply(($all,)),
        ] $($left)*; $($name)*)
    };
}

split!(A B);
split!(A B C);
split!(A B C D);

impl<T: Value> FromIterator<Delayed<T>> for Delayed<Vec<T>> {
    /// A list of delayed values as a delayed list.
    fn from_iter<I: IntoIterator<Item = Delayed<T>>>(items: I) -> Self {
        let items: Vec<Delayed<T>> = items.into_iter().collect();
        delayed(|list: Vec<T>| list).named("list").apply((items,))
    }
}

impl<T> Clone for Delayed<T> {
    fn clone(&self) -> Self {
        Delayed { node: self.node.clone(), of: PhantomData }
    }
}

impl<T: Value> fmt::Display for Delayed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delayed('{}')", self.key())
    }
}

impl<T> fmt::Debug for Delayed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delayed('{}')", self.node.key_text())
    }
}

/// Computes several values at once, in the current session: what they share is computed once (Dask's
/// `dask.compute(a, b, c)`).
///
/// ```
/// use partita::{compute_all, delayed};
/// let base = delayed(|| vec![1i64, 2, 3]).call();
/// let sum = base.map(|xs: Vec<i64>| xs.iter().sum::<i64>());
/// let len = base.map(|xs: Vec<i64>| xs.len());
/// assert_eq!(compute_all((sum, len))?, (6, 3));
/// # Ok::<(), partita::Error>(())
/// ```
///
/// # Errors
/// As [`Delayed::compute`].
pub fn compute_all<C: ComputeAll>(values: C) -> Result<C::Output> {
    values.compute_all(&Session::current()?)
}

/// Values that are computed at once: tuples and lists of [`Delayed`].
pub trait ComputeAll {
    /// What they give.
    type Output;

    /// Computes them in this session.
    ///
    /// # Errors
    /// As [`Delayed::compute`].
    fn compute_all(self, session: &Session) -> Result<Self::Output>;
}

impl<T: Value> ComputeAll for Vec<Delayed<T>> {
    type Output = Vec<T>;

    fn compute_all(self, session: &Session) -> Result<Vec<T>> {
        let nodes: Vec<_> = self.iter().map(|value| &value.node).collect();
        let (graph, wanted) = graph(&nodes, session);
        session.run_graph(graph, wanted)?.map(|payload| content::take(payload?)).collect()
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: Value),*> ComputeAll for ($(Delayed<$name>,)*) {
            type Output = ($($name,)*);

            #[allow(non_snake_case)]
            fn compute_all(self, session: &Session) -> Result<Self::Output> {
                let ($($name,)*) = &self;
                let (graph, wanted) = graph(&[$(&$name.node),*], session);
                let mut payloads = session.run_graph(graph, wanted)?;
                let mut next = || payloads.next().unwrap_or_else(|| Err(Error::invalid("a run gave too few results")));
                Ok(($(content::take::<$name>(next()?)?,)*))
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);

impl<T: Value> From<Future<T>> for Delayed<T> {
    /// A result that is being computed, as a part of what is only written down.
    fn from(future: Future<T>) -> Self {
        // of the same key: in a graph it is the future's task itself
        let work: LiveWork = Arc::new(|results, _| only(results));
        let (key, name) = (future.task().key(), future.task().name().clone());
        Delayed::of(Node::new(key, name, vec![future.need()], work))
    }
}
