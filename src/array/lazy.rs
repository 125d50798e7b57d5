//! An array as something that can give any region of itself.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::Add;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::element::Element;
use super::region::Region;
use super::tile::Tile;
use crate::base::{Error, Identity, Result, Token};
use crate::exec::{TaskContext, Work};
use crate::graph::{Key, Label, Payload, TaskGraph, TaskId};
use crate::session::Session;

/// An array that need not exist: it gives the elements of any region, as often as it is asked. A chain of operations is
/// a chain of these, and is evaluated tile by tile in the cache; nothing lies between operations but a tile.
///
/// What must be computed as a whole before any region can be given (a mean, a persisted array) is held as blocks, which
/// a task gets as inputs: see [`Held`](super::held::Held).
pub trait Lazy<T: Element>: Identity + Debug + Send + Sync {
    /// What it is called in labels: one word.
    fn name(&self) -> &'static str;

    /// How many elements it has along each axis.
    fn shape(&self) -> &[usize];

    /// Notes the held blocks that a region needs.
    fn needs(&self, region: &Region, needs: &mut Needs);

    /// Writes the elements of a region, the last axis running fastest. `out` has as many places as the region elements.
    ///
    /// # Errors
    /// When an operation fails, or a held block is missing.
    fn read(&self, region: &Region, out: &mut [T], tile: &mut Tile<'_>) -> Result<()>;

    /// How many operations it is made of, itself included.
    fn operations(&self) -> Operations;

    /// Whether reading only copies what is held, so that a region of any size is best read at once.
    fn is_held(&self) -> bool {
        false
    }

    /// What was found wrong when it was made, if it is no array at all: see
    /// [`Array::checked`](super::chunked::Array::checked).
    fn failure(&self) -> Option<&Arc<Error>> {
        None
    }
}

/// How many operations something is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// All of them.
    pub all: usize,
    /// Those that are done each time that a region is read: up to what is held.
    pub fused: usize,
}

impl Operations {
    /// One.
    pub const ONE: Operations = Operations { all: 1, fused: 1 };
}

impl Add for Operations {
    type Output = Operations;

    fn add(self, more: Operations) -> Operations {
        Operations { all: self.all.saturating_add(more.all), fused: self.fused.saturating_add(more.fused) }
    }
}

impl Sum for Operations {
    fn sum<I: Iterator<Item = Operations>>(each: I) -> Operations {
        each.fold(Operations::default(), Add::add)
    }
}

/// Something whose blocks are computed by tasks and held until nobody needs them.
pub trait Barrier: Debug + Send + Sync {
    /// The identity of its content.
    fn token(&self) -> Token;

    /// The tasks that give its blocks, in their order.
    ///
    /// # Errors
    /// When something is found wrong only now.
    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>>;

    /// Waits until its blocks are there, if they are being computed already.
    ///
    /// # Errors
    /// The first error of the computation.
    fn wait(&self) -> Result<()> {
        Ok(())
    }
}

/// The held blocks that a task needs.
#[derive(Default)]
pub struct Needs {
    blocks: Vec<(Arc<dyn Barrier>, usize)>,
    seen: FxHashMap<(Token, usize), usize>,
}

impl Needs {
    /// This block of that.
    pub fn block(&mut self, of: &Arc<dyn Barrier>, block: usize) {
        let next = self.blocks.len();
        self.seen.entry((of.token(), block)).or_insert_with(|| {
            self.blocks.push((of.clone(), block));
            next
        });
    }
}

/// From arrays to a graph of tasks, for a session.
pub struct Lowering {
    session: Session,
    graph: TaskGraph<Work>,
    known: FxHashMap<Token, Arc<[TaskId]>>,
    written: usize,
}

impl Lowering {
    /// Nothing yet, to run in this session.
    pub fn new(session: &Session) -> Lowering {
        Lowering { session: session.clone(), graph: TaskGraph::default(), known: FxHashMap::default(), written: 0 }
    }

    /// Where the tasks will run.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// How many operations the tasks are made of, each of them counted for each block that it is done for.
    pub fn written(&self) -> usize {
        self.written
    }

    /// The graph.
    pub fn into_graph(self) -> TaskGraph<Work> {
        self.graph
    }

    fn blocks(&mut self, of: &Arc<dyn Barrier>) -> Result<Arc<[TaskId]>> {
        if let Some(known) = self.known.get(&of.token()) {
            return Ok(known.clone());
        }
        let tasks: Arc<[TaskId]> = of.tasks(self)?.into();
        self.known.insert(of.token(), tasks.clone());
        Ok(tasks)
    }

    /// A task that reads regions; `needs` has what they need. It is made of so many operations.
    ///
    /// # Errors
    /// When something is found wrong only now.
    pub fn reading(
        &mut self,
        key: Key,
        name: &Arc<str>,
        operations: usize,
        needs: Needs,
        work: impl FnOnce(&mut Tile<'_>, &TaskContext) -> Result<Payload> + Send + 'static,
    ) -> Result<TaskId> {
        let ids = needs.blocks.iter().map(|(of, block)| Ok(self.blocks(of)?.get(*block).copied().unwrap_or_default()));
        let ids = ids.collect::<Result<Vec<TaskId>>>()?;
        self.written = self.written.saturating_add(operations);
        let seen = needs.seen;
        let run: Work = Box::new(move |inputs, ctx| work(&mut Tile::new(&seen, &inputs), ctx));
        Ok(self.graph.add(key, label(name, key), &ids, run))
    }

    /// A task that puts results of others together.
    pub fn joining(&mut self, key: Key, name: &Arc<str>, needs: &[TaskId], work: Work) -> TaskId {
        self.written = self.written.saturating_add(1);
        self.graph.add(key, label(name, key), needs, work)
    }
}

fn label(name: &Arc<str>, key: Key) -> Label {
    Label { name: name.clone(), partition: key.index }
}
