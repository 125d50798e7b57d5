//! Rows on their way into a piece and out of it, between DataFusion and a session of ours.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result as Outcome;
use partita::arrow::array::{RecordBatch as OwnBatch, RecordBatchOptions};
use partita::arrow::datatypes::SchemaRef as OwnSchema;
use partita::base::Tokenizer;
use partita::exec::TaskContext;
use partita::expr::fns::cast::convert;
use partita::io::{Batch, Batches, PartitionInfo, Scan, Source};
use partita::ops::ScanOp;
use partita::ops::gathered::Gathered;
use partita::plan::{Flow, Map, Op, Out, Plan, Shape, Stage};
use partita::{Error, Identity, Result, Session, Token};
use tokio::sync::mpsc;

use crate::bridge::{to_ours, to_theirs};
use crate::error;

type Receiver = mpsc::Receiver<Outcome<RecordBatch>>;

/// Rows that come once, as a source of one partition.
#[derive(Debug)]
pub struct Arriving {
    rows: Mutex<Option<Receiver>>,
    schema: OwnSchema,
    info: [PartitionInfo; 1],
    token: Token,
}

impl Arriving {
    /// The rows without their last columns, `hidden` of them.
    ///
    /// # Errors
    /// For columns that frames do not have.
    pub fn plan(rows: Receiver, schema: &SchemaRef, hidden: usize) -> Result<Plan> {
        let schema = without(schema, hidden)?;
        let info = [PartitionInfo { rows: None, bytes: 0, origin: "rows that were brought together".into() }];
        let arriving = Arriving { rows: Mutex::new(Some(rows)), schema, info, token: Token::fresh() };
        Plan::new(ScanOp::new(Arc::new(arriving)), Vec::new())
    }
}

/// The columns but for the last ones.
fn without(schema: &SchemaRef, hidden: usize) -> Result<OwnSchema> {
    let schema = to_ours::schema(schema)?;
    let columns: Vec<usize> = (0..schema.fields().len().saturating_sub(hidden)).collect();
    Ok(Arc::new(schema.project(&columns)?))
}

/// All rows without their last columns. They may be read several times: beyond the memory limit they are on disk.
///
/// # Errors
/// The first of the rows, `Io`.
pub fn gathered(rows: Receiver, schema: &SchemaRef, hidden: usize, session: &Session) -> Result<Plan> {
    let schema = without(schema, hidden)?;
    let records = records(rows, schema.clone());
    let gathered = Gathered::all(schema, records, session.task_context())?;
    Plan::new(ScanOp::new(Arc::new(gathered)), Vec::new())
}

/// The rows in the columns of `schema`; what comes behind those is left out.
fn records(mut rows: Receiver, schema: OwnSchema) -> impl Iterator<Item = Result<OwnBatch>> + Send {
    std::iter::from_fn(move || {
        let record = rows.blocking_recv()?;
        let columns: Vec<usize> = (0..schema.fields().len()).collect();
        let record = record.and_then(|record| Ok(record.project(&columns)?)).map_err(error::to_ours);
        Some(record.and_then(|record| to_ours::record(&record, &schema)))
    })
}

impl Identity for Arriving {
    fn token(&self, t: &mut Tokenizer) {
        t.str("arriving");
        t.token(self.token);
    }
}

impl Source for Arriving {
    fn describe(&self) -> String {
        "rows that were brought together".to_string()
    }

    fn schema(&self) -> OwnSchema {
        self.schema.clone()
    }

    fn partitions(&self) -> &[PartitionInfo] {
        &self.info
    }

    fn read(&self, _i: usize, scan: &Scan, ctx: &TaskContext) -> Result<Batches> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        let rows = rows.ok_or_else(|| Error::invalid("rows that come once were read twice"))?;
        let (projection, cancel) = (scan.projection.clone(), ctx.cancel.clone());
        let mut start = 0;
        Ok(Box::new(records(rows, self.schema.clone()).map(move |record| {
            cancel.check()?;
            let batch = Batch::new(record?, 0, start);
            start += batch.rows() as u64;
            batch.projected(projection.as_deref())
        })))
    }
}

/// Hands the rows over to DataFusion as they come, and gives none itself.
pub struct Handed {
    out: mpsc::Sender<Outcome<RecordBatch>>,
    schema: SchemaRef,
    projection: Option<Vec<usize>>,
    token: Token,
}

impl Handed {
    /// These columns of the rows, to whoever waits for `out`.
    pub fn new(out: mpsc::Sender<Outcome<RecordBatch>>, schema: SchemaRef, projection: Option<Vec<usize>>) -> Handed {
        Handed { out, schema, projection, token: Token::fresh() }
    }
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hand over")
    }
}

impl Identity for Handed {
    fn token(&self, t: &mut Tokenizer) {
        t.str("hand over");
        t.token(self.token);
    }
}

impl Op for Handed {
    fn name(&self) -> &'static str {
        "hand_over"
    }

    fn schema(&self, inputs: &[OwnSchema]) -> Result<OwnSchema> {
        inputs.first().cloned().ok_or_else(|| Error::invalid("there is nothing to hand over"))
    }

    fn asks_origins(&self, _above: bool) -> bool {
        false
    }

    fn shape(&self, _inputs: &[Plan]) -> Result<Shape> {
        let (out, schema, projection) = (self.out.clone(), self.schema.clone(), self.projection.clone());
        let ours = to_ours::schema(&schema)?;
        Ok(Map::each(move |_| {
            let (out, schema, projection) = (out.clone(), schema.clone(), projection.clone());
            Ok(Box::new(Handing { out, schema, ours: ours.clone(), projection }))
        }))
    }
}

struct Handing {
    out: mpsc::Sender<Outcome<RecordBatch>>,
    schema: SchemaRef,
    ours: OwnSchema,
    projection: Option<Vec<usize>>,
}

impl Stage for Handing {
    fn push(&mut self, batch: Batch, _out: &mut Out<'_>) -> Result<Flow> {
        let batch = batch.projected(self.projection.as_deref())?;
        let record = to_theirs::record(&settled(&batch, &self.ours)?, &self.schema)?;
        match self.out.blocking_send(Ok(record)) {
            Ok(()) => Ok(Flow::More),
            // nobody waits any more
            Err(_) => Ok(Flow::Enough),
        }
    }
}

/// The batch in exactly these types: strings may have come in other layouts.
fn settled(batch: &Batch, schema: &OwnSchema) -> Result<OwnBatch> {
    let columns = batch.record.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| convert(column, field.data_type())).collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
    Ok(OwnBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
