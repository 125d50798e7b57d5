//! Which address says what.
//!
//! | address | what |
//! |---|---|
//! | `/`, `/status`, `/tasks`, `/progress`, `/memory`, `/graph`, `/logs` | the page |
//! | `/metrics` | for Prometheus |
//! | `/api/v1` | the addresses below, and what they say |
//! | `/api/v1/summary` | facts, totals, what is in use |
//! | `/api/v1/operations` | tasks by operation |
//! | `/api/v1/runs` | the runs that are remembered |
//! | `/api/v1/tasks?since=N&limit=N` | tasks that have ended, one by one, from number `since` on |
//! | `/api/v1/boxes?from=N&to=N` | the same as the boxes of the task stream, for a range of numbers |
//! | `/api/v1/running` | tasks that are running |
//! | `/api/v1/samples` | memory and processor time |
//! | `/api/v1/logs?since=N` | what happened, in words |
//! | `/api/v1/graph` | the tasks of a run and what they need (`?run=N`; the last one) |
//! | `/api/v1/graph.svg` | the last graph, drawn |
//! | `/api/v1/changes?since=CURSOR` | all that has changed since a cursor, once |
//! | `/api/v1/stream?since=CURSOR` | the same five times a second, as server-sent events |

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::stream;
use serde::Serialize;
use serde_json::json;

use super::changes::{Cursor, Look, boxes};
use super::gate::{self, Gate};
use super::page::{ASSETS, INDEX, PANELS};
use super::shapes::{OperationLine, TaskLine, log_line, micros, sample_line};
use super::subject::Subject;
use super::{metrics, server::TICK};
use crate::watch::record::{RunGraph, TaskState};

/// So many pages are told at once.
const MOST_STREAMS: usize = 16;
/// So many tasks are told of in one answer.
const MOST_TASKS: usize = 10_000;
/// So many boxes.
const MOST_BOXES: usize = 40_000;

pub(super) fn routes(subject: Arc<Subject>, gate: Gate) -> Router {
    let mut router = Router::new().route("/", get(|| async { Redirect::temporary("/status") }));
    for panel in PANELS {
        let page = || async { ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], INDEX) };
        router = router.route(&format!("/{panel}"), get(page));
    }
    let streams = Arc::new(AtomicUsize::new(0));
    let stream =
        move |state: State<Arc<Subject>>, query: RawQuery, headers: HeaderMap| live(state, query, headers, streams);
    router
        .route("/assets/{name}", get(asset))
        .route("/metrics", get(prometheus))
        .route("/api/v1", get(index))
        .route("/api/v1/summary", get(summary))
        .route("/api/v1/operations", get(operations))
        .route("/api/v1/runs", get(runs))
        .route("/api/v1/tasks", get(tasks))
        .route("/api/v1/boxes", get(detail))
        .route("/api/v1/running", get(running))
        .route("/api/v1/samples", get(samples))
        .route("/api/v1/logs", get(logs))
        .route("/api/v1/graph", get(graph))
        .route("/api/v1/graph.svg", get(drawing))
        .route("/api/v1/changes", get(changes))
        .route("/api/v1/stream", get(stream))
        .layer(middleware::from_fn_with_state(gate, gate::keep))
        .with_state(subject)
}

fn as_json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A value of a query such as `since=3&limit=5`.
fn asked<T: std::str::FromStr>(query: &RawQuery, name: &str) -> Option<T> {
    let pairs = query.0.as_deref().unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?.1.parse().ok()
}

