//! Files as a table: described where the plan is made, opened where it runs, by the library's own readers.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as Outcome;
use datafusion::common::cast::as_uint64_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr as TheirExpr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::StreamExt;
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
        Ok(Arc::new(Reading::new(self.clone(), projection.cloned(), numbers(self.partitions.clone())?)?))
    }
}

/// The column that says which partitions a task reads.
const PARTITION: &str = "partition";

/// Reads partitions of files: those whose numbers come in.
///
/// The scheduler gives each of its tasks a part of the leaves of a plan, but only of leaves that it knows; of others every
/// task would read all. So the leaf is a table in memory of the numbers of the partitions, which it knows.
#[derive(Debug)]
pub struct Reading {
    files: Files,
    projection: Option<Vec<usize>>,
    numbers: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

/// The numbers of partitions, one in each partition of a table.
fn numbers(partitions: Range<usize>) -> Outcome<Arc<dyn ExecutionPlan>> {
    let schema = Arc::new(Schema::new(vec![Field::new(PARTITION, DataType::UInt64, false)]));
    let one = |i: usize| {
        let number: ArrayRef = Arc::new(UInt64Array::from(vec![i as u64]));
        Ok(vec![RecordBatch::try_new(schema.clone(), vec![number])?])
    };
    let tables = partitions.map(one).collect::<Outcome<Vec<_>>>()?;
    Ok(DataSourceExec::from_data_source(MemorySourceConfig::try_new(&tables, schema, None)?))
}

impl Reading {
    /// Reads these columns of the partitions of files that `numbers` names; all columns if none are named.
    ///
    /// # Errors
    /// When there are no such columns.
    pub fn new(files: Files, projection: Option<Vec<usize>>, numbers: Arc<dyn ExecutionPlan>) -> Outcome<Reading> {
        let schema = match &projection {
            None => files.schema.clone(),
            Some(keep) => Arc::new(files.schema.project(keep)?),
        };
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(numbers.properties().output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Reading { files, projection, numbers, properties })
    }

    /// The files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The wanted columns.
    pub fn projection(&self) -> Option<&[usize]> {
        self.projection.as_deref()
    }
}

/// What a task reads.
struct Read {
    files: Files,
    projection: Option<Vec<usize>>,
    schema: SchemaRef,
}

impl Read {
    /// Gives the batches of a partition to `take` until it wants no more; whether it does.
    fn partition(&self, partition: usize, take: &mut dyn FnMut(RecordBatch) -> bool) -> Result<bool> {
        let source = opened(&self.files.source)?;
        let scan = Scan {
            projection: self.projection.as_ref().map(|keep| keep.as_slice().into()),
            prune: self.files.prune.clone(),
            ..Scan::default()
        };
        let ours = to_ours::schema(&self.schema)?;
        for batch in source.read(partition, &scan, &exec::TaskContext::default())? {
            if !take(to_theirs::record(&settled(batch?, &ours)?, &self.schema)?) {
                return Ok(false);
            }
        }
        Ok(true)
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
    // a file that was written anew is another one, even if it is as long
    let modified: Vec<_> = portable.files()?.iter().map(|file| file.modified).collect();
    let key = format!("{modified:?} {}", serde_json::to_string(portable).map_err(Error::other)?);
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
        write!(f, "PartitaFiles: {} columns", self.schema().fields().len())
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
        vec![&self.numbers]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Outcome<TreeNodeRecursion>,
    ) -> Outcome<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Outcome<Arc<dyn ExecutionPlan>> {
        let [numbers] = <[_; 1]>::try_from(children)
            .map_err(|_| datafusion::common::internal_datafusion_err!("files are read from one list of partitions"))?;
        Ok(Arc::new(Reading::new(self.files.clone(), self.projection.clone(), numbers)?))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Outcome<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Outcome<SendableRecordBatchStream> {
        let mut numbers = self.numbers.execute(partition, context)?;
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), 2);
        let sender = stream.tx();
        let read = Read { files: self.files.clone(), projection: self.projection.clone(), schema: self.schema() };
        stream.spawn(async move {
            let mut wanted = Vec::new();
            while let Some(batch) = numbers.next().await {
                wanted.extend_from_slice(as_uint64_array(batch?.column(0))?.values());
            }
            // readers wait for disks and decompress: not on a thread that others wait on
            let all = tokio::task::spawn_blocking(move || {
                for partition in wanted {
                    let more = read.partition(partition as usize, &mut |batch| sender.blocking_send(Ok(batch)).is_ok());
                    if !more.map_err(error::to_theirs)? {
                        break;
                    }
                }
                Ok(())
            });
            all.await.map_err(|e| datafusion::common::exec_datafusion_err!("a reader has panicked: {e}"))?
        });
        Ok(stream.build())
    }
}
