//! Pieces of a plan at work: each task of a worker runs one in a session of ours.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use datafusion::arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::common::Result as Outcome;
use datafusion::common::cast::as_uint64_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, InvariantLevel};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, Partitioning,
    PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;
use partita::io::{PortableSource, Source};
use partita::ops::Partitions;
use partita::plan::Plan;
use partita::{Error, Result, Scheduler, Session};
use tokio::sync::mpsc;

use crate::arriving::{Arriving, Handed, gathered};
use crate::error;
use crate::piece::{Need, Piece};

/// How many batches wait between two steps of a task.
const WAITING: usize = 2;

/// The column that says which partitions a task works on.
const PARTITION: &str = "partition";

/// The numbers of partitions, one in each partition of a table.
///
/// The scheduler gives each of its tasks a part of the leaves of a plan, but only of leaves that it knows; of others every
/// task would read all. So the leaf below a piece over files is a table in memory of the numbers of the partitions, which
/// it knows.
///
/// # Errors
/// Never in practice.
pub fn numbers(partitions: Range<usize>) -> Outcome<Arc<dyn ExecutionPlan>> {
    let schema = Arc::new(Schema::new(vec![Field::new(PARTITION, DataType::UInt64, false)]));
    let one = |i: usize| {
        let number: ArrayRef = Arc::new(UInt64Array::from(vec![i as u64]));
        Ok(vec![RecordBatch::try_new(schema.clone(), vec![number])?])
    };
    let tables = partitions.map(one).collect::<Outcome<Vec<_>>>()?;
    Ok(DataSourceExec::from_data_source(MemorySourceConfig::try_new(&tables, schema, None)?))
}

