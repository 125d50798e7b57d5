//! A join with a small side that all tasks share.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow::array::{Array, BooleanArray, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{FilterBuilder, FilterPredicate};
use arrow::datatypes::SchemaRef;

use super::JoinKind;
use super::apart::Apart;
use super::layout::{BUILD, Layout, PROBE, Rows, joined};
use super::table::{Pairs, Table};
use crate::base::{Identity, Result, Token, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::expr::keys::grouper::NONE;
use crate::io::Batch;
use crate::plan::node::only;
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
    /// About how many bytes its rows have in memory.
    bytes: u64,
    /// About how many bytes it takes to make the table: the rows, and either their copy in one or what finds them.
    making: u64,
    /// Held as results are: in memory, or on disk where that is short. Gone when the table is there.
    partitions: Mutex<Vec<Partition>>,
    table: OnceLock<Result<(Table, Reservation)>>,
}

const WHAT: &str = "the small side of a join";
/// About how many bytes it takes to find a row.
const FINDING: u64 = 64;
/// The table may take this part of the memory limit: tasks need theirs, and others may hold what they hold.
const PART: u64 = 2;

impl Broadcast {
    /// Joins with the rows of `small`, which are the result of the plan `content`.
    pub fn new(layout: Arc<Layout>, schema: SchemaRef, small: Vec<Partition>, content: Token, shown: String) -> Self {
        let bytes: u64 = small.iter().map(Partition::size).sum();
        let rows: u64 = small.iter().map(|p| p.rows() as u64).sum();
        let making = bytes.saturating_add(bytes.max(rows.saturating_mul(FINDING)));
        let small = Small { schema, bytes, making, partitions: Mutex::new(small), table: OnceLock::new() };
        Broadcast { layout, small: Arc::new(small), content, shown }
    }
}

/// How the rows of the small side are there.
enum Found<'a> {
    Table(&'a Table),
    /// The table does not fit.
    Rows(Vec<Partition>),
}

impl Small {
    /// The table, if it fits. Nobody waits for memory here, since all others may be waiting for the table.
    fn find(&self, layout: &Layout, ctx: &TaskContext) -> Result<Found<'_>> {
        if self.table.get().is_none() {
            let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
            if self.table.get().is_none() {
                match self.make(&partitions, layout, ctx).transpose() {
                    None => return Ok(Found::Rows(partitions.clone())),
                    Some(made) => self.table.get_or_init(|| made),
                };
                partitions.clear();
            }
        }
        match self.table.get() {
            None => Ok(Found::Rows(Vec::new())),
            Some(Ok((table, _))) => Ok(Found::Table(table)),
            Some(Err(error)) => Err(error.again()),
        }
    }

    fn make(&self, rows: &[Partition], layout: &Layout, ctx: &TaskContext) -> Result<Option<(Table, Reservation)>> {
        let mut room = ctx.budget.nothing();
        if self.making > ctx.budget.limit() / PART || !room.try_grow(self.making) {
            return Ok(None);
        }
        let (mut records, mut held) = (Vec::new(), Vec::new());
        for partition in rows {
            let (batches, reservation) = partition.clone().load_into(WHAT, &mut room)?;
            records.extend(batches.into_iter().map(|batch| batch.record));
            held.push(reservation);
        }
        let (record, hashes) = layout.hashed(BUILD, &joined(&self.schema, &records)?)?;
        drop((records, held));
        let table = Table::new(layout, record, &hashes)?;
        let bytes = table.record.columns().iter().map(|c| Ok(c.to_data().get_slice_memory_size()? as u64));
        let bytes = bytes.sum::<Result<u64>>()? + table.bytes();
        if !room.try_grow(bytes.saturating_sub(room.bytes())) {
            return Ok(None);
        }
        room.shrink_to(bytes);
        Ok(Some((table, room)))
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

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let (layout, small, schema) = (self.layout.clone(), self.small.clone(), only(inputs)?.schema().clone());
        Ok(Map::each(move |_| {
            let (layout, small, schema) = (layout.clone(), small.clone(), schema.clone());
            Ok(Box::new(Probe { layout, small, schema, apart: None }))
        }))
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds("the small side, or spills both in buckets where it does not fit".into())
    }
}

/// Looks up the rows of one partition.
struct Probe {
    layout: Arc<Layout>,
    small: Arc<Small>,
    /// The columns that come in.
    schema: SchemaRef,
    /// The rows, where the table does not fit.
    apart: Option<Apart>,
}

impl Stage for Probe {
    fn push(&mut self, batch: Batch, out: &mut Out<'_>) -> Result<Flow> {
        if let Some(apart) = &mut self.apart {
            return apart.push(&batch.record);
        }
        let (small, layout) = (self.small.clone(), self.layout.clone());
        let table = match small.find(&layout, out.context())? {
            Found::Table(table) => table,
            Found::Rows(rows) => {
                let apart = Apart::new(&layout, [&self.schema, &small.schema], rows, small.bytes, out.context());
                return self.apart.insert(apart).push(&batch.record);
            }
        };
        let keys = layout.keys_of(PROBE, &batch.record)?;
        let hashes = layout.hashes(&keys, batch.rows())?;
        let ids = table.find(&layout, &keys, &hashes)?;
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

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        self.apart.take().map_or(Ok(()), |apart| apart.end(out))
    }
}

impl Probe {
    /// At most one row of the result for each row.
    fn one_each(&self, batch: Batch, table: &Table, ids: &[u32], rows: &[u32]) -> Result<Batch> {
        let lonely = self.layout.kind == JoinKind::Anti;
        let mask = BooleanBuffer::collect_bool(ids.len(), |row| (ids[row] == NONE) == lonely);
        // only columns that are asked for are filtered
        let kept = match self.layout.kind {
            JoinKind::Left => None,
            _ if mask.count_set_bits() == ids.len() => None,
            _ => Some(FilterBuilder::new(&BooleanArray::new(mask.clone(), None)).optimize().build()),
        };
        let rows_kept = kept.as_ref().map_or(batch.rows(), FilterPredicate::count);
        let found = match self.layout.kind {
            JoinKind::Inner => {
                let mut found = Vec::with_capacity(rows_kept);
                found.extend(ids.iter().filter(|&&id| id != NONE).map(|&id| rows[id as usize]));
                UInt32Array::from(found)
            }
            JoinKind::Left => ids.iter().map(|&id| rows.get(id as usize).copied()).collect(),
            _ => UInt32Array::new_null(rows_kept),
        };
        let rows_of = kept.as_ref().map_or(Rows::All, Rows::Kept);
        let record = self.layout.assemble(&batch.record, rows_of, &table.record, &found)?;
        let origin = if kept.is_some() { batch.origin.filter(&mask) } else { batch.origin };
        Ok(Batch { record, origin })
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
