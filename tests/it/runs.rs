//! How graphs run: the same on every scheduler, stopped soon, nested without deadlock, equal work once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use partita::exec::{Event, Executor, Observer, Pool, RunContext, Serial, TaskContext, Work};
use partita::graph::{Held, Key, Label, Payload, TaskGraph, TaskId};
use partita::{DataFrame, Error, ErrorKind, Scheduler, Session, Token, col, wait};
use proptest::prelude::*;

struct Number(u64);

impl Held for Number {
    fn bytes(&self) -> u64 {
        8
    }
}

fn executors() -> Vec<Arc<dyn Executor>> {
    vec![Arc::new(Serial), Arc::new(Pool::new(1).unwrap()), Arc::new(Pool::new(4).unwrap())]
}

/// A task for each list of needs: it adds up what it needs and its own number.
fn sums(needs: &[Vec<TaskId>]) -> TaskGraph<Work> {
    let mut graph = TaskGraph::new();
    for (i, needs) in needs.iter().enumerate() {
        let work: Work = Box::new(move |inputs, _| {
            let sum: u64 = inputs.iter().map(|p| p.get::<Number>().map_or(0, |n| n.0)).fold(0, u64::wrapping_add);
            Ok(Payload::new(Number(sum.wrapping_add(i as u64))))
        });
        graph.add(Key::new(Token(1), i), Label { name: "sum".into(), partition: i as u32 }, needs, work);
    }
    graph
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_graph_gives_what_a_plain_loop_gives(
        picks in proptest::collection::vec(proptest::collection::vec(any::<u32>(), 0..4), 1..120),
        window in proptest::option::of(1usize..4),
    ) {
        let needs: Vec<Vec<TaskId>> = picks
            .iter()
            .enumerate()
            .map(|(i, p)| if i == 0 { Vec::new() } else { p.iter().map(|x| x % i as u32).collect() })
            .collect();
        let mut expected: Vec<u64> = Vec::new();
        for (i, n) in needs.iter().enumerate() {
            let sum = n.iter().fold(0u64, |s, &k| s.wrapping_add(expected[k as usize]));
            expected.push(sum.wrapping_add(i as u64));
        }
        let wanted: Vec<TaskId> = (0..needs.len() as u32).step_by(3).collect();
        for executor in executors() {
            let context = RunContext { window, ..RunContext::new(TaskContext::default()) };
            let run = executor.submit(sums(&needs), wanted.clone(), context);
            let got: Vec<u64> = run.map(|p| p.unwrap().get::<Number>().unwrap().0).collect();
            let want: Vec<u64> = wanted.iter().map(|&w| expected[w as usize]).collect();
            prop_assert_eq!(got, want);
        }
    }
}

#[test]
fn the_failure_reported_is_the_first_in_order() {
    for executor in executors() {
        let mut graph = TaskGraph::new();
        let wanted: Vec<TaskId> = (0..200u32)
            .map(|i| {
                let work: Work = Box::new(move |_, _| match i {
                    20 | 150 | 180 => Err(Error::invalid(format!("task {i}"))),
                    _ => Ok(Payload::new(())),
                });
                graph.add(Key::new(Token(2), i as usize), Label { name: "t".into(), partition: i }, &[], work)
            })
            .collect();
        let run = executor.submit(graph, wanted, RunContext::new(TaskContext::default()));
        let results: Vec<_> = run.collect();
        assert_eq!(results.len(), 21);
        let error = results.into_iter().last().unwrap().unwrap_err();
        assert!(error.to_string().contains("task 20 (partition 20"), "{error}");
    }
}

fn numbers(session: &Session, partitions: i64) -> DataFrame {
    let part = |p: i64| {
        let x: ArrayRef = Arc::new(Int64Array::from_iter_values(p * 10..p * 10 + 10));
        RecordBatch::try_from_iter([("x", x)]).unwrap()
    };
    session.from_batches((0..partitions).map(part).collect::<Vec<_>>()).unwrap()
}

