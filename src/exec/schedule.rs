//! What to run next, and what may be freed: a pure function of what has happened so far.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::graph::{Order, TaskGraph, TaskId};

/// The state of a run without threads, clocks or results: which tasks are ready, in which order they start, and which
/// results nobody needs any more.
#[derive(Debug)]
pub struct Schedule {
    order: Order,
    /// Ranks of the tasks that could start.
    ready: BinaryHeap<Reverse<u32>>,
    /// For each task, how many of its needs are not there yet.
    missing: Vec<u32>,
    /// For each task, how many tasks (and wants) still need its result.
    users: Vec<u32>,
    /// The tasks that need a task's result: `dependants[starts[i]..starts[i + 1]]`.
    dependants: Vec<TaskId>,
    starts: Vec<u32>,
    running: usize,
    finished: usize,
    /// Tasks from this rank on need not start: an earlier one failed.
    stop_at: u32,
}

/// What the schedule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Start this task.
    Run(TaskId),
    /// Nothing can start before something running ends or a result is taken.
    Wait,
    /// All is done.
    Done,
}

impl Schedule {
    /// The schedule for the wanted results of a graph.
    pub fn new<W>(graph: &TaskGraph<W>, wanted: &[TaskId]) -> Schedule {
        let order = Order::new(graph, wanted);
        let tasks = graph.len();
        let mut users = vec![0u32; tasks];
        let mut missing = vec![0u32; tasks];
        let mut starts = vec![0u32; tasks + 1];
        for &task in &order.tasks {
            for &need in graph.needs(task) {
                starts[need as usize + 1] += 1;
                users[need as usize] += 1;
                missing[task as usize] += 1;
            }
        }
        for i in 0..tasks {
            starts[i + 1] += starts[i];
        }
        let mut fill = starts.clone();
        let mut dependants = vec![0; starts[tasks] as usize];
        for &task in &order.tasks {
            for &need in graph.needs(task) {
                let at = &mut fill[need as usize];
                dependants[*at as usize] = task;
                *at += 1;
            }
        }
        wanted.iter().for_each(|&w| users[w as usize] += 1);
        let ready: Vec<_> = (0..order.tasks.len() as u32)
            .filter(|&r| missing[order.tasks[r as usize] as usize] == 0)
            .map(Reverse)
            .collect();
        Schedule {
            order,
            ready: ready.into(),
            missing,
            users,
            dependants,
            starts,
            running: 0,
            finished: 0,
            stop_at: u32::MAX,
        }
    }

    /// How many tasks there are to run.
    pub fn tasks(&self) -> usize {
        self.order.tasks.len()
    }

    /// Whether some wanted result needs the task.
    pub fn is_needed(&self, task: TaskId) -> bool {
        self.order.rank[task as usize] != u32::MAX
    }

    /// The next task to start, if one may: those that serve only results from position `room` on have to wait.
    pub fn next(&mut self, room: u32) -> Next {
        match self.ready.peek() {
            Some(&Reverse(rank)) if rank < self.stop_at && self.order.wanted_by[rank as usize] < room => {
                self.ready.pop();
                self.running += 1;
                Next::Run(self.order.tasks[rank as usize])
            }
            _ if self.is_over() => Next::Done,
            _ => Next::Wait,
        }
    }

    /// Whether a task could start now.
    pub fn has_ready(&self, room: u32) -> bool {
        matches!(self.ready.peek(), Some(&Reverse(rank))
            if rank < self.stop_at && self.order.wanted_by[rank as usize] < room)
    }

    /// About how many tasks could start now: none, or at most those whose needs are there.
    pub fn ready(&self, room: u32) -> usize {
        if self.has_ready(room) { self.ready.len() } else { 0 }
    }

    /// Whether all tasks have ended well.
    pub fn is_complete(&self) -> bool {
        self.finished == self.order.tasks.len() && self.stop_at == u32::MAX
    }

    /// The task's result is there. Calls `free` for each of its needs that nobody needs any more.
    pub fn finish(&mut self, task: TaskId, needs: &[TaskId], mut free: impl FnMut(TaskId)) {
        self.running -= 1;
        self.finished += 1;
        let (start, end) = (self.starts[task as usize], self.starts[task as usize + 1]);
        for at in start..end {
            let dependant = self.dependants[at as usize] as usize;
            self.missing[dependant] -= 1;
            if self.missing[dependant] == 0 {
                self.ready.push(Reverse(self.order.rank[dependant]));
            }
        }
        for &need in needs {
            if self.used(need) {
                free(need);
            }
        }
    }

    /// One user of the result has had it; true when it was the last.
    pub fn used(&mut self, task: TaskId) -> bool {
        let users = &mut self.users[task as usize];
        *users = users.saturating_sub(1);
        *users == 0
    }

    /// Whether the result has one user left.
    pub fn last_user(&self, task: TaskId) -> bool {
        self.users[task as usize] == 1
    }

    /// The task failed. Tasks before it go on, so that the failure reported is the one that a single thread meets
    /// first; later ones do not start. True if this is the first failure in that order so far.
    pub fn fail(&mut self, task: TaskId) -> bool {
        self.running -= 1;
        self.finished += 1;
        let rank = self.order.rank[task as usize];
        let first = rank < self.stop_at;
        self.stop_at = self.stop_at.min(rank);
        first
    }

    /// Nothing more starts.
    pub fn stop(&mut self) {
        self.stop_at = 0;
    }

    /// Whether all tasks have ended, or those that are left will not start.
    pub fn is_over(&self) -> bool {
        self.running == 0 && (self.finished == self.order.tasks.len() || !self.can_go_on())
    }

    fn can_go_on(&self) -> bool {
        self.stop_at == u32::MAX || matches!(self.ready.peek(), Some(&Reverse(rank)) if rank < self.stop_at)
    }
}
