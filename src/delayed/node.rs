//! A call that is written down, and the graph that comes of it.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::base::{Error, Result, caught};
use crate::exec::{LiveGraph, LiveOptions, LiveTask, LiveWork, Work};
use crate::graph::{Key, Label, TaskGraph, TaskId};
use crate::session::Session;

/// A call: what it needs, and what it does. Shared by all who need its result.
pub(super) struct Node {
    pub key: Key,
    pub name: Arc<str>,
    pub needs: Vec<Need>,
    pub work: NodeWork,
}

/// What a call does.
#[derive(Clone)]
pub(super) enum NodeWork {
    /// The same wherever it runs.
    Call(LiveWork),
    /// It computes something in the session where it runs, with its threads and its memory.
    Within(Arc<dyn Fn(&Session) -> LiveWork + Send + Sync>),
}

impl NodeWork {
    fn in_session(&self, session: &Session) -> LiveWork {
        match self {
            NodeWork::Call(work) => work.clone(),
            NodeWork::Within(make) => make(session),
        }
    }
}

impl From<LiveWork> for NodeWork {
    fn from(work: LiveWork) -> NodeWork {
        NodeWork::Call(work)
    }
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
    pub fn new(key: Key, name: Arc<str>, needs: Vec<Need>, work: impl Into<NodeWork>) -> Arc<Node> {
        Arc::new(Node { key, name, needs, work: work.into() })
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

/// The tasks for some calls and all that they need, for a session, and which tasks give their results.
pub(super) fn graph(wanted: &[&Arc<Node>], session: &Session) -> (TaskGraph<Work>, Vec<TaskId>) {
    graph_of(wanted, &|need| work(need, session))
}

/// How the tasks for some calls lie together.
pub(super) fn shape(wanted: &[&Arc<Node>]) -> (TaskGraph<()>, Vec<TaskId>) {
    graph_of(wanted, &|_| ())
}

fn graph_of<W>(wanted: &[&Arc<Node>], work: &impl Fn(NeedRef<'_>) -> W) -> (TaskGraph<W>, Vec<TaskId>) {
    let mut graph = TaskGraph::with_capacity(wanted.len() * 4);
    let wanted = wanted.iter().map(|node| add(&mut graph, node, work)).collect();
    (graph, wanted)
}

/// A need to look at.
enum NeedRef<'a> {
    Call(&'a Node),
    Task(&'a LiveTask),
}

fn add<W>(graph: &mut TaskGraph<W>, wanted: &Arc<Node>, work: &impl Fn(NeedRef<'_>) -> W) -> TaskId {
    let label = |name: &Arc<str>| Label { name: name.clone(), partition: 0 };
    // what was added last
    let mut added = graph.find(wanted.key).unwrap_or_default();
    // a call is on the stack with where its tasks begin among those that are there
    let mut stack: Vec<(&Node, usize)> = vec![(wanted, 0)];
    let mut there: Vec<TaskId> = Vec::new();
    while let Some((node, begun)) = stack.last_mut() {
        let (node, done) = (*node, there.len() - *begun);
        match node.needs.get(done) {
            Some(need) => match (graph.find(need.key()), need) {
                (Some(known), _) => there.push(known),
                (None, Need::Task(task)) => {
                    there.push(graph.add(task.key(), label(task.name()), &[], work(NeedRef::Task(task))));
                }
                (None, Need::Call(call)) => stack.push((call, there.len())),
            },
            None => {
                let needs = there.split_off(*begun);
                added = graph.add(node.key, label(&node.name), &needs, work(NeedRef::Call(node)));
                there.push(added);
                stack.pop();
            }
        }
    }
    added
}

/// What the task for a call does, or for one that runs in the background.
fn work(need: NeedRef<'_>, session: &Session) -> Work {
    match need {
        NeedRef::Task(task) => {
            let task = task.clone();
            Box::new(move |_, ctx| task.wait_unless(&ctx.cancel))
        }
        NeedRef::Call(node) => {
            let (work, key, name) = (node.work.in_session(session), node.key, node.name.clone());
            Box::new(move |inputs, ctx| {
                let named = |error: Error| error.at_key(format_args!("{name}-{}", key.token), &name, None);
                caught(|| work(inputs, ctx)).map_err(named)
            })
        }
    }
}

/// Puts calls and all that they need into the graph of a client. Tasks are kept until all calls are there, so that what
/// several need is found again.
pub(super) struct Submission<'a> {
    live: &'a LiveGraph,
    session: &'a Session,
    options: LiveOptions,
    known: FxHashMap<Key, LiveTask>,
}

impl<'a> Submission<'a> {
    pub fn new(live: &'a LiveGraph, session: &'a Session, options: LiveOptions) -> Submission<'a> {
        Submission { live, session, options, known: FxHashMap::default() }
    }

    /// The task for a need.
    pub fn need(&mut self, need: &Need) -> LiveTask {
        match need {
            Need::Task(task) => self.live.adopt(task),
            Need::Call(node) => self.call(node),
        }
    }

    /// The task for a call.
    pub fn call(&mut self, wanted: &Arc<Node>) -> LiveTask {
        if let Some(known) = self.find(wanted) {
            return known;
        }
        // a call, and the tasks for what it needs as far as they are there; below it those that need it
        let mut call: (&Arc<Node>, Vec<LiveTask>) = (wanted, Vec::new());
        let mut below = Vec::new();
        loop {
            let (node, there) = &mut call;
            let task = match node.needs.get(there.len()) {
                Some(Need::Task(task)) => {
                    there.push(self.live.adopt(task));
                    continue;
                }
                Some(Need::Call(need)) => {
                    match self.find(need) {
                        Some(known) => there.push(known),
                        None => below.push(std::mem::replace(&mut call, (need, Vec::new()))),
                    }
                    continue;
                }
                None => {
                    let needs: Vec<&LiveTask> = there.iter().collect();
                    let work = node.work.in_session(self.session);
                    self.live.add(node.key, &node.name, &needs, work, self.options)
                }
            };
            self.known.insert(node.key, task.clone());
            match below.pop() {
                Some(last) => call = last,
                None => return task,
            }
            call.1.push(task);
        }
    }

    fn find(&self, node: &Node) -> Option<LiveTask> {
        self.known.get(&node.key).cloned().or_else(|| self.live.find(node.key, &node.name))
    }
}

/// Fails when a graph has lost a result.
pub(super) fn only<T>(results: Vec<T>) -> Result<T> {
    results.into_iter().next().ok_or_else(|| Error::invalid("a run gave no result"))
}
