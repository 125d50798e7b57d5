//! A graph of tasks as a drawing, whole or collapsed.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::collapse;
use super::{Drawing, Kind, Node, NodeId};
use crate::graph::{Key, Label, TaskGraph, TaskId};

/// What is drawn of a graph of tasks: how they are called, what they give, what they need. It can be taken from a
/// [`TaskGraph`], or put together by whoever only hears of tasks.
///
/// ```
/// use std::sync::Arc;
/// use partita::Token;
/// use partita::graph::draw::{Direction, Tasks};
/// use partita::graph::{Key, Label};
///
/// let mut tasks = Tasks::new();
/// let mut task = |name: &str, i: usize, needs: &[u32]| {
///     tasks.add(Key::new(Token::of(|t| t.str(name)), i), &Label { name: name.into(), partition: i as u32 }, needs)
/// };
/// let parts: Vec<u32> = (0..3).map(|i| task("part", i, &[])).collect();
/// let sum = task("sum", 0, &parts);
/// tasks.want(&[sum]);
/// assert_eq!(tasks.whole("sum of three").len(), 8); // each task, and what it gives
/// assert_eq!(tasks.collapsed("sum of three").len(), 2); // part × 3, sum
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    keys: Vec<Key>,
    labels: Vec<Label>,
    starts: Vec<u32>,
    needs: Vec<TaskId>,
    wanted: Vec<TaskId>,
}

impl Tasks {
    /// No tasks.
    pub fn new() -> Tasks {
        Tasks::default()
    }

    /// The tasks of a graph; what `wanted` give is drawn as results, and tasks that they do not need are left out. Without
    /// any wanted, all are drawn.
    pub fn of<W>(graph: &TaskGraph<W>, wanted: &[TaskId]) -> Tasks {
        let all = graph.len();
        let mut needed = vec![wanted.is_empty(); all];
        wanted.iter().for_each(|&w| needed[w as usize] = true);
        // what a task needs was added before it
        for task in (0..all).rev().filter(|_| !wanted.is_empty()) {
            if needed[task] {
                graph.needs(task as TaskId).iter().for_each(|&n| needed[n as usize] = true);
            }
        }
        let mut tasks = Tasks::new();
        let mut place = vec![0; all];
        let mut needs = Vec::new();
        for task in (0..all).filter(|&t| needed[t]) {
            let id = task as TaskId;
            needs.clear();
            needs.extend(graph.needs(id).iter().map(|&n| place[n as usize]));
            place[task] = tasks.add(graph.key(id), graph.label(id), &needs);
        }
        let wanted: Vec<TaskId> = wanted.iter().map(|&w| place[w as usize]).collect();
        tasks.want(&wanted);
        tasks
    }

    /// Adds a task after those that it needs.
    pub fn add(&mut self, key: Key, label: &Label, needs: &[TaskId]) -> TaskId {
        let id = self.keys.len() as TaskId;
        self.keys.push(key);
        self.labels.push(label.clone());
        self.starts.push(self.needs.len() as u32);
        self.needs.extend(needs.iter().copied().filter(|&n| n < id));
        id
    }

