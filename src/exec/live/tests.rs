use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::base::{Error, ErrorKind, Result, Token};
use crate::exec::{Executor, Observers, Pool, Serial, TaskContext};
use crate::graph::{Key, Payload};

fn executors() -> Vec<Arc<dyn Executor>> {
    let pool = |threads| Arc::new(Pool::new(threads).unwrap()) as Arc<dyn Executor>;
    vec![Arc::new(Serial), pool(1), pool(2), pool(5)]
}

fn live(executor: &Arc<dyn Executor>) -> LiveGraph {
    executor.live(TaskContext::default(), Observers::default())
}

fn key(n: usize) -> Key {
    Key::new(Token(n as u128), 0)
}

fn add(
    graph: &LiveGraph,
    n: usize,
    needs: &[&LiveTask],
    f: impl Fn(u64) -> Result<u64> + Send + Sync + 'static,
) -> LiveTask {
    let work: LiveWork = Arc::new(move |inputs, _| {
        let sum = inputs.iter().filter_map(Payload::get::<u64>).sum();
        f(sum).map(Payload::new)
    });
    graph.add(key(n), &Arc::from("f"), needs, work, LiveOptions::default())
}

fn number(task: &LiveTask) -> u64 {
    *task.wait(None).unwrap().get::<u64>().unwrap()
}

#[test]
fn tasks_are_added_to_what_runs() {
    for executor in executors() {
        let graph = live(&executor);
        let one = add(&graph, 1, &[], |_| Ok(1));
        let two = add(&graph, 2, &[&one], |x| Ok(x + 1));
        let mut all = vec![add(&graph, 3, &[&one, &two], |x| Ok(x * 10))];
        assert_eq!(number(&all[0]), 30);
        for n in 4..1000 {
            let last = all.last().unwrap().clone();
            all.push(add(&graph, n, &[&last], |x| Ok(x + 1)));
        }
        assert_eq!((number(all.last().unwrap()), all[0].status()), (30 + 996, Status::Finished));
        drop((one, two, all));
        assert_eq!(graph.counts(), (0, 0), "{executor:?}");
    }
}

#[test]
fn equal_keys_are_one_task_for_as_long_as_it_is_there() {
    for executor in executors() {
        let graph = live(&executor);
        let runs = Arc::new(AtomicUsize::new(0));
        let call = |graph: &LiveGraph| {
            let runs = runs.clone();
            add(graph, 1, &[], move |_| Ok(runs.fetch_add(1, Ordering::SeqCst) as u64))
        };
        let (first, second) = (call(&graph), call(&graph));
        assert_eq!((number(&first), number(&second)), (0, 0));
        drop((first, second));
        assert_eq!(number(&call(&graph)), 1);
    }
}

#[test]
fn an_error_travels_unchanged_and_the_others_go_on() {
    for executor in executors() {
        let graph = live(&executor);
        let bad = add(&graph, 1, &[], |_| Err(Error::invalid("no")));
        let panics = add(&graph, 2, &[], |_| panic!("ouch"));
        let good = add(&graph, 3, &[], |_| Ok(3));
        let after = add(&graph, 4, &[&good, &bad], Ok);
        let later = add(&graph, 5, &[&after], Ok);
        let error = later.wait(None).err().unwrap();
        assert!(error.to_string().starts_with(&format!("no (task f, key {}", bad.key_text())), "{error}");
        assert_eq!((later.status(), good.wait(None).is_ok()), (Status::Error, true));
        assert!(matches!(panics.wait(None).err().unwrap().kind(), ErrorKind::Panicked { .. }));
        // what comes after the failure fails at once
        assert_eq!(add(&graph, 6, &[&later], Ok).status(), Status::Error);
        drop((bad, panics, good, after, later));
        assert_eq!(graph.counts(), (0, 0));
    }
}

#[test]
fn a_task_may_add_tasks_and_wait_for_them() {
    for executor in executors() {
        let graph = live(&executor);
        fn fib(graph: &LiveGraph, n: usize) -> LiveTask {
            let inner = graph.clone();
            add(graph, 1000 + n, &[], move |_| {
                if n < 2 {
                    return Ok(n as u64);
                }
                let (a, b) = (fib(&inner, n - 1), fib(&inner, n - 2));
                Ok(number(&a) + number(&b))
            })
        }
        assert_eq!(number(&fib(&graph, 20)), 6765);
    }
}

