//! How far a job is, for those who watch the session: the bar and the dashboard show its tasks as those of this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use partita::Token;
use partita::exec::Report;
use partita::graph::{Key, Label};
use serde::Deserialize;

use crate::client::Client;
use crate::rest;

/// How often the scheduler is asked, while somebody watches.
const EVERY: Duration = Duration::from_millis(500);

/// What is told of a job. It has failed when this is dropped.
pub(crate) struct Progress {
    client: Client,
    /// The name of the job.
    name: String,
    begun: Instant,
    asked: Instant,
    report: Report,
    stages: BTreeMap<u32, Stage>,
}

/// Tasks of a job that do the same. They are known when what they read is.
struct Stage {
    name: Arc<str>,
    token: Token,
    tasks: usize,
}

#[derive(Deserialize)]
struct Plans {
    stage_plan: Option<String>,
}

#[derive(Deserialize)]
struct Summaries {
    stages: Vec<Summary>,
}

#[derive(Deserialize)]
struct Summary {
    stage_id: String,
    tasks: Vec<Option<Task>>,
}

/// An attempt at a task. Times are milliseconds on the clock on the wall of its worker.
#[derive(Deserialize)]
struct Task {
    status: serde_json::Value,
    partition_id: Vec<u32>,
    start_exec_time: u64,
    end_exec_time: u64,
    output_rows: u64,
}

impl Progress {
    /// What is told of a job that is about to begin.
    pub fn new(client: &Client, name: &str) -> Progress {
        let (begun, report) = (Instant::now(), Report::new(client.observers()));
        let (client, name, stages) = (client.clone(), name.to_string(), BTreeMap::new());
        Progress { client, name, begun, asked: begun, report, stages }
    }

    /// Tells what is new, if it is time to ask again.
    pub fn look(&mut self) {
        if self.asked.elapsed() >= EVERY {
            self.ask();
            self.asked = Instant::now();
        }
    }

    /// The job has ended well.
    pub fn end(mut self) {
        self.ask();
        for stage in self.stages.values() {
            for i in 0..stage.tasks {
                // the scheduler has forgotten when
                self.report.finish(Key::new(stage.token, i), Instant::now(), Duration::ZERO, None);
            }
        }
        self.report.end();
    }

    fn ask(&mut self) {
        if !self.report.is_watched() {
            return;
        }
        let (client, name) = (self.client.clone(), self.name.clone());
        // who watches is not told of what goes wrong here: whoever waits for the job is
        let found = self.client.wait(async move {
            let path = format!("/api/job/{}", client.job(&name).await?.id);
            let plans = rest::read::<Plans>(client.address(), &path).await.ok()?;
            Some((plans, rest::read::<Summaries>(client.address(), &format!("{path}/stages")).await.ok()?))
        });
        if let Some((plans, summaries)) = found {
            self.add(&plans.stage_plan.unwrap_or_default());
            self.finish(&summaries.stages);
        }
    }

    /// Tells of tasks that are known now.
    fn add(&mut self, plan: &str) {
        for (number, tasks, name) in stages(plan) {
            let token = || {
                Token::of(|t| {
                    t.str(&self.name);
                    t.u64(number.into());
                })
            };
            let stage =
                self.stages.entry(number).or_insert_with(|| Stage { name: name.into(), token: token(), tasks: 0 });
            for i in stage.tasks..tasks {
                let label = Label { name: stage.name.clone(), partition: i as u32 };
                self.report.add(Key::new(stage.token, i), label);
            }
            stage.tasks = stage.tasks.max(tasks);
        }
    }

    /// Tells of tasks that have ended.
    fn finish(&mut self, summaries: &[Summary]) {
        let (now, today) = (Instant::now(), SystemTime::now());
        for summary in summaries {
            let Some(stage) = summary.stage_id.parse().ok().and_then(|number: u32| self.stages.get(&number)) else {
                continue;
            };
            for task in summary.tasks.iter().flatten().filter(|task| task.status == "Successful") {
                let took = Duration::from_millis(task.end_exec_time.saturating_sub(task.start_exec_time));
                let end = SystemTime::UNIX_EPOCH + Duration::from_millis(task.end_exec_time);
                // clocks of machines differ
                let at = now.checked_sub(today.duration_since(end).unwrap_or_default()).unwrap_or(now).max(self.begun);
                let rows = (task.partition_id.len() == 1).then_some(task.output_rows);
                for &partition in &task.partition_id {
                    self.report.finish(Key::new(stage.token, partition as usize), at, took, rows);
                }
            }
        }
    }
}

/// The stages of a job whose tasks are known, from what the scheduler writes about it: number, tasks, and what they do.
fn stages(text: &str) -> impl Iterator<Item = (u32, usize, String)> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        loop {
            let Some((number, tasks)) = head(lines.next()?) else { continue };
            let mut names = Vec::new();
            while let Some(line) =
                lines.next_if(|line| line.starts_with(' ') || names.is_empty() && head(line).is_none())
            {
                names.push(operation(line));
            }
            // what files are read is listed below those who read them
            names.retain(|name| *name != "DataSource");
            names.reverse();
            names.dedup();
            return Some((number, tasks, format!("stage {number}: {}", names.join(" → "))));
        }
    })
}

/// Number and tasks of a stage, from the line before its plan: `==RunningStage[stage_id=1.0, partitions=3, …]==`.
fn head(line: &str) -> Option<(u32, usize)> {
    let facts = line.trim_matches('=').split_once("Stage[stage_id=")?.1;
    let (number, facts) = facts.split_once('.')?;
    let tasks = facts.split_once("partitions=")?.1.split([',', ']']).next()?;
    Some((number.parse().ok()?, tasks.parse().ok()?))
}

/// What a line of a plan does: `FilterExec: …` filters.
fn operation(line: &str) -> &str {
    let name = line.trim_start().split([':', ' ']).next().unwrap_or_default();
    name.strip_suffix("Exec").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_read_from_what_the_scheduler_writes() {
        let text =
            ", 0: =========RunningStage[stage_id=0.1, partitions=65, successful_tasks=39, available_tasks=26]=========
SortShuffleWriterExec: partitioning=Hash([a@0], 4)
  FilterExec: partita(PULocationID@0)
    Partita: 3 columns
      DataSourceExec: partitions=65, partition_sizes=[1, 1]
, 1: =========UnResolvedStage[stage_id=1.2, children=1]=========
ShuffleWriterExec: partitioning: Hash([PULocationID@0], 4)
  SortExec: expr=[a@4 ASC], preserve_partitioning=[true]
, 2: =========SuccessfulStage[stage_id=2.0, partitions=1]=========
ShuffleWriterExec: partitioning: UnknownPartitioning(1)
";
        let found: Vec<_> = stages(text).collect();
        let expected = [(0, 65, "stage 0: Partita → Filter → SortShuffleWriter"), (2, 1, "stage 2: ShuffleWriter")];
        assert_eq!(found, expected.map(|(number, tasks, name)| (number, tasks, name.to_string())));
        assert_eq!(stages("whatever").count(), 0);
    }
}
