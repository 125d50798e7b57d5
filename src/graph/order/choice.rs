//! The order of the walk with the least peak.

use super::depth::{self, GENEROUS, THRIFTY};
use super::flow::{Flow, Lists};
use super::ledger::peak_of;
use super::nearest;
use crate::graph::{TaskGraph, TaskId};

/// The order of the tasks that some wanted results need, made so that few results are alive at once (the
/// [module](super) tells how). It depends on nothing but the graph and what is wanted. Tasks that nobody needs have no
/// rank.
#[derive(Clone, Debug)]
pub struct Order {
    /// The tasks, first to last.
    pub tasks: Vec<TaskId>,
    /// The place of each task in `tasks`; `u32::MAX` for those that nobody needs.
    pub rank: Vec<u32>,
    /// If the wanted results are served in turn: for each place, the first of them (by its position) that needs the task
    /// there; never falls. Else empty.
    wanted_by: Vec<u32>,
    /// For each task those that need it, each once.
    users: Lists,
}

/// Graphs with more tasks and needs than this are walked once.
const SMALL: usize = 1 << 15;

impl Order {
    /// The order for the wanted results, all of which are kept.
    pub fn new<W>(graph: &TaskGraph<W>, wanted: &[TaskId]) -> Order {
        Order::of(Flow::new(graph, wanted), false)
    }

    /// The order for wanted results that are taken one after the other: what the first needs goes before what only the
    /// second needs, and so on.
    pub fn in_turn<W>(graph: &TaskGraph<W>, wanted: &[TaskId]) -> Order {
        Order::of(Flow::new(graph, wanted), true)
    }

    fn of(flow: Flow, in_turn: bool) -> Order {
        let tasks = if flow.shares { best_walk(&flow, in_turn) } else { depth::plain(&flow) };
        let mut rank = vec![u32::MAX; flow.is_wanted.len()];
        for (place, &task) in tasks.iter().enumerate() {
            rank[task as usize] = place as u32;
        }
        let turns = tasks.iter().filter(|_| in_turn).map(|&task| flow.wanted_by[task as usize]);
        Order { wanted_by: turns.collect(), tasks, rank, users: flow.users }
    }

    /// The position of the wanted result in whose turn the task at a place runs; 0 if there are no turns.
    pub fn turn(&self, place: u32) -> u32 {
        self.wanted_by.get(place as usize).copied().unwrap_or(0)
    }

    /// The tasks that need a task, each once.
    pub(crate) fn users(&self, task: TaskId) -> &[TaskId] {
        self.users.of(task)
    }
}

fn best_walk(flow: &Flow, in_turn: bool) -> Vec<TaskId> {
    let Some(mut best) = depth::walk(flow, THRIFTY, in_turn, usize::MAX) else { return Vec::new() };
    let tasks = flow.is_wanted.len() as TaskId;
    let needs: usize = (0..tasks).map(|task| flow.needs.of(task).len()).sum();
    if flow.tasks + needs > SMALL {
        return best;
    }
    let mut least = peak_of(flow, best.iter().copied());
    // a task is there together with all that it needs, and what is wanted stays
    let floor = (0..tasks).map(|task| flow.needs.of(task).len() + 1).max();
    let floor = floor.unwrap_or(0).max(flow.wanted.len());
    let walks: [&dyn Fn(usize) -> Option<Vec<TaskId>>; 3] = [
        &|limit| depth::walk(flow, GENEROUS, in_turn, limit),
        &|limit| nearest::walk(flow, in_turn, limit),
        &|limit| as_written(flow, in_turn, limit),
    ];
    for walk in walks {
        if least <= floor {
            break;
        }
        if let Some(better) = walk(least) {
            least = peak_of(flow, better.iter().copied());
            best = better;
        }
    }
    best
}

