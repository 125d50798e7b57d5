//! Runs that are over, drawn.

use crate::base::shown;
use crate::graph::draw::{Direction, Drawing, Kind, Node, NodeId, Progress};
use crate::watch::Profile;
use crate::watch::record::RunRecord;

/// So many runs are drawn, those that took longest.
const MOST: usize = 3;

/// The operations of the longest runs and what passes between them: a caption and an SVG for each.
pub(super) fn pictures(profile: &Profile) -> Vec<(String, String)> {
    let busy = |run: &RunRecord| run.operations.iter().map(|o| o.busy).sum::<std::time::Duration>();
    let mut runs: Vec<&RunRecord> = profile.runs.iter().filter(|run| run.operations.len() > 1).collect();
    runs.sort_by_key(|run| std::cmp::Reverse(busy(run)));
    runs.truncate(MOST);
    runs.sort_by_key(|run| run.start);
    let caption = |run: &RunRecord| {
        let tasks = run.ended();
        format!("run {}: {} tasks, {} of work", run.run, shown::count(tasks), shown::duration(busy(run)))
    };
    runs.into_iter().map(|run| (caption(run), draw(run).svg(Direction::LeftRight))).collect()
}

/// A node for each operation, an edge for the results that pass.
pub(super) fn draw(run: &RunRecord) -> Drawing {
    let mut drawing = Drawing::new(format!("the operations of run {}", run.run));
    let nodes: Vec<NodeId> = run
        .operations
        .iter()
        .map(|o| {
            let name = o.operation.to_string();
            let node = drawing.add(Node::new(Kind::Function, name).class(o.operation.clone()).times(o.planned));
            let pending = o.planned.saturating_sub(o.done + o.failed + o.running);
            let (running, done, failed) = (o.running, o.done, o.failed);
            drawing.set_progress(node, Progress { pending, running, done, failed, took: o.busy });
            node
        })
        .collect();
    for &(from, to, times) in &run.edges {
        if let (Some(&from), Some(&to)) = (nodes.get(from), nodes.get(to)) {
            drawing.connect_times(from, to, times);
        }
    }
    drawing
}