#[test]
fn cancellation_takes_effect_between_batches() {
    let session = Session::builder().threads(2).build().unwrap();
    let df = numbers(&session, 2000);
    let schema = df.schema().clone();
    let slow = df
        .map_partitions(
            |batch| {
                std::thread::sleep(Duration::from_millis(5));
                Ok(batch)
            },
            schema,
        )
        .unwrap();
    let cancel = session.cancel_token().clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        cancel.cancel();
        Instant::now()
    });
    let error = slow.compute().unwrap_err();
    let took = stopper.join().unwrap().elapsed();
    assert!(error.is_cancelled(), "{error}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_task_may_compute() {
    for scheduler in [Scheduler::Synchronous, Scheduler::Threads(1), Scheduler::Threads(2)] {
        let session = Session::builder().scheduler(scheduler).build().unwrap();
        let df = numbers(&session, 8);
        let inner = df.with_column("x", col("x") + 1).unwrap();
        let schema = df.schema().clone();
        let nested = df
            .map_partitions(
                move |batch| {
                    let most = inner.persist()?.max()?.compute()?.value("x", 0)?.as_i64();
                    assert_eq!(most, Some(80));
                    Ok(batch)
                },
                schema,
            )
            .unwrap();
        assert_eq!(nested.compute().unwrap().num_rows(), 80);
    }
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Observer for Counter {
    fn notice(&self, event: &Event<'_>) {
        if let Event::TaskFinished { .. } = event {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn equal_work_is_persisted_once() {
    let seen = Arc::new(Counter::default());
    let session = Session::builder().threads(2).observer(seen.clone()).build().unwrap();
    let df = numbers(&session, 5);
    let twice = || df.with_column("y", col("x") * 2).unwrap().persist().unwrap();
    let (a, b) = (twice(), twice());
    wait(&a).unwrap();
    wait(&b).unwrap();
    assert_eq!(a.token(), b.token());
    assert_eq!(seen.0.load(Ordering::Relaxed), 5);
    assert_eq!(a.max().unwrap().compute().unwrap().value("y", 0).unwrap().as_i64(), Some(98));
}

#[test]
fn what_is_persisted_is_not_computed_for_its_length() {
    let session = Session::builder().threads(2).build().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let df = numbers(&session, 5);
    let counted = move |batch: RecordBatch| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(batch)
    };
    let held = df.map_partitions(counted, df.schema().clone()).unwrap().persist().unwrap();
    wait(&held).unwrap();
    let once = calls.load(Ordering::Relaxed);
    assert_eq!((held.len().unwrap(), held.compute().unwrap().num_rows()), (50, 50));
    assert!(once > 0 && calls.load(Ordering::Relaxed) == once);
}

#[test]
fn an_iterator_that_is_dropped_stops_the_work() {
    let seen = Arc::new(Counter::default());
    let session = Session::builder().threads(2).observer(seen.clone()).build().unwrap();
    let df = numbers(&session, 5000).with_column("y", col("x") * 2).unwrap();
    let first: Vec<_> = df.batches().unwrap().take(3).collect::<Result<_, _>>().unwrap();
    assert_eq!(first.len(), 3);
    assert!(seen.0.load(Ordering::Relaxed) < 100);
    drop(first);
    let error = df.filter(col("y").gt("x")).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TypeMismatch { .. }));
}

#[test]
fn a_task_may_use_parallel_iterators_while_others_wait_for_it() {
    use rayon::prelude::*;
    let session = Session::builder().threads(2).build().unwrap();
    for _ in 0..40 {
        let df = numbers(&session, 6);
        let busy = |batch: RecordBatch| {
            let sum: u64 = (0..20_000u64).into_par_iter().map(|x| x ^ (x >> 3)).sum();
            assert!(sum > 0);
            Ok(batch)
        };
        let held = df.map_partitions(busy, df.schema().clone()).unwrap().persist().unwrap();
        let twice = held.map_partitions(busy, df.schema().clone()).unwrap();
        assert_eq!(twice.count().unwrap().compute().unwrap().num_rows(), 1);
    }
}

#[test]
fn what_failed_is_computed_anew() {
    let session = Session::builder().threads(2).build().unwrap();
    let luck = Arc::new(AtomicUsize::new(0));
    let tries = luck.clone();
    let df = numbers(&session, 2);
    let flaky = df
        .map_partitions(
            move |batch| match tries.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Error::invalid("not yet")),
                _ => Ok(batch),
            },
            df.schema().clone(),
        )
        .unwrap();
    let first = flaky.persist().unwrap();
    assert!(wait(&first).is_err());
    let second = flaky.persist().unwrap();
    wait(&second).unwrap();
    assert!(luck.load(Ordering::Relaxed) >= 2);
}

struct Panics;

impl Observer for Panics {
    fn notice(&self, _: &Event<'_>) {
        panic!("an observer's own trouble");
    }
}

#[test]
fn an_observer_that_panics_does_no_harm() {
    let session = Session::builder().threads(2).observer(Arc::new(Panics)).build().unwrap();
    assert_eq!(numbers(&session, 4).compute().unwrap().num_rows(), 40);
}
