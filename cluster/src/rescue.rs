//! Jobs that the scheduler does not bring to an end after a worker was lost are run anew.
//!
//! The scheduler does tasks of a lost worker again. What it does not see to: a task that reads from a worker at the moment
//! of its death may fail in a way that ends the job, results may be gone with a worker, and a job may stand still because
//! its plan was changed while it ran (Ballista's issue 1986).

use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Client, Job, Worker};
use crate::rest;

/// How often it is looked whether a worker was lost.
const LOOK: Duration = Duration::from_secs(1);
/// How long a job stands still that is given up.
const STILL: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Stages {
    stages: Vec<Stage>,
}

#[derive(Deserialize)]
struct Stage {
    tasks: Vec<Option<Task>>,
}

#[derive(Deserialize)]
struct Task {
    status: serde_json::Value,
}

impl Client {
    /// Returns when a job of this name stands still since a worker was lost: none of its tasks runs, and none starts
    /// though there are workers.
    pub(crate) async fn stands_still(&self, name: &str, before: &[Worker]) {
        let mut there: Vec<String> = before.iter().map(|worker| worker.id.clone()).collect();
        let mut lost = false;
        let mut still: Option<(Instant, usize)> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            // whoever waits for results is told when the scheduler is gone
            let Ok(workers) = self.look().await else { continue };
            let now: Vec<String> = workers.into_iter().map(|worker| worker.id).collect();
            lost |= there.iter().any(|id| !now.contains(id));
            there = now;
            if !lost || there.is_empty() {
                continue;
            }
            still = match (self.attempts(name).await, still) {
                (Some(count), Some((since, before))) if count == before => {
                    if since.elapsed() >= STILL {
                        return;
                    }
                    still
                }
                (Some(count), _) => Some((Instant::now(), count)),
                (None, _) => None,
            };
        }
    }

    /// How many tasks of an open job were started so far, if none of them runs now.
    async fn attempts(&self, name: &str) -> Option<usize> {
        let job = self.job(name).await.filter(Job::is_open)?;
        let path = format!("/api/job/{}/stages", job.id);
        let stages = rest::read::<Stages>(self.address(), &path).await.ok()?.stages;
        let tasks = || stages.iter().flat_map(|stage| stage.tasks.iter().flatten());
        (!tasks().any(|task| task.status == "Running")).then(|| tasks().count())
    }

    /// Whether one of these workers is not there any more, or does not answer.
    pub(crate) async fn has_lost(&self, before: &[Worker]) -> bool {
        let Ok(now) = self.look().await else { return false };
        for worker in before {
            let listens = timeout(LOOK, TcpStream::connect((&*worker.host, worker.port))).await;
            if now.iter().all(|other| other.id != worker.id) || !matches!(listens, Ok(Ok(_))) {
                return true;
            }
        }
        false
    }

    /// The last job of this name: one that is run anew keeps it.
    pub(crate) async fn job(&self, name: &str) -> Option<Job> {
        let jobs: Vec<Job> = rest::read(self.address(), "/api/jobs").await.ok()?;
        jobs.into_iter().filter(|job| job.name == name).max_by(|a, b| a.id.cmp(&b.id))
    }
}
