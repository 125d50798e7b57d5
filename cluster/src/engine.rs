//! Plans on their way to a cluster, and results on their way back.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ballista::prelude::{SessionConfigExt, SessionContextExt};
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use partita::arrow::array::RecordBatch;
use partita::arrow::datatypes::SchemaRef;
use partita::exec::{Cancel, TaskContext};
use partita::io::{Batch, Batches};
use partita::plan::{Engine, Plan, Relation};
use partita::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

use crate::bridge::to_ours;
use crate::client::Client;
use crate::codec::{Logical, Physical};
use crate::{describe, error, translate};

/// How many batches may wait to be taken.
const WAITING: usize = 4;
/// The number of the next query of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// How often a waiting task looks whether it is cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// The settings that plans run with.
pub(crate) fn settings() -> SessionConfig {
    SessionConfig::new_with_ballista()
        .with_ballista_logical_extension_codec(Arc::new(Logical::default()))
        .with_ballista_physical_extension_codec(Arc::new(Physical::default()))
        // rows stay in the order of the partitions, and partitions are those of the files
        .with_round_robin_repartition(false)
        .with_repartition_file_scans(false)
        .with_information_schema(false)
        // one task a partition: a worker that joins late is given what has not started
        .set_str("ballista.scheduler.max_partitions_per_task", "1")
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
        // a job is known by its name before the scheduler tells its number
        let name = format!("partita {} {}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.runtime().spawn(async move {
            let sent = async {
                let mut stream = client.submit(logical, &name).await?;
                while let Some(batch) = stream.next().await {
                    let batch = to_ours::record(&batch.map_err(error::to_ours)?, &schema)?;
                    if sender.send(Ok(batch)).await.is_err() {
                        break;
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
        Ok(Rows { receiver, client: self.clone(), cancel: cancel.clone(), done: false })
    }

    async fn submit(&self, logical: LogicalPlan, name: &str) -> Result<SendableRecordBatchStream> {
        let context = self.context(name).await?;
        let frame = context.execute_logical_plan(logical).await.map_err(error::to_ours)?;
        frame.execute_stream().await.map_err(error::to_ours)
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
            let waited = self.client.runtime().block_on(async { tokio::time::timeout(LOOK, receiver.recv()).await });
            if let Ok(next) = waited {
                self.done = !matches!(next, Some(Ok(_)));
                return next;
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
        match Relation::of(plan)? {
            Relation::Describe { columns, percentiles } => {
                let record = describe::table(self, plan, (&columns, &percentiles), &ctx.cancel)?;
                Ok(counted(std::iter::once(Ok(record))))
            }
            Relation::Head { rows } => {
                let records = head(self, plan.only_input()?, rows, &ctx.cancel)?;
                Ok(counted(records.into_iter().map(Ok)))
            }
            _ => {
                let logical = translate::logical(plan)?;
                translate::check(&logical, plan)?;
                Ok(counted(self.stream(logical, plan.schema().clone(), &ctx.cancel)?))
            }
        }
    }
}

/// The first rows. Of files, partitions are read on, more of them each time, until there are enough.
fn head(client: &Client, input: &Plan, rows: usize, cancel: &Cancel) -> Result<Vec<RecordBatch>> {
    let Some(all) = translate::partitions_of_chain(input) else {
        let logical = translate::first(translate::logical(input)?, rows)?;
        translate::check(&logical, input)?;
        return client.stream(logical, input.schema().clone(), cancel)?.collect();
    };
    let (mut found, mut left, mut range): (_, _, Range<usize>) = (Vec::new(), rows, 0..1);
    while left > 0 && range.start < all {
        let mut logical = translate::of_partitions(input, range.clone())?;
        translate::check(&logical, input)?;
        if range.len() == 1 {
            // the first rows of several partitions would be any of theirs
            logical = translate::first(logical, left)?;
        }
        for record in client.stream(logical, input.schema().clone(), cancel)? {
            let record = record?;
            let take = record.num_rows().min(left);
            found.push(record.slice(0, take));
            left -= take;
            if left == 0 {
                break;
            }
        }
        range = range.end..range.end + 2 * range.len();
    }
    Ok(found)
}
