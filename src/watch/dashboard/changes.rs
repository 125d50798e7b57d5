//! What a page has not seen yet: differences only, and never more than somebody could look at.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::shapes::{BoxLine, Changes, OperationLine, RunLine, Totals, log_line, micros, running_line, sample_line};
use super::subject::Subject;
use crate::watch::record::{OperationTotals, TaskSpan};

/// Up to where a page has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    pub tasks: u64,
    pub sample: Duration,
    pub log: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.tasks, self.sample.as_nanos(), self.log)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let parts: Vec<u64> = text.split('-').map(|p| p.parse().map_err(|_| ())).collect::<Result<_, ()>>()?;
        let [tasks, sample, log] = parts[..] else { return Err(()) };
        Ok(Cursor { tasks, sample: Duration::from_nanos(sample), log })
    }
}

/// A page that looks, and what it was told.
pub(super) struct Look {
    subject: Arc<Subject>,
    cursor: Cursor,
    first: bool,
    operations: FxHashMap<u32, OperationTotals>,
    runs: FxHashMap<u64, RunLine>,
    threads: FxHashSet<u32>,
    totals: Totals,
    was_running: bool,
    /// How many boxes it may be told now.
    credit: usize,
}

/// A look may be told so many boxes more than the one before it has left over …
const BOXES_A_LOOK: usize = 5_000;
/// … but not more than so many.
const MOST_BOXES: usize = 32_000;
/// Of more tasks than these the oldest are not looked at: copying them would cost what it is to show.
const MOST_TASKS: u64 = 40_000;
/// The first look goes back so many tasks.
const FIRST_TASKS: u64 = 20_000;
/// So many operations and runs are told of.
const MOST_OPERATIONS: usize = 500;
const MOST_RUNS: usize = 200;

impl Look {
    /// One that has seen up to `cursor`.
    pub fn new(subject: Arc<Subject>, cursor: Cursor) -> Look {
        Look {
            subject,
            cursor,
            first: true,
            operations: FxHashMap::default(),
            runs: FxHashMap::default(),
            threads: FxHashSet::default(),
            totals: Totals::default(),
            was_running: false,
            credit: MOST_BOXES,
        }
    }

    /// What has changed; `None` when nothing has.
    pub fn changes(&mut self) -> Option<Changes> {
        let mut changes = Changes { server: self.subject.about.server.clone(), ..Changes::default() };
        if self.first {
            changes.about = Some(self.subject.about.clone());
        }
        self.tasks(&mut changes);
        self.running(&mut changes);
        self.totals(&mut changes);
        self.samples(&mut changes);
        let (entries, next) = self.subject.journal.since(self.cursor.log);
        changes.logs = entries.iter().map(log_line).collect();
        self.cursor.log = next;
        changes.now = micros(self.subject.recorder().now());
        changes.next = self.cursor.to_string();
        let told = self.first
            || changes.totals != self.totals
            || self.was_running
            || !(changes.running.is_empty() && changes.samples.is_empty() && changes.logs.is_empty());
        self.totals = changes.totals.clone();
        self.was_running = !changes.running.is_empty();
        self.first = false;
        told.then_some(changes)
    }

    fn tasks(&mut self, changes: &mut Changes) {
        let ended = self.subject.recorder().ended();
        let back = if self.first && self.cursor.tasks == 0 { FIRST_TASKS } else { MOST_TASKS };
        let from = self.cursor.tasks.max(ended.saturating_sub(back)).min(ended);
        let spans = self.subject.recorder().spans(from);
        changes.missed = spans.missed + from.saturating_sub(self.cursor.tasks);
        self.cursor.tasks = spans.next;
        for span in &spans.tasks {
            if self.threads.insert(span.thread) {
                changes.threads.push((span.thread, span.worker));
            }
        }
        let number = |span: &TaskSpan| self.subject.number(&span.operation);
        changes.tasks = boxes(&spans.tasks, self.credit, number);
        self.credit = (self.credit.saturating_sub(changes.tasks.len()) + BOXES_A_LOOK).min(MOST_BOXES);
    }

    fn running(&mut self, changes: &mut Changes) {
        let mut running = self.subject.recorder().running();
        running.sort_by_key(|t| (t.thread, t.start));
        let (mut thread, mut depth) = (u32::MAX, 0);
        for task in &running {
            depth = if task.thread == thread { depth + 1 } else { 0 };
            thread = task.thread;
            if self.threads.insert(thread) {
                changes.threads.push((thread, task.worker));
            }
            changes.running.push(running_line(task, self.subject.number(&task.operation), depth));
        }
    }

