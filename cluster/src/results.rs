//! The results of a job in the order of its partitions: the scheduler lists them in the order in which they were done.

use ballista_core::client::BallistaClient;
use ballista_core::execution_plans::DistributedQueryExec;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{GetJobStatusParams, PartitionLocation, job_status};
use ballista_core::utils::create_grpc_client_endpoint;
use datafusion::common::{exec_datafusion_err, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_proto::protobuf::LogicalPlanNode;
use futures::{StreamExt, TryStreamExt};

use crate::engine::MESSAGE;

/// How often a worker that does not answer is asked again, and after how many milliseconds.
const AGAIN: (u8, u64) = (3, 500);

/// The rows of a job, which `plan` runs and `stream` gives: waits until it is done.
///
/// # Errors
/// Those of the job; when nobody tells where results are, or gives them.
pub(crate) async fn in_order(
    scheduler: &str,
    plan: &dyn ExecutionPlan,
    mut stream: SendableRecordBatchStream,
) -> Result<SendableRecordBatchStream> {
    let schema = stream.schema();
    // it comes when all is done
    let Some(first) = stream.next().await.transpose()? else { return Ok(stream) };
    let mut locations = match plan.downcast_ref::<DistributedQueryExec<LogicalPlanNode>>().and_then(|p| p.job_id()) {
        Some(job) => locations(scheduler, job.to_string()).await?,
        None => Vec::new(),
    };
    if locations.is_sorted_by_key(place) {
        let all = futures::stream::iter([Ok(first)]).chain(stream);
        return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)));
    }
    drop((first, stream));
    locations.sort_by_key(place);
    let all = futures::stream::iter(locations).then(fetch).try_flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, all)))
}

/// The place of a partition among the others.
fn place(location: &PartitionLocation) -> (u32, u32) {
    (location.partition_id.as_ref().map_or(0, |id| id.partition_id), location.map_partition_id)
}

/// Where the results of a job are that is done.
async fn locations(scheduler: &str, job_id: String) -> Result<Vec<PartitionLocation>> {
    let wrong = |e: String| exec_datafusion_err!("the scheduler does not say where results are: {e}");
    let endpoint =
        create_grpc_client_endpoint(format!("http://{scheduler}"), None).map_err(|e| wrong(e.to_string()))?;
    let channel = endpoint.connect().await.map_err(|e| wrong(e.to_string()))?;
    let mut client = SchedulerGrpcClient::new(channel).max_decoding_message_size(MESSAGE);
    let told = client.get_job_status(GetJobStatusParams { job_id }).await.map_err(|e| wrong(e.to_string()))?;
    match told.into_inner().status.and_then(|status| status.status) {
        Some(job_status::Status::Successful(done)) => Ok(done.partition_location),
        other => Err(wrong(format!("{other:?}"))),
    }
}

/// What a worker has of a partition.
async fn fetch(location: PartitionLocation) -> Result<SendableRecordBatchStream> {
    let layout = location.layout();
    let (Some(worker), Some(partition)) = (location.executor_meta, location.partition_id) else {
        return Err(internal_datafusion_err!("the scheduler does not say where results are"));
    };
    let gone = |e: ballista_core::error::BallistaError| exec_datafusion_err!("results of {} are gone: {e}", worker.id);
    let (host, port) = (&*worker.host, worker.port as u16);
    let connected = BallistaClient::try_new(host, port, MESSAGE, false, None, AGAIN.0, AGAIN.1, 0, 0).await;
    let mut client = connected.map_err(gone)?;
    client.fetch_partition(&worker.id, &partition.into(), location.file_id, layout, true).await.map_err(gone)
}