/// A piece of a plan, as a step of a plan of DataFusion: over files, which partitions of it its only child says, or over
/// the rows of its children.
#[derive(Debug)]
pub struct Working {
    piece: Piece,
    /// All columns that the piece gives.
    whole: SchemaRef,
    projection: Option<Vec<usize>>,
    children: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl Working {
    /// These columns of what a piece gives, whose columns are those of `whole`.
    ///
    /// # Errors
    /// When there are no such columns, or not as many children as it needs.
    pub fn new(
        piece: Piece,
        whole: SchemaRef,
        projection: Option<Vec<usize>>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Outcome<Working> {
        if children.len() != piece.needs.len().max(1) {
            return datafusion::common::internal_err!("a part of a plan has not as many inputs as it needs");
        }
        let schema = match &projection {
            None => whole.clone(),
            Some(keep) => Arc::new(whole.project(keep)?),
        };
        // the partitions are those of whatever does not come as a whole
        let partitions = children.iter().zip(piece.needs.iter().chain([&Need::Apart]));
        let partitions =
            partitions.filter(|(_, need)| matches!(need, Need::Apart | Need::Keys)).map(|(child, _)| child);
        let partitions = partitions.map(|child| child.properties().output_partitioning().partition_count()).max();
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions.unwrap_or(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        Ok(Working { piece, whole, projection, children, properties })
    }

    /// The piece.
    pub fn piece(&self) -> &Piece {
        &self.piece
    }

    /// All columns that the piece gives.
    pub fn whole(&self) -> &SchemaRef {
        &self.whole
    }

    /// The wanted columns.
    pub fn projection(&self) -> Option<&[usize]> {
        self.projection.as_deref()
    }

    /// How the rows of each child have to be distributed.
    fn distributions(&self) -> Vec<Distribution> {
        let of = |(i, child): (usize, &Arc<dyn ExecutionPlan>)| match self.need(i) {
            Need::Apart => Distribution::UnspecifiedDistribution,
            Need::All(_) | Need::Sorted(_) => Distribution::SinglePartition,
            Need::Keys => {
                let last = child.schema().fields().len().saturating_sub(1);
                let name = child.schema().field(last).name().clone();
                Distribution::KeyPartitioned(vec![Arc::new(Column::new(&name, last)) as Arc<dyn PhysicalExpr>])
            }
        };
        self.children.iter().enumerate().map(of).collect()
    }

    /// What is needed of a child, that of a piece over files too.
    fn need(&self, child: usize) -> Need {
        self.piece.needs.get(child).copied().unwrap_or(Need::Apart)
    }
}

impl DisplayAs for Working {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partita: {} columns", self.schema().fields().len())
    }
}

impl ExecutionPlan for Working {
    fn name(&self) -> &str {
        "Partita"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.children.iter().collect()
    }

    #[allow(deprecated, reason = "some rules of the optimiser still ask this and not what follows it")]
    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.distributions()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        let all = self.distributions();
        match all.len() > 1 && self.piece.needs.iter().all(|need| *need == Need::Keys) {
            true => InputDistributionRequirements::co_partitioned(all),
            false => InputDistributionRequirements::new(all),
        }
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let of = |(i, child): (usize, &Arc<dyn ExecutionPlan>)| match self.need(i) {
            Need::Sorted(by) | Need::All(by) => {
                let schema = child.schema();
                let last = schema.fields().len().saturating_sub(by)..schema.fields().len();
                let by = last.map(|at| PhysicalSortExpr {
                    expr: Arc::new(Column::new(schema.field(at).name(), at)),
                    options: SortOptions { descending: false, nulls_first: true },
                });
                Some(OrderingRequirements::from(LexOrdering::new(by)?))
            }
            _ => None,
        };
        self.children.iter().enumerate().map(of).collect()
    }

    fn check_invariants(&self, _check: InvariantLevel) -> Outcome<()> {
        // a task has one partition of each child, of which it can no longer be said that they fit together
        Ok(())
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        // whoever sorts below a piece does it for the piece
        vec![true; self.children.len()]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.children.len()]
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
        Ok(Arc::new(Working::new(self.piece.clone(), self.whole.clone(), self.projection.clone(), children)?))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Outcome<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Outcome<SendableRecordBatchStream> {
        let mut stream = RecordBatchReceiverStream::builder(self.schema(), WAITING);
        let mut coming = Vec::new();
        for (i, child) in self.children.iter().enumerate() {
            let from = if matches!(self.need(i), Need::Apart | Need::Keys) { partition } else { 0 };
            let mut rows = child.execute(from, context.clone())?;
            let (sender, receiver) = mpsc::channel(WAITING);
            stream.spawn(async move {
                while let Some(batch) = rows.next().await {
                    if sender.send(batch).await.is_err() {
                        break;
                    }
                }
                Ok(())
            });
            coming.push((child.schema(), receiver));
        }
        let out = stream.tx();
        let task = Task { piece: self.piece.clone(), schema: self.schema(), projection: self.projection.clone() };
        // pieces read files and compute: not on a thread that others wait on
        stream.spawn_blocking(move || task.run(coming, out).map_err(error::to_theirs));
        Ok(stream.build())
    }
}

/// Rows of a child as they come, and their columns.
type Coming = (SchemaRef, mpsc::Receiver<Outcome<RecordBatch>>);

/// A piece in a task.
struct Task {
    piece: Piece,
    schema: SchemaRef,
    projection: Option<Vec<usize>>,
}

impl Task {
    fn run(self, coming: Vec<Coming>, out: mpsc::Sender<Outcome<RecordBatch>>) -> Result<()> {
        let session = session()?;
        if !self.piece.needs.is_empty() {
            let given = self.piece.needs.iter().zip(coming);
            let given = given.map(|(need, (schema, rows))| match need {
                Need::Apart => Arriving::plan(rows, &schema, 0),
                Need::Keys => Arriving::plan(rows, &schema, 1),
                Need::Sorted(by) => Arriving::plan(rows, &schema, *by),
                Need::All(by) => gathered(rows, &schema, *by, &session),
            });
            let plan = self.piece.plan.plan(&given.collect::<Result<Vec<_>>>()?, &mut opened)?;
            return self.hand_over(plan, &session, &out);
        }
        let mut wanted = Vec::new();
        for (_, mut numbers) in coming {
            while let Some(batch) = numbers.blocking_recv() {
                let batch = batch.map_err(error::to_ours)?;
                let numbers = as_uint64_array(batch.column(0)).map_err(error::to_ours)?;
                wanted.extend(numbers.values().iter().map(|&n| n as usize));
            }
        }
        let plan = self.piece.plan.plan(&[], &mut opened)?;
        for partition in wanted {
            let only = Plan::new(Partitions { range: partition..partition + 1 }, vec![plan.clone()])?;
            self.hand_over(only, &session, &out)?;
        }
        Ok(())
    }

    fn hand_over(&self, plan: Plan, session: &Session, out: &mpsc::Sender<Outcome<RecordBatch>>) -> Result<()> {
        let handed = Handed::new(out.clone(), self.schema.clone(), self.projection.clone());
        // in turn: what is handed over goes on in the order in which its tasks run
        session.start(&Plan::new(handed, vec![plan])?, Some(1))?.try_for_each(|done| done.map(drop))
    }
}

static SESSION: OnceLock<Session> = OnceLock::new();

/// Lets the tasks of this process work in `session`.
pub fn work_in(session: Session) {
    // a process is one worker: there is nobody to be second
    let _ = SESSION.set(session);
}

/// The session in which the tasks of this process work, each of them on its own thread.
fn session() -> Result<Session> {
    match SESSION.get() {
        Some(session) => Ok(session.clone()),
        None => Ok(SESSION
            .get_or_init({
                let session = Session::builder().scheduler(Scheduler::Synchronous).build()?;
                move || session
            })
            .clone()),
    }
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
