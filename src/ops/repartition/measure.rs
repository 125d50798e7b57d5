//! Rows and bytes of each partition, and ranges of about so many bytes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};

use super::split::part;
use crate::base::{Identity, Result, Tokenizer};
use crate::io::Batch;
use crate::ops::memory_usage::{bytes_of, width};
use crate::plan::{Flow, Map, Op, Out, Plan, Shape, Stage};

/// The number of rows of each partition and, if asked for, their bytes: a row each. Bytes are those of `memory_usage`,
/// so they do not depend on how rows are held; columns of a fixed width are not read.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    /// The bytes of a row in the columns where they are the same for all.
    fixed: u64,
    /// The other columns.
    varying: Arc<[String]>,
}

impl Measure {
    /// The rows alone.
    pub(super) fn rows() -> Measure {
        Measure { fixed: 0, varying: Arc::default() }
    }

    /// The rows and the bytes of these columns.
    pub(super) fn bytes(schema: &Schema) -> Measure {
        let widths = schema.fields().iter().map(|f| (f.name(), width(f.data_type())));
        let varying = widths.clone().filter(|(_, width)| width.is_none()).map(|(name, _)| name.clone());
        Measure { fixed: widths.clone().filter_map(|(_, width)| width).sum(), varying: varying.collect() }
    }

    /// Rows and bytes from what it gave.
    pub(super) fn read(batches: &[Batch]) -> Vec<(u64, u64)> {
        let pair = |b: &Batch| {
            let [rows, bytes] = [0, 1].map(|i| b.record.column(i).as_primitive::<Int64Type>().values().clone());
            rows.iter().zip(bytes.iter()).map(|(&rows, &bytes)| (rows as u64, bytes as u64)).collect::<Vec<_>>()
        };
        batches.iter().flat_map(pair).collect()
    }
}

/// Ranges of rows of at most about `most` bytes each, from the rows and bytes of partitions: large partitions are cut
/// evenly, then neighbours are joined as long as they fit (as Dask's `repartition(partition_size=…)`).
pub(super) fn sized(parts: &[(u64, u64)], most: u64) -> Vec<Range<u64>> {
    let (most, mut start) = (most.max(1), 0);
    let mut ranges: Vec<(Range<u64>, u64)> = Vec::new();
    for &(rows, bytes) in parts {
        let pieces = bytes.div_ceil(most).clamp(1, rows.max(1)) as usize;
        for piece in (0..pieces).map(|i| part(i, rows as usize, pieces)) {
            let own = (u128::from(bytes) * piece.len() as u128).div_ceil(u128::from(rows.max(1))) as u64;
            let range = start + piece.start as u64..start + piece.end as u64;
            match ranges.last_mut() {
                Some((last, all)) if *all + own <= most => {
                    last.end = range.end;
                    *all += own;
                }
                _ => ranges.push((range, own)),
            }
        }
        start += rows;
    }
    if ranges.is_empty() {
        std::iter::once(0..0).collect()
    } else {
        ranges.into_iter().map(|(range, _)| range).collect()
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("measure each partition")
    }
}

impl Identity for Measure {
    fn token(&self, t: &mut Tokenizer) {
        t.str("measure_each");
        t.u64(self.fixed);
        t.debug(&self.varying);
    }
}

impl Op for Measure {
    fn name(&self) -> &'static str {
        "measure"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let number = |name| Field::new(name, DataType::Int64, false);
        Ok(Arc::new(Schema::new(vec![number("rows"), number("bytes")])))
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let op = self.clone();
        Ok(Map::each(move |_| Ok(Box::new(Measuring { op: op.clone(), rows: 0, bytes: 0 }))))
    }

    fn columns_needed(&self, _wanted: &[usize], inputs: &[SchemaRef]) -> Option<Vec<Vec<usize>>> {
        let input = inputs.first()?;
        Some(vec![self.varying.iter().filter_map(|name| input.index_of(name).ok()).collect()])
    }
}

struct Measuring {
    op: Measure,
    rows: u64,
    bytes: u64,
}

impl Stage for Measuring {
    fn push(&mut self, batch: Batch, _out: &mut Out<'_>) -> Result<Flow> {
        self.rows += batch.rows() as u64;
        self.bytes += self.op.fixed * batch.rows() as u64;
        for column in self.op.varying.iter().filter_map(|name| batch.record.column_by_name(name)) {
            self.bytes += bytes_of(column)?;
        }
        Ok(Flow::More)
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        let column = |n: u64| Arc::new(Int64Array::from(vec![n as i64])) as _;
        let record = RecordBatch::try_new(self.op.schema(&[])?, vec![column(self.rows), column(self.bytes)])?;
        out.push(Batch::new(record, 0, 0))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_partitions_are_cut_and_small_ones_joined() {
        assert_eq!(sized(&[(10, 100), (2, 20), (3, 30), (0, 0), (4, 40)], 50), [0..5, 5..10, 10..15, 15..19]);
        assert_eq!(sized(&[(3, 3000)], 1), [0..1, 1..2, 2..3]);
        let nothing = |ranges: Vec<std::ops::Range<u64>>| ranges.len() == 1 && ranges.iter().all(|r| r.is_empty());
        assert!(nothing(sized(&[(0, 0), (0, 0)], 10)) && nothing(sized(&[], 10)));
        assert_eq!(sized(&[(5, 0), (6, 0)], 10).first(), Some(&(0..11)));
    }
}
