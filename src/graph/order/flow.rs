//! Who needs whom, as walks go over it: only what is needed, each need once, and in the order of visits.

use crate::graph::{TaskGraph, TaskId};

/// Lists of tasks, one for each task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    starts: Vec<u32>,
    items: Vec<TaskId>,
}

impl Lists {
    /// The list of a task.
    pub(crate) fn of(&self, task: TaskId) -> &[TaskId] {
        let (start, end) = (self.starts[task as usize], self.starts[task as usize + 1]);
        &self.items[start as usize..end as usize]
    }

    fn of_mut(&mut self, task: TaskId) -> &mut [TaskId] {
        let (start, end) = (self.starts[task as usize], self.starts[task as usize + 1]);
        &mut self.items[start as usize..end as usize]
    }

    /// For each task the tasks whose lists it is on.
    fn turned_round(&self) -> Lists {
        let mut starts = vec![0u32; self.starts.len()];
        self.items.iter().for_each(|&item| starts[item as usize + 1] += 1);
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let (mut fill, mut items) = (starts.clone(), vec![0; self.items.len()]);
        for (task, ends) in self.starts.windows(2).enumerate() {
            for &item in &self.items[ends[0] as usize..ends[1] as usize] {
                let at = &mut fill[item as usize];
                items[*at as usize] = task as TaskId;
                *at += 1;
            }
        }
        Lists { starts, items }
    }
}

/// The part of a graph that some wanted results need. A task comes after all that it needs.
pub(super) struct Flow {
    /// What tasks need, in the order in which walks go there.
    pub needs: Lists,
    /// Who needs them.
    pub users: Lists,
    /// The wanted results, each once.
    pub wanted: Vec<TaskId>,
    pub is_wanted: Vec<bool>,
    /// The position of the first wanted result that needs a task; `u32::MAX` for those that nobody needs.
    pub wanted_by: Vec<u32>,
    /// How many tasks are needed.
    pub tasks: usize,
    /// Whether some result has two users.
    pub shares: bool,
}

impl Flow {
    pub(super) fn new<W>(graph: &TaskGraph<W>, wanted: &[TaskId]) -> Flow {
        let mut is_wanted = vec![false; graph.len()];
        let mut wanted_by = vec![u32::MAX; graph.len()];
        let mut once = Vec::with_capacity(wanted.len());
        for (position, &want) in wanted.iter().enumerate() {
            if !std::mem::replace(&mut is_wanted[want as usize], true) {
                wanted_by[want as usize] = position as u32;
                once.push(want);
            }
        }
        for task in (0..graph.len() as TaskId).rev() {
            let by = wanted_by[task as usize];
            // a task that nobody needs has nothing to say
            for &need in graph.needs(task).iter().filter(|_| by != u32::MAX) {
                wanted_by[need as usize] = wanted_by[need as usize].min(by);
            }
        }
        let needs = needs_once(graph, &wanted_by);
        let users = needs.turned_round();
        let tasks = wanted_by.iter().filter(|&&by| by != u32::MAX).count();
        let shares = (0..graph.len()).any(|t| users.of(t as TaskId).len() + usize::from(is_wanted[t]) > 1);
        let mut flow = Flow { needs, users, wanted: once, is_wanted, wanted_by, tasks, shares };
        flow.costliest_first();
        flow
    }

    pub(super) fn is_needed(&self, task: TaskId) -> bool {
        self.wanted_by[task as usize] != u32::MAX
    }

    /// Where a task stands on a tree, its needs are put in the order of the room that they take.
    fn costliest_first(&mut self) {
        let tasks = self.is_wanted.len();
        // how many results are alive at once while a task is computed; 0 if it does not stand on a tree
        let mut room = vec![0u32; tasks];
        for task in 0..tasks as TaskId {
            let needs = self.needs.of_mut(task);
            let private = |&need: &TaskId| self.users.of(need).len() == 1 && !self.is_wanted[need as usize];
            if needs.iter().any(|need| room[*need as usize] == 0 || !private(need)) {
                continue;
            }
            if !needs.is_sorted_by_key(|&need| std::cmp::Reverse(room[need as usize])) {
                needs.sort_by_key(|&need| std::cmp::Reverse(room[need as usize]));
            }
            let held = needs.iter().zip(0..).map(|(&need, before)| room[need as usize] + before).max();
            room[task as usize] = held.unwrap_or(1).max(needs.len() as u32 + 1);
        }
    }
}

/// The needs of the tasks that are needed, each once.
fn needs_once<W>(graph: &TaskGraph<W>, wanted_by: &[u32]) -> Lists {
    let mut seen_by = vec![u32::MAX; graph.len()];
    let mut lists = Lists { starts: Vec::with_capacity(graph.len() + 1), items: Vec::new() };
    lists.starts.push(0);
    for task in 0..graph.len() as TaskId {
        if wanted_by[task as usize] != u32::MAX {
            let fresh = |&&need: &&TaskId| std::mem::replace(&mut seen_by[need as usize], task) != task;
            lists.items.extend(graph.needs(task).iter().filter(fresh));
        }
        lists.starts.push(lists.items.len() as u32);
    }
    lists
}
