//! Tasks in Chrome's Trace Event Format.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::profile::Profile;
use super::record::TaskSpan;

/// The events of a profile. Times are microseconds.
pub(super) fn chrome(profile: &Profile) -> String {
    let mut events = Vec::with_capacity(profile.tasks.len() + profile.samples.len() + 8);
    events.push(named("process_name", 0, "partita"));
    for (thread, (place, name)) in threads(&profile.tasks) {
        events.push(named("thread_name", thread, &name));
        let sorted = json!({ "sort_index": place });
        events.push(json!({ "ph": "M", "name": "thread_sort_index", "pid": 1, "tid": thread, "args": sorted }));
    }
    events.extend(profile.tasks.iter().map(task));
    let mut before = None;
    for sample in &profile.samples {
        let at = micros(sample.at);
        let memory = json!({ "reserved": sample.usage.held, "spilled": sample.usage.spilled });
        events.push(json!({ "ph": "C", "name": "memory", "pid": 1, "ts": at, "args": memory }));
        if let (Some((then, spent)), Some(now)) = (before, sample.cpu) {
            let (wall, spent): (Duration, Duration) = (sample.at.saturating_sub(then), now.saturating_sub(spent));
            let cores = spent.as_secs_f64() / wall.as_secs_f64().max(1e-9);
            events.push(json!({ "ph": "C", "name": "processors", "pid": 1, "ts": at, "args": { "busy": cores } }));
        }
        before = sample.cpu.map(|cpu| (sample.at, cpu));
    }
    json!({ "traceEvents": events, "displayTimeUnit": "ms" }).to_string()
}

/// The threads of the tasks: which comes first, and how they are called.
pub(super) fn threads(tasks: &[TaskSpan]) -> BTreeMap<u32, (usize, String)> {
    let mut threads: BTreeMap<u32, Option<usize>> = BTreeMap::new();
    tasks.iter().for_each(|t| {
        threads.insert(t.thread, t.worker);
    });
    let mut order: Vec<(Option<usize>, u32)> = threads.iter().map(|(&thread, &worker)| (worker, thread)).collect();
    // threads of no pool come last
    order.sort_by_key(|&(worker, thread)| (worker.unwrap_or(usize::MAX), thread));
    let name = |worker: Option<usize>, thread: u32| match worker {
        Some(worker) => format!("worker {worker}"),
        None => format!("thread {thread}"),
    };
    order.into_iter().enumerate().map(|(place, (w, thread))| (thread, (place, name(w, thread)))).collect()
}

fn named(what: &str, thread: u32, name: &str) -> Value {
    json!({ "ph": "M", "name": what, "pid": 1, "tid": thread, "args": { "name": name } })
}

fn task(task: &TaskSpan) -> Value {
    let mut args = json!({
        "partition": task.partition,
        "bytes": task.bytes,
        "run": task.run,
        "key": task.key.to_string(),
    });
    if let Some(rows) = task.rows {
        args["rows"] = rows.into();
    }
    if task.failed {
        args["failed"] = true.into();
    }
    json!({
        "ph": "X",
        "cat": "task",
        "name": &*task.operation,
        "pid": 1,
        "tid": task.thread,
        "ts": micros(task.start),
        "dur": micros(task.end.saturating_sub(task.start)),
        "args": args,
    })
}

fn micros(d: Duration) -> f64 {
    d.as_nanos() as f64 / 1e3
}
