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
    /// For each task, how many of its needs are not there yet; [`HAS_RUN`] once it has ended.
    missing: Vec<u32>,
    /// For each task, how many tasks (and wants) still need its result.
    users: Vec<u32>,
    running: usize,
    finished: usize,
    /// Tasks from this rank on need not start: an earlier one failed.
    stop_at: u32,
}

/// Stands for the needs of a task that has ended: no task has so many.
const HAS_RUN: u32 = u32::MAX;

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
    /// The schedule for the wanted results of a graph, in this order of theirs.
    pub fn new<W>(graph: &TaskGraph<W>, wanted: &[TaskId], order: Order) -> Schedule {
        let mut users = vec![0u32; graph.len()];
        let mut missing = vec![0u32; graph.len()];
        for &task in &order.tasks {
            graph.needs(task).iter().for_each(|&need| users[need as usize] += 1);
            order.users(task).iter().for_each(|&user| missing[user as usize] += 1);
        }
        wanted.iter().for_each(|&w| users[w as usize] += 1);
        let ready: Vec<_> = (0..order.tasks.len() as u32)
            .filter(|&r| missing[order.tasks[r as usize] as usize] == 0)
            .map(Reverse)
            .collect();
        Schedule { order, ready: ready.into(), missing, users, running: 0, finished: 0, stop_at: u32::MAX }
    }

    /// How many tasks there are to run.
    pub fn tasks(&self) -> usize {
        self.order.tasks.len()
    }

    /// How many of them have yet to end.
    pub fn left(&self) -> usize {
        self.order.tasks.len() - self.finished
    }

    /// Whether the task has ended, well or not.
    pub fn has_run(&self, task: TaskId) -> bool {
        self.missing[task as usize] == HAS_RUN
    }

    /// Whether some wanted result needs the task.
    pub fn is_needed(&self, task: TaskId) -> bool {
        self.order.rank[task as usize] != u32::MAX
    }

    /// The next task to start, if one may: those that serve only results from position `room` on have to wait.
    pub fn next(&mut self, room: u32) -> Next {
        match self.ready.peek() {
            Some(&Reverse(rank)) if rank < self.stop_at && self.order.turn(rank) < room => {
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
            if rank < self.stop_at && self.order.turn(rank) < room)
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
        self.end(task);
        for &user in self.order.users(task) {
            let missing = &mut self.missing[user as usize];
            *missing -= 1;
            if *missing == 0 {
                self.ready.push(Reverse(self.order.rank[user as usize]));
            }
        }
        for &need in needs {
            if self.used(need) {
                free(need);
            }
        }
    }

    fn end(&mut self, task: TaskId) {
        self.running -= 1;
        self.finished += 1;
        self.missing[task as usize] = HAS_RUN;
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
        self.end(task);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::Token;
    use crate::graph::order::{dask, families};
    use crate::graph::{Key, Label};

    fn graph(sketch: &families::Sketch) -> TaskGraph<()> {
        let mut graph = TaskGraph::new();
        for (i, needs) in sketch.needs.iter().enumerate() {
            let label = Label { name: Arc::from(sketch.kinds[i]), partition: i as u32 };
            graph.add(Key::new(Token(1), i), label, needs, ());
        }
        graph
    }

    /// The most results alive when so many workers each take the next task, all tasks taking the same time.
    fn peak(graph: &TaskGraph<()>, wanted: &[TaskId], order: &Order, workers: usize) -> usize {
        let mut schedule = Schedule::new(graph, wanted, order.clone());
        let (mut alive, mut peak) = (0, 0);
        loop {
            let running: Vec<TaskId> = std::iter::from_fn(|| match schedule.next(u32::MAX) {
                Next::Run(task) => Some(task),
                Next::Wait | Next::Done => None,
            })
            .take(workers)
            .collect();
            if running.is_empty() {
                assert!(schedule.is_complete() && alive == wanted.len());
                return peak;
            }
            alive += running.len();
            peak = peak.max(alive);
            for task in running {
                schedule.finish(task, graph.needs(task), |_| alive -= 1);
            }
        }
    }

    #[test]
    fn never_more_results_alive_than_with_dask() {
        let sketches = families::all();
        assert_eq!(sketches.len(), dask::PEAKS.len());
        let mut ratios = [0.0; 3];
        for (sketch, (name, tasks, needs, theirs)) in sketches.iter().zip(dask::PEAKS) {
            let size = (sketch.needs.len(), sketch.needs.iter().map(Vec::len).sum());
            assert_eq!((sketch.name.as_str(), size), (*name, (*tasks, *needs)), "another graph than Dask's");
            let graph = graph(sketch);
            let order = Order::new(&graph, &sketch.wanted);
            let ours = [1, 2, 4].map(|workers| peak(&graph, &sketch.wanted, &order, workers));
            println!("{name}: {ours:?}, Dask {} {theirs:?}", dask::VERSION);
            assert!(ours[0] <= theirs[0], "{name}: {ours:?}, Dask {theirs:?}");
            for (more, workers) in [(1, 2), (2, 4)] {
                assert!(ours[more] < theirs[more] + workers, "{name}: {ours:?}, Dask {theirs:?}");
            }
            (0..3).for_each(|i| ratios[i] += (ours[i] as f64 / theirs[i] as f64).ln() / sketches.len() as f64);
        }
        let ratios = ratios.map(f64::exp);
        println!("geometric means of the ratios: {ratios:.3?}");
        assert!(ratios[0] < 0.89 && ratios[1] < 0.9 && ratios[2] < 0.92, "{ratios:?}");
    }
}