    /// Says which tasks give what was asked for.
    pub fn want(&mut self, tasks: &[TaskId]) {
        self.wanted.extend(tasks);
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many nodes the whole drawing has.
    pub fn nodes(&self) -> usize {
        2 * self.len()
    }

    pub(super) fn name(&self, task: usize) -> &Arc<str> {
        &self.labels[task].name
    }

    pub(super) fn key(&self, task: usize) -> Key {
        self.keys[task]
    }

    pub(super) fn wanted(&self) -> &[TaskId] {
        &self.wanted
    }

    pub(super) fn needs(&self, task: usize) -> &[TaskId] {
        let end = self.starts.get(task + 1).map_or(self.needs.len(), |&end| end as usize);
        &self.needs[self.starts[task] as usize..end]
    }

    /// The drawing of every task and of what it gives: an ellipse for each task with the name of what it does, a box for
    /// each result with its number.
    pub fn whole(&self, title: &str) -> Drawing {
        let mut drawing = Drawing::new(title);
        let numbers = self.numbers();
        let mut results: Vec<NodeId> = Vec::with_capacity(self.len());
        let wanted: FxHashSet<usize> = self.wanted.iter().map(|&w| w as usize).collect();
        for (task, &number) in numbers.iter().enumerate() {
            let (name, key) = (self.name(task), self.keys[task]);
            let about = |what: &str| format!("{what}\npartition {}, key {key}", self.labels[task].partition);
            let function = drawing.add(Node::new(Kind::Function, &**name).class(name.clone()).tooltip(about(name)));
            let kind = if wanted.contains(&task) { Kind::Result } else { Kind::Data };
            let label = result_label(name, number);
            let result = drawing.add(Node::new(kind, &label).class(name.clone()).tooltip(about(&label)));
            // an argument that is given twice is one edge, where it is given first
            let mut times: FxHashMap<TaskId, u64> = FxHashMap::default();
            self.needs(task).iter().for_each(|&n| *times.entry(n).or_default() += 1);
            for &need in self.needs(task) {
                if let Some(times) = times.remove(&need) {
                    drawing.connect_times(results[need as usize], function, times);
                }
            }
            drawing.connect(function, result);
            drawing.shows(function, key);
            drawing.shows(result, key);
            results.push(result);
        }
        drawing
    }

    /// The drawing in which tasks that do the same at the same place of the graph are one node, "increment × 9,999", and edges say
    /// how many they stand for. Where tasks of one name follow each other in a chain, the chain is one node.
    pub fn collapsed(&self, title: &str) -> Drawing {
        collapse::draw(self, title)
    }

    /// A number for each task among those of its name, if there are several: its partition where those differ.
    fn numbers(&self) -> Vec<Option<u32>> {
        struct Seen {
            count: u32,
            rising: bool,
            last: u32,
        }
        let mut seen: FxHashMap<&str, Seen> = FxHashMap::default();
        let mut ordinals = Vec::with_capacity(self.len());
        for Label { name, partition } in &self.labels {
            let first = Seen { count: 0, rising: true, last: *partition };
            let seen = seen.entry(name).or_insert(first);
            seen.rising &= seen.count == 0 || *partition > seen.last;
            seen.last = *partition;
            ordinals.push(seen.count);
            seen.count += 1;
        }
        let labels = self.labels.iter().zip(ordinals);
        labels
            .map(|(label, ordinal)| {
                let seen = seen.get(&*label.name)?;
                (seen.count > 1).then_some(if seen.rising { label.partition } else { ordinal })
            })
            .collect()
    }
}

/// What the result of a task is called: by what was done last.
fn result_label(name: &str, number: Option<u32>) -> String {
    let last = name.rsplit(" → ").next().unwrap_or(name);
    number.map_or(last.to_string(), |number| format!("{last} #{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;
    use crate::graph::draw::Direction;

    fn add(graph: &mut TaskGraph<()>, name: &str, needs: &[TaskId]) -> TaskId {
        let key = Key::new(Token(graph.len() as u128), 0);
        graph.add(key, Label { name: name.into(), partition: 0 }, needs, ())
    }

    #[test]
    fn functions_and_results_as_in_dask() {
        let mut graph = TaskGraph::new();
        let x = add(&mut graph, "inc", &[]);
        let y = add(&mut graph, "inc", &[x]);
        let unused = add(&mut graph, "dec", &[]);
        let total = add(&mut graph, "add", &[x, y, y]);
        let tasks = Tasks::of(&graph, &[total]);
        assert_eq!((tasks.len(), tasks.nodes(), unused), (3, 6, 2));
        let drawing = tasks.whole("total");
        let labels: Vec<&str> = drawing.nodes.iter().map(|n| n.label.as_str()).collect();
        assert_eq!(labels, ["inc", "inc #0", "inc", "inc #1", "add", "add"]);
        assert_eq!(drawing.nodes[5].kind, Kind::Result);
        let edges: Vec<_> = drawing.edges.iter().map(|e| (e.from, e.to, e.times)).collect();
        assert_eq!(edges, [(0, 1, 1), (1, 2, 1), (2, 3, 1), (1, 4, 1), (3, 4, 2), (4, 5, 1)]);
        insta::assert_snapshot!(drawing.dot(Direction::TopDown), @r##"
        digraph partita {
          graph [rankdir=TB, tooltip="total"];
          node [style=filled, fontname="sans-serif", fontsize=11, fontcolor="#1b1f24"];
          edge [color="#8a929c"];
          n0 [label="inc", shape=ellipse, fillcolor="#d3e9f8", color="#2f7fb8", tooltip="inc\npartition 0, key 00000000000000000000000000000000-0"];
          n1 [label="inc #0", shape=box, fillcolor="#ffffff", color="#2f7fb8", tooltip="inc #0\npartition 0, key 00000000000000000000000000000000-0"];
          n2 [label="inc", shape=ellipse, fillcolor="#d3e9f8", color="#2f7fb8", tooltip="inc\npartition 0, key 00000000000000000000000000000001-0"];
          n3 [label="inc #1", shape=box, fillcolor="#ffffff", color="#2f7fb8", tooltip="inc #1\npartition 0, key 00000000000000000000000000000001-0"];
          n4 [label="add", shape=ellipse, fillcolor="#fde5bd", color="#b87400", tooltip="add\npartition 0, key 00000000000000000000000000000003-0"];
          n5 [label="add", shape=box, fillcolor="#fde5bd", color="#b87400", penwidth=2, tooltip="add\npartition 0, key 00000000000000000000000000000003-0"];
          n0 -> n1;
          n1 -> n2;
          n2 -> n3;
          n1 -> n4;
          n3 -> n4 [label="×2"];
          n4 -> n5;
        }
        "##);
    }

    #[test]
    fn without_wanted_results_all_is_drawn() {
        let mut graph = TaskGraph::new();
        add(&mut graph, "a", &[]);
        add(&mut graph, "scan → filter", &[]);
        let drawing = Tasks::of(&graph, &[]).whole("");
        assert_eq!((drawing.len(), drawing.nodes[3].label.as_str()), (4, "filter"));
        assert_eq!(drawing.nodes[3].kind, Kind::Data);
    }
}