/// The order in which the tasks were added, if its peak stays below `limit`.
fn as_written(flow: &Flow, in_turn: bool, limit: usize) -> Option<Vec<TaskId>> {
    let mut tasks: Vec<TaskId> = (0..flow.is_wanted.len() as TaskId).filter(|&task| flow.is_needed(task)).collect();
    if in_turn {
        tasks.sort_by_key(|&task| flow.wanted_by[task as usize]);
    }
    (peak_of(flow, tasks.iter().copied()) < limit).then_some(tasks)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::Token;
    use crate::graph::order::families;
    use crate::graph::{Key, Label};

    fn graph(needs: &[&[TaskId]]) -> TaskGraph<()> {
        let mut graph = TaskGraph::new();
        let name: Arc<str> = "t".into();
        for (i, n) in needs.iter().enumerate() {
            graph.add(Key::new(Token(7), i), Label { name: name.clone(), partition: 0 }, n, ());
        }
        graph
    }

    #[test]
    fn depth_first_and_only_what_is_wanted() {
        // two leaves and their sum, twice; the last task is wanted by nobody
        let graph = graph(&[&[], &[], &[], &[], &[0, 1], &[2, 3], &[4, 5], &[5]]);
        let order = Order::new(&graph, &[6]);
        assert_eq!(order.tasks, [0, 1, 4, 2, 3, 5, 6]);
        assert_eq!(order.rank[7], u32::MAX);
    }

    /// Every task that is needed comes once, and after all that it needs.
    fn assert_whole(graph: &TaskGraph<()>, wanted: &[TaskId], order: &Order) {
        let mut needed = vec![false; graph.len()];
        wanted.iter().for_each(|&want| needed[want as usize] = true);
        for task in (0..graph.len()).rev() {
            if needed[task] {
                graph.needs(task as TaskId).iter().for_each(|&need| needed[need as usize] = true);
            }
        }
        assert_eq!(order.tasks.len(), needed.iter().filter(|&&needed| needed).count());
        for (place, &task) in order.tasks.iter().enumerate() {
            assert!(needed[task as usize] && order.rank[task as usize] as usize == place);
            assert!(graph.needs(task).iter().all(|&need| (order.rank[need as usize] as usize) < place));
        }
        assert!(needed.iter().zip(&order.rank).all(|(needed, &rank)| *needed == (rank != u32::MAX)));
    }

    #[test]
    fn orders_are_whole_and_turns_are_kept() {
        for sketch in families::all().iter().filter(|sketch| sketch.needs.len() < 500) {
            let needs: Vec<&[TaskId]> = sketch.needs.iter().map(Vec::as_slice).collect();
            let graph = graph(&needs);
            // some that others need, one twice, in any order
            let mut wanted = sketch.wanted.clone();
            wanted.extend([graph.len() as TaskId / 2, sketch.wanted[0], 0]);
            wanted.rotate_left(1);
            for wanted in [&sketch.wanted, &wanted] {
                let order = Order::new(&graph, wanted);
                assert_whole(&graph, wanted, &order);
                assert!((0..order.tasks.len() as u32).all(|place| order.turn(place) == 0));
                let order = Order::in_turn(&graph, wanted);
                assert_whole(&graph, wanted, &order);
                let turns: Vec<u32> = (0..order.tasks.len() as u32).map(|place| order.turn(place)).collect();
                assert!(turns.is_sorted(), "{}", sketch.name);
                for (position, &want) in wanted.iter().enumerate() {
                    assert!(turns[order.rank[want as usize] as usize] <= position as u32);
                }
            }
        }
    }

    #[test]
    fn a_need_may_be_named_twice() {
        let graph = graph(&[&[], &[0, 0], &[0, 1, 1], &[2, 0]]);
        let order = Order::new(&graph, &[3, 1, 3]);
        assert_eq!(order.tasks, [0, 1, 2, 3]);
        assert_eq!(order.users(0), [1, 2, 3]);
    }

    #[test]
    fn many_shared_results_are_ordered_too() {
        // a running sum whose parts are all used twice: many shared results, none of them soon done with
        let tasks = 60_000;
        let mut graph = TaskGraph::<()>::with_capacity(tasks);
        let label = || Label { name: "t".into(), partition: 0 };
        for i in 0..tasks {
            let needs = [i / 2, i.saturating_sub(1), i.saturating_sub(7)].map(|need| need as TaskId);
            let needs = if i < 7 { &[] } else { &needs[..] };
            graph.add(Key::new(Token(1), i), label(), needs, ());
        }
        let order = Order::new(&graph, &[tasks as TaskId - 1]);
        assert_whole(&graph, &[tasks as TaskId - 1], &order);
    }

    #[test]
    fn equal_keys_are_one_task() {
        let mut graph = graph(&[&[]]);
        let again = graph.add(Key::new(Token(7), 0), Label { name: "other".into(), partition: 0 }, &[], ());
        assert_eq!((again, graph.len()), (0, 1));
    }
}
