//! The graph of what ran last, drawn for those who watch.

use std::time::Duration;

use super::pictures;
use crate::graph::draw::{Direction, Drawing, Kind, Node, NodeId, Progress, State};
use crate::watch::Recorder;
use crate::watch::record::{RunGraph, RunRecord, TaskState};

/// Of graphs of up to so many tasks each task is drawn, of others each operation.
const SINGLE: usize = 60;

/// Of runs that follow each other this closely, the largest is drawn: small ones prepare others, or run inside them.
const CLOSE: Duration = Duration::from_secs(3);

/// As SVG: of the runs that go on the largest one, or else of those that ended last.
pub(super) fn draw(recorder: &Recorder) -> Option<String> {
    let runs = recorder.runs();
    let goes_on = runs.iter().any(|r| r.end.is_none());
    let last = runs.iter().filter_map(|r| r.end).max().unwrap_or_default();
    let is_late = |r: &&RunRecord| match r.end {
        None => true,
        Some(end) => !goes_on && last.saturating_sub(end) < CLOSE,
    };
    let run = runs.iter().filter(is_late).max_by_key(|r| r.planned())?;
    let tasks = recorder.graph(run.run).filter(|g| g.left_out == 0 && (1..=SINGLE).contains(&g.nodes.len()));
    let drawing = tasks.map_or_else(|| pictures::draw(run), |graph| single(run.run, &graph));
    (!drawing.is_empty()).then(|| drawing.svg(Direction::LeftRight))
}

/// Each task as a node. The tooltip begins with the name of the operation, by which pages colour it.
fn single(run: u64, graph: &RunGraph) -> Drawing {
    let mut drawing = Drawing::new(format!("run {run}"));
    let mut nodes: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    for task in &graph.nodes {
        let kind = if task.needs.is_empty() { Kind::Source } else { Kind::Function };
        let took = task.took.unwrap_or_default();
        let state = match task.state {
            TaskState::Waiting => Some(State::Pending),
            TaskState::Running => Some(State::Running),
            TaskState::Done => Some(State::Done(took)),
            TaskState::Failed => Some(State::Failed(took)),
            // nothing is to come of it any more
            TaskState::Dropped => None,
        };
        let mut progress = Progress::default();
        state.into_iter().for_each(|state| progress.count(state));
        let name = &task.operation;
        let tooltip = format!("{name}\npartition {}", task.partition);
        let node = drawing.add(Node::new(kind, &**name).class(name.clone()).tooltip(tooltip));
        drawing.set_progress(node, progress);
        task.needs.iter().filter_map(|&need| nodes.get(need as usize)).for_each(|&need| drawing.connect(need, node));
        nodes.push(node);
    }
    drawing
}
