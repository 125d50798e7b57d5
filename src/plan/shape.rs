//! The ways an operation can run. Closed: lowering is the one place that looks at it.

use std::fmt;
use std::sync::Arc;

use super::{Flow, Out, Partition, Plan, Stage};
use crate::base::Result;
use crate::exec::TaskContext;
use crate::graph::Payload;
use crate::io::{Batch, Scan, Source};

/// How an operation runs.
pub enum Shape {
    /// Read the partitions of a source.
    Scan(Arc<dyn Source>, Scan),
    /// Each output partition from input partitions that a pure function names, batch by batch.
    Map(Map),
    /// Everything to one result, as a tree.
    Reduce(Arc<dyn Reduce>),
    /// Every partition to every partition.
    Shuffle(Shuffle),
    /// What to do depends on a small result.
    Then(Then),
    /// "I am this other plan."
    Rewrite(Plan),
}

/// Each output partition from named input partitions.
pub struct Map {
    /// How many partitions come out; absent: as many as the first input has.
    pub partitions: Option<usize>,
    /// The input partitions that make output partition `i`, in order; absent: the `i`-th of the first input.
    pub feeds: Option<FeedsOf>,
    /// What is done with their batches in output partition `i`.
    pub stage: StageOf,
}

/// Names the input partitions of an output partition.
pub type FeedsOf = Arc<dyn Fn(usize) -> Vec<Feed> + Send + Sync>;
/// Makes the stage for an output partition.
pub type StageOf = Arc<dyn Fn(usize) -> Result<Box<dyn Stage>> + Send + Sync>;

/// A partition of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Which input.
    pub input: usize,
    /// Which of its partitions.
    pub partition: usize,
}

impl Map {
    /// Output partition `i` from input partition `i`.
    pub fn each(stage: impl Fn(usize) -> Result<Box<dyn Stage>> + Send + Sync + 'static) -> Shape {
        Shape::Map(Map { partitions: None, feeds: None, stage: Arc::new(stage) })
    }
}

/// Everything to one result: a state is filled by the batches of a partition, states are combined in the order of the
/// partitions as a tree, and the last one gives the result.
pub trait Reduce: Send + Sync {
    /// A fresh state for the batches of a partition. One that grows with them reserves its memory.
    ///
    /// # Errors
    /// When there can be none.
    fn start(&self, ctx: &TaskContext) -> Result<Box<dyn Chunk>>;

    /// One state from several, in the order of their partitions.
    ///
    /// # Errors
    /// When they do not fit.
    fn combine(&self, states: Vec<Payload>) -> Result<Payload>;

    /// The result from the last state: a [`Partition`] where the plan gives rows.
    ///
    /// # Errors
    /// When there is none.
    fn finish(&self, state: Payload) -> Result<Payload>;
}

/// The state of a [`Reduce`] while one partition's batches are pushed into it.
pub trait Chunk: Send {
    /// Takes a batch.
    ///
    /// # Errors
    /// Of its work.
    fn push(&mut self, batch: Batch) -> Result<Flow>;

    /// The state, whole.
    ///
    /// # Errors
    /// Of its work.
    fn end(self: Box<Self>) -> Result<Payload>;
}

/// Every partition to every partition: the batches of all inputs go into a store, and when everything is in, the output
/// partitions come out of it.
pub struct Shuffle {
    /// How many partitions come out.
    pub partitions: usize,
    /// What happens in between.
    pub exchange: Arc<dyn Exchange>,
}

/// Makes the store of a [`Shuffle`].
pub trait Exchange: Send + Sync {
    /// The empty store that all tasks of one run share.
    ///
    /// # Errors
    /// When there can be none.
    fn open(&self, ctx: &TaskContext) -> Result<Arc<dyn Store>>;
}

/// What lies between the partitions that go in and those that come out. It is shared by the tasks of one run, keeps to
/// the memory of the session and spills what does not fit.
pub trait Store: Send + Sync {
    /// Takes the batches of partition `partition` of input `input`. What its [`Chunk`] gives in the end is a receipt.
    ///
    /// # Errors
    /// When it cannot begin.
    fn start(self: Arc<Self>, input: usize, partition: usize, ctx: &TaskContext) -> Result<Box<dyn Chunk>>;

    /// Everything is in: rows are counted against the receipts, and what depends on the whole is decided.
    ///
    /// # Errors
    /// `Conservation` when a row was lost.
    fn seal(&self, receipts: Vec<Payload>, ctx: &TaskContext) -> Result<()>;

    /// Pushes output partition `partition`; called at most once for each.
    ///
    /// # Errors
    /// Of its work, or of what lies behind `out`.
    fn read(&self, partition: usize, ctx: &TaskContext, out: &mut Out<'_>) -> Result<Flow>;
}

/// A plan that depends on the (small) results of another.
pub struct Then {
    /// The plan that runs first.
    pub first: Plan,
    /// The plan that follows, from the results of all partitions of the first.
    pub next: Arc<dyn Fn(Vec<Payload>) -> Result<Plan> + Send + Sync>,
}

impl Then {
    /// A plan that follows from the rows of `first`.
    pub fn rows(first: Plan, next: impl Fn(Vec<Batch>) -> Result<Plan> + Send + Sync + 'static) -> Shape {
        let next = move |payloads: Vec<Payload>| {
            let mut batches = Vec::new();
            for payload in payloads {
                for batch in Partition::from_payload(payload)?.read() {
                    batches.push(batch?);
                }
            }
            next(batches)
        };
        Shape::Then(Then { first, next: Arc::new(next) })
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Scan(..) => "Scan",
            Shape::Map(_) => "Map",
            Shape::Reduce(_) => "Reduce",
            Shape::Shuffle(_) => "Shuffle",
            Shape::Then(_) => "Then",
            Shape::Rewrite(_) => "Rewrite",
        })
    }
}
