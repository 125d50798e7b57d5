//! Rows that are looked up by their keys.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::DataType;

use super::JoinKind;
use super::layout::Rows;
use super::layout::{BUILD, Layout, PROBE};
use crate::base::Result;
use crate::exec::TaskContext;
use crate::expr::keys::Grouper;
use crate::expr::keys::grouper::NONE;
use crate::plan::Flow;

/// The rows of the build side by their keys.
pub struct Table {
    pub record: RecordBatch,
    /// Absent where there are no keys: all rows are partners then.
    grouper: Option<Grouper>,
    /// The rows of group `g` are `rows[starts[g]..starts[g + 1]]`.
    starts: Vec<u32>,
    rows: Vec<u32>,
    /// Whether no two rows have the same keys.
    unique: bool,
}

impl Table {
    /// The table of the rows of `record`, whose keys have these hashes.
    pub fn new(layout: &Layout, record: RecordBatch, hashes: &[u64]) -> Result<Table> {
        let keys = layout.keys_of(BUILD, &record)?;
        let (mut ids, mut grouper) = (Vec::new(), None);
        match keys.as_slice() {
            [] => ids.resize(record.num_rows(), 0),
            keys => {
                let mut made = Grouper::new(&keys.iter().map(|k| k.data_type().clone()).collect::<Vec<DataType>>())?;
                made.ids(keys, hashes, &mut ids)?;
                grouper = Some(made);
            }
        }
        if let Some(valid) = layout.partnered(&keys) {
            (0..ids.len()).filter(|&row| valid.is_null(row)).for_each(|row| ids[row] = NONE);
        }
        let groups = grouper.as_ref().map_or(1, Grouper::len);
        let mut starts = vec![0u32; groups + 1];
        ids.iter().filter(|&&id| id != NONE).for_each(|&id| starts[id as usize + 1] += 1);
        let unique = starts.iter().all(|&n| n <= 1);
        (0..groups).for_each(|g| starts[g + 1] += starts[g]);
        let mut next = starts.clone();
        let mut rows = vec![0; starts[groups] as usize];
        for (row, &id) in ids.iter().enumerate().filter(|(_, id)| **id != NONE) {
            let at = &mut next[id as usize];
            rows[*at as usize] = row as u32;
            *at += 1;
        }
        Ok(Table { record, grouper, starts, rows, unique })
    }

    /// Bytes held beside the rows themselves.
    pub fn bytes(&self) -> u64 {
        let lists = 4 * (self.starts.capacity() + self.rows.capacity());
        (self.grouper.as_ref().map_or(0, Grouper::bytes) + lists) as u64
    }

    /// The group of partners of each row of the probe side, [`NONE`] where there are none.
    pub fn find(&self, layout: &Layout, keys: &[ArrayRef], hashes: &[u64]) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        match &self.grouper {
            None => ids.resize(hashes.len(), if self.rows.is_empty() { NONE } else { 0 }),
            Some(grouper) => grouper.find(keys, hashes, &mut ids)?,
        }
        if let Some(valid) = layout.partnered(keys) {
            (0..ids.len()).filter(|&row| valid.is_null(row)).for_each(|row| ids[row] = NONE);
        }
        Ok(ids)
    }

    /// The rows of a group.
    pub fn rows_of(&self, id: u32) -> &[u32] {
        match id {
            NONE => &[],
            id => &self.rows[self.starts[id as usize] as usize..self.starts[id as usize + 1] as usize],
        }
    }

    /// The one row of each group, where no two rows have the same keys.
    pub fn unique(&self) -> Option<&[u32]> {
        self.unique.then_some(&self.rows)
    }
}

/// In place of a row: there is none.
pub const NOWHERE: u32 = u32::MAX;

/// Takes rows of the result.
pub type Push<'a> = dyn FnMut(RecordBatch) -> Result<Flow> + 'a;

/// Pairs of rows on their way out, some at a time.
pub struct Pairs<'a> {
    layout: &'a Layout,
    most: usize,
    rows: Vec<u32>,
    found: Vec<u32>,
}

impl<'a> Pairs<'a> {
    /// No pairs yet; as many rows of these two sides go out at a time as a batch should have.
    pub fn new(layout: &'a Layout, ctx: &TaskContext, both: (&RecordBatch, &RecordBatch)) -> Pairs<'a> {
        let bytes = |r: &RecordBatch| r.get_array_memory_size() as u64 / r.num_rows().max(1) as u64;
        let most = ctx.rows_of(bytes(both.0) + bytes(both.1));
        Pairs { layout, most, rows: Vec::new(), found: Vec::new() }
    }

    /// Takes a row of the probe side and its partners.
    pub fn row(
        &mut self,
        row: u32,
        partners: &[u32],
        both: (&RecordBatch, &RecordBatch),
        push: &mut Push<'_>,
    ) -> Result<Flow> {
        match self.layout.kind {
            JoinKind::Semi | JoinKind::Anti => {
                if partners.is_empty() == (self.layout.kind == JoinKind::Anti) {
                    self.pair(row, NOWHERE);
                }
            }
            _ if partners.is_empty() => {
                if self.layout.keeps(PROBE) {
                    self.pair(row, NOWHERE);
                }
            }
            _ => {
                for &partner in partners {
                    self.pair(row, partner);
                    if self.rows.len() >= self.most && self.flush(both, push)? == Flow::Enough {
                        return Ok(Flow::Enough);
                    }
                }
            }
        }
        if self.rows.len() >= self.most { self.flush(both, push) } else { Ok(Flow::More) }
    }

    /// Takes a pair, of which one may be [`NOWHERE`].
    pub fn pair(&mut self, row: u32, found: u32) {
        self.rows.push(row);
        self.found.push(found);
    }

    /// Sends out what there is.
    pub fn flush(&mut self, (probe, build): (&RecordBatch, &RecordBatch), push: &mut Push<'_>) -> Result<Flow> {
        if self.rows.is_empty() {
            return Ok(Flow::More);
        }
        let (rows, found) = (places(&mut self.rows), places(&mut self.found));
        push(self.layout.assemble(probe, Rows::At(&rows), build, &found)?)
    }
}

/// The places, null where there is none.
fn places(places: &mut Vec<u32>) -> UInt32Array {
    let places = std::mem::take(places);
    let nulls = places.contains(&NOWHERE).then(|| places.iter().map(|&at| at != NOWHERE).collect());
    UInt32Array::new(places.into(), nulls)
}
