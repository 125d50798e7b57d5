//! Keeps or repeats rows by draws on where they came from.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;

use super::draw::{Draws, Poisson};
use crate::base::Result;
use crate::exec::TaskContext;
use crate::io::{Batch, Origin, Rows};
use crate::plan::{Flow, Out, Stage};

/// Keeps each row with a probability.
pub struct Keep {
    seed: u64,
    fraction: f64,
}

impl Keep {
    /// Keeps `fraction` of the rows.
    pub fn new(seed: u64, fraction: f64) -> Keep {
        Keep { seed, fraction }
    }
}

impl Stage for Keep {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let draws = Draws::new(self.seed, batch.origin.file);
        let kept = draws.below(self.fraction, &batch.origin.rows, batch.rows());
        let mut batch = batch.filter(&BooleanArray::new(kept, None))?;
        batch.origin.file = draws.next_file();
        if batch.rows() == 0 { Ok(Flow::More) } else { out.push(batch) }
    }
}

/// Repeats each row as often as its draw says.
pub struct Repeat {
    seed: u64,
    poisson: Poisson,
}

impl Repeat {
    /// Repeats rows by these counts.
    pub fn new(seed: u64, poisson: Poisson) -> Repeat {
        Repeat { seed, poisson }
    }
}

impl Stage for Repeat {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let draws = Draws::new(self.seed, batch.origin.file);
        let (mut picked, mut places) = (Vec::new(), Vec::new());
        let mut give = |picked: &mut Vec<u32>, places: &mut Vec<u64>| {
            let record = taken(&batch.record, std::mem::take(picked))?;
            let rows = Rows::List(std::mem::take(places).into());
            out.push(Batch { record, origin: Origin { file: draws.next_file(), rows } })
        };
        for (row, place) in batch.origin.rows.places(batch.rows()).into_iter().enumerate() {
            for copy in 0..self.poisson.count(draws.at(place)) {
                picked.push(row as u32);
                places.push(draws.place_of_copy(place, copy));
                if picked.len() == TaskContext::BATCH_ROWS && give(&mut picked, &mut places)? == Flow::Enough {
                    return Ok(Flow::Enough);
                }
            }
        }
        if picked.is_empty() { Ok(Flow::More) } else { give(&mut picked, &mut places) }
    }
}

/// The picked rows of a record batch.
fn taken(record: &RecordBatch, picked: Vec<u32>) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(picked.len()));
    let picked = UInt32Array::from(picked);
    let columns: Vec<ArrayRef> =
        record.columns().iter().map(|c| take(c, &picked, None)).collect::<std::result::Result<_, _>>()?;
    Ok(RecordBatch::try_new_with_options(Arc::clone(record.schema_ref()), columns, &options)?)
}
