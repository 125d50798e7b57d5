//! The first rows in the order of some keys.

use std::fmt;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;

use super::sort_by::{SortBy, gather, shown};
use super::{Head, same_schema};
use crate::base::{Error, Identity, Result, Tokenizer};
use crate::exec::{Reservation, TaskContext};
use crate::expr::Portable;
use crate::expr::order::{Encoder, Keys, sorted};
use crate::expr::{Expr, SortKey};
use crate::graph::{Held, Payload};
use crate::io::Batch;
use crate::plan::node::only;
use crate::plan::op::Footprint;
use crate::plan::shape::{Chunk, Reduce};
use crate::plan::{Flow, Op, Partition, Plan, Relation, Shape};

/// The first rows in the order of some keys: what sorting everything and taking the first rows gives, without sorting
/// everything. Each partition keeps no more than a few times as many rows as are asked for.
#[derive(Debug, Clone)]
pub struct TopK {
    rows: usize,
    keys: Vec<SortKey>,
}

impl TopK {
    /// For more rows than this everything is sorted, which spills where memory is short.
    pub const FEW: usize = 1 << 16;

    /// The first `rows` rows by the first key, and where that is equal by the next.
    ///
    /// # Errors
    /// `Invalid` without keys.
    pub fn new(rows: usize, keys: impl IntoIterator<Item = SortKey>) -> Result<TopK> {
        let keys: Vec<SortKey> = keys.into_iter().collect();
        if keys.is_empty() {
            return Err(Error::invalid("the first rows of an order need at least one key"));
        }
        Ok(TopK::of(rows, keys))
    }

    pub(super) fn of(rows: usize, keys: Vec<SortKey>) -> TopK {
        TopK { rows, keys }
    }
}

impl fmt::Display for TopK {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "top_k {} by {}", self.rows, shown(&self.keys))
    }
}

impl Identity for TopK {
    fn token(&self, t: &mut Tokenizer) {
        t.str("top_k");
        t.u64(self.rows as u64);
        t.list(&self.keys, |t, key| t.identity(key));
    }
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn schema(&self, inputs: &[SchemaRef]) -> Result<SchemaRef> {
        let schema = same_schema(inputs)?;
        Encoder::new(&self.keys, &schema)?;
        Ok(schema)
    }