#[test]
fn waiting_for_oneself_is_an_error() {
    for executor in executors() {
        let graph = live(&executor);
        let (inner, slot) = (graph.clone(), Arc::new(std::sync::Mutex::new(None::<LiveTask>)));
        let seen = slot.clone();
        // a task that waits for one that needs it
        let first = add(&graph, 1, &[], move |_| {
            while seen.lock().unwrap().is_none() {
                std::thread::yield_now();
                if !inner.works_in_background() {
                    break;
                }
            }
            let after = seen.lock().unwrap().clone();
            after.map_or(Ok(0), |after| after.wait(None).map(|_| 1))
        });
        let after = add(&graph, 2, &[&first], Ok);
        *slot.lock().unwrap() = Some(after.clone());
        let error = after.wait(None).err().unwrap();
        assert!(error.to_string().contains("waits for a result that needs its own"), "{error}");
        *slot.lock().unwrap() = None;
    }
}

#[test]
fn what_nobody_wants_is_cancelled_and_freed() {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(1).unwrap());
    let graph = live(&pool);
    let gate = Arc::new(std::sync::Barrier::new(2));
    let (inside, runs) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
    let blocks = add(&graph, 1, &[], move |_| {
        inside.wait();
        Ok(1)
    });
    let counted = runs.clone();
    let dropped = add(&graph, 2, &[&blocks], move |_| Ok(counted.fetch_add(1, Ordering::SeqCst) as u64));
    let cancelled = add(&graph, 3, &[&blocks], Ok);
    let after = add(&graph, 4, &[&cancelled], Ok);
    drop(dropped);
    cancelled.cancel();
    assert_eq!(
        (cancelled.status(), after.status(), blocks.status()),
        (Status::Cancelled, Status::Cancelled, Status::Pending)
    );
    assert!(after.wait(None).err().unwrap().is_cancelled());
    let late = Instant::now() + Duration::from_millis(5);
    assert!(matches!(blocks.wait(Some(late)).err().unwrap().kind(), ErrorKind::Timeout { .. }));
    gate.wait();
    assert_eq!((number(&blocks), runs.load(Ordering::SeqCst)), (1, 0));
    graph.close();
    assert_eq!(blocks.status(), Status::Cancelled);
    assert_eq!(add(&graph, 9, &[], Ok).status(), Status::Cancelled);
    drop((blocks, cancelled, after));
    assert_eq!(graph.counts().1, 0);
}

#[test]
fn priorities_and_retries() {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(1).unwrap());
    let graph = live(&pool);
    let gate = Arc::new(std::sync::Barrier::new(2));
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let inside = gate.clone();
    let first = add(&graph, 0, &[], move |_| {
        inside.wait();
        Ok(0)
    });
    let mut tasks = Vec::new();
    for n in 1..=4usize {
        let order = order.clone();
        let work: LiveWork = Arc::new(move |_, _| {
            order.lock().unwrap().push(n);
            Ok(Payload::new(()))
        });
        let options = LiveOptions { priority: [0, 5, 0, -1][n - 1], retries: 0 };
        tasks.push(graph.add(key(n), &Arc::from("n"), &[], work, options));
    }
    gate.wait();
    tasks.iter().for_each(|t| drop(t.wait(None).unwrap()));
    assert_eq!(*order.lock().unwrap(), [2, 1, 3, 4]);
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let work: LiveWork = Arc::new(move |inputs, _| match counted.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Err(Error::invalid("not yet")),
        n => Ok(Payload::new(n as u64 + inputs[0].get::<u64>().unwrap())),
    });
    let flaky = graph.add(key(9), &Arc::from("flaky"), &[&first], work, LiveOptions { priority: 0, retries: 2 });
    drop(first);
    assert_eq!(number(&flaky), 2);
}

