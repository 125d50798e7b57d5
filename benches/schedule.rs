//! What a task costs: graphs of tasks that do nothing are built, ordered and run; tasks a second. The time of a task must
//! not grow with the graph.

#![allow(clippy::expect_used)]

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use partita::base::Token;
use partita::exec::{
    Executor, LiveOptions, LiveWork, Observer, Observers, Pool, RunContext, Serial, TaskContext, Work,
};
use partita::graph::{Key, Label, Order, Payload, TaskGraph, TaskId};
use partita::watch::Recorder;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPLIT_EVERY: usize = 16;

/// So many leaves, and over them a tree that combines sixteen at a time; gives its root.
fn tree(tasks: usize) -> (TaskGraph<Work>, TaskId) {
    let leaves = tasks * (SPLIT_EVERY - 1) / SPLIT_EVERY;
    let mut graph = TaskGraph::with_capacity(tasks + SPLIT_EVERY);
    let nothing = || -> Work { Box::new(|_, _| Ok(Payload::new(()))) };
    let name: Arc<str> = "leaf".into();
    let mut level: Vec<TaskId> = (0..leaves)
        .map(|i| graph.add(Key::new(Token(1), i), Label { name: name.clone(), partition: i as u32 }, &[], nothing()))
        .collect();
    let (name, mut depth): (Arc<str>, _) = ("combine".into(), 1);
    while level.len() > 1 {
        depth += 1;
        let parts = level.chunks(SPLIT_EVERY).enumerate().map(|(i, part)| {
            let label = Label { name: name.clone(), partition: i as u32 };
            graph.add(Key::new(Token(depth), i), label, part, nothing())
        });
        level = parts.collect();
    }
    (graph, level.first().copied().unwrap_or_default())
}

/// One task after the other.
fn chain(tasks: usize) -> (TaskGraph<Work>, TaskId) {
    let mut graph = TaskGraph::with_capacity(tasks);
    let name: Arc<str> = "link".into();
    let mut last = None;
    for i in 0..tasks {
        let label = Label { name: name.clone(), partition: i as u32 };
        let work: Work = Box::new(|_, _| Ok(Payload::new(())));
        last = Some(graph.add(Key::new(Token(1), i), label, last.as_slice(), work));
    }
    (graph, last.unwrap_or_default())
}

fn bench(c: &mut Criterion) {
    let pool = Pool::new(2).expect("two threads");
    let executors: [(&str, &dyn Executor); 2] = [("serial", &Serial), ("pool of 2", &pool)];
    let mut group = c.benchmark_group("schedule");
    group.sample_size(10);
    for tasks in [10_000, 100_000, 1_000_000] {
        group.throughput(Throughput::Elements(tasks as u64));
        group.bench_function(BenchmarkId::new("build and order", tasks), |b| {
            b.iter(|| {
                let (graph, root) = tree(tasks);
                Order::new(&graph, &[root]).tasks.len()
            });
        });
        for (name, executor) in executors {
            for (shape, make) in [("tree", tree as fn(usize) -> _), ("chain", chain)] {
                let id = BenchmarkId::new(format!("build, order and run a {shape}, {name}"), tasks);
                group.bench_function(id, |b| {
                    b.iter(|| {
                        let (graph, root) = make(tasks);
                        let context = RunContext::new(TaskContext::default());
                        executor.submit(graph, vec![root], context).wait().expect("tasks that do nothing")
                    });
                });
            }
        }
    }
    for tasks in [10_000, 1_000_000] {
        group.throughput(Throughput::Elements(tasks as u64));
        for (name, executor) in executors {
            group.bench_function(BenchmarkId::new(format!("the same tree with a recorder, {name}"), tasks), |b| {
                b.iter(|| {
                    let (graph, root) = tree(tasks);
                    let recorder: Arc<dyn Observer> = Arc::new(Recorder::new());
                    let observers = Observers::new([recorder]);
                    let context = RunContext { observers, ..RunContext::new(TaskContext::default()) };
                    executor.submit(graph, vec![root], context).wait().expect("tasks that do nothing")
                });
            });
        }
    }
    for watched in [false, true] {
        let tasks = 100_000;
        group.throughput(Throughput::Elements(tasks as u64));
        let with = if watched { "with" } else { "without" };
        group.bench_function(
            BenchmarkId::new(format!("tasks added while others run, {with} a recorder"), tasks),
            |b| {
                b.iter(|| added(&pool, tasks, watched));
            },
        );
    }
    group.finish();
}

/// Adds so many tasks to a graph that grows, and waits for them.
fn added(pool: &Pool, tasks: usize, watched: bool) {
    let recorder = watched.then(|| Arc::new(Recorder::new()) as Arc<dyn Observer>);
    let live = pool.live(TaskContext::default(), Observers::new(recorder));
    let (name, work): (Arc<str>, LiveWork) = ("task".into(), Arc::new(|_, _| Ok(Payload::new(()))));
    let add = |i| live.add(Key::new(Token(1), i), &name, &[], work.clone(), LiveOptions::default());
    let all: Vec<_> = (0..tasks).map(add).collect();
    for task in all {
        task.wait(None).expect("tasks that do nothing");
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
