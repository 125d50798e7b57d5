//! Plans on their way to a cluster, and results on their way back.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use ballista::prelude::{SessionConfigExt, SessionContextExt};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use partita::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use partita::arrow::datatypes::{DataType, Int64Type, SchemaRef};
use partita::exec::{Cancel, TaskContext};
use partita::expr::fns::cast::convert;
use partita::io::{Batch, Batches};
use partita::ops::Limit;
use partita::plan::{Engine, Plan, Relation};
use partita::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

use crate::bridge::to_ours;
use crate::client::Client;
use crate::codec::{Logical, Physical};
use crate::progress::Progress;
use crate::{describe, error, results, translate};

/// How many batches may wait to be taken.
const WAITING: usize = 4;
/// How often a query is run anew after workers were lost, and once more.
const ATTEMPTS: usize = 3;
/// The number of the next query of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// How often a waiting task looks whether it is cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// The most bytes of a message between client, scheduler and workers. Frames in memory travel in their plans, as twice their
/// bytes, and a worker is sent as many plans at once as it has threads: a message that were refused would be tasks lost.
pub(crate) const MESSAGE: usize = 1 << 30;

/// The settings that plans run with.
pub(crate) fn settings() -> SessionConfig {
    SessionConfig::new_with_ballista()
        .with_ballista_logical_extension_codec(Arc::new(Logical::default()))
        .with_ballista_physical_extension_codec(Arc::new(Physical::default()))
        .with_ballista_grpc_client_max_message_size(MESSAGE)
        // rows stay in the order of the partitions, and partitions are those of the files
        .with_round_robin_repartition(false)
        .with_repartition_file_scans(false)
        .with_information_schema(false)
        // stages stay as they were planned: pieces of ours say of themselves what they need, and planning them again while
        // they run cuts them again, without end
        .set_str("ballista.planner.adaptive.enabled", "false")
        // rows that meet are exchanged by all of their keys, on every side of what they meet for
        .set_str("datafusion.optimizer.subset_repartition_threshold", "1000000000")
        // one task a partition: a worker that joins late is given what has not started
        .set_str("ballista.scheduler.max_partitions_per_task", "1")
}

/// A name that no job of another query has, in this program or another: a job is known by its name before the scheduler
/// tells its number.
fn name() -> String {
    static SINCE: OnceLock<u128> = OnceLock::new();
    let since = SINCE.get_or_init(|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos()));
    format!("partita {}-{since:x} {}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Client {
    async fn context(&self, name: &str) -> Result<SessionContext> {
        let config = settings().with_target_partitions(self.partitions()).set_str("ballista.job.name", name);
        let state = SessionStateBuilder::new().with_default_features().with_config(config).build();
        let url = format!("df://{}", self.address());
        SessionContext::remote_with_state(&url, state).await.map_err(error::to_ours)
    }

    /// The rows of a logical plan, as they come.
    pub(crate) fn stream(&self, logical: LogicalPlan, schema: SchemaRef, cancel: &Cancel) -> Result<Rows> {
        cancel.check()?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let client = self.clone();
        let name = name();
        let progress = Progress::new(self, &name);
        self.runtime().spawn(async move {
            let sent = async {
                for left in (0..ATTEMPTS).rev() {
                    let (before, mut delivered) = (client.look().await?, false);
                    tokio::select! {
                        sent = client.send(logical.clone(), &name, &schema, (&sender, &mut delivered)) => match sent {
                            // a worker is gone, and what it had with it
                            Err(_) if left > 0 && !delivered && client.has_lost(&before).await => {}
                            sent => return sent,
                        },
                        () = client.stands_still(&name, &before), if left > 0 => client.stop(&name).await,
                    }
                }
                Ok(())
            };
            tokio::select! {
                sent = sent => if let Err(error) = sent {
                    let _ = sender.send(Err(client.failure(error).await)).await;
                },
                // nobody waits any more
                () = sender.closed() => client.stop(&name).await,
            }
        });
        Ok(Rows { receiver, client: self.clone(), cancel: cancel.clone(), progress: Some(progress), done: false })
    }

    /// Runs a plan, and sends what it gives; says whether it gave anything.
    async fn send(
        &self,
        logical: LogicalPlan,
        name: &str,
        schema: &SchemaRef,
        (sender, delivered): (&mpsc::Sender<Result<RecordBatch>>, &mut bool),
    ) -> Result<()> {
        let mut stream = self.submit(logical, name).await?;
        while let Some(batch) = stream.next().await {
            let batch = to_ours::record(&batch.map_err(error::to_ours)?, schema)?;
            *delivered = true;
            if sender.send(Ok(batch)).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn submit(&self, logical: LogicalPlan, name: &str) -> Result<SendableRecordBatchStream> {
        let context = self.context(name).await?;
        let frame = context.execute_logical_plan(logical).await.map_err(error::to_ours)?;
        let plan = frame.create_physical_plan().await.map_err(error::to_ours)?;
        let stream = execute_stream(plan.clone(), context.task_ctx()).map_err(error::to_ours)?;
        results::in_order(self.address(), &*plan, stream).await.map_err(error::to_ours)
    }

    /// What went wrong, told from the scheduler being gone.
    async fn failure(&self, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::Other { .. }) {
            return error;
        }
        match self.look().await {
            Ok(_) => error.doing(format!("run on {self}")),
            Err(gone) => gone,
        }
    }
}

/// Batches that come from a cluster.
pub(crate) struct Rows {
    receiver: mpsc::Receiver<Result<RecordBatch>>,
    client: Client,
    cancel: Cancel,
    /// Until the first batch comes: the job is done then.
    progress: Option<Progress>,
    done: bool,
}

impl Iterator for Rows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        while !self.done {
            if let Err(cancelled) = self.cancel.check() {
                self.done = true;
                self.receiver.close();
                return Some(Err(cancelled));
            }
            let receiver = &mut self.receiver;
            let waited = self.client.wait(async { tokio::time::timeout(LOOK, receiver.recv()).await });
            match waited {
                Err(_) => self.progress.iter_mut().for_each(Progress::look),
                Ok(next) => {
                    self.done = !matches!(next, Some(Ok(_)));
                    let progress = self.progress.take().filter(|_| !matches!(next, Some(Err(_))));
                    progress.into_iter().for_each(Progress::end);
                    return next;
                }
            }
        }
        None
    }
}

