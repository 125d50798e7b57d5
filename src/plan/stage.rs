//! What an operation does with the batches of one partition.

use crate::base::Result;
use crate::base::deep::deep;
use crate::exec::TaskContext;
use crate::io::Batch;

/// What a `Map` operation is inside one task: batches are pushed into it, and it pushes batches on. Made anew for each
/// partition.
pub trait Stage: Send {
    /// Takes a batch.
    ///
    /// # Errors
    /// Of its work, or of what lies behind it.
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow>;

    /// There are no more batches.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let _ = out;
        Ok(())
    }
}

/// Whether more batches are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    More,
    /// Nothing more can change the result: the source may stop.
    Enough,
}

/// What lies behind a stage: the stages that follow, and the end of the task.
pub struct Out<'a> {
    stages: &'a mut [Box<dyn Stage>],
    sink: &'a mut dyn FnMut(Batch) -> Result<Flow>,
    ctx: &'a TaskContext,
}

impl<'a> Out<'a> {
    /// Batches pushed here go through `stages` into `sink`.
    pub fn new(
        stages: &'a mut [Box<dyn Stage>],
        sink: &'a mut dyn FnMut(Batch) -> Result<Flow>,
        ctx: &'a TaskContext,
    ) -> Self {
        Out { stages, sink, ctx }
    }

    /// What the task may use: a stage that holds batches reserves memory for them.
    pub fn context(&self) -> &'a TaskContext {
        self.ctx
    }

    /// The same, with other surroundings for what lies behind.
    pub(super) fn within<'b>(&'b mut self, ctx: &'b TaskContext) -> Out<'b> {
        Out { stages: &mut *self.stages, sink: &mut *self.sink, ctx }
    }

    /// Passes a batch on. Empty batches are passed on too: they carry the schema.
    ///
    /// # Errors
    /// Of what lies behind.
    pub fn push(&mut self, batch: Batch) -> Result<Flow> {
        match &mut *self.stages {
            [] => (self.sink)(batch),
            [first, rest @ ..] => {
                deep(|| first.push(batch, &mut Out { stages: rest, sink: &mut *self.sink, ctx: self.ctx }))
            }
        }
    }

    /// Tells all stages that there are no more batches, first to last.
    ///
    /// # Errors
    /// Of the stages.
    pub fn end(&mut self) -> Result<()> {
        let mut stages = &mut *self.stages;
        while let [first, rest @ ..] = stages {
            first.end(&mut Out { stages: rest, sink: &mut *self.sink, ctx: self.ctx })?;
            stages = rest;
        }
        Ok(())
    }
}
