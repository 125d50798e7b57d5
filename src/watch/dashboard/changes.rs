//! What a page has not seen yet: differences only, and never more than somebody could look at.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::shapes::{BoxLine, Changes, OperationLine, RunLine, Totals, log_line, micros, running_line, sample_line};
use super::subject::Subject;
use crate::watch::record::OperationTotals;

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
const BOXES_A_LOOK: usize = 400;
/// … but not more than so many.
const MOST_BOXES: usize = 2_000;
/// The first look may be told so many, and goes back as far.
const FIRST_BOXES: usize = 10_000;
/// Of more tasks than these the oldest are not looked at: that would take what it is to show.
const MOST_TASKS: u64 = 100_000;
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
            credit: FIRST_BOXES,
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
        let next = self.subject.recorder().ended();
        let first = self.first && self.cursor.tasks == 0;
        let back = if first { FIRST_BOXES as u64 } else { MOST_TASKS };
        let from = self.cursor.tasks.max(next.saturating_sub(back)).min(next);
        let before = if first { from } else { self.cursor.tasks };
        let (boxes, threads) = boxes(&self.subject, from..next, self.credit);
        for (thread, worker) in threads {
            if self.threads.insert(thread) {
                changes.threads.push((thread, worker));
            }
        }
        changes.coarse = ((boxes.len() as u64) < next.saturating_sub(before)).then_some((before, next));
        self.cursor.tasks = next;
        self.credit = (self.credit.saturating_sub(boxes.len()) + BOXES_A_LOOK).min(MOST_BOXES);
        changes.tasks = boxes;
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
        let fresh = self.subject.recorder().samples_after(self.cursor.sample);
        if let Some(last) = fresh.last() {
            self.cursor.sample = last.at;
        }
        // of a long past, a thousand points are a line
        let step = fresh.len().div_ceil(1000).max(1);
        changes.samples = fresh.iter().rev().step_by(step).map(sample_line).collect();
        changes.samples.reverse();
    }
}

/// A box while it may still grow. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Open {
    thread: u32,
    operation: u32,
    start: u64,
    end: u64,
    /// How long the task took that gave it its name.
    longest: u64,
    tasks: u32,
    partition: u32,
    bytes: u64,
    rows: Option<u64>,
    depth: u32,
    failed: bool,
    run: u64,
    number: u64,
}

/// The tasks of these numbers as boxes, about `most` at most, and the threads they ran on. Where there are more, neighbours
/// of one thread are put together: first those of one operation that follow each other closely, then over wider gaps, then
/// of any operation, the longest of which gives the name.
pub(super) fn boxes(
    subject: &Subject,
    numbers: Range<u64>,
    most: usize,
) -> (Vec<BoxLine>, FxHashMap<u32, Option<usize>>) {
    let tasks = numbers.end.saturating_sub(numbers.start);
    // a first guess of how close is close, so that little has to be kept
    let mut gap = if tasks <= most as u64 { None } else { Some(2_000) };
    let mut boxes: Vec<Open> = Vec::with_capacity(most.min(tasks as usize));
    let (mut threads, mut known) = (FxHashMap::default(), FxHashMap::default());
    subject.recorder().glance(numbers, |seen| {
        let last = boxes.last_mut().filter(|last| last.thread == seen.thread);
        if last.is_none() {
            threads.insert(seen.thread, seen.worker);
        }
        let operation = *known.entry(seen.name).or_insert_with(|| subject.number(seen.operation));
        let next = Open {
            thread: seen.thread,
            operation,
            start: seen.start,
            end: seen.end,
            longest: seen.end.saturating_sub(seen.start),
            tasks: 1,
            partition: seen.partition,
            bytes: seen.bytes,
            rows: seen.rows,
            depth: seen.depth,
            failed: seen.failed,
            run: seen.run,
            number: seen.number,
        };
        match (last, gap) {
            (Some(last), Some(gap)) if last.is_near(&next, gap, false) => last.take(&next),
            _ => boxes.push(next),
        }
    });
    while let Some(wide) = gap.filter(|_| boxes.len() > most.max(threads.len())) {
        boxes.dedup_by(|next, last| {
            let joined = last.thread == next.thread && last.is_near(next, wide, wide > 1_000_000);
            if joined {
                last.take(next);
            }
            joined
        });
        gap = wide.checked_mul(4);
    }
    // in the order in which they ended, as a page wants them
    boxes.sort_by_key(|b| b.end);
    (boxes.iter().map(Open::line).collect(), threads)
}

impl Open {
    /// Whether `next`, which ended later, can share the box.
    fn is_near(&self, next: &Open, gap: u64, any_operation: bool) -> bool {
        let alike = (self.operation == next.operation || any_operation)
            && (self.depth, self.failed) == (next.depth, next.failed);
        alike && next.start >= self.start && next.start.saturating_sub(self.end) <= gap
    }

