//! Numbers that are counted batch by batch and added up.

use std::sync::Arc;

use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::plan::shape::Chunk;
use crate::plan::{Flow, Partition, Reduce, Shape};

/// Adds what a batch counts for to the totals.
type Add = Arc<dyn Fn(&Batch, &mut [u64]) -> Result<()> + Send + Sync>;
/// The result from the totals.
type Finish = Box<dyn Fn(&[u64]) -> Result<Batch> + Send + Sync>;

/// `count` totals.
pub(super) struct Totals {
    count: usize,
    add: Add,
    finish: Finish,
}

impl Totals {
    /// A reduction that adds each batch to `count` totals, and makes the result from them.
    pub(super) fn shape(
        count: usize,
        add: impl Fn(&Batch, &mut [u64]) -> Result<()> + Send + Sync + 'static,
        finish: impl Fn(&[u64]) -> Result<Batch> + Send + Sync + 'static,
    ) -> Shape {
        Shape::Reduce(Arc::new(Totals { count, add: Arc::new(add), finish: Box::new(finish) }))
    }
}

struct State(Vec<u64>);

impl Held for State {
    fn bytes(&self) -> u64 {
        8 * self.0.len() as u64
    }
}

struct Counting {
    totals: Vec<u64>,
    add: Add,
}

impl Chunk for Counting {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        (self.add)(&batch, &mut self.totals)?;
        Ok(Flow::More)
    }

    fn end(self: Box<Self>) -> Result<Payload> {
        Ok(Payload::new(State(self.totals)))
    }
}

fn totals_of(state: &Payload) -> Result<&[u64]> {
    state.get::<State>().map(|s| s.0.as_slice()).ok_or_else(|| Error::invalid("a state is not a list of totals"))
}

impl Reduce for Totals {
    fn start(&self, _ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        Ok(Box::new(Counting { totals: vec![0; self.count], add: self.add.clone() }))
    }

    fn combine(&self, states: Vec<Payload>) -> Result<Payload> {
        let mut totals = vec![0; self.count];
        for state in &states {
            totals.iter_mut().zip(totals_of(state)?).for_each(|(t, n)| *t += n);
        }
        Ok(Payload::new(State(totals)))
    }

    fn finish(&self, state: Payload) -> Result<Payload> {
        Ok(Payload::new(Partition::new(vec![(self.finish)(totals_of(&state)?)?])))
    }
}
