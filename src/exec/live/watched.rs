//! What observers are told of a graph that grows: each task once when it is added, and once when it has ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::base::{Error, Token};
use crate::exec::{Event, Executor, Observer, Observers, Pool, TaskContext};
use crate::graph::{Key, Payload};

/// Counts what is told, and finds fault with what is told in the wrong order.
#[derive(Default)]
struct Strict(Mutex<Told>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    added: usize,
    started: usize,
    attempts: usize,
    ended: usize,
    dropped: usize,
    /// How many tasks of a key are added and have not ended. A key can be added again before it is told that one is dropped.
    open: HashMap<Key, i64>,
    over: bool,
    faults: Vec<String>,
}

impl Strict {
    fn told(&self) -> Told {
        let mut told = self.0.lock().unwrap().clone();
        told.open.retain(|_, open| *open != 0);
        told
    }

    /// Added, ended, dropped.
    fn counts(&self) -> (usize, usize, usize) {
        let told = self.told();
        assert!(told.faults.is_empty(), "{:?}", told.faults);
        (told.added, told.ended, told.dropped)
    }
}

impl Observer for Strict {
    fn notice(&self, event: &Event<'_>) {
        let told = &mut *self.0.lock().unwrap();
        match event {
            Event::TaskAdded { key, .. } => {
                told.added += 1;
                *told.open.entry(*key).or_default() += 1;
            }
            Event::TaskStarted { key, .. } => {
                told.started += 1;
                if !told.open.contains_key(key) {
                    told.faults.push(format!("{key} started and was never added"));
                }
            }
            Event::TaskFinished { last: false, .. } => told.attempts += 1,
            Event::TaskFinished { key, .. } | Event::TaskDropped { key, .. } => {
                let ran = matches!(event, Event::TaskFinished { .. });
                *(if ran { &mut told.ended } else { &mut told.dropped }) += 1;
                let open = told.open.entry(*key).or_default();
                *open -= 1;
                if *open < 0 {
                    told.faults.push(format!("{key} ended and was not added"));
                }
            }
            Event::RunFinished { .. } => told.over = true,
            _ => {}
        }
        if told.over && !matches!(event, Event::RunFinished { .. } | Event::TaskFinished { last: false, .. }) {
            told.faults.push(format!("after the end: {event:?}"));
        }
    }
}

struct World {
    graph: LiveGraph,
    observers: Observers,
    strict: Arc<Strict>,
}

fn world(threads: usize) -> World {
    let pool: Arc<dyn Executor> = Arc::new(Pool::new(threads).unwrap());
    let strict = Arc::new(Strict::default());
    let observers = Observers::new([strict.clone() as Arc<dyn Observer>]);
    World { graph: pool.live(TaskContext::default(), observers.clone()), observers, strict }
}

fn key(n: usize) -> Key {
    Key::new(Token(n as u128), 0)
}

fn add(
    graph: &LiveGraph,
    n: usize,
    needs: &[&LiveTask],
    retries: u32,
    work: impl Fn() -> Result<(), Error> + Send + Sync + 'static,
) -> LiveTask {
    let work: LiveWork = Arc::new(move |_, _| work().map(|()| Payload::new(())));
    graph.add(key(n), &Arc::from("f"), needs, work, LiveOptions { priority: 0, retries })
}