/// Batches whose rows are counted through.
fn counted(rows: impl Iterator<Item = Result<RecordBatch>> + Send + 'static) -> Batches {
    let mut start = 0;
    Box::new(rows.map(move |record| {
        let record = record?;
        let batch = Batch::new(record, 0, start);
        start += batch.rows() as u64;
        Ok(batch)
    }))
}

impl Engine for Client {
    fn run(&self, plan: &Plan, ctx: &TaskContext) -> Result<Batches> {
        let client = self.watched(&ctx.observers);
        let mut queries = 1;
        plan.visit(&mut |node| queries += usize::from(Relation::of(node).is_ok_and(|r| translate::is_few(&r))));
        if queries > 1 {
            // none of them runs unless all can
            translate::can_travel(plan)?;
        }
        match translate::is_few(&Relation::of(plan)?) {
            true => Ok(counted(few(&client, plan, &ctx.cancel)?.into_iter().map(Ok))),
            false => Ok(counted(rows(&client, plan, &ctx.cancel)?)),
        }
    }

    fn shared_folder(&self) -> Option<PathBuf> {
        self.shared().map(Path::to_path_buf)
    }
}

/// The rows of a plan.
pub(crate) fn rows(client: &Client, plan: &Plan, cancel: &Cancel) -> Result<Rows> {
    let logical = translate::logical(plan, &mut |first| few(client, first, cancel))?;
    translate::check(&logical, plan)?;
    client.stream(logical, plan.schema().clone(), cancel)
}

/// The rows of an operation that gives few of them and needs several queries for it.
fn few(client: &Client, plan: &Plan, cancel: &Cancel) -> Result<Vec<RecordBatch>> {
    let input = plan.only_input()?;
    match Relation::of(plan)? {
        Relation::Describe { columns, percentiles } => {
            Ok(vec![describe::table(client, plan, (&columns, &percentiles), cancel)?])
        }
        Relation::Head { rows } => head(client, input, rows, cancel),
        Relation::Tail { rows } => tail(client, input, rows, cancel),
        Relation::Totals => Ok(vec![totals(client, plan, cancel)?]),
        _ => rows(client, plan, cancel)?.collect(),
    }
}