#[test]
fn many_threads_submit_at_once() {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(3).unwrap());
    let graph = live(&pool);
    std::thread::scope(|threads| {
        for thread in 0..16usize {
            let graph = &graph;
            threads.spawn(move || {
                for n in 0..300 {
                    let own = thread * 1000 + n;
                    let a = add(graph, 100_000 + own, &[], move |_| Ok(own as u64));
                    let shared = add(graph, n % 50, &[], move |_| Ok((n % 50) as u64));
                    let sum = add(graph, 200_000 + own, &[&a, &shared], Ok);
                    match n % 7 {
                        0 => drop(sum),
                        1 => sum.cancel(),
                        _ => {
                            drop((a, shared));
                            assert_eq!(number(&sum), (own + n % 50) as u64);
                        }
                    }
                }
            });
        }
    });
    let begun = Instant::now();
    while graph.counts() != (0, 0) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{graph:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_long_chain_is_forgotten_without_recursion() {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(1).unwrap());
    let graph = live(&pool);
    let gate = Arc::new(std::sync::Barrier::new(2));
    let inside = gate.clone();
    let mut last = add(&graph, 0, &[], move |_| {
        inside.wait();
        Ok(0)
    });
    for n in 1..50_000 {
        last = add(&graph, n, &[&last], Ok);
    }
    drop(last);
    gate.wait();
    let begun = Instant::now();
    while graph.counts() != (0, 0) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{graph:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_cancelled_task_that_still_runs_is_not_taken_for_another() {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(2).unwrap());
    let graph = live(&pool);
    let [begun, goes_on, other_begun, other_goes_on] = [(); 4].map(|()| Arc::new(std::sync::Barrier::new(2)));
    let gate = |begun: &Arc<std::sync::Barrier>, goes_on: &Arc<std::sync::Barrier>, result: u64| {
        let (begun, goes_on) = (begun.clone(), goes_on.clone());
        move |_| {
            begun.wait();
            goes_on.wait();
            Ok(result)
        }
    };
    let cancelled = add(&graph, 1, &[], gate(&begun, &goes_on, 1));
    begun.wait();
    cancelled.cancel();
    drop(cancelled);
    let other = add(&graph, 2, &[], gate(&other_begun, &other_goes_on, 2));
    other_begun.wait();
    goes_on.wait();
    let late = Instant::now() + Duration::from_millis(30);
    assert!(matches!(other.wait(Some(late)).err().unwrap().kind(), ErrorKind::Timeout { .. }));
    other_goes_on.wait();
    assert_eq!(number(&other), 2);
    drop(other);
    assert_eq!(graph.counts(), (0, 0));
}

#[test]
fn a_task_of_a_fixed_run_takes_up_nothing_that_waits_for_it() {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(1).unwrap());
    let graph = live(&pool);
    let run = Arc::new(std::sync::OnceLock::<crate::exec::Run>::new());
    let (inner, handle) = (graph.clone(), run.clone());
    let work: crate::exec::Work = Box::new(move |_, _| {
        // the first waits for the very run whose task adds it
        let first = add(&inner, 1, &[], move |_| {
            while handle.get().is_none() {
                std::thread::yield_now();
            }
            handle.get().unwrap().get(0).map(|x| *x.get::<u64>().unwrap() + 1)
        });
        let second = number(&add(&inner, 2, &[], |_| Ok(20)));
        Ok(Payload::new(second + u64::from(first.status() == Status::Pending)))
    });
    let mut tasks = crate::graph::TaskGraph::new();
    let label = crate::graph::Label { name: "outer".into(), partition: 0 };
    let task = tasks.add(key(0), label, &[], work);
    let submitted = pool.submit(tasks, vec![task], crate::exec::RunContext::new(TaskContext::default()));
    assert!(run.set(submitted).is_ok());
    let result = run.get().unwrap().get(0).unwrap();
    assert_eq!(*result.get::<u64>().unwrap(), 21);
}

#[test]
fn a_value_that_panics_when_dropped_takes_nothing_with_it() {
    struct Sour;
    impl crate::graph::Held for Sour {
        fn bytes(&self) -> u64 {
            0
        }
    }
    impl Drop for Sour {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    for executor in executors() {
        let graph = live(&executor);
        for n in 0..4 {
            let sour: LiveWork = Arc::new(|_, _| Ok(Payload::new(Sour)));
            let sour = graph.add(key(n), &Arc::from("sour"), &[], sour, LiveOptions::default());
            let after = add(&graph, 100 + n, &[&sour], |_| Ok(1));
            drop(sour);
            let _ = after.wait(None);
        }
        assert_eq!(number(&add(&graph, 1000, &[], |_| Ok(5))), 5);
        assert_eq!(graph.counts(), (0, 0));
    }
}
