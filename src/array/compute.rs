//! From arrays that are written down to elements: all of them, block by block, or held in the background.

use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};

use super::block::HeldBlock;
use super::chunked::Array;
use super::chunks::{ChunkSpec, Chunks};
use super::element::Element;
use super::held::Held;
use super::lazy::{Barrier, Lowering, Needs};
use super::region::Region;
use crate::base::{Error, Result, Token};
use crate::exec::{Executor, Reservation, Run, RunContext, Serial, TaskContext};
use crate::graph::{Key, Payload, TaskId};

impl<T: Element> Array<T> {
    /// Computes all elements.
    ///
    /// # Errors
    /// The first error of a task; `Memory` when they do not fit into the memory limit.
    pub fn compute(&self) -> Result<ArrayD<T>> {
        let _held = self.reserved(self.shape(), self.nbytes())?;
        let mut values = vec![T::default(); self.size()];
        let run = self.run()?;
        for (number, payload) in run.enumerate() {
            let region = Region::block(&self.chunks.range(&self.chunks.place(number)));
            place(block(&payload?)?, &region, self.shape(), &mut values)?;
        }
        shaped(values, self.shape())
    }

    /// The blocks in their order, each as soon as it is there; few of them are held at once, so the whole may be larger
    /// than memory. After the first error it ends.
    ///
    /// ```
    /// use partita::array::arange;
    /// let x = arange(0.0, 10.0, 1.0, 4)?;
    /// let sums = x.blocks().map(|block| Ok(block?.sum())).collect::<Result<Vec<f64>, partita::Error>>()?;
    /// assert_eq!(sums, [6.0, 22.0, 17.0]);
    /// # Ok::<(), partita::Error>(())
    /// ```
    pub fn blocks(&self) -> impl Iterator<Item = Result<ArrayD<T>>> + use<T> {
        let (array, mut run, mut number) = (self.clone(), Some(self.run()), 0);
        std::iter::from_fn(move || {
            let mut running = match run.take()? {
                Ok(running) => running,
                Err(error) => return Some(Err(error)),
            };
            let next = running.next()?;
            let next = next.and_then(|payload| array.as_block(number, &payload));
            number += 1;
            run = next.is_ok().then_some(Ok(running));
            Some(next)
        })
    }

    /// Computes all elements, which are one chunk, within a task: in the session of the array if the task runs there, else by
    /// this task alone, with the memory that it has.
    pub(crate) fn compute_within(&self, ctx: &TaskContext) -> Result<ArrayD<T>> {
        let whole = self.rechunk(ChunkSpec::Whole)?;
        let mut lowering = Lowering::new(&self.session);
        let wanted = whole.lower(&mut lowering)?;
        let run = match self.session.budget().is_same(&ctx.budget) {
            true => self.session.run_graph(lowering.into_graph(), wanted)?,
            false => Serial.submit(lowering.into_graph(), wanted, RunContext::new(ctx.clone())),
        };
        let payload = run.get_unless(0, &ctx.cancel)?;
        let _held = ctx.budget.reserve("a chunk of an array", self.nbytes())?;
        let mut values = vec![T::default(); self.size()];
        place(block(&payload)?, &Region::whole(self.shape()), self.shape(), &mut values)?;
        shaped(values, self.shape())
    }

    fn as_block(&self, number: usize, payload: &Payload) -> Result<ArrayD<T>> {
        let shape: Vec<usize> = self.chunks.range(&self.chunks.place(number)).into_iter().map(|(_, len)| len).collect();
        let len: usize = shape.iter().product();
        let _held = self.reserved(&shape, (len * size_of::<T>()) as u64)?;
        let mut values = vec![T::default(); len];
        place(block(payload)?, &Region::whole(&shape), &shape, &mut values)?;
        shaped(values, &shape)
    }

    /// The tasks, few results ahead of whoever takes them.
    fn run(&self) -> Result<Run> {
        let mut lowering = Lowering::new(&self.session);
        let wanted = self.lower(&mut lowering)?;
        self.session.run_graph_within(lowering.into_graph(), wanted, Some(self.session.threads() + 1))
    }