fn soon(mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn what_a_failure_takes_with_it_is_told() {
    let World { graph, strict, .. } = world(2);
    let gate = Arc::new(Barrier::new(2));
    let inside = gate.clone();
    let bad = add(&graph, 0, &[], 0, move || {
        inside.wait();
        Err(Error::invalid("no"))
    });
    let all: Vec<LiveTask> = (1..=9).map(|n| add(&graph, n, &[&bad], 0, || Ok(()))).collect();
    let after = add(&graph, 10, &[&all[0], &all[1]], 0, || Ok(()));
    gate.wait();
    assert!(after.wait(None).is_err());
    soon(|| strict.counts() == (11, 1, 10));
    let late = add(&graph, 11, &[&bad], 0, || Ok(()));
    assert_eq!((late.status(), strict.counts()), (Status::Error, (11, 1, 10)), "it has never been open");
    assert_eq!(strict.told().open.len(), 0);
}

#[test]
fn what_is_cancelled_or_dropped_is_told_also_while_it_runs() {
    let World { graph, strict, .. } = world(1);
    let gate = Arc::new(Barrier::new(2));
    let inside = gate.clone();
    let wait = move || {
        inside.wait();
        inside.wait();
        Ok(())
    };
    let runs = add(&graph, 0, &[], 0, wait);
    gate.wait();
    let cancelled = add(&graph, 1, &[], 0, || Ok(()));
    let dropped = add(&graph, 2, &[], 0, || Ok(()));
    cancelled.cancel();
    drop(dropped);
    assert_eq!(strict.counts(), (3, 0, 2));
    runs.cancel();
    assert_eq!(strict.counts(), (3, 0, 3));
    // the same call once more, while the cancelled one goes on
    let again = add(&graph, 0, &[], 0, || Ok(()));
    gate.wait();
    again.wait(None).map(drop).unwrap();
    assert_eq!((strict.counts(), strict.told().attempts), ((4, 1, 3), 1));
    let open = add(&graph, 7, &[], 0, move || {
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    });
    graph.close();
    drop((runs, cancelled, again, open, graph));
    soon(|| strict.told().over && strict.told().open.is_empty());
    strict.counts();
}

#[test]
fn what_is_tried_again_ends_once() {
    let World { graph, strict, .. } = world(2);
    let tries = Arc::new(AtomicUsize::new(0));
    let flaky = add(&graph, 0, &[], 3, move || match tries.fetch_add(1, Ordering::SeqCst) {
        3 => Ok(()),
        _ => Err(Error::invalid("not yet")),
    });
    flaky.wait(None).map(drop).unwrap();
    let never = add(&graph, 1, &[], 2, || Err(Error::invalid("never")));
    assert!(never.wait(None).is_err());
    assert_eq!((strict.counts(), strict.told().attempts, strict.told().started), ((2, 2, 0), 5, 7));
}

#[test]
fn equal_calls_from_many_threads_are_one_task() {
    let World { graph, strict, .. } = world(2);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let tasks: Vec<LiveTask> = (0..1000).map(|n| add(&graph, n, &[], 0, || Ok(()))).collect();
                tasks.iter().for_each(|task| task.wait(None).map(drop).unwrap());
                // some hold theirs while others begin
                std::thread::sleep(Duration::from_millis(2));
            });
        }
    });
    drop(graph);
    soon(|| strict.told().over);
    let (added, ended, dropped) = strict.counts();
    assert_eq!((added, dropped), (ended, 0));
}

#[test]
fn who_comes_late_is_told_what_has_not_ended() {
    let World { graph, observers, strict } = world(1);
    let gate = Arc::new(Barrier::new(2));
    let inside = gate.clone();
    let done = add(&graph, 100, &[], 0, || Ok(()));
    done.wait(None).map(drop).unwrap();
    let first = add(&graph, 0, &[], 0, move || {
        inside.wait();
        inside.wait();
        Ok(())
    });
    let rest: Vec<LiveTask> = (1..=20).map(|n| add(&graph, n, &[&first], 0, || Ok(()))).collect();
    gate.wait();
    let late = Arc::new(Strict::default());
    observers.add(late.clone());
    let more = add(&graph, 50, &[&rest[0]], 0, || Ok(()));
    assert_eq!((late.counts(), strict.counts()), ((22, 0, 0), (23, 1, 0)));
    gate.wait();
    rest.iter().chain([&more]).for_each(|task| task.wait(None).map(drop).unwrap());
    assert_eq!((late.counts(), strict.counts()), ((22, 22, 0), (23, 23, 0)));
}

#[test]
fn whatever_threads_do_each_task_is_told_of_once_and_ends_once() {
    let World { graph, observers, strict } = world(3);
    let late = Arc::new(Strict::default());
    std::thread::scope(|threads| {
        for thread in 0..4usize {
            let (graph, observers, late) = (&graph, &observers, &late);
            threads.spawn(move || {
                let mut held: Vec<LiveTask> = Vec::new();
                for n in 0..2000usize {
                    let dice = n.wrapping_mul(0x9e37_79b9).wrapping_add(thread) >> 3;
                    let needs: Vec<LiveTask> = held.iter().rev().take(dice % 3).cloned().collect();
                    let needs: Vec<&LiveTask> = needs.iter().collect();
                    let fails = dice % 11 == 0;
                    let work = move || if fails { Err(Error::invalid("no")) } else { Ok(()) };
                    // keys are shared between threads, and come again
                    held.push(add(graph, n % 97 + 1000 * (dice % 2) * thread, &needs, (dice % 2) as u32, work));
                    match dice % 7 {
                        0 => held[dice % held.len()].cancel(),
                        1 => drop(held.swap_remove(dice % held.len())),
                        2 => drop(held[dice % held.len()].wait(None)),
                        3 if held.len() > 50 => held.clear(),
                        _ => {}
                    }
                    if (thread, n) == (0, 700) {
                        observers.add(late.clone());
                    }
                }
            });
        }
    });
    soon(|| graph.counts() == (0, 0));
    graph.close();
    for observer in [&strict, &late] {
        soon(|| observer.told().open.is_empty());
        let (added, ended, dropped) = observer.counts();
        assert_eq!(added, ended + dropped);
        assert!(ended > 100 && dropped > 100, "{added} {ended} {dropped}");
    }
}
