//! A recorder is told made-up events, and asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::base::{Error, Token};
use crate::exec::event::{Event, GraphView, Key, Label, Observer, Usage};

struct Chain(Vec<(Key, Label, Vec<u32>)>);

impl GraphView for Chain {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn is_needed(&self, task: u32) -> bool {
        task != 2
    }
    fn key(&self, task: u32) -> Key {
        self.0[task as usize].0
    }
    fn label(&self, task: u32) -> &Label {
        &self.0[task as usize].1
    }
    fn needs(&self, task: u32) -> &[u32] {
        &self.0[task as usize].2
    }
}

fn key(token: u128, index: u32) -> Key {
    Key { token: Token(token), index }
}

fn label(name: &str, partition: u32) -> Label {
    Label { name: name.into(), partition }
}

/// Two reads, a task nobody needs, and the sum of the reads.
fn graph() -> Chain {
    Chain(vec![
        (key(1, 0), label("read", 0), vec![]),
        (key(1, 1), label("read", 1), vec![]),
        (key(2, 0), label("unused", 0), vec![0]),
        (key(3, 0), label("sum", 0), vec![0, 1]),
    ])
}

struct Told {
    recorder: Arc<Recorder>,
    begun: Instant,
}

impl Told {
    fn new(spans: usize) -> Told {
        let recorder = Arc::new(Recorder::with_capacity(spans));
        Told { recorder, begun: Instant::now() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.begun + Duration::from_millis(ms)
    }

    fn run(&self, run: u64, graph: &dyn GraphView) {
        self.recorder.notice(&Event::RunStarted { run, tasks: 3, graph });
    }

    fn begin(&self, run: u64, key: Key, label: &Label, ms: u64) {
        self.recorder.notice(&Event::TaskStarted { run, key, label, worker: Some(0), at: self.at(ms) });
    }

    fn end(&self, run: u64, key: Key, label: &Label, ms: u64, error: Option<&Error>) {
        let (took, rows) = (Duration::ZERO, Some(10));
        let at = self.at(ms);
        let worker = Some(0);
        self.recorder.notice(&Event::TaskFinished {
            run,
            key,
            label,
            worker,
            at,
            took,
            bytes: 100,
            rows,
            error,
            last: true,
        });
    }
}

#[test]
fn totals_spans_and_the_graph_agree() {
    let told = Told::new(100);
    let (recorder, graph) = (&told.recorder, graph());
    told.run(7, &graph);
    told.begin(7, graph.key(0), graph.label(0), 0);
    told.end(7, graph.key(0), graph.label(0), 5, None);
    told.begin(7, graph.key(1), graph.label(1), 6);
    let states = |of: &Recorder| of.graph(7).unwrap().nodes.iter().map(|n| n.state).collect::<Vec<_>>();
    assert_eq!(states(recorder), [TaskState::Done, TaskState::Running, TaskState::Waiting]);
    assert_eq!(recorder.running()[0].partition, 1);
    told.end(7, graph.key(1), graph.label(1), 9, None);
    told.begin(7, graph.key(3), graph.label(3), 9);
    told.end(7, graph.key(3), graph.label(3), 10, None);
    recorder.notice(&Event::RunFinished { run: 7, failed: false });

    let run = &recorder.runs()[0];
    assert_eq!((run.state, run.planned(), run.ended()), (RunState::Finished, 3, 3));
    assert_eq!(run.edges, [(0, 1, 2)]);
    let operations = recorder.operations();
    let ms = Duration::from_millis;
    let shown = |o: &OperationTotals| (o.operation.to_string(), o.planned, o.done, o.busy, o.longest, o.bytes, o.rows);
    assert_eq!(shown(&operations[0]), ("read".to_string(), 2, 2, ms(8), ms(5), 200, 20));
    assert_eq!(shown(&operations[1]), ("sum".to_string(), 1, 1, ms(1), ms(1), 100, 10));
    let spans = recorder.spans(1);
    assert_eq!((spans.next, spans.missed, spans.tasks.len()), (3, 0, 2));
    let took = |s: &TaskSpan| (s.operation.to_string(), s.end - s.start);
    assert_eq!(took(&spans.tasks[1]), ("sum".to_string(), ms(1)));
    assert_eq!(recorder.graph(7).unwrap().nodes[2].needs, [0, 1], "the task that nobody needs is left out");
}

#[test]
fn a_task_inside_a_task_is_counted_once() {
    let told = Told::new(100);
    let (outer, inner) = (label("outer", 0), label("inner", 0));
    told.begin(1, key(1, 0), &outer, 0);
    told.begin(2, key(2, 0), &inner, 10);
    told.end(2, key(2, 0), &inner, 40, None);
    told.end(1, key(1, 0), &outer, 50, None);
    let spans = told.recorder.spans(0).tasks;
    assert_eq!(spans.iter().map(|s| s.depth).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(spans[1].end - spans[1].start, Duration::from_millis(50));
}

#[test]
fn failures_are_noted_and_plans_that_came_to_nothing_are_not_awaited() {
    let told = Told::new(100);
    let graph = graph();
    told.run(1, &graph);
    told.begin(1, graph.key(0), graph.label(0), 0);
    told.end(1, graph.key(0), graph.label(0), 1, Some(&Error::invalid("no such thing")));
    told.recorder.notice(&Event::RunFinished { run: 1, failed: true });
    let run = &told.recorder.runs()[0];
    assert_eq!((run.state, run.planned(), run.ended()), (RunState::Failed, 1, 1));
    let failures = told.recorder.failures();
    assert!(failures[0].error.contains("no such thing"), "{failures:?}");
}

#[test]
fn the_history_is_bounded_and_totals_are_not() {
    let told = Told::new(4);
    let graph = graph();
    for run in 0..2000 {
        told.run(run, &graph);
        for task in [0, 1, 3] {
            told.begin(run, graph.key(task), graph.label(task), run);
            told.end(run, graph.key(task), graph.label(task), run + 1, None);
        }
        told.recorder.notice(&Event::RunFinished { run, failed: false });
    }
    let spans = told.recorder.spans(10);
    assert_eq!((spans.tasks.len(), spans.next, spans.missed), (4, 6000, 5986));
    assert!(told.recorder.runs().len() <= 512);
    let operations = told.recorder.operations();
    assert_eq!(operations.iter().map(|o| (o.planned, o.done)).collect::<Vec<_>>(), [(4000, 4000), (2000, 2000)]);
}

#[test]
fn a_run_may_grow() {
    let told = Told::new(4);
    told.run(1, &Chain(Vec::new()));
    for i in 0..3u32 {
        let needs: Vec<Key> = i.checked_sub(1).map(|i| key(9, i)).into_iter().collect();
        told.recorder.notice(&Event::TaskAdded { run: 1, key: key(9, i), label: &label("link", i), needs: &needs });
    }
    assert_eq!(told.recorder.runs()[0].planned(), 3);
    assert_eq!(told.recorder.graph(1).unwrap().nodes[2].needs, [1]);
}

#[test]
fn samples_thin_out_and_the_last_is_there() {
    let recorder = Arc::new(Recorder::new());
    let gauge = Arc::new(|| crate::exec::event::Usage { held: 5, ..Default::default() });
    drop(Sampler::new(recorder.clone(), gauge, Duration::from_secs(60)));
    assert_eq!(recorder.samples().len(), 2);
    (0..10_000).for_each(|_| recorder.sample(Default::default()));
    let samples = recorder.samples();
    assert!(samples.len() <= 4096 && samples.windows(2).all(|w| w[0].at <= w[1].at));
    assert_eq!(samples[0].usage.held, 5, "the first stays");
}

#[test]
fn a_peak_between_two_samples_is_in_the_curve() {
    let recorder = Recorder::new();
    let usage = |held, peak| Usage { held, peak, ..Default::default() };
    let taken = [usage(0, 10), usage(0, 90), usage(5, 90), usage(95, 95), usage(0, 95)];
    taken.into_iter().for_each(|usage| recorder.sample(usage));
    let samples = recorder.samples();
    assert_eq!(samples.iter().map(|s| s.usage.held).collect::<Vec<_>>(), [0, 90, 0, 5, 95, 0]);
    assert!(samples.windows(2).all(|w| w[0].at <= w[1].at && w[0].cpu <= w[1].cpu));
}

#[test]
fn tasks_that_were_dropped_are_not_waited_for() {
    let told = Told::new(4);
    let recorder = &told.recorder;
    told.run(1, &Chain(Vec::new()));
    let slow = label("slow", 0);
    for i in 0..50u32 {
        recorder.notice(&Event::TaskAdded { run: 1, key: key(9, i), label: &slow, needs: &[] });
    }
    told.begin(1, key(9, 0), &slow, 0);
    for i in 0..50u32 {
        recorder.notice(&Event::TaskDropped { run: 1, key: key(9, i), label: &slow });
    }
    let totals = || recorder.operations().iter().map(|o| (o.planned, o.running, o.done, o.failed)).collect::<Vec<_>>();
    assert_eq!(totals(), [(0, 1, 0, 0)], "one goes on");
    let error = Error::invalid("late");
    let (worker, at, took) = (Some(0), told.at(4), Duration::ZERO);
    let (run, bytes, rows, error, last) = (1, 0, None, Some(&error), false);
    let key = key(9, 0);
    recorder.notice(&Event::TaskFinished { run, key, label: &slow, worker, at, took, bytes, rows, error, last });
    assert_eq!((totals(), recorder.ended()), (vec![(0, 0, 0, 0)], 1));
    let graph = recorder.graph(1).unwrap();
    assert_eq!((graph.nodes[0].state, graph.nodes[7].state), (TaskState::Failed, TaskState::Dropped));
}

#[test]
fn who_comes_late_sees_the_end_of_what_was_begun_before() {
    let told = Told::new(4);
    told.run(1, &Chain(Vec::new()));
    let (worker, at, took) = (Some(1), told.at(9), Duration::from_millis(4));
    let (run, key, label) = (1, key(1, 0), label("late", 0));
    let (bytes, rows, error, last) = (8, None, None, true);
    told.recorder.notice(&Event::TaskAdded { run, key, label: &label, needs: &[] });
    told.recorder.notice(&Event::TaskFinished { run, key, label: &label, worker, at, took, bytes, rows, error, last });
    let task = &told.recorder.spans(0).tasks[0];
    assert_eq!((task.end - task.start, task.worker, &*task.operation), (took, Some(1), "late"));
    assert_eq!(told.recorder.operations()[0].busy, took);
}

#[test]
fn names_without_end_are_counted_together() {
    let told = Told::new(4);
    let graph = Chain((0..3000).map(|i| (key(1, i), label(&format!("task {i}"), i), vec![])).collect());
    told.run(1, &graph);
    for task in (0..3000).rev().filter(|&t| t != 2) {
        told.begin(1, graph.key(task), graph.label(task), 0);
        told.end(1, graph.key(task), graph.label(task), 1, None);
    }
    let run = &told.recorder.runs()[0];
    assert_eq!((run.planned(), run.ended(), run.operations.len()), (2999, 2999, 1001));
    assert_eq!(told.recorder.operations().iter().map(|o| o.done).sum::<u64>(), 2999);
}

#[test]
fn what_has_not_begun_is_not_running() {
    let told = Told::new(4);
    let graph = graph();
    told.run(1, &graph);
    told.begin(1, graph.key(0), graph.label(0), 0);
    let running: Vec<u64> = told.recorder.runs()[0].operations.iter().map(|o| o.running).collect();
    assert_eq!(running, [1, 0]);
}