    fn totals(&mut self, changes: &mut Changes) {
        let moment = self.subject.moment();
        changes.totals = moment.totals;
        for totals in moment.operations.into_iter().take(MOST_OPERATIONS) {
            let id = self.subject.number(&totals.operation);
            if self.operations.get(&id) != Some(&totals) {
                changes.operations.push(OperationLine::new(id, &totals));
                self.operations.insert(id, totals);
            }
        }
        let unneeded = moment.runs.len().saturating_sub(MOST_RUNS);
        for run in moment.runs.into_iter().skip(unneeded) {
            if self.runs.get(&run.id) != Some(&run) {
                changes.runs.push(run.clone());
                self.runs.insert(run.id, run);
            }
        }
        if self.runs.len() > 4 * MOST_RUNS {
            let newest = self.runs.keys().copied().max().unwrap_or(0);
            self.runs.retain(|&id, run| run.ended.is_none() || id + 2 * MOST_RUNS as u64 > newest);
        }
    }

    fn samples(&mut self, changes: &mut Changes) {
        let samples = self.subject.recorder().samples();
        let fresh = &samples[samples.partition_point(|s| s.at <= self.cursor.sample)..];
        if let Some(last) = fresh.last() {
            self.cursor.sample = last.at;
        }
        // of a long past, a thousand points are a line
        let step = fresh.len().div_ceil(1000).max(1);
        changes.samples = fresh.iter().rev().step_by(step).map(sample_line).collect();
        changes.samples.reverse();
    }
}

/// Tasks as boxes, at most `most` (but one for each thread). Neighbours of one thread are put together where there are
/// more: first those of one operation that follow each other closely, then over wider gaps, then of any operation.
fn boxes(tasks: &[TaskSpan], most: usize, number: impl Fn(&TaskSpan) -> u32) -> Vec<BoxLine> {
    let single = |t: &TaskSpan| {
        let took = micros(t.end.saturating_sub(t.start));
        (
            t.thread,
            number(t),
            micros(t.start),
            took,
            1,
            t.partition,
            t.bytes,
            t.rows,
            t.depth,
            u8::from(t.failed),
            t.run,
        )
    };
    let mut boxes: Vec<BoxLine> = tasks.iter().map(single).collect();
    let mut gap = 5.0;
    while boxes.len() > most {
        let before = boxes.len();
        boxes = merged(boxes, gap, gap > 1e4);
        if gap > 1e10 && boxes.len() == before {
            break;
        }
        gap *= 4.0;
    }
    boxes
}

fn merged(boxes: Vec<BoxLine>, gap: f64, any_operation: bool) -> Vec<BoxLine> {
    let mut last: FxHashMap<u32, usize> = FxHashMap::default();
    let mut kept: Vec<BoxLine> = Vec::new();
    for next in boxes {
        if let Some(before) = last.get(&next.0).and_then(|&at| kept.get_mut(at)) {
            let alike = (before.1 == next.1 || any_operation) && (before.8, before.9) == (next.8, next.9);
            if alike && next.2 >= before.2 && next.2 - (before.2 + before.3) <= gap {
                join(before, &next);
                continue;
            }
        }
        last.insert(next.0, kept.len());
        kept.push(next);
    }
    kept
}

/// The longer one gives its name.
fn join(into: &mut BoxLine, next: &BoxLine) {
    if next.3 > into.3 {
        into.1 = next.1;
    }
    into.3 = ((next.2 + next.3 - into.2).max(into.3) * 10.0).round() / 10.0;
    into.4 += next.4;
    into.6 = into.6.saturating_add(next.6);
    into.7 = into.7.zip(next.7).map(|(a, b)| a.saturating_add(b)).or(into.7).or(next.7);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn box_of(thread: u32, operation: u32, begin: f64, took: f64) -> BoxLine {
        (thread, operation, begin, took, 1, 0, 8, Some(1), 0, 0, 1)
    }

    #[test]
    fn cursors_are_read_as_they_are_written() {
        let cursor = Cursor { tasks: 7, sample: Duration::from_nanos(12_345), log: 3 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1-2", "1-2-3-4", "a-1-1", "1--1"] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }

    #[test]
    fn close_neighbours_of_a_thread_share_a_box() {
        let tasks =
            vec![box_of(0, 1, 0.0, 2.0), box_of(1, 1, 1.0, 1.0), box_of(0, 1, 3.0, 2.0), box_of(0, 2, 5.0, 2.0)];
        let found = merged(tasks, 5.0, false);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], (0, 1, 0.0, 5.0, 2, 0, 16, Some(2), 0, 0, 1));
        let failed = (0, 1, 7.0, 1.0, 1, 0, 0, None, 0, 1, 1);
        assert_eq!(merged(vec![box_of(0, 1, 5.0, 2.0), failed], 1e9, true).len(), 2, "a failure is seen by itself");
    }
}
