//! The walk to where the fewest results will be left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::flow::Flow;
use super::ledger::Ledger;
use crate::graph::TaskId;

/// A place to go to: what it leaves, when it came within reach, the task.
type Place = (Reverse<i64>, usize, TaskId);

/// Goes from one task to the next: of those with a need that is there, to that which leaves the fewest results alive, and
/// among equals to the one that came within reach last; else down from the next wanted result. `None` when its peak
/// reaches `limit`, or when it finds itself on the same ways over and over.
pub(super) fn walk(flow: &Flow, in_turn: bool, limit: usize) -> Option<Vec<TaskId>> {
    let mut ledger = Ledger::new(flow);
    let (mut places, mut due) = (BinaryHeap::new(), Vec::new());
    let mut steps = 0;
    for &want in &flow.wanted {
        let turn = if in_turn { flow.wanted_by[want as usize] } else { u32::MAX };
        while !ledger.ran(want) {
            let mut task = best(&mut places, &ledger, turn).unwrap_or(want);
            while let Some(need) = ledger.next_need(task) {
                task = need;
                steps += 1;
            }
            due.push(task);
            while let Some(task) = due.pop() {
                if !ledger.ran(task) {
                    ledger.run(task);
                    note(&mut ledger, turn, &mut places, &mut due);
                }
            }
            if ledger.peak >= limit || steps > STEPS * flow.tasks {
                return None;
            }
        }
    }
    Some(ledger.order)
}

/// So many steps down for each task are in order.
const STEPS: usize = 16;
/// Tasks that leave more than this are not gone to.
const MOST: i64 = 1;

/// What has changed: tasks that free something are due, others are places to go to.
fn note(ledger: &mut Ledger<'_>, turn: u32, places: &mut BinaryHeap<Place>, due: &mut Vec<TaskId>) {
    for at in 0..ledger.changed.len() {
        let task = ledger.changed[at];
        if ledger.ran(task) || ledger.flow.wanted_by[task as usize] > turn {
            continue;
        }
        let leaves = ledger.leaves(task);
        if ledger.would_free(task) {
            due.push(task);
        } else if leaves <= MOST {
            places.push((Reverse(leaves), ledger.order.len(), task));
        }
    }
    ledger.changed.clear();
}

/// The best place of which what was noted still holds.
fn best(places: &mut BinaryHeap<Place>, ledger: &Ledger<'_>, turn: u32) -> Option<TaskId> {
    while let Some(&(Reverse(leaves), _, task)) = places.peek() {
        let holds = !ledger.ran(task) && ledger.leaves(task) == leaves && ledger.flow.wanted_by[task as usize] <= turn;
        if holds {
            return Some(task);
        }
        places.pop();
    }
    None
}
