//! In which order tasks should start, so that few results are alive.

use super::{TaskGraph, TaskId};

/// The order of the tasks that some wanted results need: a depth-first walk from the wanted results, so that what was
/// begun is finished before something new is begun. Tasks that nobody needs have no rank.
#[derive(Clone, Debug)]
pub struct Order {
    /// The tasks, first to last.
    pub tasks: Vec<TaskId>,
    /// The place of each task in `tasks`; `u32::MAX` for those that nobody needs.
    pub rank: Vec<u32>,
    /// For each place, the first wanted result (by its position) that needs the task there; never falls.
    pub wanted_by: Vec<u32>,
}

impl Order {
    /// The order for the wanted results.
    pub fn new<W>(graph: &TaskGraph<W>, wanted: &[TaskId]) -> Order {
        let mut rank = vec![u32::MAX; graph.len()];
        let mut tasks = Vec::with_capacity(graph.len());
        let mut wanted_by = Vec::with_capacity(graph.len());
        // a task is on the stack with how many of its needs were looked at
        let mut stack: Vec<(TaskId, u32)> = Vec::new();
        let mut seen = vec![false; graph.len()];
        for (position, &want) in wanted.iter().enumerate() {
            if !std::mem::replace(&mut seen[want as usize], true) {
                stack.push((want, 0));
            }
            while let Some((task, looked_at)) = stack.last_mut() {
                match graph.needs(*task).get(*looked_at as usize) {
                    Some(&need) => {
                        *looked_at += 1;
                        if !std::mem::replace(&mut seen[need as usize], true) {
                            stack.push((need, 0));
                        }
                    }
                    None => {
                        rank[*task as usize] = tasks.len() as u32;
                        tasks.push(*task);
                        wanted_by.push(position as u32);
                        stack.pop();
                    }
                }
            }
        }
        Order { tasks, rank, wanted_by }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::Token;
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

    #[test]
    fn equal_keys_are_one_task() {
        let mut graph = graph(&[&[]]);
        let again = graph.add(Key::new(Token(7), 0), Label { name: "other".into(), partition: 0 }, &[], ());
        assert_eq!((again, graph.len()), (0, 1));
    }
}
