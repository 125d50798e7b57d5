//! Files as a table: described where the plan is made, opened where it runs, by the library's own readers.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as Outcome;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr as TheirExpr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, ReplaceChildrenOptions,
};
use partita::arrow::datatypes::SchemaRef as OwnSchema;
use partita::expr::Expr;
use partita::expr::fns::cast::convert;
use partita::io::{Batch, PortableSource, Scan, Source};
use partita::{Error, Result, exec};
use serde::{Deserialize, Serialize};

use crate::bridge::{to_ours, to_theirs};
use crate::error;

/// Some partitions of files.
#[derive(Clone, Debug)]
pub struct Files {
    source: PortableSource,
    /// All columns of the files.
    schema: SchemaRef,
    prune: Option<Expr>,
    partitions: Range<usize>,
}

#[derive(Serialize, Deserialize)]
struct Sent {
    source: PortableSource,
    prune: Option<String>,
    partitions: Range<usize>,
    projection: Option<Vec<usize>>,
}

impl Files {
    /// All partitions of files with these columns. Rows for which `prune` is not true may be left out.
    ///
    /// # Errors
    /// For columns of types that DataFusion does not have.
    pub fn new(source: PortableSource, schema: &OwnSchema, prune: Option<Expr>) -> Result<Files> {
        let partitions = 0..source.partitions();
        // it may only leave rows out: what cannot be sent is not needed
        let prune = prune.filter(|p| p.to_portable().is_ok());
        Ok(Files { source, schema: to_theirs::schema(schema)?, prune, partitions })
    }

    /// Only these partitions.
    #[must_use]
    pub fn only(self, partitions: Range<usize>) -> Files {
        let (start, end) = (partitions.start.min(self.partitions.end), partitions.end.min(self.partitions.end));
        Files { partitions: start..end, ..self }
    }

    /// All that it is, but for its columns.
    ///
    /// # Errors
    /// Never in practice.
    pub fn write(&self, projection: Option<&[usize]>) -> Result<Vec<u8>> {
        let sent = Sent {
            source: self.source.clone(),
            prune: self.prune.as_ref().map(Expr::to_portable).transpose()?,
            partitions: self.partitions.clone(),
            projection: projection.map(<[usize]>::to_vec),
        };
        serde_json::to_vec(&sent).map_err(Error::other)
    }

    /// What [`write`](Self::write) wrote, and the wanted columns.
    ///
    /// # Errors
    /// `Invalid` for bytes that it did not write.
    pub fn read(bytes: &[u8], schema: SchemaRef) -> Result<(Files, Option<Vec<usize>>)> {
        let sent: Sent = serde_json::from_slice(bytes).map_err(Error::other)?;
        let prune = sent.prune.as_deref().map(Expr::from_portable).transpose()?;
        Ok((Files { source: sent.source, schema, prune, partitions: sent.partitions }, sent.projection))
    }

    /// All columns of the files.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

#[async_trait]
impl TableProvider for Files {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[TheirExpr],
        _limit: Option<usize>,
    ) -> Outcome<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Reading::new(self.clone(), projection.cloned())?))
    }
}

/// Reads files, a partition a task.
#[derive(Debug)]
pub struct Reading {
    files: Files,
    projection: Option<Vec<usize>>,
    properties: Arc<PlanProperties>,
}

impl Reading {
    /// Reads these columns of files; all if none are named.
    ///
    /// # Errors
    /// When there are no such columns.
    pub fn new(files: Files, projection: Option<Vec<usize>>) -> Outcome<Reading> {
        let schema = match &projection {
            None => files.schema.clone(),
            Some(keep) => Arc::new(files.schema.project(keep)?),
        };
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(files.partitions.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Reading { files, projection, properties })
    }

    /// The files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The wanted columns.
    pub fn projection(&self) -> Option<&[usize]> {
        self.projection.as_deref()
    }

    /// Gives the batches of a partition to `take` until it wants no more.
    fn read(&self, partition: usize, take: &mut dyn FnMut(RecordBatch) -> bool) -> Result<()> {
        let source = opened(&self.files.source)?;
        let scan = Scan {
            projection: self.projection.as_ref().map(|keep| keep.as_slice().into()),
            prune: self.files.prune.clone(),
            ..Scan::default()
        };
        let theirs = self.schema();
        let ours = to_ours::schema(&theirs)?;
        for batch in source.read(self.files.partitions.start + partition, &scan, &exec::TaskContext::default())? {
            if !take(to_theirs::record(&settled(batch?, &ours)?, &theirs)?) {
                break;
            }
        }
        Ok(())
    }
}

/// The batch in exactly these types: readers may give strings in other layouts.
fn settled(batch: Batch, schema: &OwnSchema) -> Result<partita::arrow::array::RecordBatch> {
    let rows = batch.rows();
    let columns = batch.record.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| convert(column, field.data_type())).collect::<Result<_>>()?;
    let options = partita::arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(partita::arrow::array::RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// How many sources a process keeps open: opening one reads footers and samples of all its files.
const KEPT: usize = 16;

/// The source, opened once for all tasks of a process.
fn opened(portable: &PortableSource) -> Result<Arc<dyn Source>> {
    static OPEN: OnceLock<Mutex<HashMap<String, Arc<dyn Source>>>> = OnceLock::new();
    let open = OPEN.get_or_init(Mutex::default);
    let key = serde_json::to_string(portable).map_err(Error::other)?;
    // tasks that want the same wait for one of them to open it
    let mut known = open.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(source) = known.get(&key) {
        return Ok(source.clone());
    }
    let source = portable.open()?;
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(key, source.clone());
    Ok(source)
}

impl DisplayAs for Reading {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partitions = self.files.partitions.len();
        write!(f, "PartitaFiles: {partitions} partitions, {} columns", self.schema().fields().len())
    }
}

impl ExecutionPlan for Reading {
    fn name(&self) -> &str {
        "PartitaFiles"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Outcome<TreeNodeRecursion>,
    ) -> Outcome<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Outcome<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Outcome<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _context: Arc<TaskContext>) -> Outcome<SendableRecordBatchStream> {
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), 2);
        let sender = stream.tx();
        let reading = Reading {
            files: self.files.clone(),
            projection: self.projection.clone(),
            properties: self.properties.clone(),
        };
        // readers wait for disks and decompress: not on a thread that others wait on
        stream.spawn_blocking(move || {
            let read = reading.read(partition, &mut |batch| sender.blocking_send(Ok(batch)).is_ok());
            read.map_err(error::to_theirs)
        });
        Ok(stream.build())
    }
}
