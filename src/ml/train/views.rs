//! The same rows prepared by steps that were fitted to some of them.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;

use super::cache::{Cached, Chunk};
use super::facts;
use super::steps::fit_steps;
use crate::base::{Error, Result};
use crate::ml::design::Design;
use crate::ml::estimator::Facts;
use crate::ml::estimator::labels::Truth;
use crate::ml::pipeline::FittedStep;
use crate::ml::pipeline::chain::Prepared;
use crate::ml::pipeline::rows::Rows;

/// How rows are divided for cross-validation: each row is of a block, and a split trains on some blocks and tests on some.
pub(crate) trait Division: Send + Sync {
    /// The block of each row of a chunk.
    fn blocks(&self, chunk: &Chunk) -> Vec<u32>;

    fn trains(&self, split: usize, block: u32) -> bool;

    fn tests(&self, split: usize, block: u32) -> bool;
}

/// Rows prepared by steps that were fitted to the training rows of a split, or to all rows.
#[derive(Clone)]
pub(crate) struct View {
    pub prepared: Arc<Prepared>,
    /// The split; all rows if there is none.
    pub split: Option<usize>,
    pub steps: Vec<(String, FittedStep)>,
}

/// Which rows of a view are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Train,
    Test,
}

/// Rows ready for a model.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub design: Design,
    pub truth: Truth,
}

impl View {
    pub fn new(prepared: Arc<Prepared>, split: Option<usize>) -> View {
        View { prepared, split, steps: Vec::new() }
    }

    /// The places of the rows of a chunk that are of this part; none for all of them.
    pub fn rows(&self, part: Part, division: &dyn Division, blocks: &[u32]) -> Option<Vec<usize>> {
        let split = self.split?;
        let chosen = |block: u32| match part {
            Part::Train => division.trains(split, block),
            Part::Test => division.tests(split, block),
        };
        Some(blocks.iter().enumerate().filter(|(_, block)| chosen(**block)).map(|(row, _)| row).collect())
    }

    /// The rows of a chunk after the steps that are fitted so far.
    ///
    /// # Errors
    /// For values that a step cannot work with.
    pub fn prepare(&self, chunk: &RecordBatch) -> Result<Rows> {
        let rows = Rows::of(chunk, &self.prepared.inputs)?;
        let apply = |rows, (name, step): &(String, FittedStep)| step.apply(rows).map_err(|e| e.at_step(name));
        self.steps.iter().try_fold(rows, apply).map_err(|e| self.in_fold(e))
    }

    /// The error, with the fold that the view is of.
    pub fn in_fold(&self, error: Error) -> Error {
        match self.split {
            Some(split) => error.at_fold(split),
            None => error,
        }
    }

    /// The rows of a part of a chunk, ready for a model.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and `Model` for a feature that is null or not finite.
    pub fn ready(&self, chunk: &Chunk, part: Part, division: &dyn Division, blocks: &[u32]) -> Result<Ready> {
        let rows = self.rows(part, division, blocks);
        let of = |batch: &RecordBatch| self.prepare(batch)?.design_from(Some(chunk.first));
        let Some(rows) = rows else {
            return Ok(Ready {
                design: weighed(of(&chunk.features)?, chunk.weights.clone())?,
                truth: chunk.truth.clone(),
            });
        };
        let places = UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
        // among all rows the number of the one that an error names is right
        let design = of(&take_record_batch(&chunk.features, &places)?);
        let design = design.map_err(|e| of(&chunk.features).err().unwrap_or(e))?;
        let weights = chunk.weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect());
        Ok(Ready { design: weighed(design, weights)?, truth: chunk.truth.take(&rows) })
    }

    /// No rows, prepared: what is known of the features.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn outline(&self, cached: &Cached) -> Result<Design> {
        self.prepare(&cached.empty()?)?.design_from(None)
    }
}

/// Views whose steps are fitted, and what is known of their training rows.
pub(crate) struct Views {
    pub views: Vec<View>,
    pub facts: Vec<Facts>,
    /// How many passes over the cache that took.
    pub passes: u64,
}

impl Views {
    /// Fits the steps of views of the training rows of a split, or of all rows; of as many views at once as memory has
    /// room for.
    ///
    /// # Errors
    /// Those of the steps; for values that a step or a model cannot work with; `Memory` when there is no room for one.
    pub fn of(cached: &Cached, division: &dyn Division, wanted: &[(Arc<Prepared>, Option<usize>)]) -> Result<Views> {
        let view = |(prepared, split): &(Arc<Prepared>, Option<usize>)| View::new(prepared.clone(), *split);
        let mut views: Vec<View> = wanted.iter().map(view).collect();
        let (mut known, mut passes) = (Vec::with_capacity(views.len()), 0);
        for some in views.chunks_mut(cached.at_once(wanted.len())) {
            passes += fit_steps(cached, division, some)? + 1;
            known.extend(facts::gather(cached, division, some)?);
        }
        Ok(Views { views, facts: known, passes })
    }
}

fn weighed(design: Design, weights: Option<Vec<f64>>) -> Result<Design> {
    match weights {
        Some(weights) => design.weights(weights),
        None => Ok(design),
    }
}

/// Rows that are not divided.
pub(crate) struct Undivided;

impl Division for Undivided {
    fn blocks(&self, _chunk: &Chunk) -> Vec<u32> {
        Vec::new()
    }

    fn trains(&self, _split: usize, _block: u32) -> bool {
        true
    }

    fn tests(&self, _split: usize, _block: u32) -> bool {
        true
    }
}
