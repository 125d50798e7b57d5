//! The rows that Dask would draw from a partition.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::interleave;

use super::draw::Draws;
use super::mt19937::Mt19937;
use crate::base::{Error, Result};
use crate::exec::TaskContext;
use crate::io::Batch;
use crate::plan::{Flow, Gather, Out, Stage};

/// Holds a partition until it is whole and gives the rows that Dask would draw from it, in its order.
pub struct Whole {
    seed: u32,
    fraction: f64,
    replace: bool,
    partition: usize,
    held: Gather,
}

impl Whole {
    /// Draws from partition `partition`.
    pub fn new(seed: u32, fraction: f64, replace: bool, partition: usize) -> Whole {
        Whole { seed, fraction, replace, partition, held: Gather::default() }
    }
}

/// Which of `rows` rows Dask draws, in its order: `round(fraction · rows)`, halves to even, of a permutation by
/// numpy's `RandomState`, or of independent choices.
///
/// # Errors
/// `Unsupported` for more than 2³² − 1 rows.
pub fn picks(seed: u32, partition: usize, fraction: f64, replace: bool, rows: usize) -> Result<Vec<u32>> {
    let n = u32::try_from(rows).map_err(|_| {
        Error::unsupported(format!("a sample as Dask of a partition of {rows} rows")).help("repartition() it first")
    })?;
    let count = (fraction * f64::from(n)).round_ties_even() as usize;
    let mut stream = Mt19937::for_partition(seed, partition);
    if replace {
        return Ok(stream.choice(n, count));
    }
    let mut all = stream.permutation(n);
    all.truncate(count);
    Ok(all)
}

impl Stage for Whole {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        if batch.rows() > 0 {
            self.held.push(batch, out.context())?;
        }
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let held = std::mem::take(&mut self.held).end(out.context());
        let (held, _reservation) = held.load("a whole partition for a sample as Dask", &out.context().budget)?;
        let held: Vec<RecordBatch> = held.into_iter().map(|b| b.record).collect();
        let mut starts = Vec::with_capacity(held.len());
        let mut rows = 0;
        for record in &held {
            starts.push(rows);
            rows += record.num_rows();
        }
        let picks = picks(self.seed, self.partition, self.fraction, self.replace, rows)?;
        // the rows are in no order of any file: their places are those in the output
        let file = Draws::new(u64::from(self.seed), self.partition as u64).next_file();
        let mut place = 0;
        for part in picks.chunks(TaskContext::BATCH_ROWS) {
            let at = |&row: &u32| {
                let batch = starts.partition_point(|&start| start <= row as usize) - 1;
                (batch, row as usize - starts[batch])
            };
            let record = gathered(&held, &part.iter().map(at).collect::<Vec<_>>())?;
            if out.push(Batch::new(record, file, place))? == Flow::Enough {
                break;
            }
            place += part.len() as u64;
        }
        Ok(())
    }
}

/// Rows of several record batches, each by its batch and its place in that.
fn gathered(held: &[RecordBatch], picked: &[(usize, usize)]) -> Result<RecordBatch> {
    let Some(first) = held.first() else { return Err(Error::invalid("there is nothing to draw from")) };
    let columns = (0..first.num_columns()).map(|c| {
        let parts: Vec<&dyn Array> = held.iter().map(|b| b.column(c).as_ref()).collect();
        interleave(&parts, picked)
    });
    let columns: Vec<ArrayRef> = columns.collect::<std::result::Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(picked.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(first.schema_ref()), columns, &options)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(sizes: &[usize], fraction: f64, replace: bool, seed: u32) -> Vec<u32> {
        let mut start = 0;
        let mut all = Vec::new();
        for (p, &rows) in sizes.iter().enumerate() {
            all.extend(picks(seed, p, fraction, replace, rows).unwrap().into_iter().map(|r| start + r));
            start += rows as u32;
        }
        all
    }

    /// `dd.from_pandas(DataFrame({'a': range(100)}), npartitions, sort=False).sample(…).a.compute()`.
    #[test]
    fn as_dask() {
        assert_eq!(drawn(&[100], 0.1, false, 42), [43, 28, 83, 15, 19, 29, 45, 3, 98, 99]);
        assert_eq!(drawn(&[25; 4], 0.1, false, 42), [14, 22, 47, 38, 66, 64, 77, 96]);
        let seven = [15, 15, 14, 14, 14, 14, 14];
        assert_eq!(drawn(&seven, 0.1, false, 42), [13, 6, 24, 20, 40, 48, 65, 83, 91]);
        assert_eq!(drawn(&[100], 0.13, true, 42), [67, 79, 94, 84, 12, 94, 27, 93, 77, 12, 16, 73, 31]);
        assert_eq!(drawn(&[25; 4], 0.13, true, 42), [3, 15, 20, 29, 29, 28, 54, 50, 52, 90, 76, 78]);
        assert_eq!(drawn(&seven, 0.13, true, 42), [3, 14, 19, 19, 34, 30, 45, 47, 62, 62, 75, 80, 87, 95]);
        assert_eq!(drawn(&[100], 1.5, true, 3)[..12], [10, 80, 39, 15, 94, 76, 42, 68, 95, 57, 97, 83]);
        assert_eq!(drawn(&[0, 3], 0.0, false, 3), [0; 0]);
    }
}
