//! A call that is written down, and the graph that comes of it.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::base::{Error, Result};
use crate::exec::{LiveGraph, LiveOptions, LiveTask, LiveWork, Work};
use crate::graph::{Key, Label, TaskGraph, TaskId};

/// A call: what it needs, and what it does. Shared by all who need its result.
pub(super) struct Node {
    pub key: Key,
    pub name: Arc<str>,
    pub needs: Vec<Need>,
    pub work: LiveWork,
}

/// What a call needs: another call, or a task that runs in the background.
#[derive(Clone)]
pub(super) enum Need {
    Call(Arc<Node>),
    Task(LiveTask),
}

impl Need {
    /// What it computes.
    pub fn key(&self) -> Key {
        match self {
            Need::Call(node) => node.key,
            Need::Task(task) => task.key(),
        }
    }
}

impl Node {
    pub fn new(key: Key, name: Arc<str>, needs: Vec<Need>, work: LiveWork) -> Arc<Node> {
        Arc::new(Node { key, name, needs, work })
    }

    /// Its key as people read it.
    pub fn key_text(&self) -> String {
        format!("{}-{}", self.name, self.key.token)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // a chain of a million calls is dropped one after the other, not one inside the other
        let mut needs = std::mem::take(&mut self.needs);
        while let Some(need) = needs.pop() {
            if let Need::Call(node) = need
                && let Some(mut node) = Arc::into_inner(node)
            {
                needs.append(&mut node.needs);
            }
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key_text())
    }
}

/// The tasks for some calls and all that they need, and which tasks give their results.
pub(super) fn graph(wanted: &[&Arc<Node>]) -> (TaskGraph<Work>, Vec<TaskId>) {
    let mut graph = TaskGraph::with_capacity(wanted.len() * 4);
    let wanted = wanted.iter().map(|node| add(&mut graph, node)).collect();
    (graph, wanted)
}

fn add(graph: &mut TaskGraph<Work>, wanted: &Arc<Node>) -> TaskId {
    if let Some(known) = graph.find(wanted.key) {
        return known;
    }
    // a call is on the stack with where its tasks begin among those that are there
    let mut stack: Vec<(&Node, usize)> = vec![(wanted, 0)];
    let mut there: Vec<TaskId> = Vec::new();
    while let Some((node, begun)) = stack.last_mut() {
        let (node, done) = (*node, there.len() - *begun);
        match node.needs.get(done) {
            Some(Need::Task(task)) => there.push(waiting(graph, task)),
            Some(Need::Call(need)) => match graph.find(need.key) {
                Some(known) => there.push(known),
                None => {
                    let begun = there.len();
                    stack.push((need, begun));
                }
            },
            None => {
                let needs = there.split_off(*begun);
                there.push(task(graph, node, &needs));
                stack.pop();
            }
        }
    }
    there.pop().unwrap_or_default()
}

fn task(graph: &mut TaskGraph<Work>, node: &Node, needs: &[TaskId]) -> TaskId {
    let (work, key, name) = (node.work.clone(), node.key, node.name.clone());
    let label = Label { name: name.clone(), partition: 0 };
    let run: Work = Box::new(move |inputs, ctx| {
        let named = |error: Error| error.at_key(format_args!("{name}-{}", key.token), &name, None);
        work(inputs, ctx).map_err(named)
    });
    graph.add(key, label, needs, run)
}

/// A task that waits for one in the background.
fn waiting(graph: &mut TaskGraph<Work>, task: &LiveTask) -> TaskId {
    let label = Label { name: task.name().clone(), partition: 0 };
    let waited = task.clone();
    graph.add(task.key(), label, &[], Box::new(move |_, _| waited.wait(None)))
}

/// Puts calls and all that they need into the graph of a client, and gives their tasks.
pub(super) fn submit(live: &LiveGraph, wanted: &Arc<Node>, options: LiveOptions) -> LiveTask {
    let mut known: FxHashMap<Key, LiveTask> = FxHashMap::default();
    let mut stack: Vec<(&Arc<Node>, usize)> = vec![(wanted, 0)];
    while let Some((node, looked_at)) = stack.last_mut() {
        let node = *node;
        if let Some(need) = node.needs.get(*looked_at) {
            *looked_at += 1;
            if let (Need::Call(need), false) = (need, known.contains_key(&need.key())) {
                stack.push((need, 0));
            }
            continue;
        }
        stack.pop();
        let needs: Vec<Need> = node.needs.to_vec();
        let needs: Vec<LiveTask> = needs
            .iter()
            .filter_map(|need| match need {
                Need::Task(task) => Some(adopted(live, task)),
                Need::Call(call) => known.get(&call.key).cloned(),
            })
            .collect();
        let needs: Vec<&LiveTask> = needs.iter().collect();
        known.insert(node.key, live.add(node.key, &node.name, &needs, node.work.clone(), options));
    }
    // what is found again goes on with its other handles
    match known.remove(&wanted.key) {
        Some(task) => task,
        None => live.add(wanted.key, &wanted.name, &[], wanted.work.clone(), options),
    }
}

/// A task as one of this graph: that of another is waited for.
pub(super) fn adopted(live: &LiveGraph, task: &LiveTask) -> LiveTask {
    if task.graph().is_same(live) {
        return task.clone();
    }
    let other = task.clone();
    let work: LiveWork = Arc::new(move |_, _| other.wait(None));
    live.add(task.key(), task.name(), &[], work, Default::default())
}

/// Fails when a graph has lost a result.
pub(super) fn only<T>(results: Vec<T>) -> Result<T> {
    results.into_iter().next().ok_or_else(|| Error::invalid("a run gave no result"))
}
