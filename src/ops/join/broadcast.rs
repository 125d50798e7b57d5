//! A join with a small side that every task holds.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array, BooleanArray, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;

use super::JoinKind;
use super::layout::{BUILD, Layout, PROBE, joined};
use super::table::{Pairs, Table};
use crate::base::{Identity, Result, Token, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::expr::keys::grouper::NONE;
use crate::io::Batch;
use crate::plan::{Flow, Footprint, Map, Op, Out, Partition, Plan, Shape, Stage};

/// Looks up each row in rows that are there already. The result has the order of its input.
pub struct Broadcast {
    layout: Arc<Layout>,
    small: Arc<Small>,
    /// The identity of the rows that are there.
    content: Token,
    shown: String,
}

/// The small side; its table is made by the first task that needs it.
struct Small {
    schema: SchemaRef,
    /// Held as results are: in memory, or on disk where that is short.
    partitions: Mutex<Vec<Partition>>,
    table: OnceLock<Result<(Table, Reservation)>>,
}

const WHAT: &str = "the small side of a join";

impl Broadcast {
    /// Joins with the rows of `small`, which are the result of the plan `content`.
    pub fn new(layout: Arc<Layout>, schema: SchemaRef, small: Vec<Partition>, content: Token, shown: String) -> Self {
        let small = Small { schema, partitions: Mutex::new(small), table: OnceLock::new() };
        Broadcast { layout, small: Arc::new(small), content, shown }
    }
}

impl Small {
    fn table(&self, layout: &Layout, ctx: &TaskContext) -> Result<&Table> {
        let made = self.table.get_or_init(|| {
            let partitions = std::mem::take(&mut *self.partitions.lock().unwrap_or_else(PoisonError::into_inner));
            let (mut records, mut pieces) = (Vec::new(), ctx.budget.nothing());
            let mut bytes = 0;
            for partition in partitions {
                let (batches, held) = partition.load(WHAT, &ctx.budget)?;
                for batch in batches {
                    for column in batch.record.columns() {
                        bytes += column.to_data().get_slice_memory_size()? as u64;
                    }
                    records.push(batch.record);
                }
                pieces.join(held);
            }
            // the pieces are copied into one, and given back then
            let mut reservation = ctx.budget.reserve(WHAT, bytes)?;
            let (record, hashes) = layout.hashed(BUILD, &joined(&self.schema, &records)?)?;
            let table = Table::new(layout, record, &hashes)?;
            reservation.grow(WHAT, table.bytes())?;
            Ok((table, reservation))
        });
        made.as_ref().map(|(table, _)| table).map_err(|error| error.again())
    }
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, small side broadcast", self.shown)
    }
}

impl Identity for Broadcast {
    fn token(&self, t: &mut Tokenizer) {
        t.str("join_broadcast");
        t.token(self.content);
        self.layout.token(t);
    }
}

impl Op for Broadcast {
    fn name(&self) -> &'static str {
        "join"
    }

    fn schema(&self, _inputs: &[SchemaRef]) -> Result<SchemaRef> {
        Ok(self.layout.schema.clone())
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let (layout, small) = (self.layout.clone(), self.small.clone());
        Ok(Map::each(move |_| Ok(Box::new(Probe { layout: layout.clone(), small: small.clone() }))))
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("the small side".into())
    }
}

struct Probe {
    layout: Arc<Layout>,
    small: Arc<Small>,
}

impl Stage for Probe {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        let layout = &*self.layout;
        let table = self.small.table(layout, out.context())?;
        let keys = layout.keys_of(PROBE, &batch.record)?;
        let hashes = layout.hashes(&keys, batch.rows())?;
        let ids = table.find(layout, &keys, &hashes)?;
        let single = match layout.kind {
            JoinKind::Semi | JoinKind::Anti => Some(&[][..]),
            JoinKind::Inner | JoinKind::Left => table.unique(),
            _ => None,
        };
        match single {
            Some(rows) => out.push(self.one_each(batch, table, &ids, rows)?),
            None => self.all_pairs(&batch, table, &ids, out),
        }
    }
}

impl Probe {
    /// At most one row of the result for each row.
    fn one_each(&self, batch: Batch, table: &Table, ids: &[u32], rows: &[u32]) -> Result<Batch> {
        let kept = match self.layout.kind {
            JoinKind::Left => batch,
            kind => {
                let lonely = kind == JoinKind::Anti;
                let mask = BooleanBuffer::collect_bool(ids.len(), |row| (ids[row] == NONE) == lonely);
                batch.filter(&BooleanArray::new(mask, None))?
            }
        };
        let found = match self.layout.kind {
            JoinKind::Inner => {
                let mut found = Vec::with_capacity(kept.rows());
                found.extend(ids.iter().filter(|&&id| id != NONE).map(|&id| rows[id as usize]));
                UInt32Array::from(found)
            }
            JoinKind::Left => ids.iter().map(|&id| rows.get(id as usize).copied()).collect(),
            _ => UInt32Array::new_null(kept.rows()),
        };
        let record = self.layout.assemble(&kept.record, None, &table.record, &found)?;
        Ok(kept.with_record(record))
    }

    fn all_pairs(&self, batch: &Batch, table: &Table, ids: &[u32], out: &mut Out<'_>) -> Result<Flow> {
        let both = (&batch.record, &table.record);
        let mut pairs = Pairs::new(&self.layout, out.context(), both);
        // where rows came from is a column, if anybody asks
        let mut push = |record: RecordBatch| out.push(Batch::new(record, 0, 0));
        for (row, &id) in ids.iter().enumerate() {
            if pairs.row(row as u32, table.rows_of(id), both, &mut push)? == Flow::Enough {
                return Ok(Flow::Enough);
            }
        }
        pairs.flush(both, &mut push)
    }
}
