//! Which results are alive in the course of a walk.

use super::flow::Flow;
use crate::graph::TaskId;

/// How far a task is.
#[derive(Clone, Copy)]
struct Line {
    /// How many of its needs were not run yet.
    missing: u32,
    /// How many tasks, and wants, still need its result.
    users: u32,
    /// Of how many of its needs it is the last user.
    last_of: u32,
    /// How many of its needs were looked at and had run.
    looked_at: u32,
}

/// For `missing`: it has run.
const RAN: u32 = u32::MAX;

/// A walk so far.
pub(super) struct Ledger<'a> {
    pub flow: &'a Flow,
    lines: Vec<Line>,
    /// The tasks that ran.
    pub order: Vec<TaskId>,
    /// The tasks that wait for results which are there, and for which something has changed.
    pub changed: Vec<TaskId>,
    alive: usize,
    /// The most results that were alive at once.
    pub peak: usize,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(flow: &'a Flow) -> Ledger<'a> {
        let line = |task: usize| {
            let (id, wanted) = (task as TaskId, u32::from(flow.is_wanted[task]));
            let sole = |&&need: &&TaskId| flow.users.of(need).len() == 1 && !flow.is_wanted[need as usize];
            let needs = flow.needs.of(id);
            let last_of = needs.iter().filter(sole).count() as u32;
            Line { missing: needs.len() as u32, users: flow.users.of(id).len() as u32 + wanted, last_of, looked_at: 0 }
        };
        let lines = (0..flow.is_wanted.len()).map(line).collect();
        let order = Vec::with_capacity(flow.tasks);
        Ledger { flow, lines, order, changed: Vec::new(), alive: 0, peak: 0 }
    }

    pub(super) fn ran(&self, task: TaskId) -> bool {
        self.lines[task as usize].missing == RAN
    }

    /// How many needs of a task that did not run are missing.
    pub(super) fn missing(&self, task: TaskId) -> u32 {
        self.lines[task as usize].missing
    }

    /// How many tasks and wants still need a result.
    pub(super) fn users(&self, task: TaskId) -> u32 {
        self.lines[task as usize].users
    }

    /// Whether the task could run, and would free a result by it.
    pub(super) fn would_free(&self, task: TaskId) -> bool {
        let line = &self.lines[task as usize];
        line.missing == 0 && line.last_of > 0
    }

    /// How many more results are alive once the task and the needs that it is missing have run, as far as can be seen from
    /// here: what these need themselves is not counted.
    pub(super) fn leaves(&self, task: TaskId) -> i64 {
        let line = &self.lines[task as usize];
        1 + i64::from(line.missing) - i64::from(line.last_of)
    }

    /// The next of its needs that did not run.
    pub(super) fn next_need(&mut self, task: TaskId) -> Option<TaskId> {
        let needs = self.flow.needs.of(task);
        let mut at = self.lines[task as usize].looked_at as usize;
        while needs.get(at).is_some_and(|&need| self.ran(need)) {
            at += 1;
        }
        self.lines[task as usize].looked_at = at as u32;
        needs.get(at).copied()
    }

    /// Runs a task whose needs have all run.
    pub(super) fn run(&mut self, task: TaskId) {
        let flow = self.flow;
        debug_assert_eq!(self.missing(task), 0);
        self.lines[task as usize].missing = RAN;
        self.order.push(task);
        self.alive += 1;
        self.peak = self.peak.max(self.alive);
        for &need in flow.needs.of(task) {
            let line = &mut self.lines[need as usize];
            line.users -= 1;
            match line.users {
                0 => self.alive -= 1,
                1 if !flow.is_wanted[need as usize] => {
                    if let Some(&last) = flow.users.of(need).iter().find(|&&user| !self.ran(user)) {
                        self.lines[last as usize].last_of += 1;
                        self.changed.push(last);
                    }
                }
                _ => {}
            }
        }
        for &user in flow.users.of(task).iter().rev() {
            self.lines[user as usize].missing -= 1;
            self.changed.push(user);
        }
    }
}

/// The most results that are alive at once when tasks run in this order, one after the other.
pub(super) fn peak_of(flow: &Flow, order: impl Iterator<Item = TaskId>) -> usize {
    let users = |task: TaskId| flow.users.of(task).len() as u32 + u32::from(flow.is_wanted[task as usize]);
    let mut left: Vec<u32> = (0..flow.is_wanted.len()).map(|task| users(task as TaskId)).collect();
    let (mut alive, mut peak) = (0, 0);
    for task in order {
        alive += 1;
        peak = peak.max(alive);
        for &need in flow.needs.of(task) {
            left[need as usize] -= 1;
            alive -= usize::from(left[need as usize] == 0);
        }
    }
    peak
}
