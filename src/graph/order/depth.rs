//! The depth-first walks.

use super::flow::Flow;
use super::ledger::Ledger;
use crate::graph::TaskId;

/// Depth first, for graphs in which no result has two users: nothing needs to be counted.
pub(super) fn plain(flow: &Flow) -> Vec<TaskId> {
    let mut order = Vec::with_capacity(flow.tasks);
    // a task is on the stack with how many of its needs were looked at
    let mut stack: Vec<(TaskId, u32)> = Vec::new();
    for &want in &flow.wanted {
        stack.push((want, 0));
        while let Some((task, looked_at)) = stack.last_mut() {
            match flow.needs.of(*task).get(*looked_at as usize) {
                Some(&need) => {
                    *looked_at += 1;
                    stack.push((need, 0));
                }
                None => {
                    order.push(*task);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// What a walk does besides going down.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    /// Tasks that join results start as soon as they can, whether this frees something or not.
    pub joins_at_once: bool,
    /// So many tasks at the most that still need a result are worth a detour to be done with it.
    pub users: u32,
    /// So many more results may be alive after a detour.
    pub debt: i64,
}

/// No debt, short detours.
pub(super) const THRIFTY: Habits = Habits { joins_at_once: false, users: 2, debt: 0 };
/// What is at hand is done, in the hope that it pays.
pub(super) const GENEROUS: Habits = Habits { joins_at_once: true, users: 4, debt: 1 };

/// A detour has no more tasks than this.
const DETOUR: usize = 8;
/// A task that needs more than this is no part of a detour.
const WIDE: usize = 32;

/// So many shared results are looked at before a leaf is opened.
const LOOKS: usize = 8;

/// A walk from the wanted results down; `None` when its peak reaches `limit`. If `in_turn`, all that the first wanted
/// result needs goes before all that only the second needs, and so on.
pub(super) fn walk(flow: &Flow, habits: Habits, in_turn: bool, limit: usize) -> Option<Vec<TaskId>> {
    let mut walk = Walk {
        ledger: Ledger::new(flow),
        habits,
        turn: u32::MAX,
        due: Vec::new(),
        nearly_done: Vec::new(),
        noted: vec![false; flow.is_wanted.len()],
        way: Vec::new(),
        uses: vec![0; flow.is_wanted.len()],
    };
    let mut stack = Vec::new();
    for &want in &flow.wanted {
        if in_turn {
            walk.turn = flow.wanted_by[want as usize];
        }
        stack.push(want);
        while let Some(&task) = stack.last() {
            if walk.ledger.ran(task) {
                stack.pop();
            } else if let Some(need) = walk.ledger.next_need(task) {
                stack.push(need);
            } else if !flow.needs.of(task).is_empty() || !walk.detour() {
                walk.run(task);
            }
            if walk.ledger.peak >= limit {
                return None;
            }
        }
    }
    Some(walk.ledger.order)
}

struct Walk<'a> {
    ledger: Ledger<'a>,
    habits: Habits,
    /// Tasks that only later wanted results need have to wait.
    turn: u32,
    /// Tasks to run at once.
    due: Vec<TaskId>,
    /// Shared results that few tasks still need.
    nearly_done: Vec<TaskId>,
    /// Which those are.
    noted: Vec<bool>,
    /// Room for a detour.
    way: Vec<TaskId>,
    /// For the results that a detour uses: how often. Zero between detours.
    uses: Vec<u32>,
}

impl Walk<'_> {
    /// Runs a task, and all that should then run at once.
    fn run(&mut self, task: TaskId) {
        self.due.push(task);
        while let Some(task) = self.due.pop() {
            if !self.ledger.ran(task) {
                self.ledger.run(task);
                self.look_around(task);
            }
        }
    }

    /// Notes what has changed by a task that ran.
    fn look_around(&mut self, task: TaskId) {
        let flow = self.ledger.flow;
        for at in 0..self.ledger.changed.len() {
            let user = self.ledger.changed[at];
            if self.ledger.missing(user) != 0 || flow.wanted_by[user as usize] > self.turn {
                continue;
            }
            let joins = self.habits.joins_at_once && flow.needs.of(user).len() > 1;
            if joins || self.ledger.would_free(user) {
                self.due.push(user);
            }
        }
        self.ledger.changed.clear();
        self.note_nearly_done(task);
        for &user in flow.users.of(task) {
            if self.ledger.missing(user) == 0 {
                self.note_nearly_done(user);
            }
        }
    }

    /// Notes the shared results among the needs of a task that few others still need.
    fn note_nearly_done(&mut self, task: TaskId) {
        let flow = self.ledger.flow;
        for &need in flow.needs.of(task) {
            let few = (1..=self.habits.users).contains(&self.ledger.users(need)) && self.ledger.ran(need);
            let shared = few && flow.users.of(need).len() > 1 && !flow.is_wanted[need as usize];
            if shared && !std::mem::replace(&mut self.noted[need as usize], true) {
                self.nearly_done.push(need);
            }
        }
    }

    /// Is done with one of the shared results, if that costs little.
    fn detour(&mut self) -> bool {
        let mut looks = 0;
        while let (Some(result), true) = (self.nearly_done.pop(), looks < LOOKS) {
            self.noted[result as usize] = false;
            if self.ledger.users(result) == 0 {
                continue;
            }
            looks += 1;
            let mut way = std::mem::take(&mut self.way);
            let found = self.find_way_to_end(result, &mut way) && self.leaves(&way) <= self.habits.debt;
            if found {
                for &task in &way {
                    if !self.ledger.ran(task) {
                        self.run(task);
                    }
                }
            }
            self.way = way;
            if found {
                return true;
            }
        }
        false
    }

    /// The tasks that still need a result, and all that they are missing, each after what it needs. False if they are too
    /// many.
    fn find_way_to_end(&self, result: TaskId, way: &mut Vec<TaskId>) -> bool {
        let flow = self.ledger.flow;
        way.clear();
        way.extend(flow.users.of(result).iter().copied().filter(|&user| !self.ledger.ran(user)));
        let mut at = 0;
        while let Some(&task) = way.get(at) {
            let needs = flow.needs.of(task);
            let missing = self.ledger.missing(task) as usize;
            if way.len().max(missing) > DETOUR || needs.len() > WIDE || flow.wanted_by[task as usize] > self.turn {
                return false;
            }
            for &need in needs.iter().filter(|&&need| missing > 0 && !self.ledger.ran(need)) {
                if !way.contains(&need) {
                    way.push(need);
                }
            }
            at += 1;
        }
        // what a task needs has a lower number
        way.sort_unstable();
        true
    }

    /// How many more results are alive once these have run.
    fn leaves(&mut self, tasks: &[TaskId]) -> i64 {
        let flow = self.ledger.flow;
        let mut more = tasks.len() as i64;
        for &need in tasks.iter().flat_map(|&task| flow.needs.of(task)) {
            self.uses[need as usize] += 1;
            more -= i64::from(self.uses[need as usize] == self.ledger.users(need));
        }
        for &need in tasks.iter().flat_map(|&task| flow.needs.of(task)) {
            self.uses[need as usize] = 0;
        }
        more
    }
}