async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|a| a.name == name) {
        Some(asset) => ([(header::CONTENT_TYPE, asset.content_type)], asset.text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn prometheus(State(subject): State<Arc<Subject>>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::page(&subject)).into_response()
}

async fn index() -> Response {
    as_json(&json!({
        "times": "microseconds since the dashboard was opened",
        "sizes": "bytes",
        "/api/v1/summary": "what is watched, totals of tasks and runs, memory in use",
        "/api/v1/operations": "tasks by operation; planned are those that have not begun",
        "/api/v1/runs": "runs, the oldest first; state is running, done, failed or stopped",
        "/api/v1/tasks?since=0&limit=1000": "tasks that have ended from number `since` on; go on with `next`",
        "/api/v1/boxes?from=0&to=1000": "the boxes of the task stream for the tasks of these numbers: [thread, operation, begin, \
            length, tasks, partition, bytes, rows, depth, failed, run, number of the first task]",
        "/api/v1/running": "tasks that are running",
        "/api/v1/samples": "[when, bytes held, bytes spilled so far, processor time so far, bytes of the process]",
        "/api/v1/logs?since=0": "[when, level, text] from number `since` on; go on with `next`",
        "/api/v1/graph?run=0": "the tasks of a run (the last one, unless named) and what they need, by their places",
        "/api/v1/graph.svg": "the graph of the last run as a drawing; 204 when there is none",
        "/api/v1/changes?since=": "all that has changed since a cursor; go on with `next`",
        "/api/v1/stream?since=": "the same as server-sent events, five times a second; ids are cursors",
        "/metrics": "for Prometheus",
    }))
}

async fn summary(State(subject): State<Arc<Subject>>) -> Response {
    let usage = subject.usage();
    as_json(&json!({
        "about": subject.about,
        "now": micros(subject.recorder().now()),
        "totals": subject.moment().totals,
        "memory": {
            "held": usage.held, "peak": usage.peak, "limit": subject.about.limit, "reservable": usage.limit,
            "spilled": usage.spilled, "read_back": usage.read_back,
        },
    }))
}

async fn operations(State(subject): State<Arc<Subject>>) -> Response {
    let all = subject.recorder().operations();
    let lines: Vec<_> = all.iter().map(|o| OperationLine::new(subject.number(&o.operation), o)).collect();
    as_json(&lines)
}

async fn runs(State(subject): State<Arc<Subject>>) -> Response {
    as_json(&subject.moment().runs)
}

async fn tasks(State(subject): State<Arc<Subject>>, query: RawQuery) -> Response {
    let limit = asked(&query, "limit").unwrap_or(1000).clamp(1, MOST_TASKS);
    let spans = subject.recorder().spans(asked(&query, "since").unwrap_or(0));
    let lines: Vec<_> = spans.tasks.iter().take(limit).map(TaskLine::new).collect();
    let next = lines.last().map_or(spans.next, |t| t.number + 1);
    as_json(&json!({ "tasks": lines, "next": next, "forgotten": spans.missed }))
}

async fn detail(State(subject): State<Arc<Subject>>, query: RawQuery) -> Response {
    let from: u64 = asked(&query, "from").unwrap_or(0);
    let to = asked(&query, "to").unwrap_or(u64::MAX).min(subject.recorder().ended());
    as_json(&json!({ "from": from, "to": to, "tasks": boxes(&subject, from..to.max(from), MOST_BOXES).0 }))
}

async fn running(State(subject): State<Arc<Subject>>) -> Response {
    let now = subject.recorder().now();
    let line = |t: &crate::watch::record::RunningTask| {
        json!({
            "run": t.run, "key": t.key.to_string(), "operation": &*t.operation, "partition": t.partition,
            "worker": t.worker, "thread": t.thread, "begun": micros(t.start),
            "for": micros(now.saturating_sub(t.start)),
        })
    };
    as_json(&subject.recorder().running().iter().map(line).collect::<Vec<_>>())
}

async fn samples(State(subject): State<Arc<Subject>>) -> Response {
    as_json(&subject.recorder().samples().iter().map(sample_line).collect::<Vec<_>>())
}

async fn logs(State(subject): State<Arc<Subject>>, query: RawQuery) -> Response {
    let (entries, next) = subject.journal.since(asked(&query, "since").unwrap_or(0));
    as_json(&json!({ "logs": entries.iter().map(log_line).collect::<Vec<_>>(), "next": next }))
}

async fn graph(State(subject): State<Arc<Subject>>, query: RawQuery) -> Response {
    let run = asked(&query, "run").or_else(|| subject.recorder().runs().last().map(|r| r.run));
    match run.and_then(|run| Some((run, subject.recorder().graph(run)?))) {
        Some((run, graph)) => as_json(&graph_line(run, &graph)),
        None => (StatusCode::NOT_FOUND, "no such run is remembered\n").into_response(),
    }
}

fn graph_line(run: u64, graph: &RunGraph) -> serde_json::Value {
    let nodes = graph.nodes.iter().map(|n| {
        let state = match n.state {
            TaskState::Waiting => "waiting",
            TaskState::Running => "running",
            TaskState::Done => "done",
            TaskState::Failed => "failed",
            TaskState::Dropped => "dropped",
        };
        let key = n.key.to_string();
        json!({ "key": key, "operation": &*n.operation, "partition": n.partition, "needs": n.needs, "state": state })
    });
    json!({ "run": run, "nodes": nodes.collect::<Vec<_>>(), "left_out": graph.left_out })
}

async fn drawing(State(subject): State<Arc<Subject>>) -> Response {
    match subject.draw.as_ref().and_then(|draw| draw(subject.recorder())) {
        Some(svg) => ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn changes(State(subject): State<Arc<Subject>>, query: RawQuery) -> Response {
    let mut look = Look::new(subject, asked(&query, "since").unwrap_or_default());
    as_json(&look.changes())
}

/// One place among those that are told.
struct Listener(Arc<AtomicUsize>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A browser that lost the line says how far it has heard; one that comes anew may say so in the address.
async fn live(
    State(subject): State<Arc<Subject>>,
    query: RawQuery,
    headers: HeaderMap,
    streams: Arc<AtomicUsize>,
) -> Response {
    if streams.fetch_add(1, Ordering::Relaxed) >= MOST_STREAMS {
        streams.fetch_sub(1, Ordering::Relaxed);
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    }
    let listener = Listener(streams);
    let heard = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let cursor: Cursor = heard.or_else(|| asked(&query, "since")).unwrap_or_default();
    let look = Look::new(subject, cursor);
    let events = stream::unfold((look, listener, true), |(mut look, listener, first)| async move {
        if !first {
            tokio::time::sleep(TICK).await;
        }
        loop {
            let told =
                look.changes().and_then(|c| Some(Event::default().id(&c.next).data(serde_json::to_string(&c).ok()?)));
            match told {
                Some(event) => return Some((Ok::<_, Infallible>(event), (look, listener, false))),
                None => tokio::time::sleep(TICK).await,
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(10))).into_response()
}