    fn take(&mut self, next: &Open) {
        if next.longest > self.longest {
            (self.operation, self.longest) = (next.operation, next.longest);
        }
        self.end = self.end.max(next.end);
        self.tasks += next.tasks;
        self.bytes = self.bytes.saturating_add(next.bytes);
        self.rows = match (self.rows, next.rows) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
    }

    fn line(&self) -> BoxLine {
        let tenths = |nanos: u64| (nanos as f64 / 100.0).round() / 10.0;
        let (begin, took) = (tenths(self.start), tenths(self.end.saturating_sub(self.start)));
        let failed = u8::from(self.failed);
        let Open { thread, operation, tasks, partition, bytes, rows, depth, run, number, .. } = *self;
        (thread, operation, begin, took, tasks, partition, bytes, rows, depth, failed, run, number)
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;
    use std::time::Instant;

    use super::super::watched::Watched;
    use super::*;
    use crate::base::{Error, Token};
    use crate::exec::event::{Event, Gauge, Key, Label, Observer, Usage};

    #[test]
    fn cursors_are_read_as_they_are_written() {
        let cursor = Cursor { tasks: 7, sample: Duration::from_nanos(12_345), log: 3 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1-2", "1-2-3-4", "a-1-1", "1--1"] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }

    fn task(operation: u32, start: u64, end: u64) -> Open {
        Open {
            thread: 0,
            operation,
            start,
            end,
            longest: end - start,
            tasks: 1,
            partition: 0,
            bytes: 8,
            rows: Some(1),
            depth: 0,
            failed: false,
            run: 1,
            number: 0,
        }
    }

    #[test]
    fn close_neighbours_share_a_box() {
        let mut first = task(1, 0, 2_000);
        assert!(!first.is_near(&task(1, 9_000, 9_500), 5_000, false), "too far");
        assert!(!first.is_near(&task(2, 2_100, 9_500), 5_000, false), "another operation");
        assert!(
            !first.is_near(&Open { failed: true, ..task(1, 2_100, 2_200) }, 5_000, true),
            "a failure is seen by itself"
        );
        let next = task(2, 2_100, 9_600);
        assert!(first.is_near(&next, 5_000, true));
        first.take(&next);
        assert_eq!(first.line(), (0, 2, 0.0, 9.6, 2, 0, 16, Some(2), 0, 0, 1, 0));
    }

    struct Nothing;

    impl Watched for Nothing {
        fn title(&self) -> String {
            String::new()
        }
        fn threads(&self) -> usize {
            1
        }
        fn memory_limit(&self) -> u64 {
            0
        }
        fn gauge(&self) -> Gauge {
            Arc::new(Usage::default)
        }
        fn lend(&self, _: Arc<dyn Observer>) -> Box<dyn Any + Send + Sync> {
            Box::new(())
        }
    }

    /// So many tasks of three operations in turn, a microsecond each, the 77th of which fails.
    fn worked(subject: &Subject, tasks: u32) {
        let labels = ["a", "b", "c"].map(|name| Label { name: name.into(), partition: 0 });
        let begun = Instant::now();
        let failed = Error::invalid("no such thing");
        for i in 0..tasks {
            let (key, label) = (Key { token: Token(1), index: i }, &labels[i as usize % 3]);
            let (run, worker, took) = (1, Some(0), Duration::from_micros(1));
            let at = |k: u32| begun + took * (2 * i + k);
            subject.journal.notice(&Event::TaskStarted { run, key, label, worker, at: at(0) });
            let error = (i == 77).then_some(&failed);
            let (bytes, rows) = (8, Some(1));
            subject.journal.notice(&Event::TaskFinished {
                run,
                key,
                label,
                worker,
                at: at(1),
                took,
                bytes,
                rows,
                error,
                last: true,
            });
        }
    }

    #[test]
    fn many_tasks_are_few_boxes_and_each_is_told_of_when_asked() {
        let subject = Arc::new(Subject::new(&Nothing, None));
        let mut look = Look::new(subject.clone(), Cursor::default());
        assert_eq!(look.changes().map(|c| (c.tasks.len(), c.coarse)), Some((0, None)));
        look.credit = 50;
        worked(&subject, 5000);
        let told = look.changes().unwrap_or_default();
        let sum = |boxes: &[BoxLine]| boxes.iter().map(|b| b.4).sum::<u32>();
        assert_eq!((sum(&told.tasks), told.coarse), (5000, Some((0, 5000))));
        assert!(told.tasks.len() <= 50, "{} boxes", told.tasks.len());
        let failed: Vec<_> = told.tasks.iter().filter(|b| b.9 == 1).map(|b| (b.4, b.11)).collect();
        assert_eq!(failed, [(1, 77)], "a failure is seen by itself");
        let (each, _) = boxes(&subject, 100..200, 1000);
        assert_eq!((each.len(), sum(&each)), (100, 100));
        assert!(each.iter().zip(100..).all(|(b, number)| b.11 == number && b.3 == 1.0));
    }
}