/// The rows of some partitions of a plan of files.
fn of_partitions(client: &Client, plan: &Plan, range: Range<usize>, cancel: &Cancel) -> Result<Rows> {
    let logical = translate::of_partitions(plan, range)?;
    translate::check(&logical, plan)?;
    client.stream(logical, plan.schema().clone(), cancel)
}

/// The first rows. Of files, partitions are read on, more of them each time, until there are enough.
fn head(client: &Client, input: &Plan, wanted: usize, cancel: &Cancel) -> Result<Vec<RecordBatch>> {
    let (mut found, mut left) = (Vec::new(), wanted);
    let mut take = |records: Rows| -> Result<bool> {
        for record in records {
            let record = record?;
            let take = record.num_rows().min(left);
            found.push(record.slice(0, take));
            left -= take;
            if left == 0 {
                break;
            }
        }
        Ok(left > 0)
    };
    match translate::partitions_of_files(input) {
        None => {
            let logical = translate::logical(input, &mut |first| few(client, first, cancel))?;
            translate::check(&logical, input)?;
            take(client.stream(translate::first(logical, wanted)?, input.schema().clone(), cancel)?)?;
        }
        Some(all) => {
            // no partition needs to give more than all that is wanted
            let input = Plan::new(Limit { rows: wanted }, vec![input.clone()])?;
            let mut range = 0..1;
            while range.start < all && take(of_partitions(client, &input, range.start..range.end.min(all), cancel)?)? {
                range = range.end..range.end + 2 * range.len();
            }
        }
    }
    Ok(found)
}

/// The last rows. Of files, partitions are read from the end on, more of them each time, until there are enough.
fn tail(client: &Client, input: &Plan, wanted: usize, cancel: &Cancel) -> Result<Vec<RecordBatch>> {
    let mut found: VecDeque<RecordBatch> = VecDeque::new();
    let mut count = 0;
    let mut push = |records: Vec<RecordBatch>, in_front: bool| {
        count += records.iter().map(RecordBatch::num_rows).sum::<usize>();
        for (i, record) in records.into_iter().enumerate() {
            if in_front { found.insert(i, record) } else { found.push_back(record) }
        }
        while found.front().is_some_and(|first| count - first.num_rows() >= wanted) {
            count -= found.pop_front().map_or(0, |first| first.num_rows());
        }
        count >= wanted
    };
    match translate::partitions_of_files(input) {
        None => {
            for record in rows(client, input, cancel)? {
                push(vec![record?], false);
            }
        }
        Some(all) => {
            let mut range = all.saturating_sub(1)..all;
            while !range.is_empty() {
                let records = of_partitions(client, input, range.clone(), cancel)?.collect::<Result<_>>()?;
                if push(records, true) {
                    break;
                }
                range = range.start.saturating_sub(2 * range.len())..range.start;
            }
        }
    }
    if let Some(first) = found.front_mut().filter(|_| count > wanted) {
        let too_many = count - wanted;
        *first = first.slice(too_many, first.num_rows() - too_many);
    }
    Ok(found.into())
}

/// The sums of the numbers that each partition gives: a row for each name, which is the first column.
fn totals(client: &Client, plan: &Plan, cancel: &Cancel) -> Result<RecordBatch> {
    let mut sums: Vec<Vec<i64>> = Vec::new();
    let mut names: Option<RecordBatch> = None;
    let logical = translate::of_each(plan, &mut |first| few(client, first, cancel))?;
    translate::check(&logical, plan)?;
    for record in client.stream(logical, plan.schema().clone(), cancel)? {
        let record = record?;
        for (i, column) in record.columns().iter().skip(1).enumerate() {
            let column = convert(column, &DataType::Int64)?;
            let column = column.as_primitive::<Int64Type>();
            if sums.len() <= i {
                sums.push(vec![0; column.len()]);
            }
            sums[i].iter_mut().zip(column.values()).for_each(|(sum, n)| *sum += n);
        }
        names.get_or_insert(record);
    }
    let Some(names) = names else { return Ok(RecordBatch::new_empty(plan.schema().clone())) };
    let mut columns = vec![names.column(0).clone()];
    for (sums, field) in sums.into_iter().zip(plan.schema().fields().iter().skip(1)) {
        let sums: ArrayRef = Arc::new(Int64Array::from(sums));
        columns.push(convert(&sums, field.data_type())?);
    }
    Ok(RecordBatch::try_new(plan.schema().clone(), columns)?)
}