    fn shape(&self, inputs: &[Plan]) -> Result<Shape> {
        let input = only(inputs)?;
        if self.rows > TopK::FEW {
            let all = Plan::new(SortBy::new(self.keys.clone())?, vec![input.clone()])?;
            return Ok(Shape::Rewrite(Plan::new(Head { rows: self.rows }, vec![all])?));
        }
        let schema = input.schema().clone();
        let encoder = Encoder::new(&self.keys, &schema)?;
        Ok(Shape::Reduce(Arc::new(Best { encoder, schema, most: self.rows })))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn map_exprs(&self, f: &mut dyn FnMut(&Expr) -> Result<Expr>) -> Result<Option<Arc<dyn Op>>> {
        let keys = self.keys.iter().map(|key| Ok(SortKey { expr: f(&key.expr)?, ..key.clone() }));
        Ok(Some(Arc::new(TopK { rows: self.rows, keys: keys.collect::<Result<_>>()? })))
    }

    fn first_rows(&self, rows: usize) -> Option<Arc<dyn Op>> {
        Some(Arc::new(TopK { rows: self.rows.min(rows), keys: self.keys.clone() }))
    }

    fn relation(&self, _inputs: &[Plan]) -> Option<Relation> {
        Some(Relation::Sort { keys: self.keys.clone(), rows: Some(self.rows) })
    }

    fn footprint(&self) -> Footprint {
        Footprint::Holds(format!("{} rows a partition", self.rows))
    }

    fn portable(&self) -> Option<Portable> {
        Portable::of("top_k", &(self.rows, &self.keys))
    }
}

#[derive(Clone)]
struct Best {
    encoder: Encoder,
    schema: SchemaRef,
    most: usize,
}

/// The best rows of some partitions, in order.
struct BestRows(RecordBatch, #[allow(dead_code, reason = "given back when the rows are gone")] Reservation);

impl Held for BestRows {
    fn bytes(&self) -> u64 {
        Batch::new(self.0.clone(), 0, 0).bytes() as u64
    }
}

const WHAT: &str = "the first rows of an order";

impl Best {
    /// The best rows of several batches, in order.
    fn of(&self, records: &[RecordBatch], keys: &[Keys]) -> Result<RecordBatch> {
        let mut order = sorted(keys);
        order.truncate(self.most);
        let picked: Vec<(usize, usize)> = order.iter().map(|p| (p.batch as usize, p.row as usize)).collect();
        if records.is_empty() {
            return Ok(RecordBatch::new_empty(self.schema.clone()));
        }
        super::sort_by::tidy(gather(&self.schema, records, &picked)?)
    }
}

impl Reduce for Best {
    fn start(&self, ctx: &TaskContext) -> Result<Box<dyn Chunk>> {
        let reservation = ctx.budget.reserve(WHAT, 0)?;
        Ok(Box::new(Seeking {
            best: self.clone(),
            records: Vec::new(),
            keys: Vec::new(),
            rows: 0,
            reservation,
            bar: None,
        }))
    }

    fn combine(&self, states: Vec<Payload>) -> Result<Payload> {
        let mut states = states.into_iter().map(|state| {
            state.take::<BestRows>().map_err(|_| Error::invalid("the rows of a top_k are held elsewhere"))
        });
        let BestRows(first, mut reservation) =
            states.next().unwrap_or_else(|| Err(Error::invalid("there is nothing to combine")))?;
        let (mut records, mut reserved) = (vec![first], Vec::new());
        for state in states {
            let BestRows(record, reservation) = state?;
            records.push(record);
            reserved.push(reservation);
        }
        let keys = records.iter().map(|r| self.encoder.encode(r)).collect::<Result<Vec<_>>>()?;
        let record = self.of(&records, &keys)?;
        reservation.resize(WHAT, Batch::new(record.clone(), 0, 0).bytes() as u64)?;
        Ok(Payload::new(BestRows(record, reservation)))
    }

    fn finish(&self, state: Payload) -> Result<Payload> {
        match state.take::<BestRows>() {
            Ok(BestRows(record, _)) => Ok(Payload::new(Partition::new(vec![Batch::new(record, 0, 0)]))),
            Err(_) => Err(Error::invalid("the rows of a top_k are held elsewhere")),
        }
    }
}

/// The best rows of the batches so far, and some that may be.
struct Seeking {
    best: Best,
    records: Vec<RecordBatch>,
    keys: Vec<Keys>,
    rows: usize,
    reservation: Reservation,
    /// The first bytes of the key of the last of the best rows: what lies behind it is not looked at.
    bar: Option<u128>,
}

impl Seeking {
    fn keep(&mut self, record: RecordBatch, keys: Keys) -> Result<()> {
        let bytes = Batch::new(record.clone(), 0, 0).bytes() as u64;
        if !self.reservation.try_grow(bytes) {
            // rows that are none of the best go first
            self.narrow()?;
            self.reservation.grow(WHAT, bytes)?;
        }
        self.rows += record.num_rows();
        self.records.push(record);
        self.keys.push(keys);
        if self.rows > 2 * self.best.most + 1024 { self.narrow() } else { Ok(()) }
    }

    /// Keeps the best rows only.
    fn narrow(&mut self) -> Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        let record = self.best.of(&self.records, &self.keys)?;
        let keys = self.best.encoder.encode(&record)?;
        self.rows = record.num_rows();
        if self.rows == self.best.most {
            self.bar = self.rows.checked_sub(1).map(|last| keys.prefix(last)).or(Some(0));
        }
        let bytes = Batch::new(record.clone(), 0, 0).bytes() as u64;
        (self.records, self.keys) = (vec![record], vec![keys]);
        self.reservation.resize(WHAT, bytes)
    }
}

impl Chunk for Seeking {
    fn push(&mut self, batch: Batch) -> Result<Flow> {
        if self.best.most == 0 {
            return Ok(Flow::Enough);
        }
        let keys = self.best.encoder.encode(&batch.record)?;
        let Some(bar) = self.bar else {
            self.keep(batch.record, keys)?;
            return Ok(Flow::More);
        };
        let mask: BooleanArray = keys.prefixes().iter().map(|prefix| Some(*prefix <= bar)).collect();
        match mask.true_count() {
            0 => {}
            all if all == batch.rows() => self.keep(batch.record, keys)?,
            _ => {
                let record = filter_record_batch(&batch.record, &mask)?;
                let keys = self.best.encoder.encode(&record)?;
                self.keep(record, keys)?;
            }
        }
        Ok(Flow::More)
    }

    fn end(mut self: Box<Self>) -> Result<Payload> {
        self.narrow()?;
        let record = self.records.pop().unwrap_or_else(|| RecordBatch::new_empty(self.best.schema.clone()));
        Ok(Payload::new(BestRows(record, self.reservation)))
    }
}
