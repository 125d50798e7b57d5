//! The runs, their tasks planned, their graphs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::history::{Failure, OperationTotals, RunRecord, RunState, TaskState};
use super::shard::Sums;
use crate::exec::event::{GraphView, Key, Label};

/// The runs that are remembered, oldest first.
#[derive(Default)]
pub(super) struct Ledger {
    pub runs: VecDeque<RunEntry>,
    pub failures: VecDeque<Failure>,
    /// Totals of the operations of runs that are forgotten.
    pub forgotten: FxHashMap<Arc<str>, (u64, Sums)>,
}

/// A run. Times are nanoseconds.
#[derive(Default)]
pub(super) struct RunEntry {
    pub run: u64,
    pub start: u64,
    pub end: Option<u64>,
    pub failed: bool,
    /// Operations and how many tasks they have.
    pub operations: Vec<(Arc<str>, u64)>,
    places: FxHashMap<Arc<str>, usize>,
    last: usize,
    pub edges: FxHashMap<(u32, u32), u64>,
    pub nodes: Vec<Node>,
    known: FxHashMap<Key, u32>,
    pub left_out: u64,
}

/// A task of a run whose graph is kept.
pub(super) struct Node {
    pub key: Key,
    pub operation: usize,
    pub partition: u32,
    pub needs: Vec<u32>,
    /// How it is known to have ended, apart from what spans say: done before anybody watched, or dropped.
    pub over: Option<TaskState>,
}

/// After so many operations of a run, others are one: somebody names each task.
pub(super) const OPERATIONS: usize = 1000;
/// What they are called together.
pub(super) const OTHERS: &str = "others";

/// So many failures are kept, the first ones of all: those that follow mostly follow from them.
const MOST_FAILURES: usize = 1000;

impl Ledger {
    pub fn find(&mut self, run: u64) -> Option<&mut RunEntry> {
        // runs that go on are mostly young
        self.runs.iter_mut().rev().find(|r| r.run == run)
    }

    pub fn note(&mut self, failure: Failure) {
        if self.failures.len() < MOST_FAILURES {
            self.failures.push_back(failure);
        }
    }

    /// The runs to forget, so that `most` that have ended are left.
    pub fn outdated(&self, most: usize) -> Vec<u64> {
        let ended: Vec<u64> = self.runs.iter().filter(|r| r.end.is_some()).map(|r| r.run).collect();
        // many at once, since every thread is asked
        if ended.len() < most * 2 { Vec::new() } else { ended[..ended.len() - most].to_vec() }
    }
}

impl RunEntry {
    pub fn new(run: u64, start: u64, graph: &dyn GraphView, most_nodes: usize) -> RunEntry {
        let mut entry = RunEntry { run, start, ..RunEntry::default() };
        let mut operations = Vec::with_capacity(graph.len());
        let keeps = graph.len() <= most_nodes;
        let mut places = Vec::new();
        for task in (0..graph.len() as u32).filter(|&t| graph.is_needed(t)) {
            let at = entry.operation(&graph.label(task).name);
            let has_run = graph.has_run(task);
            entry.operations[at].1 += u64::from(!has_run);
            operations.resize(task as usize, 0);
            operations.push(at as u32);
            for &need in graph.needs(task) {
                *entry.edges.entry((operations[need as usize], at as u32)).or_default() += 1;
            }
            if keeps {
                places.resize(task as usize, 0);
                places.push(entry.nodes.len() as u32);
                let needs = graph.needs(task).iter().map(|&n| places[n as usize]).collect();
                entry.node(graph.key(task), at, graph.label(task).partition, needs);
                if let (Some(node), true) = (entry.nodes.last_mut(), has_run) {
                    node.over = Some(TaskState::Done);
                }
            } else {
                entry.left_out += 1;
            }
        }
        entry
    }

    /// The place of an operation, or of the others.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.places.get(name).or_else(|| self.places.get(OTHERS)).copied()
    }

    /// What is known before anything has run.
    pub fn record(&self) -> RunRecord {
        let operations = self.operations.iter().map(|(operation, planned)| OperationTotals {
            operation: operation.clone(),
            planned: *planned,
            ..OperationTotals::default()
        });
        let mut edges: Vec<_> = self.edges.iter().map(|(&(a, b), &count)| (a as usize, b as usize, count)).collect();
        edges.sort_unstable();
        RunRecord {
            run: self.run,
            start: Duration::from_nanos(self.start),
            end: self.end.map(Duration::from_nanos),
            state: match self.end {
                None => RunState::Running,
                Some(_) if self.failed => RunState::Failed,
                Some(_) => RunState::Finished,
            },
            operations: operations.collect(),
            edges,
        }
    }

    /// One task more.
    pub fn add(&mut self, key: Key, label: &Label, needs: &[Key], most_nodes: usize) {
        let at = self.operation(&label.name);
        self.operations[at].1 += 1;
        if self.nodes.len() >= most_nodes {
            self.left_out += 1;
            return;
        }
        let needs: Vec<u32> = needs.iter().filter_map(|n| self.known.get(n).copied()).collect();
        for &need in &needs {
            *self.edges.entry((self.nodes[need as usize].operation as u32, at as u32)).or_default() += 1;
        }
        self.known.insert(key, self.nodes.len() as u32);
        self.node(key, at, label.partition, needs);
    }

    /// A task that was added has ended without having run to its end.
    pub fn drop_task(&mut self, key: Key, label: &Label) {
        if let Some(at) = self.position(&label.name) {
            self.operations[at].1 = self.operations[at].1.saturating_sub(1);
        }
        if let Some(node) = self.known.get(&key).and_then(|&at| self.nodes.get_mut(at as usize)) {
            node.over = Some(TaskState::Dropped);
        }
    }

    fn node(&mut self, key: Key, operation: usize, partition: u32, needs: Vec<u32>) {
        self.nodes.push(Node { key, operation, partition, needs, over: None });
    }

    fn operation(&mut self, name: &Arc<str>) -> usize {
        match self.operations.get(self.last) {
            Some((last, _)) if Arc::ptr_eq(last, name) => {}
            _ if self.places.len() >= OPERATIONS && !self.places.contains_key(name) => {
                self.last = self.place(OTHERS.into());
            }
            _ => self.last = self.place(name.clone()),
        }
        self.last
    }

    fn place(&mut self, name: Arc<str>) -> usize {
        let RunEntry { operations, places, .. } = self;
        *places.entry(name).or_insert_with_key(|name| {
            operations.push((name.clone(), 0));
            operations.len() - 1
        })
    }
}