    fn reserved(&self, shape: &[usize], bytes: u64) -> Result<Reservation> {
        let what = format!("the array {} of shape {shape:?} in memory", self.lazy.name());
        self.session.budget().reserve(&what, bytes)
    }

    /// Starts computing the blocks in the background and gives at once an array that stands for the results: what is made
    /// of it does not compute them again. Blocks for which there is no room in memory go to disk. With the
    /// synchronous scheduler they are computed here.
    ///
    /// ```
    /// use partita::array::random;
    /// let x = random::uniform(1, [1000, 100], (100, 100))?.persist()?;
    /// x.wait()?;
    /// assert!(x.min()?.item()? >= 0.0 && x.max()?.item()? < 1.0); // no number is made again
    /// # Ok::<(), partita::Error>(())
    /// ```
    ///
    /// # Errors
    /// When something is found wrong only now; with the synchronous scheduler, of the tasks.
    pub fn persist(&self) -> Result<Array<T>> {
        let mut lowering = Lowering::new(&self.session);
        let wanted = self.lower(&mut lowering)?;
        let run = self.session.run_graph(lowering.into_graph(), wanted)?;
        if !self.session.works_in_background() {
            run.wait()?;
        }
        let persisted = Persisted { run: Arc::new(run), token: self.token(), chunks: self.chunks.clone() };
        Ok(self.then(Held::<T>::new(Arc::new(persisted), self.chunks.clone(), "persisted", 1), self.chunks.clone()))
    }

    /// Waits until all blocks of a persisted array are there; any other array has nothing to wait for.
    ///
    /// # Errors
    /// The first error of the computation.
    pub fn wait(&self) -> Result<()> {
        let any: &dyn std::any::Any = self.lazy.as_ref();
        any.downcast_ref::<Held<T>>().map_or(Ok(()), |held| held.barrier().wait())
    }
}

fn block<T: Element>(payload: &Payload) -> Result<&HeldBlock<T>> {
    payload.get::<HeldBlock<T>>().ok_or_else(|| Error::invalid("a task gave no block"))
}

fn shaped<T>(values: Vec<T>, shape: &[usize]) -> Result<ArrayD<T>> {
    let made = ArrayD::from_shape_vec(IxDyn(shape), values);
    made.map_err(|error| Error::invalid(format!("the elements do not fit the shape: {error}")))
}

/// Copies a block to where it belongs in an array of this shape.
fn place<T: Element>(block: &HeldBlock<T>, region: &Region, shape: &[usize], values: &mut [T]) -> Result<()> {
    let (len, pinned) = (region.last().len, block.pin()?);
    let (mut at, mut failed) = (0, None);
    region.rows(|index| {
        let first = index.iter().zip(shape).fold(0, |at, (i, len)| at * len + i);
        if let Err(error) = pinned.copy(at, 1, &mut values[first..first + len]) {
            failed = Some(error);
        }
        at += len;
    });
    failed.map_or(Ok(()), Err)
}

/// Blocks that are being computed, or are there.
struct Persisted {
    run: Arc<Run>,
    token: Token,
    chunks: Chunks,
}

impl fmt::Debug for Persisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "persisted in {} blocks", self.chunks.count())
    }
}

impl Barrier for Persisted {
    fn token(&self) -> Token {
        Token::of(|t| {
            t.str("persisted");
            t.token(self.token);
        })
    }

    fn tasks(&self, lowering: &mut Lowering) -> Result<Vec<TaskId>> {
        let (token, name): (Token, Arc<str>) = (self.token(), "persisted".into());
        let waiting = |number: usize| {
            let run = self.run.clone();
            lowering.reading(Key::new(token, number), &name, 1, Needs::default(), move |_, ctx| {
                run.get_unless(number, &ctx.cancel)
            })
        };
        (0..self.chunks.count()).map(waiting).collect()
    }

    fn wait(&self) -> Result<()> {
        self.run.wait()
    }
}
