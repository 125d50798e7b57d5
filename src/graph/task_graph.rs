//! Tasks, what they need, what they do.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Key;

/// The place of a task in its graph.
pub type TaskId = u32;

/// How a task is called: what it does, and for which partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What it does, for example "scan → filter → describe".
    pub name: Arc<str>,
    /// For which partition, from 0.
    pub partition: u32,
}

/// Tasks and what they need. A task is added after all that it needs, so the graph has no cycles.
#[derive(Debug)]
pub struct TaskGraph<W> {
    keys: Vec<Key>,
    labels: Vec<Label>,
    work: Vec<Option<W>>,
    /// The needs of task `i` are `needs[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    needs: Vec<TaskId>,
    known: FxHashMap<Key, TaskId>,
}

impl<W> Default for TaskGraph<W> {
    fn default() -> Self {
        TaskGraph::with_capacity(0)
    }
}

impl<W> TaskGraph<W> {
    /// An empty graph.
    pub fn new() -> Self {
        TaskGraph::default()
    }

    /// An empty graph with room for `tasks` tasks.
    pub fn with_capacity(tasks: usize) -> Self {
        let mut starts = Vec::with_capacity(tasks + 1);
        starts.push(0);
        TaskGraph {
            keys: Vec::with_capacity(tasks),
            labels: Vec::with_capacity(tasks),
            work: Vec::with_capacity(tasks),
            starts,
            needs: Vec::with_capacity(tasks),
            known: FxHashMap::with_capacity_and_hasher(tasks, Default::default()),
        }
    }

    /// Adds a task, or finds the one that has this key already: equal work is done once.
    pub fn add(&mut self, key: Key, label: Label, needs: &[TaskId], work: W) -> TaskId {
        let id = self.keys.len() as TaskId;
        match self.known.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => return *known.get(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(id),
        };
        debug_assert!(needs.iter().all(|&n| n < id));
        self.keys.push(key);
        self.labels.push(label);
        self.work.push(Some(work));
        self.needs.extend_from_slice(needs);
        self.starts.push(self.needs.len() as u32);
        id
    }

    /// The task with this key.
    pub fn find(&self, key: Key) -> Option<TaskId> {
        self.known.get(&key).copied()
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key of a task.
    pub fn key(&self, id: TaskId) -> Key {
        self.keys[id as usize]
    }

    /// The label of a task.
    pub fn label(&self, id: TaskId) -> &Label {
        &self.labels[id as usize]
    }

    /// The tasks whose results it needs, in the order of its arguments.
    pub fn needs(&self, id: TaskId) -> &[TaskId] {
        let (start, end) = (self.starts[id as usize], self.starts[id as usize + 1]);
        &self.needs[start as usize..end as usize]
    }

    /// What the task does; it can be taken once.
    pub fn take_work(&mut self, id: TaskId) -> Option<W> {
        self.work[id as usize].take()
    }
}
