//! Tasks that do the same as one.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::tasks::Tasks;
use super::{Drawing, Kind, Node, NodeId};
use crate::base::shown;

/// A drawing of more nodes than this is not looked at as a whole.
const READABLE: usize = 100;

/// The tasks in groups, numbered by their first task.
struct Groups {
    of: Vec<u32>,
    count: usize,
}

impl Groups {
    /// Tasks with equal marks are one group.
    fn by<M: Eq + Hash>(marks: impl Iterator<Item = M>) -> Groups {
        let mut known: FxHashMap<M, u32> = FxHashMap::default();
        let of = marks.map(|mark| {
            let next = known.len() as u32;
            *known.entry(mark).or_insert(next)
        });
        Groups { of: of.collect(), count: known.len() }
    }
}

/// Tasks of one name that need the same kinds of tasks, all the way down. Levels of a tree are groups of their own.
fn by_structure(tasks: &Tasks) -> Groups {
    let mut known: FxHashMap<(&str, Vec<u32>), u32> = FxHashMap::default();
    let mut of: Vec<u32> = Vec::with_capacity(tasks.len());
    for task in 0..tasks.len() {
        let mut below: Vec<u32> = tasks.needs(task).iter().map(|&n| of[n as usize]).collect();
        below.sort_unstable();
        below.dedup();
        let next = known.len() as u32;
        of.push(*known.entry((tasks.name(task), below)).or_insert(next));
    }
    Groups { of, count: known.len() }
}

/// Tasks of one name at the same depth, where depth counts how often the name changes: chains of one name are one group.
fn by_changes(tasks: &Tasks) -> Groups {
    let mut depth: Vec<u32> = Vec::with_capacity(tasks.len());
    for task in 0..tasks.len() {
        let name = tasks.name(task);
        let below = tasks.needs(task).iter().map(|&n| depth[n as usize] + u32::from(tasks.name(n as usize) != name));
        depth.push(below.max().unwrap_or(0));
    }
    Groups::by((0..tasks.len()).map(|t| (&**tasks.name(t), depth[t])))
}

/// The first way to group that gives something readable; by name alone if none does.
fn groups(tasks: &Tasks) -> Groups {
    let ways: [fn(&Tasks) -> Groups; 2] = [by_structure, by_changes];
    let found = ways.iter().map(|group| group(tasks)).find(|groups| groups.count <= READABLE);
    found.unwrap_or_else(|| Groups::by((0..tasks.len()).map(|t| &**tasks.name(t))))
}

pub(super) fn draw(tasks: &Tasks, title: &str) -> Drawing {
    let groups = groups(tasks);
    let mut sizes = vec![0u64; groups.count];
    let mut first = vec![usize::MAX; groups.count];
    let mut edges: FxHashMap<(u32, u32), u64> = FxHashMap::default();
    let mut order: Vec<(u32, u32)> = Vec::new();
    let mut inside = vec![0u64; groups.count];
    for task in 0..tasks.len() {
        let group = groups.of[task];
        sizes[group as usize] += 1;
        first[group as usize] = first[group as usize].min(task);
        for &need in tasks.needs(task) {
            let from = groups.of[need as usize];
            if from == group {
                inside[group as usize] += 1;
                continue;
            }
            *edges.entry((from, group)).or_insert_with(|| {
                order.push((from, group));
                0
            }) += 1;
        }
    }
    let mut results = vec![0u64; groups.count];
    tasks.wanted().iter().for_each(|&w| results[groups.of[w as usize] as usize] += 1);
    let mut drawing = Drawing::new(title);
    let nodes: Vec<NodeId> = (0..groups.count)
        .map(|g| {
            let name = tasks.name(first[g]);
            let mut node = Node::new(Kind::Function, &**name).class(name.clone()).times(sizes[g]);
            let chained = (inside[g] > 0).then(|| "after each other".to_string());
            let given = match results[g] {
                0 => None,
                1 => Some("result".to_string()),
                n => Some(format!("{} results", shown::count(n))),
            };
            let notes: Vec<String> = chained.into_iter().chain(given).collect();
            if !notes.is_empty() {
                node = node.note(notes.join(", "));
            }
            drawing.add(node)
        })
        .collect();
    for (from, to) in order {
        let times = edges.get(&(from, to)).copied().unwrap_or(1);
        drawing.connect_times(nodes[from as usize], nodes[to as usize], times);
    }
    for task in 0..tasks.len() {
        drawing.shows(nodes[groups.of[task] as usize], tasks.key(task));
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Token;
    use crate::graph::{Key, Label, TaskId};

    struct Graph(Tasks);

    impl Graph {
        fn add(&mut self, name: &str, needs: &[TaskId]) -> TaskId {
            let key = Key::new(Token(self.0.len() as u128), 0);
            self.0.add(key, &Label { name: name.into(), partition: 0 }, needs)
        }
    }

    /// Nodes as "name × n (note)", edges as "name → name × n".
    fn shown(tasks: &Tasks) -> (Vec<String>, Vec<String>) {
        let drawing = tasks.collapsed("");
        let named = |n: &Node| format!("{} × {} {}", n.label, n.times, n.note.clone().unwrap_or_default());
        let name = |i: u32| drawing.nodes[i as usize].label.clone();
        let edges = drawing.edges.iter().map(|e| format!("{} → {} × {}", name(e.from), name(e.to), e.times));
        (drawing.nodes.iter().map(|n| named(n).trim_end().to_string()).collect(), edges.collect())
    }

    #[test]
    fn the_long_tutorial_graph_is_four_nodes() {
        let mut graph = Graph(Tasks::new());
        let mut sums = Vec::new();
        for _ in 1..10_000 {
            let (inc, power) = (graph.add("increment", &[]), graph.add("power2", &[]));
            sums.push(graph.add("add", &[inc, power]));
        }
        let total = graph.add("sum", &sums);
        graph.0.want(&[total]);
        let (nodes, edges) = shown(&graph.0);
        assert_eq!(nodes, ["increment × 9999", "power2 × 9999", "add × 9999", "sum × 1 result"]);
        assert_eq!(edges, ["increment → add × 9999", "power2 → add × 9999", "add → sum × 9999"]);
    }

    #[test]
    fn levels_of_a_tree_stay_apart_and_chains_do_not() {
        let mut tree = Graph(Tasks::new());
        let mut level: Vec<TaskId> = (0..8).map(|_| tree.add("load", &[])).collect();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| tree.add("add", pair)).collect();
        }
        assert_eq!(shown(&tree.0).0, ["load × 8", "add × 4", "add × 2", "add × 1"]);

        let mut chain = Graph(Tasks::new());
        let mut last = chain.add("load", &[]);
        for _ in 0..500 {
            let next = chain.add("load", &[]);
            last = chain.add("add", &[last, next]);
        }
        let (nodes, edges) = shown(&chain.0);
        assert_eq!(nodes, ["load × 501", "add × 500 after each other"]);
        assert_eq!(edges, ["load → add × 501"]);

        // two names by turns: by name alone, with an edge that runs backwards
        let mut turns = Graph(Tasks::new());
        let mut last = turns.add("ping", &[]);
        for i in 0..400 {
            last = turns.add(if i % 2 == 0 { "pong" } else { "ping" }, &[last]);
        }
        assert_eq!(shown(&turns.0).0, ["ping × 201", "pong × 200"]);
    }
}
